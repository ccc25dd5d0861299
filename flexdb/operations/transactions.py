"""Several calls as one: all or nothing, where a later one may name what an earlier one made."""

from __future__ import annotations

import re
from collections.abc import Generator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import orjson
from marshmallow import INCLUDE, Schema, ValidationError
from msgspec import Raw

from flexdb.config import Settings
from flexdb.plan import LookAgain, Plan, Result, RollBack, Row, Statement, Steps
from flexdb.errors import FlexdbError, InvalidParams
from flexdb.contract.fields import Boolean, FromText, Id, Text
from flexdb.contract.json_fields import DataParams
from flexdb.contract.objects import Objects
from flexdb.contract.operation import OPERATIONS, Call, Loaded, operation
from flexdb.contract.params import Params

MOST_CALLS = 1000
_NAME = re.compile(r"\A[A-Za-z_][A-Za-z0-9_]*\Z")
_REFERENCE = re.compile(r"\A\$([A-Za-z_][A-Za-z0-9_]*)\.([a-z_]+)\Z")
Given = dict[str, dict[str, Any]]


class Method(Text):
    """The name of an operation, other than a transaction."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if name == "transaction":
            raise ValidationError("may not be a transaction in a transaction")
        if name not in OPERATIONS:
            near = get_close_matches(name[:64], OPERATIONS, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise ValidationError(f"names no method{hint}")
        return name


class Name(Text):
    """A name of letters, digits and underscores."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not _NAME.match(name):
            raise ValidationError("must be letters, digits and underscores, no digit first")
        return name


class Arguments(FromText):
    """The parameters of another operation, by name or by position, as text."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bytes:
        text = bytes(value) if isinstance(value, Raw) else b""
        if not text.startswith((b"{", b"[")):
            raise ValidationError("must be an object or an array")
        return text


class TransactionCall(Params):
    method = Method("The operation.", required=True, example="list_tenants")
    params = Arguments("Its parameters; an id in them may be `$name.id`, where `name` is that of "
                       "an earlier call and `id` a member of what it gave.", load_default=b"{}",
                       example={})
    name = Name("The name under which later calls refer to what it gives.", data_key="as",
                length=64, load_default=None, example="task")


class Transaction(DataParams):
    calls = Objects("The calls, 1 to 1,000; they run in this order.", TransactionCall, MOST_CALLS,
                    required=True, example=[{"method": "list_tenants"}])
    dry_run = Boolean("Whether to give the results and change nothing.", load_default=False)


class CallResult(Schema):
    """What one of the calls gives, as it would alone."""

    class Meta:
        unknown = INCLUDE


@operation(Transaction, returns=CallResult, wrapper="results")
def transaction(params: Loaded) -> Steps:
    """Run up to 1,000 calls as one: all or nothing.

    In a later call, `$name.id` in the place of an id is the id of what the call with `"as": "name"`
    gave.
    """
    calls, settings = params["calls"], params["settings"]
    named: set[str] = set()
    for place, call in enumerate(calls):
        if call["name"] in named:
            raise _at(place, "as", "is the name of an earlier call")
        named |= {call["name"]} - {None}

    def steps() -> Generator[Statement, Row | None, Result]:
        results: list[bytes] = []
        objects: Given = {}
        for place, call in enumerate(calls):
            ready = _ready(call["method"], settings)
            try:
                given = _resolved(orjson.loads(call["params"]), ready, objects)
                text = (yield from _run(ready.plan(given, lambda: call["params"]))).text
            except FlexdbError as error:
                raise _of_call(error, place, call["method"])
            results.append(text)
            if call["name"]:
                made = orjson.loads(text).get(ready.operation.wrapper)
                objects[call["name"]] = made if isinstance(made, dict) else {}
        result = Result(b'{"results":[%b]}' % b",".join(results), created=False)
        if params["dry_run"]:
            raise RollBack(result)
        return result

    return Steps("transaction", steps)


@lru_cache(maxsize=256)
def _ready(name: str, settings: Settings) -> Call:
    return Call(OPERATIONS[name], settings)


def _run(plan: Plan) -> Generator[Statement, Row | None, Result]:
    while True:
        try:
            if isinstance(plan, Steps):
                return (yield from plan.start())
            return plan.read((yield plan))
        except LookAgain as stale:
            plan = stale.steps


def _resolved(given: Any, ready: Call, objects: Given) -> Any:
    """Put what references mean in their place: whole values of parameters that are ids.

    :param given: parameters by name or by position
    :raises InvalidParams: when one names nothing
    """
    by_position = isinstance(given, list)
    values = dict(zip(ready.names, given)) if by_position else given
    found, wrong = {}, {}
    for name, value in values.items():
        if (isinstance(value, str) and value.startswith("$")
                and isinstance(ready.schema.fields.get(name), Id)):
            reference = _REFERENCE.match(value)
            if reference is None:
                wrong[name] = ["is no reference: write $name.member"]
            elif reference[1] not in objects:
                wrong[name] = [f"refers to {reference[1][:64]}, which is no earlier call's name"]
            elif reference[2] not in objects[reference[1]]:
                wrong[name] = [f"refers to a member {reference[2][:64]}, which "
                               f"{reference[1][:64]} has not"]
            else:
                found[name] = objects[reference[1]][reference[2]]
    if wrong:
        told = "; ".join(f"{name} {message}" for name, (message,) in wrong.items())
        raise InvalidParams(f"invalid parameters: {told}", wrong)
    if by_position:
        return [found.get(name, value) for name, value in zip(ready.names, given)
                ] + given[len(ready.names):]
    return values | found


def _at(place: int, member: str, wrong: str) -> InvalidParams:
    name = f"calls.{place}.{member}"
    return InvalidParams(f"invalid parameters: {name} {wrong}", {name: [wrong]})


def _of_call(error: FlexdbError, place: int, method: str) -> FlexdbError:
    """Say of an error which call it is about."""
    error.args = (f"calls.{place} ({method}): {error}",)
    error.data["index"] = place
    if fields := error.data.get("fields"):
        error.data["fields"] = {f"calls.{place}.params.{name}": messages
                                for name, messages in fields.items()}
    return error
