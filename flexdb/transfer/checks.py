"""Lines held against the rules of calls, which what is stored need not keep."""

from __future__ import annotations

from collections.abc import Iterator

from marshmallow import ValidationError
from msgspec import Raw

from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.contract.json_fields import JsonText
from flexdb.documents import text as json_text
from flexdb.documents.schemas import Compiled, compile_schema
from flexdb.documents.text import check_depth
from flexdb.errors import InvalidParams
from flexdb.operations.tenants import NewTenant
from flexdb.operations.users import NewUser
from flexdb.transfer.lines import KINDS, LineFile, Reader, Values, numbered, told


def check_lines(settings: Settings, file: LineFile) -> Iterator[str]:
    """Give what calls would refuse in each line, after its number; nothing where they take it.

    Only what the file itself tells is looked at: neither what is in a database, nor whether a
    relationship's nodes are there.

    :param file: NDJSON; blank lines say nothing
    """
    reader, rules = Reader(), _Rules(settings)
    for number, text in numbered(file):
        if text.isspace():
            continue
        try:
            kind, values = reader.read(text)
            wrong = rules.faults(kind, values)
        except ValidationError as error:
            yield told(number, error)
        else:
            yield f"line {number}: {'; '.join(wrong)}" if wrong else ""


class _Rules:
    """The rules of today's settings, and the schemas of the tenant whose lines are read."""

    def __init__(self, settings: Settings) -> None:
        self._context = Context(Limits.of(settings), enforce_schemas=settings.enforce_schemas)
        # Names are held to the rule of new ones.
        self._fields = {kind: schema().fields for kind, schema in KINDS.items()}
        self._fields["tenant"] |= {"slug": NewTenant().fields["slug"]}
        self._fields["user"] |= {"email": NewUser().fields["email"]}
        # Of a node type by its id, of a relationship type by its name.
        self._schemas: dict[tuple[str, str], Compiled | None] = {}

    def faults(self, kind: str, values: Values) -> list[str]:
        """Return what a call would refuse in the columns of a line."""
        wrong = []
        for name, field in self._fields[kind].items():
            value = values[name]
            try:
                if value is None or (value == "null" and isinstance(field, JsonText)):
                    if not field.allow_none:
                        raise ValidationError("may not be null")
                elif isinstance(field, JsonText):
                    self._check_json(field, name, value)
                else:
                    field._deserialize(value, name, values, context=self._context)
            except ValidationError as error:
                wrong.append(f"{kind}.{name} {error.messages[0]}")
        if kind == "tenant":
            self._schemas = {}
        elif kind in ("node_type", "relationship_type"):
            known = kind, values["id" if kind == "node_type" else "name"]
            self._schemas[known] = None
            if not any(fault.startswith(f"{kind}.schema ") for fault in wrong):
                wrong += self._add_schema(known, values["schema"])
        elif kind in ("node", "relationship") and not wrong:
            wrong += self._check_data(kind, values)
        return wrong

    def _check_json(self, field: JsonText, name: str, value: str) -> None:
        if value.startswith('"'):
            raise ValidationError("is a string, where a file has JSON itself")
        text = value.encode()
        try:
            check_depth(text, self._context.limits.max_depth)
            field._deserialize(Raw(text), name, {}, context=self._context)
            json_text.parse(text)
        except ValueError as error:
            words = error.messages[0] if isinstance(error, ValidationError) else str(error)
            # A call may send a string that holds JSON; a file may not.
            raise ValidationError(words.partition(", or a string")[0]) from None

    def _add_schema(self, known: tuple[str, str], text: str | None) -> list[str]:
        try:
            self._schemas[known] = compile_schema(
                None if text in (None, "null") else text.encode())
        except InvalidParams as error:
            return _faults(known[0], error)
        return []

    def _check_data(self, kind: str, values: Values) -> list[str]:
        """Return what the schema of a type has to say of what is of it."""
        enforced, of = self._context.enforce_schemas, f"{kind}_type"
        typed_by = "node_type_id" if kind == "node" else of
        # Relationships whose type has no line are free.
        if enforced == "none" or (known := (of, values[typed_by])) not in self._schemas:
            return []
        if (schema := self._schemas[known]) is None:
            return [] if enforced == "valid" else [
                f"{kind}.{typed_by} names a {of.replace('_', ' ')} whose schema is refused"]
        try:
            data, limits = values["data"].encode(), self._context.limits
            if kind == "node":
                data = schema.filled(data, limits.max_json_bytes, limits.max_depth)
            violations = schema.violations(data)
        except ValueError as error:
            return [f"{kind}.data with the defaults of its type {error}"]
        except InvalidParams as error:
            return _faults(kind, error)
        if violations:
            first = violations[0]
            return [f"{kind}.data violates the {of.replace('_', ' ')}'s schema at "
                    f"{first['path'] or 'its top'}: {first['message']}"]
        return []


def _faults(kind: str, error: InvalidParams) -> list[str]:
    """Return what a call is told of its parameters, as columns of a line."""
    return [f"{kind}.{name} {wrong}" for name, all_wrong in error.data["fields"].items()
            for wrong in all_wrong]
