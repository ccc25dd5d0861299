"""Rules stand around every operation on records: who has some finds and writes what they allow.

A read runs over the rows that the caller sees, as if there were no others. A write finds those that
may be written, and what it made must be one of them, or all is rolled back. So what is hidden is
absent, and what may only be read is refused.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

from cachetools import LRUCache, cached

from flexdb.access.rules import Heed, Rules
from flexdb.context import Context
from flexdb.contract.operation import CHANGES, CREATES, READS, Loaded, Operation, guard
from flexdb.errors import AlreadyExists, FlexdbError, InUse, NotFound, PermissionDenied
from flexdb.operations import nodes
from flexdb.operations.statements import step
from flexdb.plan import Plan, Result, Row, Steps, Walk, as_steps
from flexdb.query.rules import Sights, sights_of
from flexdb.sql.sights import Sight, seen

# How much a worker remembers of what callers see, in bytes of SQL.
_MOST_BYTES = 16 * 1024 * 1024
# What shows whether one that may not be written may be read.
_READS = {"nodes": "get_node", "relationships": "get_relationship"}


@guard(lambda declared: declared.rules is Heed.HELD)
def held(declared: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Return the plan for a caller with rules; for others it stays what it is."""
    if (rules := context.caller.rules) is None:
        return plan
    if declared.effect is READS:
        sights = _sights(rules)
        return _over(sights.read, sights, plan)
    return Steps(declared.name, partial(_write, declared, context, params, plan, rules), plan.long)


@cached(LRUCache(_MOST_BYTES, lambda sights: sights.weight), lock=Lock())
def _sights(rules: Rules) -> Sights:
    return sights_of(rules, nodes.MEMBERS)


def _write(declared: Operation, context: Context, params: Loaded, plan: Plan, rules: Rules) -> Walk:
    sights = _sights(rules)
    # What is there already is changed, and they know themselves what they wrote.
    upserts = declared.kind == "upserts"
    creates = declared.effect is CREATES and not upserts
    items: list[Loaded] = params.get(declared.gives.wrapper) or params.get("nodes") or [params]
    if (creates or upserts) and not all(sights.may_write(item["node_type_id"]) for item in items
                                            if "node_type_id" in item):
        raise _denied(rules)
    if declared.kind == "relationships" and not creates:
        # Who waits for it finds it as it is then, and its nodes as they were before: so it is
        # waited for first, and a further statement sees both.
        yield _over(sights.write, sights, step(context, "lock_relationship", params))
    try:
        result: Result = yield as_steps(
            _over(sights.read if creates else sights.write, sights, plan))
    except AlreadyExists as error:
        # The other may be one that the caller does not see.
        for name in ("id", "clashes"):
            error.data.pop(name, None)
        raise
    except NotFound:
        asked = None if creates else _READS.get(declared.kind)
        if asked and (yield _over(sights.read, sights, step(context, asked, params))):
            raise _denied(rules) from None
        raise
    except InUse:
        # What keeps the node may be hidden.
        raise InUse() from None
    if not upserts and (ids := _written(declared, items)):
        known = {"tenant_id": params["tenant_id"], "ids": sorted(ids)}
        missing, = yield _over(sights.write, sights, step(context, "get_missing_nodes", known))
        if missing:
            raise _denied(rules)
    return result


def hold_written(context: Context, tenant_id: str, ids: list[str]) -> Generator[Plan, Any, None]:
    """Refuse to have written what may not be so, in steps that alone know what they wrote.

    :raises PermissionDenied: when one of the nodes is none that the caller may write
    """
    if (rules := context.caller.rules) is None or not ids:
        return
    # Like every step of a write it runs over what may be written.
    missing, = yield step(context, "get_missing_nodes", {"tenant_id": tenant_id, "ids": ids})
    if missing:
        raise _denied(rules)


def _written(declared: Operation, items: list[Loaded]) -> set[str]:
    """Return the ids of the nodes that must be such as may be written, when all is done.

    A relationship is part of the node that it starts from.
    """
    if declared.effect is CREATES:
        return {item.get("source_node_id") or item["id"] for item in items}
    # The ends of a relationship never change.
    return {item["id"] for item in items if declared.effect is CHANGES and declared.kind == "nodes"}


def _denied(rules: Rules) -> PermissionDenied:
    return PermissionDenied(f"the role {rules.role} does not let the caller write that")


def _over(sight: Sight | None, sights: Sights, plan: Plan) -> Plan:
    """Return a plan whose statements run over the rows of a sight; None stands for all rows."""
    if sight is None:
        return plan
    if isinstance(plan, Steps):
        return Steps(plan.name, partial(_walk, sight, sights, plan), plan.long)

    statement = plan

    def read(row: Row | None) -> Result | Steps:
        found = statement.read(row)
        if not isinstance(found, Steps):
            return found
        return Steps(found.name, partial(_walk, sight, sights, found), found.long)

    return replace(plan, query=seen(plan.query, sight),
                   arguments={**plan.arguments, **sights.arguments}, read=read, short=False)


def _walk(sight: Sight, sights: Sights, plan: Steps) -> Walk:
    """Take steps, and what each of them asks for over the rows of a sight."""
    walk = plan.start()
    answer: Any = None
    try:
        while True:
            asked = walk.throw(answer) if isinstance(answer, FlexdbError) else walk.send(answer)
            try:
                answer = yield _over(sight, sights, asked)
            except FlexdbError as error:
                answer = error
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
