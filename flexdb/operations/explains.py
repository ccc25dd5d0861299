"""Explanations stand around lists: who asks for one is told beside the page how it was found."""

from __future__ import annotations

from functools import partial

import orjson

from flexdb.context import Context
from flexdb.contract.operation import Loaded, Operation, guard
from flexdb.errors import InvalidParams
from flexdb.plan import Plan, Result, Statement, Steps, Walk
from flexdb.query.explains import explaining, explanation

_MOST_CHARACTERS = 100_000


@guard(lambda declared: "explain" in declared.fields)
def explained(declared: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Return a plan that also tells how it finds its rows, if that is asked for."""
    if not params.get("explain"):
        return plan
    if not isinstance(plan, Statement):
        raise TypeError(f"{plan.name} is not one statement, whose plan could be told")
    # PostgreSQL writes every value out, and several times.
    if sum(len(str(value)) for value in plan.arguments.values()) > _MOST_CHARACTERS:
        raise InvalidParams(fields={"explain": [
            f"may be asked for where all values together have at most {_MOST_CHARACTERS:,} "
            "characters: take shorter ones, which are found in the same way"]})
    return Steps(plan.name, partial(_explain, declared, params, plan), plan.long)


def _explain(declared: Operation, params: Loaded, plan: Statement) -> Walk:
    outcome = plan.read((yield plan))
    while isinstance(outcome, Steps) and outcome.only:
        plan = outcome.only
        outcome = plan.read((yield plan))
    result: Result = (yield outcome) if isinstance(outcome, Steps) else outcome
    (found,) = yield Statement(explaining(plan.query), plan.arguments)
    schema = declared.gives.schema
    told = explanation(found, declared.name, schema().fields if schema else {},
                       counts=params.get("count") != "none",
                       declared=plan.arguments.get("index_member", ""))
    return result._replace(text=b'%b,"explain":%b}' % (result.text[:-1], orjson.dumps(told)))
