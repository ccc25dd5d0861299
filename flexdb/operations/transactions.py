"""Several calls as one: all or nothing, where a later one may name what an earlier one made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import partial
from io import BytesIO
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError
from msgspec import Raw

from flexdb.access.callers import ANYONE, Access, Caller
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.callers import check_caller
from flexdb.contract.fields import Boolean, Json, JsonForm, Text
from flexdb.contract.gives import many
from flexdb.contract.json_fields import FromText
from flexdb.contract.locks import lock_of, table_of
from flexdb.contract.named_objects import WORD, WORD_LENGTH
from flexdb.contract.objects import Objects
from flexdb.contract.operation import CALLS, CHANGES, OPERATIONS, Loaded, Operation, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.errors import (
    AnswerTooLarge,
    FlexdbError,
    InvalidParams,
    NotFound,
    PermissionDenied,
)
from flexdb.operations.given import Given
from flexdb.operations.references import resolve
from flexdb.plan import Budget, Lock, Result, Steps, Walk, as_steps
from flexdb.sql.locks import lock_statements

MOST_CALLS = 1000
_NAME = re.compile(rf"\A{WORD}\Z")


class Method(Text):
    """The name of an operation that may be called in a transaction."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if name in OPERATIONS and OPERATIONS[name].alone:
            raise ValidationError(f"may not be {name} in a transaction: call it alone")
        if name not in OPERATIONS:
            near = get_close_matches(name[:64], OPERATIONS, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise ValidationError(f"names no method{hint}")
        return name

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "string",
                "enum": [name for name, called in OPERATIONS.items() if not called.alone]}


class Name(Text):
    """A name of letters, digits and underscores."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not _NAME.match(name):
            raise ValidationError("must be letters, digits and underscores, no digit first")
        return name

    def _pattern(self) -> str:
        return WORD


class Arguments(FromText):
    """The parameters of another operation, by name or by position, as text."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bytes:
        text = bytes(value) if isinstance(value, Raw) else b""
        if not text.startswith((b"{", b"[")):
            raise ValidationError("must be an object or an array")
        return text

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "object", "additionalProperties": True}

    def _default(self) -> Any:
        return json_text.parse(self.load_default)


class TransactionCall(Params):
    method = Method("The operation.", required=True, example="list_tenants")
    params = Arguments("Its parameters; instead of an object by name, an array by position is "
                       "taken too. An id in them may be `$name.id`, where `name` is that of an "
                       "earlier call and `id` a path in what it gave.", load_default=b"{}",
                       example={})
    name = Name("The name under which later calls refer to what it gives.", data_key="as",
                length=WORD_LENGTH, load_default=None, example="task")


class Transaction(Params):
    calls = Objects("The calls, 1 to 1,000; they run in this order.", TransactionCall, MOST_CALLS,
                    required=True, example=[{"method": "list_tenants"}])
    dry_run = Boolean("Whether to give the results and change nothing.", load_default=False)
    refs = Boolean('Whether `{"$result": "task.id"}` stands for a member of what an earlier call '
                   'gave, and `{"$literal": …}` for what is in it, anywhere in parameters.',
                   load_default=False)


class CallResult(Schema):
    """What one of the calls gives, as it would alone."""

    class Meta:
        unknown = INCLUDE


@operation(Transaction, gives=many(CallResult, "results"),
           effect=CHANGES, of=CALLS, access=Access.ANY, rules=Heed.FREE, alone=True)
def transaction(context: Context, params: Loaded) -> Steps:
    """Run up to 1,000 calls as one: all or nothing.

    In a later call, `$name.id` in the place of an id is the id of what the call with `"as": "name"`
    gave; in a list of ids and in the items to create too. With `refs`, `{"$result": "name.id"}`
    stands for it anywhere, as in `data` and in filters.
    """
    calls = params["calls"]
    named: set[str] = set()
    for place, call in enumerate(calls):
        if call["name"] in named:
            raise InvalidParams(fields={f"calls.{place}.as": ["is the name of an earlier call"]})
        named |= {call["name"]} - {None}
        called = OPERATIONS[call["method"]]
        try:
            if context.caller is not ANYONE:
                check_caller(called, _ids(called, call["params"]), context.caller)
        except (NotFound, PermissionDenied) as error:
            _name_call(error, place, called.name)
            raise

    def steps() -> Walk:
        # Grown in place, so that a large answer is there once.
        results = BytesIO()
        results.write(b'{"results":[')
        given = Given(context, params["refs"])
        rows, secret = 0, False
        done: set[str | None] = set()
        budget = Budget(context.limits.max_answer_bytes)
        for statement in lock_statements(
                _locks(calls, context.caller) if len(calls) > 1 else ()):
            yield statement
        for place, call in enumerate(calls):
            called = OPERATIONS[call["method"]]
            try:
                by_name, text = resolve(call["params"], called, given)
                result = yield as_steps(called.plan(context, by_name, partial(bytes, text)))
                if not budget.take(len(result.text)):
                    raise AnswerTooLarge()
            except FlexdbError as error:
                # The error knows this frame, and may be known for a while.
                results.close()
                if isinstance(error, NotFound) and error.within:
                    if error.within[0] in done:
                        # A tenant that was made here was there, and will be gone with all else.
                        error.within = None
                    else:
                        _name_call(error.within[1], place, called.name)
                _name_call(error, place, called.name)
                raise
            done.add(result.id)
            rows += result.rows
            secret = secret or result.secret
            results.write(b"," if place else b"")
            results.write(result.text)
            if call["name"]:
                given.keep(call["name"], called, result.text)
        results.write(b"]}")
        return Result(results.getvalue(), kept=not params["dry_run"], rows=rows, secret=secret)

    return Steps("transaction", steps)


def _locks(calls: list[Loaded], caller: Caller) -> Iterator[Lock]:
    """Give the rows that calls will write, as far as they name them by their ids."""
    for call in calls:
        called = OPERATIONS[call["method"]]
        if table_of(called) is None:
            continue
        if lock := lock_of(called, _ids(called, call["params"]), caller):
            yield lock


def _ids(called: Operation, text: bytes) -> Loaded:
    """Return of a call's parameters the ids alone: data may be large."""
    texts: Any = json_text.items(text) if text.startswith(b"[") else json_text.members(text)
    if isinstance(texts, list):
        texts = dict(zip(called.fields, texts))
    return {name: json_text.parse(bytes(texts[name])) for name in ("tenant_id", "id", "user_id")
            if name in texts}


def _name_call(error: FlexdbError, place: int, method: str) -> None:
    """Say of an error which call it is about."""
    error.args = (f"calls.{place} ({method}): {error}",)
    error.data["index"] = place
    if fields := error.data.get("fields"):
        error.data["fields"] = {f"calls.{place}.params.{name}": messages
                                for name, messages in fields.items()}
