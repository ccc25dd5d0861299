"""A parameter that is a list of objects, each as strict as the parameters of a call."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec
import orjson
from marshmallow import ValidationError, fields, missing
from msgspec import Raw
from msgspec.json import Decoder

from flexdb.services.fields import FromText, Params

_list: Decoder[list[Raw]] = Decoder(list[Raw])
_object: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])


class Objects(FromText):
    """A list of objects, in which nothing is converted and what is stored stays text.

    An item passes through the fields of its schema one by one, since marshmallow's way of loading
    a whole object costs several times as much, and there may be thousands.

    :param item: the schema of each
    :param most: how many there may be
    """

    def __init__(self, description: str, item: type[Params], most: int, **options: Any) -> None:
        super().__init__(description, **options)
        self.item, self.most = item, most

    @cached_property
    def _fields(self) -> list[tuple[str, str, fields.Field[Any]]]:
        settings = self.root.settings  # type: ignore[union-attr]
        return [(field.data_key or name, name, field)
                for name, field in self.item(settings).load_fields.items()]

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[dict[str, Any]]:
        text = bytes(value) if isinstance(value, Raw) else b""
        if not text.startswith(b"["):
            raise ValidationError("must be an array of objects")
        items = _list.decode(text)
        if not 1 <= len(items) <= self.most:
            raise ValidationError(f"must have 1 to {self.most} items, not {len(items)}")
        loaded: list[dict[str, Any]] = []
        wrong: dict[int, Any] = {}
        for place, item in enumerate(items):
            try:
                loaded.append(self._load(item))
            except ValidationError as error:
                wrong[place] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return loaded

    def _load(self, item: Raw) -> dict[str, Any]:
        try:
            members = _object.decode(item)
        except msgspec.ValidationError:
            raise ValidationError(Params.error_messages["type"]) from None
        loaded: dict[str, Any] = {}
        wrong: dict[str, list[str]] = {}
        for key, name, field in self._fields:
            try:
                value = field.deserialize(_value(field, members.pop(key, None)), key, members)
                if value is not missing:
                    loaded[name] = value
            except ValidationError as error:
                wrong[key] = list(error.messages)
        wrong |= {key: [Params.error_messages["unknown"]] for key in members}
        if wrong:
            raise ValidationError(wrong)
        return loaded


def _value(field: fields.Field[Any], text: Raw | None) -> Any:
    """Return what a field takes; an empty string for an optional one counts as absent."""
    if text is None:
        return missing
    told = bytes(text)
    if told == b'""' and not field.required:
        return missing
    if isinstance(field, FromText) and told != b"null":
        return text
    return orjson.loads(told)
