"""JSON Schemas of node types: compiled once, and never older than the write that relies on them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs
from cachetools import LRUCache

from flexdb.documents.text import parse_stored
from flexdb.errors import InvalidParams

# How many bytes of schemas, as text, are kept compiled, and how many violations are told.
KEPT_BYTES, MOST_VIOLATIONS = 16 * 1024 * 1024, 1000
VIOLATES = "violates the node type's schema"


class Compiled(NamedTuple):
    """A node type's schema as one write left it; without a schema everything is valid.

    :param version: names that write; the type's version alone would come again when a transaction
        is rolled back, or the type deleted and made anew, be it with the same times
    """

    version: str
    size: int
    validator: jsonschema_rs.Validator | None

    def violations(self, data: bytes) -> list[dict[str, str]]:
        """Return what is wrong with data: the place (JSON Pointer, RFC 6901), keyword and message.

        :param data: JSON text
        """
        if self.validator is None:
            return []
        value = parse_stored(data)
        if self.validator.is_valid(value):
            return []
        found = []
        try:
            for error in self.validator.iter_errors(value):
                found.append({"path": _pointer(error.instance_path), "keyword": _keyword(error),
                              "message": error.message})
                if len(found) == MOST_VIOLATIONS:
                    break
        except ValueError:
            # What is wrong is in a number with more digits than int() takes.
            pass
        return found or [{"path": "", "keyword": "", "message": "does not fit"}]

    def check(self, data: bytes) -> None:
        """Refuse data that violates the schema.

        :raises InvalidParams: with every violation
        """
        if violations := self.violations(data):
            first = violations[0]
            place = f" at {first['path']}" if first["path"] else ""
            raise InvalidParams(f"invalid parameters: data {VIOLATES}{place}: {first['message']}",
                                {"data": [VIOLATES]}, violations=violations)


def compile_schema(text: bytes | None, version: str = "") -> Compiled:
    """Compile a schema: draft 2020-12, or what its ``$schema`` says.

    Nothing is fetched for a ``$ref``, and a pattern takes linear time unless it looks around or
    back, in which case its steps are bounded.

    :param text: JSON text, or None for no schema
    :raises InvalidParams: when it is not a JSON Schema
    """
    if text is None:
        return Compiled(version, 0, None)
    try:
        validator = jsonschema_rs.validator_for(
            json.loads(text), offline=True, mask="the value",
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError,
            RecursionError) as error:
        said = getattr(error, "message", None) or str(error)
        place = _pointer(getattr(error, "instance_path", []))
        wrong = f"is not a JSON Schema: {place}{': ' if place else ''}{said}"
        raise InvalidParams(fields={"schema": [wrong]}) from None
    return Compiled(version, len(text), validator)


class SchemaCache:
    """The compiled schemas that were used last, each at the newest version that was seen."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[str, ...], Compiled] = LRUCache(KEPT_BYTES, _weight)
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> Compiled | None:
        """Return what is kept for a node type; the caller's statement must carry its version."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: tuple[str, ...], version: str, text: bytes | None) -> Compiled:
        """Return the compiled schema of a version that was just read, and keep it."""
        known = self.get(key)
        if known and known.version == version:
            return known
        compiled = compile_schema(text, version)
        with self._lock:
            # One that is larger than all that may be kept is compiled each time.
            self._kept.pop(key, None)
            if _weight(compiled) <= KEPT_BYTES:
                self._kept[key] = compiled
        return compiled


def _weight(compiled: Compiled) -> int:
    # An entry has its cost beside its text.
    return compiled.size + 1000


def _pointer(path: Iterator[str | int] | list[Any]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _keyword(error: jsonschema_rs.ValidationError) -> str:
    name = str(error.kind.name)
    last = error.schema_path[-1] if error.schema_path else name
    return last if isinstance(last, str) and name != "falseSchema" else name
