"""Every call that there is: what it does, a form of its parameters, and its answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import orjson
from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.api.listening import WAIT
from flexdb.api.routes import ROUTES
from flexdb.contract import describe
from flexdb.contract.json_fields import PATCH_OPERATIONS
from flexdb.contract.operation import OPERATIONS, READS, Operation
from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import parse_exactly
from flexdb.errors import FlexdbError, MethodNotFound
from flexdb.web.console.faults import gathered
from flexdb.web.console.forms import ABSENT, Posted, act, posted, read_text, widgets
from flexdb.web.console.page import Shown, as_code, page, show
from flexdb.web.console.words import indented

# How much of an answer is shown, in characters.
_LONGEST = 256 * 1024


class CallGroup(NamedTuple):
    """The operations about one kind of object."""

    title: str
    operations: list[Operation]


class CallAnswer(NamedTuple):
    """What a call was answered with.

    :param text: the result as JSON, every number as it was written; "" where there is none
    :param is_dry: whether nothing has changed
    :param left_out: how many characters are not shown
    """

    text: str
    is_dry: bool
    left_out: int
    seconds: float


@page("/calls")
def every(calls: PageCalls) -> Shown:
    """Show all operations, or those with some words in their name or text."""
    words = request.args.get("q", "")
    groups = [CallGroup(one.title, found) for one in _groups() if (found := [
        operation for operation in one.operations if _has(operation, words)])]
    return show("service/calls.html", groups=groups, words=words, READS=READS,
                total=sum(len(one.operations) for one in groups))


def _has(operation: Operation, words: str) -> bool:
    text = f"{operation.name} {operation.name.replace('_', ' ')} {operation.description}".lower()
    return all(word in text for word in words.lower().split())


@cache
def _groups() -> list[CallGroup]:
    named = {tag: list(dict.fromkeys(row[2] for row in rows)) for tag, rows in ROUTES.items()}
    taken = {name for names in named.values() for name in names}
    groups = [CallGroup(tag, [OPERATIONS[name] for name in names]) for tag, names in named.items()]
    rest = [operation for name, operation in OPERATIONS.items() if name not in taken]
    return groups + ([CallGroup("Others", rest)] if rest else [])


@page("/calls/<method>")
def form(calls: PageCalls, method: str) -> Shown:
    """Show the form of an operation; the query of the URL fills it in."""
    operation = _operation(method)
    schema, found = _schema(operation), Posted({})
    for name, said in schema["properties"].items():
        if text := request.args.get(name):
            try:
                found.value[name] = read_text(said, text, _root())
            except ValueError as error:
                found.wrong[pointer_of([name])] = str(error)
    return _shown(calls, operation, found)


@page("/calls/<method>", "POST")
def run(calls: PageCalls, method: str) -> Shown:
    """Make a call with what was filled in, or try it without changing anything."""
    operation = _operation(method)
    found = posted(_schema(operation), request.form, _root())
    found.value = {} if found.value is ABSENT else found.value
    do = request.form.get("do", "run")
    if act(_schema(operation), found, do, _root()) or do == "code":
        return _shown(calls, operation, found)
    if found.wrong:
        return _shown(calls, operation, found, status=400)
    is_dry = do == "dry" and _can_be_tried(operation)
    before = calls.seconds
    try:
        if is_dry:
            result = calls.one("transaction", dry_run=True, calls=[
                {"method": method, "params": found.value}])["results"][0]
        else:
            result = calls.one(method, **found.value)
    except FlexdbError as error:
        found.wrong = _wrong(operation, error)
        return _shown(calls, operation, found, error=error, status=error.status)
    text = "" if result is None else indented(result)
    return _shown(calls, operation, found, answer=CallAnswer(
        text[:_LONGEST], is_dry, max(0, len(text) - _LONGEST), calls.seconds - before))


def _operation(method: str) -> Operation:
    if method not in OPERATIONS:
        raise MethodNotFound(f"there is no call {method[:64]}")
    return OPERATIONS[method]


def _can_be_tried(operation: Operation) -> bool:
    return operation.effect is not READS and not operation.alone


def _shown(calls: PageCalls, operation: Operation, found: Posted, status: int = 200,
           **more: Any) -> Shown:
    value = found.value
    title, *paragraphs = operation.description.replace("`", "").split("\n\n")
    return show("service/call.html", status=status, operation=operation,
                reads=operation.effect is READS, form=widgets(_schema(operation), value,
                found.wrong, found.variants, _root()), can_be_tried=_can_be_tried(operation),
                name=operation.name, title=title, paragraphs=paragraphs,
                code=as_code(calls, [] if found.wrong else [Call(operation.name, value)]), **more)


@cache
def _root() -> Any:
    """Return where the references of parameters lead, its numbers as they are written."""
    return {"components": {"schemas": _plain(describe.schemas("value") | PATCH_OPERATIONS)}}


@cache
def _schema_of(name: str) -> Any:
    fields = {name: field for name, field in OPERATIONS[name].fields.items() if name != WAIT}
    # A page does not wait. A default need not be said; whoever leaves it out gets it.
    members = {name: {word: said for word, said in field.json_schema().items()
                      if word != "default"} for name, field in fields.items()}
    return _plain({"type": "object", "additionalProperties": False, "properties": members,
                     "required": [name for name, field in fields.items() if field.required],
                     "x-order": [*fields]})


def _schema(operation: Operation) -> Any:
    return _schema_of(operation.name)


def _plain(schema: Any) -> Any:
    """Return a schema with its numbers as they are written, and texts without marks of code."""
    return parse_exactly(orjson.dumps(schema).replace(b"`", b""))


def _wrong(operation: Operation, error: FlexdbError) -> dict[str, str]:
    """Return what is wrong with each place in the parameters, by its JSON Pointer."""
    return gathered(_blamed(operation, error))


def _blamed(operation: Operation, error: FlexdbError) -> Iterator[tuple[str, str]]:
    violations = error.data.get("violations", ())
    for one in violations:
        wrapper = next((name for name in ("nodes", "relationships") if name in operation.fields),
                       "")
        item = f"/{wrapper}/{one['index']}" if wrapper and "index" in one else ""
        yield f"{item}/data{one['path']}", one["message"]
    for name, told in error.data.get("fields", {}).items():
        # What a schema says of data is told once, where it belongs.
        if not (violations and "data" in name.split(".")):
            yield pointer_of(name.split(".")), "; ".join(told)
