"""The fields that parameters and results are made of. They are strict: nothing is converted."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Literal

from marshmallow import ValidationError, fields, missing

Json = dict[str, Any]
# How JSON columns stand in what the service gives: as values, or as strings that hold JSON text.
JsonForm = Literal["value", "string"]

TEXT_LENGTH, PAGE_TOKEN_LENGTH = 255, 4096
_UUID = re.compile(r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
                   r"(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])\Z")
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean",
          int: "a number", float: "a number"}


def require(kind: type, wanted: str, value: Any) -> None:
    """Refuse a value of another type.

    :param wanted: what it must be, with its article
    :raises marshmallow.ValidationError: saying what it is
    """
    if not isinstance(value, kind):
        raise ValidationError(f"must be {wanted}, not {_KINDS.get(type(value), 'this')}")


def is_uuid(value: Any) -> bool:
    """Tell whether a value is the text of a UUID, with its hyphens and without more."""
    return isinstance(value, str) and _UUID.match(value) is not None


class BaseField(fields.Field[Any]):
    """A field with a description and an example, which tells its own JSON Schema (2020-12).

    Of a value that may be sent in several forms, the schema has the first alone, since what has
    several types makes bad clients: that an empty string counts as absent, or that a string may
    hold JSON text, is said in words.
    """

    default_error_messages = {"required": "is missing", "null": "may not be null"}

    def __init__(self, description: str, example: Any = None, **options: Any) -> None:
        if "validate" in options:
            raise TypeError("a validator would never be called: check the value in _deserialize")
        # marshmallow would take null wherever the default is None.
        options.setdefault("allow_none", False)
        super().__init__(metadata={"description": description, "example": example}, **options)

    def json_schema(self, given: JsonForm | None = None) -> Json:
        """Return the field's JSON Schema.

        :param given: the form of JSON columns where the service gives the value; None where a
            caller does. What the service gives is described by its form alone, since the rows of
            an adopted database are given whatever they hold
        """
        schema = {**self._form(given)}  # A form may be that of many fields.
        if self._may_be_null(given):
            schema = _or_null(schema)
        if not callable(self.load_default) and self.load_default not in (None, missing):
            schema["default"] = self._default()
        schema["description"] = self.metadata["description"]
        if (example := self.metadata.get("example")) is not None:
            schema["examples"] = [example]
        return schema

    def query_schema(self) -> Json:
        """Return the JSON Schema of the parameter in the query of a URL."""
        return self.json_schema()

    def _form(self, given: JsonForm | None) -> Json:
        """Return the schema of a value that is there."""
        raise NotImplementedError

    def _may_be_null(self, given: JsonForm | None) -> bool:
        return self.allow_none

    def _default(self) -> Any:
        """Return what counts where the field is absent, as JSON."""
        return self.load_default


def _or_null(schema: Json) -> Json:
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


def reference(name: str) -> Json:
    """Return a reference to a schema among the components of a document."""
    return {"$ref": f"#/components/schemas/{name}"}


def text_in_query(field: BaseField, example: str) -> Json:
    """Return the JSON Schema of a parameter that is JSON elsewhere and text in a URL.

    :param example: the text of the field's example
    """
    return {"type": "string", "description": field.metadata["description"], "examples": [example]}


class Id(BaseField):
    """A UUID of 36 characters, given on in lower case."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not is_uuid(value):
            require(str, "a UUID as a string", value)
            raise ValidationError("must be a UUID of 36 characters with hyphens")
        return str(value).lower()

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "string", "format": "uuid"}


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
        require(str, "a string", value)
        if not self.blank and not value.strip():
            raise ValidationError("may not be blank")
        if len(value) > self.length:
            raise ValidationError(f"may have at most {self.length} characters, not {len(value)}")
        if "\0" in value:
            raise ValidationError("may not contain the character U+0000")
        return str(value)

    def _form(self, given: JsonForm | None) -> Json:
        if given:
            return {"type": "string"}
        schema: Json = {"type": "string", "maxLength": self.length}
        if self.required:
            return schema | {"minLength": 1, "pattern": f"^{self._pattern()}$"}
        return schema | {"pattern": f"^({self._pattern()})?$"}

    def _may_be_null(self, given: JsonForm | None) -> bool:
        # Who wants JSON as text gets "" for what is not there.
        return self.allow_none and given != "string"

    def _pattern(self) -> str:
        return r"[^\x00]*" if self.blank else r"[^\x00]*[^\s\x00][^\x00]*"


class PageToken(Text):
    """An opaque token that a page of a list gave for the next one; it may hold sorted values."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, length=PAGE_TOKEN_LENGTH, **options)

    def _pattern(self) -> str:
        # base64url (RFC 4648, section 5)
        return "[A-Za-z0-9_-]*"


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

    def _form(self, given: JsonForm | None) -> Json:
        schema: Json = {"type": "integer", "minimum": self.least}
        return schema if given or self.most is None else schema | {"maximum": self.most}


class Boolean(BaseField):
    """True or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        require(bool, "a boolean", value)
        return bool(value)

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "boolean"}


class Choice(BaseField):
    """One of a few words."""

    def __init__(self, description: str, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(description, **options)
        self.choices = choices

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        require(str, "a string", value)
        if value not in self.choices:
            raise ValidationError(f"must be {', '.join(self.choices[:-1])} or {self.choices[-1]}")
        return str(value)

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "string", "enum": [*self.choices]}


def moment(text: str) -> datetime:
    """Return the time that a text in the form of :class:`Time` names.

    :raises ValueError: when there is no such day or hour
    """
    fraction = ".%f" if "." in text else ""
    return datetime.strptime(text, f"%Y-%m-%dT%H:%M:%S{fraction}%z")


class Time(BaseField):
    """A time in UTC with microseconds; given, with any offset that PostgreSQL has (RFC 3339)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        require(str, "a time as a string", value)
        if not _TIME.match(value):
            raise ValidationError("must be a time with an offset below 16 hours and at most "
                                  "microseconds, as 2026-01-01T12:00:00.000000+00:00 (RFC 3339)")
        try:
            moment(value).astimezone(timezone.utc)
        except (ValueError, OverflowError):
            raise ValidationError("is no time that there is") from None
        return str(value)

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "string", "format": "date-time"}
