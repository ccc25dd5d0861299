"""A parameter that is a list of objects, each as strict as the parameters of a call."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec
import orjson
from marshmallow import ValidationError
from msgspec import Raw
from msgspec.json import Decoder

from flexdb.contract.fields import FromText
from flexdb.contract.params import Params

_list: Decoder[list[Raw]] = Decoder(list[Raw])
_object: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])
# What is there without being a value.
_NO_TEXT = (b"null", b'""')


class Objects(FromText):
    """A list of objects, in which nothing is converted and what is stored stays text.

    :param item: the schema of each
    :param most: how many there may be
    """

    def __init__(self, description: str, item: type[Params], most: int, **options: Any) -> None:
        super().__init__(description, **options)
        self.item, self.most = item, most

    @cached_property
    def _schema(self) -> Params:
        return self.item(self.root.settings)  # type: ignore[union-attr]

    @cached_property
    def _stays_text(self) -> set[str]:
        return {field.data_key or name for name, field in self._schema.load_fields.items()
                if isinstance(field, FromText)}

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
        loaded: dict[str, Any] = self._schema.load({
            key: text if key in self._stays_text and bytes(text) not in _NO_TEXT
            else orjson.loads(bytes(text)) for key, text in members.items()})
        return loaded
