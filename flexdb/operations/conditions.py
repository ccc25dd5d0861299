"""Conditions of changes: ``only_if`` is judged under the lock of the row that is to be changed.

What waits for another's change is judged by what that one left, and nothing comes between the
judgement and the change. A change without it takes no further statement.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flexdb.context import Context
from flexdb.contract.operation import DELETES, Loaded, Operation, guard
from flexdb.errors import ConditionFailed
from flexdb.operations import nodes, relationships
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk, as_steps
from flexdb.query.filters import condition
from flexdb.query.paths import Members
from flexdb.sql.loader import filled


class _Judged(NamedTuple):
    members: Members
    alias: str
    statement: str
    doomed: str


_KINDS = {
    "nodes": _Judged(nodes.MEMBERS, "n", "get_fit_of_node", "get_fit_of_doomed_node"),
    "relationships": _Judged(relationships.MEMBERS, "r", "get_fit_of_relationship",
                             "get_fit_of_relationship")}


@guard(lambda declared: "only_if" in declared.fields)
def heed_condition(declared: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Return a plan that is followed only where the row fits ``only_if``, if that is given."""
    if "only_if" not in params:
        return plan
    kind = _KINDS[declared.kind]
    sql, arguments = condition(params["only_if"], kind.members, kind.alias, name="only_if")
    query = filled(kind.doomed if declared.effect is DELETES else kind.statement,
                   context.json_fields, sql)
    key = {"tenant_id": params["tenant_id"], "id": params["id"]}
    return Steps(plan.name, partial(_judge, Statement(query, arguments | key), plan),
                 plan.long)


def _judge(judgement: Statement, plan: Plan) -> Walk:
    row: Row | None = yield judgement
    # Of what is not there, the plan says so.
    if row is not None and not row[0]:
        raise ConditionFailed(row[1])
    result: Result = yield as_steps(plan)
    return result

