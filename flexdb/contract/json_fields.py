"""The fields of JSON that is stored: they are given the text of a value, and give it on."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from marshmallow import ValidationError
from msgspec import Raw

from flexdb.context import Context, Limits
from flexdb.contract.fields import BaseField, Json, JsonForm, reference, text_in_query
from flexdb.documents import text as json_text
from flexdb.documents.patches import MOST_OPERATIONS, Patch, parse_patch
from flexdb.documents.sizes import check_kept, check_stored, stored_size

_KINDS_OF_JSON = {"object": "a JSON object", "array": "a JSON array", "boolean": "a boolean"}
_FORMS: dict[str, Json] = {
    "object": {"type": "object", "additionalProperties": True},
    "array": {"type": "array", "items": {}}, "boolean": {"type": "boolean"}}
_POINTER: Json = {"type": "string", "pattern": "^(/.*)?$",
                  "description": "A place in the document, as a JSON Pointer (RFC 6901)."}


def _patch_operation(description: str, kinds: list[str], **members: Json) -> Json:
    return {"type": "object", "description": description, "required": ["op", *members],
            "properties": {"op": {"type": "string", "enum": kinds}} | members,
            "additionalProperties": True}


# The operations of a JSON Patch (RFC 6902, section 4), by the names of their schemas.
PATCH_OPERATIONS: dict[str, Json] = {
    "PatchValue": _patch_operation(
        "Put a value at a path, or test that it is there.", ["add", "replace", "test"],
        path=_POINTER, value={"description": "Any JSON value."}),
    "PatchRemoval": _patch_operation("Remove what is at a path.", ["remove"], path=_POINTER),
    "PatchMove": _patch_operation("Move or copy what is at one path to another.",
                                  ["move", "copy"], **{"from": _POINTER}, path=_POINTER),
}
JSON_PATCH: Json = {
    "type": "array", "description": "A JSON Patch (RFC 6902).", "maxItems": MOST_OPERATIONS,
    "items": {"anyOf": [reference(name) for name in PATCH_OPERATIONS]}}
# Every key that a worker remembers holds its own.
MOST_ATTRIBUTES = 1024
# As deep as the parser goes.
_DEEPEST = 1000
_BEGINNINGS = {"object": (b"{",), "array": (b"[",), "boolean": (b"t", b"f")}


def _limits(options: dict[str, Any]) -> Limits:
    context: Context = options["context"]
    return context.limits


class FromText(BaseField):
    """A field that is given the JSON text of its value, as :class:`msgspec.Raw`."""


class JsonText(FromText):
    """JSON that is stored: a JSON value, or a string that holds JSON text; given on as text.

    :param kinds: which JSON values it may be: ``object``, ``array``, ``boolean``
    :param replaces: whether it takes the place of stored JSON, which may be larger or deeper than
        the limits: then the operation measures it against that
    """

    def __init__(self, description: str, kinds: tuple[str, ...] = ("object",),
                 replaces: bool = False, **options: Any) -> None:
        super().__init__(description, **options)
        self.kinds, self.replaces = kinds, replaces
        self._beginnings = tuple(
            beginning for kind in kinds for beginning in _BEGINNINGS[kind])

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        limits = _limits(kwargs)
        text = bytes(value) if isinstance(value, Raw) else value.encode()
        if text.startswith(b'"'):
            text = json_text.parse(text).encode()
            self._check_text(text, _DEEPEST if self.replaces else limits.max_depth)
        text = text.strip()
        if not text.startswith(self._beginnings):
            wanted = " or ".join(_KINDS_OF_JSON[kind] for kind in self.kinds)
            raise ValidationError(f"must be {wanted}, or a string that holds one as JSON text")
        try:
            if self.replaces:
                check_kept(text)
            else:
                check_stored(text, limits.max_json_bytes)
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

    def query_schema(self) -> Json:
        """Return the JSON Schema of the JSON text."""
        return text_in_query(self, orjson.dumps(self.metadata["example"]).decode())

    def _form(self, given: JsonForm | None) -> Json:
        if given == "string":
            return {"type": "string", "contentMediaType": "application/json"}
        kinds = [_FORMS[kind] for kind in self.kinds]
        return {"anyOf": kinds} if len(kinds) > 1 else kinds[0]

    def _may_be_null(self, given: JsonForm | None) -> bool:
        return self.allow_none and given != "string"

    def _default(self) -> Any:
        return json_text.parse(self.load_default)


class Attributes(JsonText):
    """What is to be known of somebody: an object of plain values and of lists of these."""

    def _read(self, text: bytes) -> bytes:
        # As it is kept: of 1e308, PostgreSQL writes all digits out.
        if (size := max(len(text), stored_size(text))) > MOST_ATTRIBUTES:
            raise ValueError(f"may have at most {MOST_ATTRIBUTES:,} bytes, not {size:,}")
        for name, value in json_text.parse(text).items():
            plain = value if isinstance(value, list) else [value]
            if not all(isinstance(one, (str, int, float)) for one in plain):
                raise ValueError(f"may hold texts, numbers, booleans and lists of them, and "
                                 f"{name[:64]} is none of these")
        return text


class PatchField(JsonText):
    """A patch of a document."""

    def _form(self, given: JsonForm | None) -> Json:
        return {"anyOf": [_FORMS["object"], JSON_PATCH]}

    def _read(self, text: bytes) -> Patch:
        return parse_patch(text)


class BodyPatch(PatchField):
    """A patch inside a body, of which the documents tell one form, a merge patch."""

    def _form(self, given: JsonForm | None) -> Json:
        return _FORMS["object"]


PATCH = partial(PatchField, "An object is a merge patch (RFC 7396), an array a JSON Patch "
                "(RFC 6902).", kinds=("object", "array"), example={"priority": "low"})
