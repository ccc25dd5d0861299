"""Patches of JSON documents, with every digit of their numbers kept."""

from __future__ import annotations

import re
from typing import Any

import jsonpatch
from marshmallow import ValidationError

from flexdb.config import Settings
from flexdb.errors import InvalidParams
from flexdb.documents import text as json_text
from flexdb.contract.json_fields import check_stored


MOST_OPERATIONS = 1000
# What the operations need (RFC 6902, section 4).
_MEMBERS = {"add": ("path", "value"), "remove": ("path",), "replace": ("path", "value"),
            "move": ("from", "path"), "copy": ("from", "path"), "test": ("path", "value")}
_CLASS = re.compile(r" ?\(?<class '[^']*'>\)?")


def check_patch(patch: str) -> None:
    """Refuse a JSON Patch that could not be applied to any document.

    :param patch: JSON text; an object, a merge patch, always can
    :raises InvalidParams: naming the operation that is wrong
    """
    operations = json_text.parse_exactly(patch)
    if not isinstance(operations, list):
        return
    if len(operations) > MOST_OPERATIONS:
        raise _refused(f"may have at most {MOST_OPERATIONS} operations, not {len(operations)}")
    for place, operation in enumerate(operations):
        kind = operation.get("op") if isinstance(operation, dict) else None
        needed = _MEMBERS.get(kind) if isinstance(kind, str) else None
        if needed is None:
            raise _refused(f"cannot be applied: operation {place} must be an object whose op is "
                           f"{', '.join(_MEMBERS)}")
        for name in needed:
            if name not in operation or (name != "value" and not _is_pointer(operation[name])):
                wanted = "a value" if name == "value" else "a JSON Pointer (RFC 6901)"
                raise _refused(f"cannot be applied: operation {place} needs {wanted} as {name}")


def _is_pointer(value: object) -> bool:
    return isinstance(value, str) and value[:1] in ("", "/") and not isinstance(
        value, json_text.Number)


def apply_patch(document: bytes, patch: bytes, limit: int) -> bytes:
    """Apply a patch to a document; both are JSON texts.

    :param patch: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902)
    :param limit: how many bytes the document may grow to on the way
    :raises InvalidParams: when the patch is none, or cannot be applied to the document
    """
    asked = json_text.parse_exactly(patch.decode())
    patched = json_text.parse_exactly(document.decode())
    if not isinstance(asked, list):
        return json_text.dump_exactly(_merge(patched, asked)).encode()
    check_patch(patch.decode())
    for place, operation in enumerate(asked):
        try:
            patched = jsonpatch.JsonPatch([operation]).apply(patched, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError,
                ValueError, AttributeError) as error:
            said = _CLASS.sub("", str(error))[:200] or type(error).__name__
            raise _refused(f"cannot be applied: operation {place}: {said}") from None
        # A few copies of a copy would be more than there is memory.
        if operation.get("op") == "copy" and len(json_text.dump_exactly(patched)) > limit:
            raise _refused(f"makes more than {limit} bytes at operation {place}")
    return json_text.dump_exactly(patched).encode()


def patched(document: bytes, patch: str, settings: Settings) -> bytes:
    """Apply a patch to what is stored, and check that the outcome can be stored.

    :raises InvalidParams: when it cannot be applied, or what it makes is no storable object
    """
    made = apply_patch(document, patch.encode(), settings.max_json_bytes)
    if not made.startswith(b"{"):
        raise _refused("makes something else than a JSON object")
    if json_text.depth(made, settings.max_depth) > settings.max_depth:
        raise _refused(f"nests the data deeper than {settings.max_depth}")
    try:
        check_stored(made, settings.max_json_bytes)
    except ValidationError as error:
        raise _refused(f"makes data that {error.messages[0]}") from None
    return made


def _refused(wrong: str) -> InvalidParams:
    return InvalidParams(f"invalid parameters: patch {wrong}", {"patch": [wrong]})


def _merge(target: Any, patch: Any) -> Any:
    """Merge as the pseudocode of RFC 7396, section 2, does."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
