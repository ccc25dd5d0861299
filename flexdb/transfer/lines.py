"""The lines of an export, read back: whatever the tables can hold is taken as it is.

What calls may say is less, and :mod:`flexdb.transfer.checks` holds lines against that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from json import JSONDecodeError
from typing import Any, Protocol

import msgspec
from marshmallow import Schema, ValidationError
from msgspec import Raw
from msgspec.json import Decoder

from flexdb.contract.ids import new_id
from flexdb.contract.json_fields import JsonText
from flexdb.db.load import Line
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.operations.node_types import NodeType
from flexdb.operations.nodes import BareNode
from flexdb.operations.relationship_types import RelationshipType
from flexdb.operations.relationships import Relationship
from flexdb.operations.tenants import Tenant
from flexdb.operations.users import TenantUser, User
from flexdb.transfer.columns import reader_of

# A line has one member, the object under its name, as a result has over the wire.
KINDS: dict[str, type[Schema]] = {
    "tenant": Tenant, "user": User, "tenant_user": TenantUser, "node_type": NodeType,
    "relationship_type": RelationshipType, "node": BareNode, "relationship": Relationship,
}
# Beside it may stand which of its members is JSON's null, where the column is not unset.
_JSON_NULL = "json_null"
# PostgreSQL writes no text longer than that (MaxAllocSize), so no row's line is longer.
LONGEST = 2**30
_lines: Decoder[dict[str, dict[str, Raw]]] = Decoder(dict[str, dict[str, Raw]])
_FIELDS = {kind: schema().fields for kind, schema in KINDS.items()}
_JSON = {kind: {name for name, field in fields.items() if isinstance(field, JsonText)}
         for kind, fields in _FIELDS.items()}
# By name what reads it, and whether it may be null: data may be unset, which no call can say.
_COLUMNS = {kind: [(name, reader_of(field), field.allow_none or name in _JSON[kind])
                   for name, field in fields.items()]
            for kind, fields in _FIELDS.items()}

Values = dict[str, Any]


class LineFile(Protocol):
    """A file of bytes that is read line by line."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or its beginning where it is longer than ``size`` bytes."""


def numbered(file: LineFile) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a file and their numbers, from 1; of one that is too long, its beginning.

    :param file: NDJSON
    """
    number = 0
    while text := file.readline(LONGEST):
        number += 1
        yield number, text
        while text and _is_cut(text):
            text = file.readline(LONGEST)


def told(number: int, wrong: ValidationError) -> str:
    """Return what is wrong with a line, after its number."""
    words = wrong.messages[0]
    return f"line {number}{'' if words.startswith(('is ', 'must ')) else ':'} {words}"


class Reader:
    """Reads the lines of a file, which may hold several tenants, one after the other."""

    def __init__(self) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        # What a member that is absent counts as, the same as where a call creates the object.
        self._absent: Values = {
            "status": "active", "role": "member", "description": None, "schema": None,
            "source_node_type_ids": None, "target_node_type_ids": None, "cardinality": "n:m",
            "unique_pair": False, "acyclic": False, "on_delete": "cascade",
            "data": "{}", "version": 1, "created_at": now, "updated_at": now}
        self._node_types: set[str] = set()

    def lines(self, file: LineFile) -> Iterator[Line]:
        """Give the rows of a file, in its order.

        :param file: NDJSON; blank lines count but say nothing
        :raises InvalidParams: naming the line that is wrong, and what in it
        """
        for number, text in numbered(file):
            try:
                if not text.isspace():
                    kind, values = self.read(text)
                    yield Line(number, kind, tuple(values.values()), len(text))
            except ValidationError as error:
                raise InvalidParams(told(number, error)) from None

    def read(self, text: bytes) -> tuple[str, Values]:
        """Return the kind of a line's object and its columns, in the order of its members.

        :param text: the line that follows those that were read before
        :raises marshmallow.ValidationError: saying what is wrong with it
        """
        if _is_cut(text):
            raise ValidationError(f"is longer than {LONGEST} bytes")
        kind, members, json_null = _split(text)
        values = self._values(kind, members)
        if json_null is not None:
            if json_null not in _JSON[kind] or values[json_null] is not None:
                raise ValidationError(f"{_JSON_NULL} must name a JSON member that is null")
            values[json_null] = "null"
        self._check_place(kind, values)
        return kind, values

    def _values(self, kind: str, members: dict[str, Raw]) -> Values:
        """Return the members in the order of the object's."""
        values: Values = {}
        absent = 0
        for name, read, is_nullable in _COLUMNS[kind]:
            if (raw := members.get(name)) is None:
                absent += 1
                if name == "id":
                    values[name] = new_id()
                elif name in self._absent:
                    values[name] = self._absent[name]
                else:
                    raise ValidationError(f"{kind}.{name} is missing")
                continue
            text = bytes(raw)
            if text == b"null":
                if not is_nullable:
                    raise ValidationError(f"{kind}.{name} may not be null")
                values[name] = None
                continue
            try:
                values[name] = read(text)
            except ValidationError as error:
                raise ValidationError(f"{kind}.{name} {error.messages[0]}") from None
        if len(members) + absent > len(values):
            surplus = min(members.keys() - values.keys())
            raise ValidationError(f"{kind} has no member {surplus[:64]}")
        return values

    def _check_place(self, kind: str, values: Values) -> None:
        """Check what lines before this one have to say about it."""
        if kind == "user":
            return
        if kind == "tenant":
            self._absent["tenant_id"] = values["id"]
            self._node_types = set()
        elif "tenant_id" not in self._absent:
            raise ValidationError(f"{kind} must follow the line of its tenant")
        elif values["tenant_id"] != self._absent["tenant_id"]:
            raise ValidationError(f"{kind}.tenant_id must be {self._absent['tenant_id']}, the id "
                                  "of the tenant before it")
        elif kind == "node_type":
            self._node_types.add(values["id"])
        elif kind == "node" and values["node_type_id"] not in self._node_types:
            raise ValidationError("node.node_type_id names no node type on a line before")


def _is_cut(text: bytes) -> bool:
    return len(text) == LONGEST and not text.endswith(b"\n")


def _split(text: bytes) -> tuple[str, dict[str, Raw], str | None]:
    """Return the kind of a line, its object's members as text, and what of them is JSON's null."""
    try:
        line = _lines.decode(text)
    except (msgspec.ValidationError, RecursionError):
        return _split_slowly(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(text, error) from None
    if len(line) != 1 or not line.keys() <= KINDS.keys():
        raise _no_line()
    ((kind, members),) = line.items()
    return kind, members, None


def _split_slowly(text: bytes) -> tuple[str, dict[str, Raw], str | None]:
    """Do the same for a line that is nested very deep, has another member, or is wrong."""
    try:
        line = json_text.members(text)
    except ValueError as error:
        raise _not_json(text, error) from None
    mark = line.pop(_JSON_NULL, None)
    if len(line) != 1 or not line.keys() <= KINDS.keys():
        raise _no_line()
    ((kind, members),) = line.items()
    json_null = None if mark is None else bytes(mark).decode(errors="replace").strip('"')
    try:
        return kind, json_text.members(members), json_null
    except ValueError:
        raise ValidationError(f"{kind} must be a JSON object") from None


def _no_line() -> ValidationError:
    return ValidationError(f"must be a JSON object with one member: {', '.join(KINDS)}")


def _not_json(text: bytes, error: Exception) -> ValidationError:
    """Return what is wrong with a line that is no JSON, or no object."""
    try:
        json_text.parse(text)
    except JSONDecodeError as found:
        return ValidationError(f"is not JSON: {found.msg} at byte {found.pos + 1}")
    return (_no_line() if isinstance(error, ValueError) and not
            isinstance(error, msgspec.DecodeError) else ValidationError(f"is not JSON: {error}"))
