"""The fields of JSON that is stored: they are given the text of a value, and give it on."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import ValidationError
from msgspec import Raw

from flexdb.context import Context, Limits
from flexdb.contract.fields import BaseField, Json
from flexdb.documents import text as json_text
from flexdb.documents.patches import Patch, parse_patch

# A format of this API beside those of JSON Schema.
JSON_IN_STRING = "json-in-string"
_KINDS_OF_JSON = {"object": "a JSON object", "array": "a JSON array", "boolean": "a boolean"}
_BEGINNINGS = {"object": (b"{",), "array": (b"[",), "boolean": (b"t", b"f")}


def _limits(options: dict[str, Any]) -> Limits:
    context: Context = options["context"]
    return context.limits


class FromText(BaseField):
    """A field that is given the JSON text of its value, as :class:`msgspec.Raw`."""


class JsonText(FromText):
    """JSON that is stored: a JSON value, or a string that holds JSON text; given on as text.

    :param kinds: which JSON values it may be: ``object``, ``array``, ``boolean``
    """

    def __init__(self, description: str, kinds: tuple[str, ...] = ("object",), **options: Any
                 ) -> None:
        super().__init__(description, **options)
        self.kinds = kinds
        self._beginnings = tuple(
            beginning for kind in kinds for beginning in _BEGINNINGS[kind])

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        limits = _limits(kwargs)
        text = bytes(value) if isinstance(value, Raw) else value.encode()
        if text.startswith(b'"'):
            text = json_text.parse(text).encode()
            self._check_text(text, limits.max_depth)
        text = text.strip()
        if not text.startswith(self._beginnings):
            wanted = " or ".join(_KINDS_OF_JSON[kind] for kind in self.kinds)
            raise ValidationError(f"must be {wanted}, or a string that holds one as JSON text")
        try:
            json_text.check_stored(text, limits.max_json_bytes)
            return self._read(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def _read(self, text: bytes) -> Any:
        """Return what valid text means."""
        return text

    @staticmethod
    def _check_text(text: bytes, max_depth: int) -> None:
        try:
            json_text.check_depth(text, max_depth)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        try:
            json_text.parse(text)
        except ValueError as error:
            raise ValidationError(f"must hold JSON text: {error}") from None

    def _form(self, result: bool) -> Json:
        kinds: list[Json] = [{"type": kind} for kind in self.kinds]
        return {"anyOf": [*kinds, {"type": "string", "contentMediaType": "application/json",
                                   "format": JSON_IN_STRING}]}

    def _default(self) -> Any:
        return json_text.parse(self.load_default)


class PatchField(JsonText):
    """A patch of a document."""

    def _read(self, text: bytes) -> Patch:
        return parse_patch(text)


PATCH = partial(PatchField, "An object is a merge patch (RFC 7396), an array a JSON Patch "
                "(RFC 6902).", kinds=("object", "array"), example={"priority": "low"})
