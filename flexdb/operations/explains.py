"""Explanations stand around lists: who asks for one is told beside the page how it was found."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from flexdb.context import Context
from flexdb.contract.fields import Json
from flexdb.contract.operation import Loaded, Operation, guard
from flexdb.errors import DeadlineExceeded, InvalidParams
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
    told: Json = {}
    try:
        while True:
            # First, so that it is known where the list itself takes too long.
            (found,) = yield Statement(explaining(plan.query), plan.arguments)
            told = _read(declared, params, plan, found)
            outcome = plan.read((yield plan))
            if not (isinstance(outcome, Steps) and outcome.only):
                break
            plan = outcome.only
        result: Result = (yield outcome) if isinstance(outcome, Steps) else outcome
    except DeadlineExceeded as error:
        raise DeadlineExceeded(str(error), explain=told) from None
    return result._replace(text=b'%b,"explain":%b}' % (result.text[:-1], orjson.dumps(told)))


def _read(declared: Operation, params: Loaded, plan: Statement, found: Any) -> Json:
    schema = declared.gives.schema
    return explanation(found, declared.name, schema().fields if schema else {},
                       counts=params.get("count") != "none",
                       declared=plan.arguments.get("index_member", ""))
