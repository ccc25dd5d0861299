"""Patches of JSON documents, with every digit of their numbers kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jsonpatch
from jsonpatch import JsonPointer, JsonPointerException

from flexdb.documents.sizes import check_change
from flexdb.documents.text import Number, dump_exactly, parse_exactly
from flexdb.errors import InvalidParams

MOST_OPERATIONS = 1000
# What the operations need (RFC 6902, section 4).
_MEMBERS = {"add": ("path", "value"), "remove": ("path",), "replace": ("path", "value"),
            "move": ("from", "path"), "copy": ("from", "path"), "test": ("path", "value")}
_CLASS = re.compile(r" ?\(?<class '[^']*'>\)?")


class Change(Protocol):
    """What makes another document of one."""

    def apply(self, document: bytes, most_bytes: int, max_depth: int) -> bytes:
        """Return what it makes of a document, as JSON text that can be stored.

        What is stored may be larger, deeper or of another kind than what may be stored now. The
        change may leave it so, but not make more of it.

        :param document: the JSON text; null counts as an empty object
        :param most_bytes: how large the document may grow, on the way too
        :param max_depth: how deep it may be nested then
        :raises InvalidParams: when it cannot be applied, or what it makes is no storable object
        """


def change_with(make: Callable[[Any], Any], field: str, document: bytes, most_bytes: int,
                max_depth: int) -> bytes:
    """Return what a function makes of a parsed document, as :meth:`Change.apply` does.

    :param field: the parameter to blame
    """
    before = parse_exactly(document)
    before = {} if before is None else before
    kind = type(before)
    found = make(before)
    if not isinstance(found, dict) and type(found) is not kind:
        raise InvalidParams(fields={field: ["makes something else than a JSON object"]})
    made = dump_exactly(found)
    try:
        check_change(made, document, most_bytes, max_depth)
    except ValueError as error:
        raise InvalidParams(fields={field: [f"makes data that {error}"]}) from None
    return made


class Patch(NamedTuple):
    """A patch: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902).

    :param asked: as :func:`flexdb.documents.text.parse_exactly` gives it
    """

    asked: Any

    def apply(self, document: bytes, most_bytes: int, max_depth: int) -> bytes:
        """Return what the patch makes of a document, as :class:`Change` says."""
        return change_with(lambda before: self.change(before, max(most_bytes, len(document))),
                           "patch", document, most_bytes, max_depth)

    def change(self, document: Any, most_bytes: int) -> Any:
        """Return what the patch makes of any document, parsed like itself.

        :param most_bytes: how much its copies may weigh together
        :raises InvalidParams: when it cannot be applied
        """
        if not isinstance(self.asked, list):
            return _merge(document, self.asked)
        copied = 0
        for place, operation in enumerate(self.asked):
            try:
                if operation["op"] == "copy":
                    # A few copies of a copy would be more than there is memory, and many of what
                    # goes again more than there is time.
                    copied += len(dump_exactly(JsonPointer(operation["from"]).resolve(document)))
                    if copied > most_bytes:
                        raise _refused(f"copies more than {most_bytes} bytes: operation {place} is "
                                       "one too many")
                document = jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
            except (jsonpatch.JsonPatchException, JsonPointerException, TypeError,
                    ValueError, AttributeError, RecursionError) as error:
                said = _CLASS.sub("", str(error))[:200] or type(error).__name__
                raise _refused(f"cannot be applied: operation {place}: {said}") from None
        return document


class Replacement(NamedTuple):
    """JSON text that takes the place of a document, whatever its size by itself."""

    data: bytes

    def apply(self, document: bytes, most_bytes: int, max_depth: int) -> bytes:
        """Return the JSON text, measured as what a patch makes is.

        :raises InvalidParams: when it is larger or deeper than both the limits and the document
        """
        try:
            check_change(self.data, document, most_bytes, max_depth)
        except ValueError as error:
            raise InvalidParams(fields={"data": [str(error)]}) from None
        return self.data


def parse_patch(text: bytes) -> Patch:
    """Read a patch.

    :param text: the JSON text of an object or an array
    :raises ValueError: when it is a JSON Patch that could not be applied to any document
    """
    asked = parse_exactly(text)
    if isinstance(asked, list):
        if len(asked) > MOST_OPERATIONS:
            raise ValueError(f"may have at most {MOST_OPERATIONS} operations, not {len(asked)}")
        for place, operation in enumerate(asked):
            _check_operation(place, operation)
    return Patch(asked)


def _check_operation(place: int, operation: Any) -> None:
    kind = operation.get("op") if isinstance(operation, dict) else None
    needed = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if needed is None:
        raise ValueError(f"cannot be applied: operation {place} must be an object whose op is "
                         f"{', '.join(_MEMBERS)}")
    for name in needed:
        if name not in operation or (name != "value" and not _is_pointer(operation[name])):
            wanted = "a value" if name == "value" else "a JSON Pointer (RFC 6901)"
            raise ValueError(f"cannot be applied: operation {place} needs {wanted} as {name}")


def _is_pointer(value: object) -> bool:
    return isinstance(value, str) and value[:1] in ("", "/") and not isinstance(value, Number)


def _refused(wrong: str) -> InvalidParams:
    return InvalidParams(fields={"patch": [wrong]})


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
