"""The fields that hold other things: objects, and arrays of values or of objects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import orjson
from marshmallow import INCLUDE, Schema, ValidationError
from msgspec import Raw

from flexdb.context import Context
from flexdb.contract.fields import BaseField, Json, JsonForm, reference, require, text_in_query
from flexdb.contract.json_fields import FromText
from flexdb.contract.params import Params
from flexdb.documents import text as json_text

# What is there without being a value.
_NO_TEXT = (b"null", b'""')


class Object(BaseField):
    """An object with the fields of a schema, in a result or, where those are Params, in a call.

    :param partial: whether it may have only some of them, as in a list that takes ``fields``
    """

    def __init__(self, kind: type[Schema], description: str, partial: bool = False,
                 **options: Any) -> None:
        super().__init__(description, **options)
        self.kind, self.partial = kind, partial

    @cached_property
    def schema(self) -> Schema:
        """Return the schema, of which one is enough."""
        return self.kind()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        require(dict, "an object", value)
        return self.schema.load(value, **kwargs)

    def _form(self, given: JsonForm | None) -> Json:
        return reference("Partial" * self.partial + self.kind.__name__)


class Named(Object):
    """In a result, objects with the fields of a schema by names that the caller chose."""

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "object", "additionalProperties": reference(self.kind.__name__)}


class Items(BaseField):
    """An array that is not empty.

    :param item: what its items are
    :param most: how many there may be
    """

    def __init__(self, description: str, item: BaseField, most: int | None = None,
                 **options: Any) -> None:
        super().__init__(description, **options)
        self.item, self.most = item, most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        require(list, "an array", value)
        if not value:
            raise ValidationError("may not be an empty array: leave it out")
        if self.most is not None and len(value) > self.most:
            raise ValidationError(f"may be an array of at most {self.most}, not {len(value)}")
        found, wrong = [], {}
        for place, item in enumerate(value):
            try:
                found.append(self.item.deserialize(item, attr, value, **kwargs))
            except ValidationError as error:
                wrong[place] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return found

    def _form(self, given: JsonForm | None) -> Json:
        schema: Json = {"type": "array", "items": self.item.json_schema(given)}
        if given:
            return schema
        return schema | {"minItems": 1} | ({"maxItems": self.most} if self.most else {})


class JsonObject(FromText):
    """An object with the fields of a schema, in which nothing is converted and what is stored stays
    text; or a string that holds it, as in the query of a URL.

    :param item: the schema
    """

    def __init__(self, description: str, item: type[Params], **options: Any) -> None:
        super().__init__(description, **options)
        self.item = item

    @cached_property
    def _schema(self) -> Params:
        return self.item()

    @cached_property
    def _stays_text(self) -> set[str]:
        return {field.data_key or name for name, field in self._schema.load_fields.items()
                if isinstance(field, FromText)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = bytes(value) if isinstance(value, Raw) else orjson.dumps(value)
        if text.startswith(b'"'):
            text = self._unquoted(text, kwargs["context"])
        return self._read(Raw(text), kwargs["context"])

    def _read(self, text: Raw, context: Context) -> Any:
        """Return what valid JSON text means."""
        return self._load(text, context)

    @staticmethod
    def _unquoted(text: bytes, context: Context) -> bytes:
        try:
            text = json_text.parse(text).encode()
            json_text.check_depth(text, context.limits.max_depth)
            json_text.parse(text)
        except ValueError as error:
            raise ValidationError(f"must hold JSON text: {error}") from None
        return text

    def _load(self, item: Raw, context: Context) -> dict[str, Any]:
        try:
            members = json_text.members(item)
        except ValueError:
            raise ValidationError(Params.error_messages["type"]) from None
        return self._schema.load({
            key: text if key in self._stays_text and bytes(text) not in _NO_TEXT
            else json_text.parse(bytes(text)) for key, text in members.items()}, context=context)

    def query_schema(self) -> Json:
        """Return the JSON Schema of the JSON text."""
        return text_in_query(self, orjson.dumps(self.metadata["example"]).decode())

    def _form(self, given: JsonForm | None) -> Json:
        return reference(self.item.__name__)


class Objects(JsonObject):
    """A list of objects, in which nothing is converted and what is stored stays text.

    :param item: the schema of each
    :param most: how many there may be
    """

    def __init__(self, description: str, item: type[Params], most: int, **options: Any) -> None:
        super().__init__(description, item, **options)
        self.most = most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[dict[str, Any]]:
        text = bytes(value) if isinstance(value, Raw) else b""
        if not text.startswith(b"["):
            raise ValidationError("must be an array of objects")
        items = json_text.items(text)
        if not 1 <= len(items) <= self.most:
            raise ValidationError(f"must have 1 to {self.most} items, not {len(items)}")
        loaded: list[dict[str, Any]] = []
        wrong: dict[int, Any] = {}
        for place, item in enumerate(items):
            try:
                loaded.append(self._load(item, kwargs["context"]))
            except ValidationError as error:
                wrong[place] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return loaded

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "array", "minItems": 1, "maxItems": self.most,
                "items": reference(self.item.__name__)}


def fields_of(schema: Schema) -> dict[str, BaseField]:
    """Return the fields of a schema, in their order."""
    return {name: field for name, field in schema.fields.items() if isinstance(field, BaseField)}


def object_schema(schema: Schema, names: Iterable[str] | None = None,
                  given: JsonForm | None = None) -> Json:
    """Return the JSON Schema of an object with a marshmallow schema's fields.

    :param names: only these
    :param given: the form of JSON columns in it where the service gives it
    """
    fields = fields_of(schema)
    chosen = {fields[name].data_key or name: fields[name]
              for name in (fields if names is None else names)}
    described: Json = {
        "type": "object",
        "properties": {name: field.json_schema(given) for name, field in chosen.items()},
        "additionalProperties": schema.unknown == INCLUDE,
    }
    # What a result has only where it was asked for.
    asked_for = getattr(schema, "asked_for", ())
    required = [name for name, field in chosen.items()
                if field.required or given and name not in asked_for]
    return described | ({"required": required} if required else {})


def kinds_in(kind: type[Schema]) -> set[type[Schema]]:
    """Return a kind of object and those that stand in it."""
    found = {kind}
    for field in kind().fields.values():
        item: Any = field.item if isinstance(field, Items) else field
        if isinstance(item, Object):
            found |= kinds_in(item.kind)
        elif isinstance(item, JsonObject):
            found |= kinds_in(item.item)
    return found
