"""JSON Schemas of node types: compiled once, and never older than the write that relies on them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from cachetools import LRUCache
from jsonschema_rs import Validator

from flexdb.documents import defaults
from flexdb.documents.apart import Apart
from flexdb.documents.checker import PROCESSOR
from flexdb.documents.costs import Costs, TooComplex, Unknown
from flexdb.documents.declarations import NOTHING, Declarations, declarations_of, may_declare
from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import parse_each, parse_stored
from flexdb.documents.validators import (
    MOST_VIOLATIONS,
    Violation,
    validator_of,
    violations_of,
)
from flexdb.errors import InvalidParams

# How many bytes of schemas are kept compiled.
KEPT_BYTES = 16 * 1024 * 1024
# What is checked here, with Python's lock held: a schema as text, each of its regular expressions
# and all of them, compiled, in bytes; the steps of a check, each of up to 30 ns, and where what is
# wrong is gathered, of up to 7 µs. What may be larger is checked in a process apart.
_TEXT, _REGEX, _REGEXES, _STEPS, _TELLING_STEPS = 65_536, 65_536, 4_194_304, 5_000_000, 20_000
# Text and regular expressions weigh more once they are compiled, an entry something by itself.
_GROWTH, _ENTRY = 10, 1000
UNTOLD: Violation = {
    "path": "", "keyword": "", "message": "does not fit; where takes too long to tell"}
_TOO_COMPLEX = f"takes more than {PROCESSOR} s, or too much memory"
_apart = Apart()


def violates(of: str) -> str:
    """Return what is wrong with data that does not fit.

    :param of: what it is the schema of
    """
    return f"violates the {of}'s schema"


VIOLATES = violates("node type")


class Compiled(NamedTuple):
    """A node type's schema as one write left it; without a schema everything is valid.

    :param version: names that write; the type's version alone would come again when a transaction
        is rolled back, or the type deleted and made anew, be it with the same times
    :param text: the schema as JSON text
    :param costs: what a check costs at most
    :param validator: None where checks are made in a process apart
    :param declared: what it declares beside what JSON Schema knows
    :param defaults: what absent members get where it says so
    """

    version: str
    text: bytes | None
    weight: int = _ENTRY
    costs: Costs | None = None
    validator: Validator | None = None
    declared: Declarations = NOTHING
    defaults: dict[str, defaults.Member] | None = None

    def violations(self, data: bytes) -> list[Violation]:
        """Return what is wrong with data: the place (JSON Pointer, RFC 6901), keyword and message.

        :param data: JSON text
        :raises InvalidParams: when telling whether it fits takes too long
        """
        if (self.validator is not None and self.costs is not None
                and self.costs.of([data]) <= _STEPS
                and self.validator.is_valid(parse_stored(data))):
            return []
        return self.all_violations([data]).get(0, [])

    def all_violations(self, texts: Sequence[bytes], most: int = MOST_VIOLATIONS,
                       field: str = "data") -> dict[int, list[Violation]]:
        """Return what is wrong with each of several documents that do not fit, by their number.

        :param texts: JSON texts
        :param most: how many violations are told in all; of the documents beyond, none
        :param field: the parameter to blame when telling whether they fit takes too long
        :raises InvalidParams: for that
        """
        if self.text is None:
            return {}
        steps = self.costs.of(texts) if self.costs else _STEPS + 1
        if self.validator is None or steps > _STEPS:
            return self._apart(texts, most, field)
        wrong = [number for number, value in enumerate(parse_each(texts))
                 if not self.validator.is_valid(value)]
        if wrong and steps > _TELLING_STEPS:
            return self._apart(texts, most, field)
        found: dict[int, list[Violation]] = {}
        for number in wrong:
            told = violations_of(self.validator, parse_stored(texts[number]), most) if most else []
            found[number] = told
            most -= len(told)
        return found

    def filled(self, data: bytes, most_bytes: int, max_depth: int) -> bytes:
        """Return the data of a new node with the defaults of what is absent, where there are any.

        :param data: the JSON text of an object
        :raises ValueError: when it becomes larger or deeper than it may be
        """
        return (defaults.filled(data, self.defaults, most_bytes, max_depth) if self.defaults
                else data)

    def check(self, data: bytes, of: str = "node type") -> None:
        """Refuse data that violates the schema.

        :param of: what it is the schema of
        :raises InvalidParams: with every violation
        """
        if violations := self.violations(data):
            first = violations[0]
            place = f" at {first['path']}" if first["path"] else ""
            wrong = violates(of)
            raise InvalidParams(f"invalid parameters: data {wrong}{place}: {first['message']}",
                                {"data": [wrong]}, violations=violations)

    def _apart(self, texts: Sequence[bytes], most: int, field: str
               ) -> dict[int, list[Violation]]:
        assert self.text is not None
        try:
            wrong, violations = _apart.check(self.text, list(texts), most)
        except TooComplex:
            raise InvalidParams(fields={field: [
                f"makes a check against the schema that {_TOO_COMPLEX}"]}) from None
        return dict(zip(wrong, violations or [[UNTOLD]] * len(wrong)))


def compile_schema(text: bytes | None, version: str = "") -> Compiled:
    """Compile a schema: draft 2020-12, or what its ``$schema`` says.

    :param text: JSON text, or None for no schema
    :raises InvalidParams: when it is not a JSON Schema, or one that takes too long to compile or,
        whatever the data, to check; or when it declares what is not understood
    """
    if text is None:
        return Compiled(version, None)
    try:
        compiled = _compile(text, version)
    except TooComplex as error:
        wrong = f"is too complex: {error.place}{': ' if error.place else ''}{_TOO_COMPLEX}"
    except ValueError as error:
        wrong = f"is not a JSON Schema: {error}"
    else:
        if not may_declare(text):
            return compiled
        try:
            return _declared(compiled, text)
        except ValueError as error:
            wrong = f"declares what cannot be held: {error}"
    raise InvalidParams(fields={"schema": [wrong]})


def _declared(compiled: Compiled, text: bytes) -> Compiled:
    """Return a compiled schema with what it declares.

    :raises ValueError: when that is not understood, or a default does not fit
    """
    declared = declarations_of(parse_stored(text))
    if not declared.defaults:
        return compiled._replace(declared=declared)
    listed = defaults.defaults_of(text)
    wrong = compiled.all_violations([default.document() for default in listed],
                                    MOST_VIOLATIONS * len(listed), "schema")
    for number, violations in wrong.items():
        if told := listed[number].wrong(violations):
            place = pointer_of(listed[number].path)
            raise ValueError(f"the default of {place} does not fit: {told}")
    return compiled._replace(declared=declared, defaults=defaults.tree_of(listed),
                             weight=compiled.weight + _GROWTH * len(text))


def _compile(text: bytes, version: str) -> Compiled:
    costs = None
    if len(text) <= _TEXT:
        try:
            costs = Costs(parse_stored(text))
        except Unknown:
            pass
        else:
            regex = min(_REGEX, _REGEXES // (costs.patterns or 1))
            weight = _ENTRY + _GROWTH * len(text) + costs.patterns * regex
            try:
                return Compiled(version, text, weight, costs, validator_of(text, regex))
            except ValueError:
                # It may be one whose regular expressions weigh more.
                if costs.patterns == 0:
                    raise
    _apart.check(text, [], 0)
    return Compiled(version, text, _ENTRY + len(text))


class SchemaCache:
    """The compiled schemas that were used last, each at the newest version that was seen."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[str, ...], Compiled] = LRUCache(
            KEPT_BYTES, lambda compiled: compiled.weight)
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
            if compiled.weight <= KEPT_BYTES:
                self._kept[key] = compiled
        return compiled
