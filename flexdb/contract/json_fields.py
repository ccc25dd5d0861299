"""The field of JSON that is stored, and the parameters of operations that write it."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import ValidationError
from msgspec import Raw

from flexdb.config import Settings
from flexdb.documents import text as json_text
from flexdb.contract.fields import FromText
from flexdb.contract.params import Params

_KINDS_OF_JSON = {"object": "a JSON object", "array": "a JSON array", "boolean": "a boolean"}
_BEGINNINGS = {"object": (b"{",), "array": (b"[",), "boolean": (b"t", b"f")}


class DataParams(Params):
    """The parameters of an operation that writes data; with them go the settings."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Validate parameters, as :class:`Params` does."""
        return super().load(data, **kwargs) | {"settings": self.settings}


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

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        settings: Settings = self.root.settings  # type: ignore[union-attr]
        text = bytes(value) if isinstance(value, Raw) else value.encode()
        if text.startswith(b'"'):
            text = json_text.parse(text).encode()
            self._check_text(text, settings.max_depth)
        text = text.strip()
        if not text.startswith(self._beginnings):
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


PATCH = partial(JsonText, "An object is a merge patch (RFC 7396), an array a JSON Patch "
                "(RFC 6902).", kinds=("object", "array"), example={"priority": "low"})
