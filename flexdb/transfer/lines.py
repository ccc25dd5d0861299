"""The lines of an export, read back: each is checked as a call's parameters are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from json import JSONDecodeError
from typing import Any, Protocol

from marshmallow import Schema, ValidationError

from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.contract.ids import new_id
from flexdb.contract.json_fields import JsonText
from flexdb.db.copy import Line
from flexdb.documents import text as json_text
from flexdb.documents.schemas import Compiled, compile_schema
from flexdb.errors import InvalidParams
from flexdb.operations.node_types import NodeType
from flexdb.operations.nodes import Node
from flexdb.operations.relationships import Relationship
from flexdb.operations.tenants import Tenant
from flexdb.operations.users import TenantUser, User

# A line has one member, the object under its name, as a result has over the wire.
KINDS: dict[str, type[Schema]] = {
    "tenant": Tenant, "user": User, "tenant_user": TenantUser, "node_type": NodeType,
    "node": Node, "relationship": Relationship,
}


class LineFile(Protocol):
    """A file of bytes that is read line by line."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or its beginning where it is longer than ``size`` bytes."""


class Reader:
    """Reads the lines of a file, which may hold several tenants, one after the other.

    :param settings: where the limits are
    """

    def __init__(self, settings: Settings) -> None:
        limits = Limits.of(settings)
        # PostgreSQL writes JSON with spaces, which at most doubles what was within the limit.
        limits = limits._replace(max_json_bytes=2 * limits.max_json_bytes)
        self._context = Context(limits)
        # Data as deep as a call may store stands two objects deeper in a line.
        self._max_depth = limits.max_depth + 2
        self._max_line = 2 * limits.max_json_bytes + 65536
        self._fields = {kind: schema().fields for kind, schema in KINDS.items()}
        self._json_names = {
            kind: [name for name, field in fields.items() if isinstance(field, JsonText)]
            for kind, fields in self._fields.items()}
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        # What a member that is absent counts as, the same as where a call creates the object.
        self._absent: dict[str, Any] = {
            "status": "active", "role": "member", "description": None, "schema": None,
            "data": b"{}", "version": 1, "created_at": now, "updated_at": now}
        self._schemas: dict[str, Compiled] = {}

    def lines(self, file: LineFile) -> Iterator[Line]:
        """Give the rows of a file, in its order.

        :param file: NDJSON; blank lines count but say nothing
        :raises InvalidParams: naming the line that is wrong, and what in it
        """
        number = 0
        while text := file.readline(self._max_line):
            number += 1
            try:
                if len(text) == self._max_line and not text.endswith(b"\n"):
                    raise ValidationError(f"is longer than {self._max_line} bytes")
                if not text.isspace():
                    kind, values = self._read(text)
                    yield Line(number, kind, tuple(values.values()), len(text))
            except ValidationError as error:
                told = error.messages[0]
                colon = "" if told.startswith(("is ", "must ")) else ":"
                raise InvalidParams(f"line {number}{colon} {told}") from None

    def _read(self, text: bytes) -> tuple[str, dict[str, Any]]:
        try:
            line = json_text.parse(text)
        except JSONDecodeError as error:
            raise ValidationError(f"is not JSON: {error.msg} at byte {error.pos + 1}") from None
        if not isinstance(line, dict) or len(line) != 1 or not line.keys() <= KINDS.keys():
            raise ValidationError(
                f"must be a JSON object with one member: {', '.join(KINDS)}")
        ((kind, members),) = line.items()
        if not isinstance(members, dict):
            raise ValidationError(f"{kind} must be a JSON object")
        if json_text.depth(text, self._max_depth) > self._max_depth:
            raise ValidationError(f"{kind} may be nested at most {self._max_depth - 1} deep")
        if any(members.get(name) is not None for name in self._json_names[kind]):
            # Kept as text, so that every digit survives.
            texts = json_text.members(json_text.members(text)[kind])
            members |= {name: texts[name] for name in self._json_names[kind]
                        if members.get(name) is not None}
        values = self._values(kind, members)
        self._check(kind, values)
        return kind, values

    def _values(self, kind: str, members: dict[str, Any]) -> dict[str, Any]:
        """Return the checked members in the order of the object's."""
        fields = self._fields[kind]
        values: dict[str, Any] = {}
        for name, field in fields.items():
            if (value := members.get(name)) is not None:
                try:
                    # Our fields have no validators: deserialize() only doubles the time.
                    values[name] = field._deserialize(value, name, members, context=self._context)
                except ValidationError as error:
                    raise ValidationError(f"{kind}.{name} {error.messages[0]}") from None
            elif name in members:
                if not field.allow_none:
                    raise ValidationError(f"{kind}.{name} {field.error_messages['null']}")
                values[name] = None
            elif name == "id":
                values[name] = new_id()
            elif name in self._absent:
                values[name] = self._absent[name]
            else:
                raise ValidationError(f"{kind}.{name} is missing")
        if surplus := members.keys() - values.keys():
            raise ValidationError(f"{kind} has no member {min(surplus)[:64]}")
        return values

    def _check(self, kind: str, values: dict[str, Any]) -> None:
        """Check what lines before this one have to say about it."""
        if kind == "tenant":
            self._absent["tenant_id"] = values["id"]
            self._schemas = {}
        elif "tenant_id" not in self._absent:
            raise ValidationError(f"{kind} must follow the line of its tenant")
        elif "tenant_id" in values and values["tenant_id"] != self._absent["tenant_id"]:
            raise ValidationError(f"{kind}.tenant_id must be {self._absent['tenant_id']}, the id "
                                  "of the tenant before it")
        elif kind == "node_type":
            try:
                self._schemas[values["id"]] = compile_schema(values["schema"])
            except InvalidParams as error:
                ((wrong,),) = error.data["fields"].values()
                raise ValidationError(f"node_type.schema {wrong}") from None
        elif kind == "node":
            self._check_data(values)

    def _check_data(self, node: dict[str, Any]) -> None:
        """Check a node's data against its node type, whose line stands before it."""
        if (schema := self._schemas.get(node["node_type_id"])) is None:
            raise ValidationError("node.node_type_id names no node type on a line before")
        if violations := schema.violations(node["data"]):
            first = violations[0]
            raise ValidationError(f"node.data violates the node type's schema at "
                                  f"{first['path'] or 'its top'}: {first['message']}")
