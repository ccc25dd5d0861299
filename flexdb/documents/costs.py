"""What it may cost at most to check data against a schema, told before it is done.

A schema is a graph: its keywords lead to schemas that hold for the same value (``allOf``, ``$ref``)
or for a part of it (``properties``, ``items``). Steps are counted along all ways through it, so
that what is reached twice counts twice, as it is checked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from flexdb.documents.pointers import names_of, pointer_of
from flexdb.documents.text import depth

# What some keywords cost for each character of a value.
_PATTERN_STEPS, _FORMAT_STEPS, _DIVISION_STEPS = 50, 10, 10
# Each escape makes a regular expression be rewritten whole: so many characters may be.
_MOST_REWRITTEN = 100_000
# Beyond so many steps it does not matter how many; so far ways through a schema are followed.
_MOST_STEPS, _MOST_PASSES = 1e12, 100
# So many schemas may be gone through for one value: to be told, and to be taken at all, since each
# takes some 20 ns.
_MOST_EXPANDED, _TOO_MANY_STEPS = 100_000, 100_000_000
# Keywords whose schemas hold for the same value, and how often each is gone through: what is tried
# before its violations are gathered, twice.
_SAME = {"$ref": 1, "not": 2, "if": 2, "then": 1, "else": 1}
_SAME_EACH = {"allOf": 1, "anyOf": 2, "oneOf": 2}
_SAME_NAMED = ("dependentSchemas", "dependencies")
# Keywords whose schemas hold for each member, or for each item.
_MEMBERS = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ITEMS = ("additionalItems", "unevaluatedItems", "contains", "items")
_UNEVALUATED = {"unevaluatedProperties", "unevaluatedItems"}
_BY_CHARACTER = {"pattern", "patternProperties", "format", "uniqueItems", "multipleOf"}
_ELSEWHERE = {"$dynamicRef", "$recursiveRef"}


class TooComplex(Exception):
    """A check takes more time or memory than it may.

    :param place: where no data is to blame, the schema's keyword that is, as a JSON Pointer: "" for
        the schema as a whole
    """

    def __init__(self, place: str | None) -> None:
        super().__init__(place)
        self.place = place


class Unknown(ValueError):
    """It cannot be told what checking against a schema may cost."""


class _Lead(NamedTuple):
    """A way from a schema to one in it: for which part of a value that one holds, and how often."""

    part: str
    path: str
    schema: Any
    times: int = 1


class _Node(NamedTuple):
    """A schema within the schema: the steps that its own keywords take, and where they lead."""

    place: str
    own: float
    leads: list[tuple[_Lead, int]]


class Costs:
    """The most steps that checking takes for a value of a depth and a size.

    ``patterns`` is how many regular expressions the schema has.

    :param schema: a JSON Schema, parsed
    :raises TooComplex: when some values take longer than a check may
    :raises Unknown: when it cannot be told
    """

    def __init__(self, schema: Any) -> None:
        self._root = schema
        self.patterns = 0
        self._rewritten = 0
        self._by_character = False
        self._nodes: list[_Node] = []
        self._places: dict[int, int] = {}
        self._walk()
        passes = list(self._passes(_fewest_steps))
        if len(passes) > _MOST_PASSES:
            raise Unknown("a schema refers to itself for the same value")
        self._longest, fewest = len(passes), passes[-1]
        heaviest = max(range(len(fewest)), key=fewest.__getitem__)
        if fewest[heaviest] > _TOO_MANY_STEPS:
            raise TooComplex(self._leading(heaviest, fewest))
        *_, expanded = self._passes(_expanded)
        if max(expanded) > _MOST_EXPANDED:
            raise Unknown("schemas are compiled wherever they are referred to")
        self._steps = [steps[0] for steps in self._passes(_steps_of_all)]

    def of(self, texts: Sequence[bytes]) -> float:
        """Return the most steps that a check of several JSON texts takes."""
        if len(self._steps) <= _MOST_PASSES and self._steps[-1] < _MOST_STEPS:
            return self._size(*texts) * self._steps[-1]
        return sum(map(self._of_recursive, texts))

    def _of_recursive(self, text: bytes) -> float:
        # The schema is followed as far as the data goes.
        passes = (depth(text, 0) + 1) * self._longest
        return self._size(text) * self._steps[passes] if passes < len(self._steps) else _MOST_STEPS

    def _size(self, *texts: bytes) -> int:
        """Return how many characters there are, where steps are taken for each, or values."""
        if self._by_character:
            return sum(map(len, texts))
        whole = b"".join(texts)
        return len(texts) + whole.count(b",") + whole.count(b"[") + whole.count(b"{")

    def _leading(self, number: int, steps: list[float]) -> str:
        """Return the place of a schema's keyword that leads to the most steps for its value."""
        node = self._nodes[number]
        return node.place + max(((steps[to], lead.path) for lead, to in node.leads
                                 if lead.part == "same"), default=(0, ""))[1]

    def _walk(self) -> None:
        waiting = [(self._root, "")]
        self._places[id(self._root)] = 0
        self._nodes.append(_Node("", 1, []))
        while waiting:
            schema, place = waiting.pop()
            if not isinstance(schema, dict):
                continue
            if not schema.keys().isdisjoint(_ELSEWHERE) or place and (
                    isinstance(schema.get("$id", schema.get("id")), str)):
                raise Unknown(f"{place} may lead elsewhere")
            number = self._places[id(schema)]
            leads = self._nodes[number].leads
            self._nodes[number] = _Node(place, _own(schema), leads)
            for pattern in _patterns(schema):
                self.patterns += 1
                self._rewritten += len(pattern) * pattern.count("\\")
            if self._rewritten > _MOST_REWRITTEN:
                raise Unknown("regular expressions are long")
            self._by_character |= not schema.keys().isdisjoint(_BY_CHARACTER)
            for lead in self._leads(schema):
                if id(lead.schema) not in self._places:
                    self._places[id(lead.schema)] = len(self._nodes)
                    self._nodes.append(_Node(place + lead.path, 1, []))
                    waiting.append((lead.schema, place + lead.path))
                leads.append((lead, self._places[id(lead.schema)]))

    def _leads(self, schema: dict[str, Any]) -> Iterator[_Lead]:
        again = 1 + (not schema.keys().isdisjoint(_UNEVALUATED))
        for name, times in _SAME.items():
            if name in schema:
                to = self._at(schema[name]) if name == "$ref" else schema[name]
                yield _Lead("same", f"/{name}", to, times * again)
        for name, times in _SAME_EACH.items():
            for path, to in _within(schema, name):
                yield _Lead("same", path, to, times * again)
        for name in _SAME_NAMED:
            for path, to in _within(schema, name):
                yield _Lead("same", path, to, again)
        for part, names, each, one in (
                ("member", _MEMBERS, "patternProperties", "properties"),
                ("item", _ITEMS, "", "prefixItems")):
            for name in names:
                if isinstance(schema.get(name), (dict, bool)):
                    yield _Lead(part, f"/{name}", schema[name])
            for path, to in _within(schema, each):
                yield _Lead(part, path, to)
            for path, to in _within(schema, one):
                yield _Lead(f"one {part}", path, to)
        if isinstance(schema.get("items"), list):
            for path, to in _within(schema, "items"):
                yield _Lead("one item", path, to)

    def _at(self, reference: Any) -> Any:
        if not isinstance(reference, str) or reference[:2] not in ("#", "#/"):
            raise Unknown("a reference may lead elsewhere")
        found = self._root
        for part in names_of(unquote(reference)):
            try:
                found = found[int(part)] if isinstance(found, list) else found[part]
            except (LookupError, TypeError, ValueError):
                raise Unknown("a reference leads nowhere") from None
        return found

    def _passes(self, steps_of: Callable[[_Node, list[float]], float]) -> Iterator[list[float]]:
        """Give the steps of each schema, first by itself, then one lead farther on each time."""
        steps = [0.0] * len(self._nodes)
        for _ in range(_MOST_PASSES + 1):
            farther = [min(_MOST_STEPS, steps_of(node, steps)) for node in self._nodes]
            if farther == steps:
                return
            yield (steps := farther)


def _fewest_steps(node: _Node, steps: list[float]) -> float:
    return 1 + sum(steps[to] for lead, to in node.leads if lead.part == "same")


def _expanded(node: _Node, steps: list[float]) -> float:
    return 1 + sum(lead.times * steps[to] for lead, to in node.leads if lead.part == "same")


def _steps_of_all(node: _Node, steps: list[float]) -> float:
    same = member = item = one_member = one_item = 0.0
    for lead, to in node.leads:
        if lead.part == "same":
            same += lead.times * steps[to]
        elif lead.part == "member":
            member += steps[to]
        elif lead.part == "item":
            item += steps[to]
        elif lead.part == "one member":
            one_member = max(one_member, steps[to])
        else:
            one_item = max(one_item, steps[to])
    return node.own + same + max(member + one_member, item + one_item)


def _own(schema: dict[str, Any]) -> float:
    """Return the steps that a schema's own keywords take for a value, or each of its characters."""
    if schema.get("format") == "regex":
        raise Unknown("data is compiled as a regular expression")
    listed = sum(len(value) for value in schema.values() if isinstance(value, (dict, list)))
    return (1 + len(schema) + listed + _size(schema.get("enum")) + _size(schema.get("const"))
            + _PATTERN_STEPS * len(_patterns(schema)) + _FORMAT_STEPS * ("format" in schema)
            + _DIVISION_STEPS * ("multipleOf" in schema))


def _patterns(schema: dict[str, Any]) -> list[str]:
    one, named = schema.get("pattern"), schema.get("patternProperties")
    return [*([one] if isinstance(one, str) else ()), *(named if isinstance(named, dict) else ())]


def _size(value: Any) -> int:
    return 0 if value is None else len(str(value)) // 8


def _within(schema: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Give the schemas that a keyword holds in an array or under names, and where each is."""
    held = schema.get(name)
    pairs = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(
        held, list) else ()
    for key, part in pairs:
        if isinstance(part, (dict, bool)):
            yield pointer_of((name, key)), part
