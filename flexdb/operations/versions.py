"""Versions: what a node or a relationship was, at a version or at a time."""

from __future__ import annotations

from functools import partial

from flexdb.context import Context
from flexdb.contract.fields import Integer, Time
from flexdb.contract.operation import Loaded
from flexdb.errors import InvalidParams, NotFound, PermissionDenied
from flexdb.plan import Result, Row, Statement
from flexdb.sql.loader import STATEMENTS

# One more is a bigint too.
MOST_VERSION = 2**63 - 2
AT_VERSION = partial(Integer, "As it was at this version.", least=1, most=MOST_VERSION,
                     example=1)
AS_OF = partial(Time, "As it was at this time.", example="2026-01-01T12:00:00.000000+00:00")
MOMENT = ("version", "as_of")


def state_then(context: Context, name: str, params: Loaded, thing: str) -> Statement:
    """Return the statement that gives what an object was at ``version`` or ``as_of``.

    :param name: the statement's name
    :param thing: ``node`` or ``relationship``
    :raises InvalidParams: when both are given
    :raises PermissionDenied: to who has rules: what was is not held against them
    """
    if len(params.keys() & {*MOMENT}) > 1:
        raise InvalidParams(fields={"as_of": ["may not stand beside version"]})
    if rules := context.caller.rules:
        raise PermissionDenied(f"the role {rules.role} lets the caller see records as they are, "
                               "and not as they were")

    def read(row: Row | None) -> Result:
        text, version, is_known, is_older = row or (None,) * 4
        if text is not None:
            return Result(b'{"%b":%b}' % (thing.encode(), text), version=version, id=params["id"])
        if not is_known:
            raise NotFound.of("id", thing)
        asked = "version" if "version" in params else "as_of"
        wrong = ("names a state that is not kept" if is_older else
                 "names a state that it was not in")
        raise NotFound(f"there is no such state of the {thing}", {asked: [wrong]})

    return Statement(STATEMENTS[context.json_fields][name], dict.fromkeys(MOMENT) | params, read)
