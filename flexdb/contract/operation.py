"""The registry: every operation once, with the parameters it takes and the object it gives.

JSON-RPC is a loop over the registry, and so is whatever else reaches or documents it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from marshmallow import Schema, ValidationError
from msgspec import Raw
from msgspec.json import Decoder

from flexdb.config import Settings
from flexdb.plan import Plan, Result, Row, Statement
from flexdb.errors import InvalidParams, NotFound, VersionConflict
from flexdb.sql import STATEMENTS
from flexdb.contract.fields import FromText
from flexdb.contract.params import Params

Loaded = dict[str, Any]
# A parameter that we do not know may have any name, and an object any number of them.
NAME_LENGTH, MOST_FIELDS = 64, 20
_members: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])
_items: Decoder[list[Raw]] = Decoder(list[Raw])


@dataclass(frozen=True)
class Operation:
    """An operation as it is declared.

    :param name: the name it has everywhere, from the wire to the SQL
    :param function: makes a statement, or several steps, of valid parameters
    :param params: the schema of the parameters
    :param returns: the schema of the object that the result holds; None for the empty result
    :param wrapper: the member of the result that holds the object or the list of objects; empty
        where the object is the result
    """

    name: str
    function: Callable[[Loaded], Plan]
    params: type[Params]
    returns: type[Schema] | None
    wrapper: str

    @property
    def description(self) -> str:
        """Return the docstring, which is the published text."""
        return inspect.getdoc(self.function) or ""

    @property
    def gives_list(self) -> bool:
        """Tell whether the result holds a list of objects, under a plural."""
        return self.wrapper.endswith("s")

    @property
    def gives_page(self) -> bool:
        """Tell whether the list in the result is one page of a longer one."""
        return "pagination" in self.params().fields


OPERATIONS: dict[str, Operation] = {}


def operation(params: type[Params], returns: type[Schema] | None = None, wrapper: str = ""
              ) -> Callable[[Callable[[Loaded], Plan]], Callable[[Loaded], Plan]]:
    """Register the decorated function as an operation under its own name."""
    def register(function: Callable[[Loaded], Plan]) -> Callable[[Loaded], Plan]:
        name = function.__name__
        OPERATIONS[name] = Operation(name, function, params, returns, wrapper)
        return function

    return register


class Call:
    """An operation made ready to be called under given settings."""

    def __init__(self, declared: Operation, settings: Settings) -> None:
        self.operation = declared
        self.schema = declared.params(settings)
        self.names = list(self.schema.load_fields)
        self._json_names = [name for name, field in self.schema.load_fields.items()
                            if isinstance(field, FromText)]

    def plan(self, params: Any, text: Callable[[], bytes]) -> Plan:
        """Validate parameters and return the statement or the steps that do the work.

        :param params: an object (by name) or an array (by position), as parsed
        :param text: gives the JSON text that the parameters were parsed from, for what is stored
            as it came
        :raises InvalidParams: naming each parameter that is wrong
        """
        by_name = self._by_name(params) if isinstance(params, list) else params
        if self._json_names and not by_name.keys().isdisjoint(self._json_names):
            by_name = self._with_json(by_name, params, text())
        try:
            loaded: Loaded = self.schema.load(by_name)
        except ValidationError as error:
            raise _invalid(error) from None
        return self.operation.function(loaded)

    def _by_name(self, params: list[Any]) -> dict[str, Any]:
        if len(params) > len(self.names):
            raise InvalidParams(
                f"takes at most {len(self.names)} positional parameters "
                f"({', '.join(self.names)}), not {len(params)}",
                {str(place): ["is not a parameter here"]
                 for place in range(len(self.names), min(len(params), len(self.names) + 10))})
        return dict(zip(self.names, params))

    def _with_json(self, by_name: dict[str, Any], params: Any, text: bytes) -> dict[str, Any]:
        """Put the text of what is stored in the place of its parsed value."""
        texts = (dict(zip(self.names, _items.decode(text))) if isinstance(params, list)
                 else _members.decode(text))
        return by_name | {name: texts[name] for name in self._json_names
                          if by_name.get(name) not in (None, "") and name in texts}


def _invalid(error: ValidationError) -> InvalidParams:
    found: dict[str, list[str]] = {}

    def flatten(messages: Any, path: str) -> None:
        if isinstance(messages, dict):
            # Of a list's items, whose places are their names, every wrong one is told.
            most = None if all(isinstance(name, int) for name in messages) else MOST_FIELDS
            for name, inner in islice(messages.items(), most):
                name = str(name)[:NAME_LENGTH]
                whole = name == "_schema" and inner == [Params.error_messages["type"]]
                flatten(inner, path if whole else f"{path}.{name}" if path else name)
        else:
            found.setdefault(path, list(messages))

    flatten(error.messages, "")
    told = "; ".join(f"{name} {message}" for name, messages in list(found.items())[:5]
                     for message in messages)
    return InvalidParams(f"invalid parameters: {told}", found)


def one(name: str, arguments: Loaded, wrapper: str = "", missing: str = "id",
        thing: str = "", long: bool = False) -> Statement:
    """Return a statement whose row holds one object.

    :param name: the query's name, which is the operation's
    :param arguments: the query's arguments
    :param wrapper: the member of the result that holds the object; "" for the empty result
    :param missing: the parameter to blame when there is no row; a second column may name another,
        and a third say whether the row was created
    :param thing: what the missing parameter names
    """
    head = f'{{"{wrapper}":'.encode() if wrapper else b""
    tail = b"}" if wrapper else b""

    def read(row: Row | None) -> Result:
        if row is None or row[0] is None:
            field = row[1] if row is not None else missing
            raise not_found(field, thing)
        return Result(b"".join((head, row[0], tail)), created=len(row) < 3 or row[2],
                      version=1 if "schema_version" in arguments else None,
                      id=arguments.get("id"))

    return Statement(STATEMENTS[name], arguments, read, long)


def versioned(name: str, arguments: Loaded, wrapper: str = "", thing: str = "",
              long: bool = False) -> Statement:
    """Return a statement whose row holds one object and the version that the row is at.

    Where the object is null, the row is there at another version than was asked for.
    """
    head = f'{{"{wrapper}":'.encode() if wrapper else b""
    tail = b"}" if wrapper else b""

    def read(row: Row | None) -> Result:
        if row is None:
            raise not_found("id", thing)
        text, version = row
        if text is None:
            raise VersionConflict(version)
        return Result(b"".join((head, text, tail)), version=version)

    return Statement(STATEMENTS[name], arguments, read, long)


def ask(name: str, arguments: Loaded, long: bool = False) -> Statement:
    """Return a statement of an operation's steps, which alone look at its row."""
    return Statement(STATEMENTS[name], arguments, _unread, long)


def _unread(row: Row | None) -> Result:
    raise TypeError("the row of a step is read by the steps")


def check_version(params: Loaded, current: int) -> None:
    """Refuse a change of a row that is at another version than was asked for.

    :raises VersionConflict: with the current one
    """
    if params["version"] not in (None, current):
        raise VersionConflict(current)


def not_found(field: str, thing: str = "") -> NotFound:
    """Return the error for a parameter that names nothing, here or in another tenant alike."""
    thing = thing or field.removesuffix("_id").replace("_", " ")
    return NotFound(f"there is no such {thing}", {field: [f"names no {thing}"]})
