"""Objects in a call, each under a name that the caller chose."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError
from msgspec import Raw

from flexdb.context import Context
from flexdb.contract.fields import Json, JsonForm, reference
from flexdb.contract.objects import JsonObject
from flexdb.contract.params import Params
from flexdb.documents import text as json_text

_NAME = re.compile(r"\A[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)


class NamedObjects(JsonObject):
    """Objects with the fields of a schema, each under a name that the caller chose.

    :param item: the schema of each
    :param most: how many there may be
    """

    def __init__(self, description: str, item: type[Params], most: int, **options: Any) -> None:
        super().__init__(description, item, **options)
        self.most = most

    def _read(self, text: Raw, context: Context) -> dict[str, Any]:
        try:
            members = json_text.members(text)
        except ValueError:
            raise ValidationError(Params.error_messages["type"]) from None
        if not 1 <= len(members) <= self.most:
            raise ValidationError(f"must be an object of 1 to {self.most} names, not "
                                  f"{len(members)}")
        loaded: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for name, item in members.items():
            try:
                if not _NAME.match(name):
                    raise ValidationError("must be a name of letters, digits and underscores, at "
                                          "most 64, no digit first")
                loaded[name] = self._load(item, context)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return loaded

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "object", "minProperties": 1, "maxProperties": self.most,
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
                "additionalProperties": reference(self.item.__name__)}
