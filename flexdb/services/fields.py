"""The fields that parameters and results are made of. They are strict: nothing is converted."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields
from msgspec import Raw

from flexdb.config import Settings
from flexdb.services import json_text
from flexdb.services.ids import new_id

TEXT_LENGTH, EMAIL_LENGTH = 255, 254
_UUID = re.compile(r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"\A[^@\s]+@[^@\s]+\Z")
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean",
          int: "a number", float: "a number"}
_KINDS_OF_JSON = {"object": "a JSON object", "array": "a JSON array", "boolean": "a boolean"}
_BEGINNINGS = {"object": (b"{",), "array": (b"[",), "boolean": (b"t", b"f")}


def _require(kind: type | tuple[type, ...], wanted: str, value: Any) -> None:
    if not isinstance(value, kind):
        raise ValidationError(f"must be {wanted}, not {_KINDS.get(type(value), 'this')}")


class Params(Schema):
    """The parameters of an operation; their order is the order of positional parameters.

    :param settings: where the limits are
    """

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is not a parameter here", "type": "must be an object"}

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.settings = settings or Settings()

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Validate parameters; an empty string for an optional one counts as absent.

        :raises marshmallow.ValidationError: with the messages of each field
        """
        if isinstance(data, dict) and "" in data.values():
            data = {name: value for name, value in data.items()
                    if value != "" or name not in self.fields or self.fields[name].required}
        return super().load(data, **kwargs)


class DataParams(Params):
    """The parameters of an operation that writes data; with them go the settings."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Validate parameters, as :class:`Params` does."""
        return super().load(data, **kwargs) | {"settings": self.settings}


class _Field(fields.Field[Any]):
    """A field with a description and an example, for the published documents."""

    default_error_messages = {"required": "is missing", "null": "may not be null"}

    def __init__(self, description: str, example: Any = None, **options: Any) -> None:
        # marshmallow would take null wherever the default is None.
        options.setdefault("allow_none", False)
        super().__init__(metadata={"description": description, "example": example}, **options)


class Id(_Field):
    """A UUID of 36 characters, given on in lower case."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        _require(str, "a UUID as a string", value)
        if not _UUID.match(value):
            raise ValidationError("must be a UUID of 36 characters with hyphens")
        return str(value).lower()


class Text(_Field):
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
    """An opaque token that a page of a list gave for the next one."""


class Integer(_Field):
    """A whole number; 10.0 is one too, as in JSON Schema."""

    def __init__(self, description: str, least: int, **options: Any) -> None:
        super().__init__(description, **options)
        self.least = least

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValidationError(f"must be a whole number, not {_KINDS.get(type(value), 'this')}")
        if value != int(value):
            raise ValidationError("must be a whole number")
        if value < self.least:
            raise ValidationError(f"must be at least {self.least}")
        return int(value)


class Boolean(_Field):
    """True or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        _require(bool, "a boolean", value)
        return bool(value)


class FromText(_Field):
    """A field that is given the JSON text of its value, as :class:`msgspec.Raw`."""


class JsonText(FromText):
    """JSON that is stored: a JSON value, or a string that holds JSON text; given on as text.

    :param kinds: which JSON values it may be: ``object``, ``array``, ``boolean``
    """

    def __init__(self, description: str, kinds: tuple[str, ...] = ("object",), **options: Any
                 ) -> None:
        super().__init__(description, **options)
        self.kinds = kinds

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        settings: Settings = self.root.settings  # type: ignore[union-attr]
        text = bytes(value) if isinstance(value, Raw) else value.encode()
        if text.startswith(b'"'):
            text = json_text.parse(text).encode()
            self._check_text(text, settings.max_depth)
        text = text.strip()
        beginnings = tuple(beginning for kind in self.kinds for beginning in _BEGINNINGS[kind])
        if not text.startswith(beginnings):
            wanted = " or ".join(_KINDS_OF_JSON[kind] for kind in self.kinds)
            raise ValidationError(f"must be {wanted}, or a string that holds one as JSON text")
        check_stored(text, settings.max_json_bytes)
        return text.decode()

    @staticmethod
    def _check_text(text: bytes, max_depth: int) -> None:
        if json_text.depth(text, max_depth) > max_depth:
            raise ValidationError(f"may be nested at most {max_depth} deep")
        try:
            json_text.parse(text)
        except ValueError as error:
            raise ValidationError(f"must hold JSON text: {error}") from None


def check_stored(text: bytes, limit: int) -> None:
    """Refuse valid JSON text that is too long, or that PostgreSQL could not keep unchanged.

    :param limit: the most bytes
    :raises marshmallow.ValidationError: saying why
    """
    if len(text) > limit:
        raise ValidationError(f"may have at most {limit} bytes as JSON text, not {len(text)}")
    if fault := json_text.fault(text, limit):
        raise ValidationError(fault)


class Time(_Field):
    """A time in UTC with microseconds and an offset (RFC 3339)."""


# What objects have in common.
TENANT_ID = partial(Id, "The tenant's id.")
NEW_ID = partial(Id, "The id to give it; made by the server when absent.", load_default=new_id)
VERSION = partial(Integer, "1 at first, raised by every change.", least=1, example=1)
ASKED_VERSION = partial(Integer, "Only when it is at this version.", least=1, load_default=None,
                        example=1)
PATCH = partial(JsonText, "An object is a merge patch (RFC 7396), an array a JSON Patch "
                "(RFC 6902).", kinds=("object", "array"), example={"priority": "low"})
CREATED_AT = partial(Time, "When it was created.")
UPDATED_AT = partial(Time, "When it was last changed.")
