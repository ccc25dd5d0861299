"""What JSON Schemas say of the shape of data: never more than holds for all that fits them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flexdb.client.codegen.names import Names, class_name

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
# The greatest number that all that reads literals takes.
_MOST = 2**63 - 1


@dataclass(eq=False)
class Shape:
    """What a value may be: any of these.

    :param any: whether nothing more is known of it
    :param plain: names of Python's types of what has no parts
    :param literals: texts and whole numbers
    :param lists: what is in them
    :param objects: those with named members, and what is in those with any names
    """

    any: bool = False
    plain: list[str] = field(default_factory=list)
    literals: list[str | int] = field(default_factory=list)
    lists: list[Shape] = field(default_factory=list)
    objects: list[Structure | Shape] = field(default_factory=list)

    def add(self, other: Shape) -> None:
        """Let it be what another may be as well."""
        self.any = self.any or other.any
        self.plain += [one for one in other.plain if one not in self.plain]
        self.literals += [one for one in other.literals if one not in self.literals]
        self.lists += [one for one in other.lists if one not in self.lists]
        self.objects += [one for one in other.objects if one not in self.objects]


ANYTHING = Shape(any=True)


@dataclass
class Member:
    """A member of an object, by the name that it has in JSON."""

    name: str
    shape: Shape
    required: bool


@dataclass(eq=False)
class Structure:
    """An object with members that have names: what a class is made of.

    :param name: the class's
    :param title: what else is to be said of it
    """

    name: str
    title: str = ""
    members: list[Member] = field(default_factory=list)


class Reader:
    """Reads the schema of one node type.

    :param names: those of the classes of all of a tenant's
    """

    def __init__(self, node_type: Mapping[str, Any], names: Names) -> None:
        schema = node_type["schema"]
        self._root: dict[str, Any] = schema if isinstance(schema, dict) else {}
        dialect = str(self._root.get("$schema", ""))
        # There nothing counts beside a $ref; and const means nothing.
        self._ref_alone = re.search(r"draft-0[3-7]", dialect) is not None
        self._has_const = re.search(r"draft-0[34]", dialect) is None
        # What is within one of its own is referred to from there.
        self._refers = not any(self._ids(self._root, False))
        self._names = names
        self._shapes: dict[int, Shape] = {}
        # In the order in which they are met, that of the record first.
        self.structures: list[Structure] = []
        self._unread: list[tuple[Structure, dict[str, Any]]] = []
        record = self._structure(self._root, class_name(node_type["name"]))
        named = [node_type["name"]] if record.name != node_type["name"] else []
        record.title = ": ".join(filter(None, [*named, node_type["description"]]))
        self._shapes[id(self._root)] = Shape(objects=[record])
        # One after the other: what a value may be is known before what is in it is read.
        while self._unread:
            self._read(*self._unread.pop(0))

    def _shape(self, schema: Any, hint: str) -> Shape:
        """Return what a value may be that fits; of several keywords one says no more than all."""
        if not isinstance(schema, dict):
            return ANYTHING
        if id(schema) not in self._shapes:
            # What is itself again, and nothing else, is anything.
            self._shapes[id(schema)] = ANYTHING
            self._shapes[id(schema)] = self._of_keywords(schema, hint)
        return self._shapes[id(schema)]

    def _of_keywords(self, schema: dict[str, Any], hint: str) -> Shape:
        if "$ref" in schema:
            target = self._target(schema["$ref"])
            return self._shape(target, self._hint_of(schema["$ref"]))
        if "const" in schema and self._has_const:
            return _literals([schema["const"]])
        if isinstance(values := schema.get("enum"), list):
            return _literals(values)
        if "type" in schema:
            types = schema["type"]
            return self._union(types if isinstance(types, list) else [types], lambda name: (
                self._of_type(name, schema, hint)))
        for several in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(several), list) and options:
                found = self._union(options, lambda option: self._shape(option, hint))
                if not found.any:
                    return found
        for part in _list(schema.get("allOf")):
            if not (found := self._shape(part, hint)).any:
                return found
        return ANYTHING

    @staticmethod
    def _union(options: list[Any], shape_of: Any) -> Shape:
        found = Shape()
        for option in options:
            found.add(shape_of(option))
        return found

    def _of_type(self, name: Any, schema: dict[str, Any], hint: str) -> Shape:
        if name in _PLAIN:
            return Shape(plain=[_PLAIN[name]])
        if name == "array":
            items = schema.get("items")
            return Shape(lists=[self._shape(
                None if "prefixItems" in schema else items, f"{hint}Item")])
        if name != "object":
            return ANYTHING
        if any(part.get("properties") or part.get("required") for part in self._parts(schema)):
            return Shape(objects=[self._structure(schema, hint)])
        rest = schema.get("additionalProperties")
        return Shape(objects=[self._shape(
            None if schema.get("patternProperties") else rest, f"{hint}Value")])

    def _structure(self, schema: dict[str, Any], name: str) -> Structure:
        made = Structure(self._names.claim(name))
        self.structures.append(made)
        self._unread.append((made, schema))
        return made

    def _read(self, made: Structure, schema: dict[str, Any]) -> None:
        schemas: dict[str, list[Any]] = {}
        required: set[str] = set()
        for part in self._parts(schema):
            properties = part.get("properties")
            for member, one in (properties if isinstance(properties, dict) else {}).items():
                schemas.setdefault(member, []).append(one)
            required.update(one for one in _list(part.get("required")) if isinstance(one, str))
        for member in sorted(required - schemas.keys()):
            schemas[member] = []
        for member, several in schemas.items():
            shapes = (self._shape(one, made.name + class_name(member)) for one in several)
            made.members.append(Member(member, next(
                (one for one in shapes if not one.any), ANYTHING), member in required))

    def _parts(self, schema: Any, seen: set[int] | None = None) -> Iterator[dict[str, Any]]:
        """Give a schema and all that must hold beside it, each once."""
        seen = set() if seen is None else seen
        if not isinstance(schema, dict) or id(schema) in seen:
            return
        seen.add(id(schema))
        if "$ref" in schema:
            yield from self._parts(self._target(schema["$ref"]), seen)
            if self._ref_alone:
                return
        yield schema
        for part in _list(schema.get("allOf")):
            yield from self._parts(part, seen)

    def _target(self, reference: Any) -> Any:
        """Return what a reference into the same schema leads to; None for any other."""
        if not self._refers or not isinstance(reference, str) or not re.match("#(/|$)", reference):
            return None
        found: Any = self._root
        for part in unquote(reference).split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and re.fullmatch("[0-9]{1,9}", part):
                found = found[int(part)] if int(part) < len(found) else None
            else:
                found = found.get(part) if isinstance(found, dict) else None
        return found

    def _hint_of(self, reference: Any) -> str:
        return self.structures[0].name + class_name(str(reference).rpartition("/")[2])

    def _ids(self, part: Any, inner: bool) -> Iterator[str]:
        if isinstance(part, dict):
            yield from (name for name in ("$id", "id") if inner and isinstance(part.get(name), str))
        for one in part.values() if isinstance(part, dict) else _list(part):
            yield from self._ids(one, True)


def _literals(values: list[Any]) -> Shape:
    found = Shape()
    for value in values:
        if isinstance(value, str) or type(value) is int and abs(value) <= _MOST:
            found.add(Shape(literals=[value]))
        elif value is None or isinstance(value, (bool, int, float)):
            found.add(Shape(plain=["None" if value is None else type(value).__name__]))
        else:
            return ANYTHING
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
