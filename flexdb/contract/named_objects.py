"""Things in a call, each under a name that the caller chose."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError
from msgspec import Raw

from flexdb.context import Context
from flexdb.contract.fields import BaseField, Json, JsonForm, reference, require
from flexdb.contract.objects import JsonObject
from flexdb.contract.params import Params
from flexdb.documents import text as json_text

# A name that a caller chooses, as a regular expression, and how many characters it may have.
WORD, WORD_LENGTH = "[A-Za-z_][A-Za-z0-9_]*", 64
_WORD = re.compile(rf"\A{WORD}\Z")


def check_word(name: str) -> None:
    """Refuse a name that is none of letters, digits and underscores.

    :raises marshmallow.ValidationError: for that
    """
    if len(name) > WORD_LENGTH or not _WORD.match(name):
        raise ValidationError("must be a name of letters, digits and underscores, at most "
                              f"{WORD_LENGTH}, no digit first")


class NamedTexts(BaseField):
    """Texts, each under a name that the caller chose.

    :param most: how many there may be
    :param length: the most characters that the service takes of each, which whoever reads it checks
    """

    def __init__(self, description: str, most: int, length: int, **options: Any) -> None:
        super().__init__(description, **options)
        self.most, self.length = most, length

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        require(dict, "an object", value)
        if len(value) > self.most:
            raise ValidationError(f"may have at most {self.most} members, not {len(value)}")
        wrong: dict[str, Any] = {}
        for name, text in value.items():
            try:
                check_word(name)
                require(str, "a string", text)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return dict(value)

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "object", "maxProperties": self.most,
                "additionalProperties": {"type": "string", "maxLength": self.length}}


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
                check_word(name)
                loaded[name] = self._load(item, context)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return loaded

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "object", "minProperties": 1, "maxProperties": self.most,
                "propertyNames": {"pattern": f"^{WORD}$", "maxLength": WORD_LENGTH},
                "additionalProperties": reference(self.item.__name__)}
