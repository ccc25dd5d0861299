"""The fields that parameters and results are made of. They are strict: nothing is converted."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

from flexdb.contract.ids import new_id

TEXT_LENGTH, EMAIL_LENGTH, PAGE_TOKEN_LENGTH = 255, 254, 4096
_UUID = re.compile(r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
                   r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
_EMAIL = re.compile(r"\A[^@\s]+@[^@\s]+\Z")
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean",
          int: "a number", float: "a number"}


def _require(kind: type | tuple[type, ...], wanted: str, value: Any) -> None:
    if not isinstance(value, kind):
        raise ValidationError(f"must be {wanted}, not {_KINDS.get(type(value), 'this')}")


class BaseField(fields.Field[Any]):
    """A field with a description and an example, for the published documents."""

    default_error_messages = {"required": "is missing", "null": "may not be null"}

    def __init__(self, description: str, example: Any = None, **options: Any) -> None:
        # marshmallow would take null wherever the default is None.
        options.setdefault("allow_none", False)
        super().__init__(metadata={"description": description, "example": example}, **options)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
                    ) -> Any:
        """Return what a value means.

        marshmallow's own way would look for processors and validators each time, and no field has
        any.

        :raises marshmallow.ValidationError: saying what is wrong with it
        """
        if value is None or value is missing:
            return super().deserialize(value, attr, data, **kwargs)
        return self._deserialize(value, attr, data, **kwargs)


class Id(BaseField):
    """A UUID of 36 characters, given on in lower case."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        _require(str, "a UUID as a string", value)
        if not _UUID.match(value):
            raise ValidationError("must be a UUID of 36 characters with hyphens")
        return str(value).lower()


class Text(BaseField):
    """Text without NUL, not blank and not too long.

    :param length: the most characters
    :param blank: whether it may consist of white space
    """

    def __init__(self, description: str, length: int = TEXT_LENGTH, blank: bool = False,
                 **options: Any) -> None:
        super().__init__(description, **options)
        self.length, self.blank = length, blank

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        _require(str, "a string", value)
        if not self.blank and not value.strip():
            raise ValidationError("may not be blank")
        if len(value) > self.length:
            raise ValidationError(f"may have at most {self.length} characters, not {len(value)}")
        if "\0" in value:
            raise ValidationError("may not contain the character U+0000")
        return str(value)


class Email(Text):
    """An e-mail address of at most 254 characters (RFC 5321, section 4.5.3.1.3)."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, length=EMAIL_LENGTH, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _EMAIL.match(text):
            raise ValidationError("must be an e-mail address: name@domain")
        return text


class PageToken(Text):
    """An opaque token that a page of a list gave for the next one; it may hold sorted values."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, length=PAGE_TOKEN_LENGTH, **options)


class Paths(BaseField):
    """An array of paths, or a string of them, separated by commas."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        paths = value.split(",") if isinstance(value, str) else value
        if not (isinstance(paths, list) and paths and all(isinstance(one, str) for one in paths)):
            raise ValidationError("must be an array of paths, or a string of them separated by "
                                  "commas")
        return paths


class Integer(BaseField):
    """A whole number; 10.0 is one too, as in JSON Schema.

    :param least: the smallest that it may be
    :param most: the largest
    """

    def __init__(self, description: str, least: int, most: int | None = None, **options: Any
                 ) -> None:
        super().__init__(description, **options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValidationError(f"must be a whole number, not {_KINDS.get(type(value), 'this')}")
        if value != int(value):
            raise ValidationError("must be a whole number")
        if value < self.least:
            raise ValidationError(f"must be at least {self.least}")
        if self.most is not None and value > self.most:
            raise ValidationError(f"may be at most {self.most:,}")
        return int(value)


class Boolean(BaseField):
    """True or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        _require(bool, "a boolean", value)
        return bool(value)


class FromText(BaseField):
    """A field that is given the JSON text of its value, as :class:`msgspec.Raw`."""


class Choice(BaseField):
    """One of a few words."""

    def __init__(self, description: str, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(description, **options)
        self.choices = choices

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        _require(str, "a string", value)
        if value not in self.choices:
            raise ValidationError(f"must be {', '.join(self.choices[:-1])} or {self.choices[-1]}")
        return str(value)


class Items(BaseField):
    """An array that is not empty.

    :param item: what its items are
    :param most: how many there may be
    """

    def __init__(self, description: str, item: fields.Field[Any], most: int | None = None,
                 **options: Any) -> None:
        super().__init__(description, **options)
        self.item, self.most = item, most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        _require(list, "an array", value)
        if not value:
            raise ValidationError("may not be an empty array: leave it out")
        if self.most is not None and len(value) > self.most:
            raise ValidationError(f"may be an array of at most {self.most}, not {len(value)}")
        found, wrong = [], {}
        for place, item in enumerate(value):
            try:
                found.append(self.item.deserialize(item))
            except ValidationError as error:
                wrong[place] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return found


class Object(fields.Nested):
    """An object with the fields of a schema, in a result."""

    def __init__(self, kind: type[Schema], description: str, **options: Any) -> None:
        super().__init__(kind, metadata={"description": description}, **options)


class Time(BaseField):
    """A time in UTC with microseconds and an offset (RFC 3339)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        _require(str, "a time as a string", value)
        if not _TIME.match(value):
            raise ValidationError("must be a time with an offset and at most microseconds, such as "
                                  "2026-01-01T12:00:00.000000+00:00 (RFC 3339)")
        return str(value)


# What objects have in common.
TENANT_ID = partial(Id, "The tenant's id.")
NEW_ID = partial(Id, "The id to give it; made by the server when absent.", load_default=new_id)
VERSION = partial(Integer, "1 at first, raised by every change.", least=1, example=1)
ASKED_VERSION = partial(Integer, "Only when it is at this version.", least=1, load_default=None,
                        example=1)
CREATED_AT = partial(Time, "When it was created.")
UPDATED_AT = partial(Time, "When it was last changed.")
