"""The types of what the client takes and gives, written as Python from the JSON Schemas of both."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any

from flexdb.contract import describe
from flexdb.contract.json_fields import PATCH_OPERATIONS
from flexdb.contract.objects import kinds_in, object_schema
from flexdb.contract.operation import OPERATIONS, Operation

Json = dict[str, Any]
WIDTH = 100
# A space at which no line is broken.
TIGHT = "\N{NO-BREAK SPACE}"
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


@cache
def all_schemas() -> dict[str, Json]:
    """Return the JSON Schema of each object that has a name, of those that clients send too."""
    found = {name: schema for name, schema in describe.schemas("value").items()
             if name not in describe.ERRORS} | PATCH_OPERATIONS
    for operation in OPERATIONS.values():
        for kind in kinds_in(operation.params) - {operation.params}:
            # What both sides send may lack whatever a caller may leave out.
            found[kind.__name__] |= {"required": object_schema(kind()).get("required", [])}
    return found


def reply_of(operation: Operation, schemas: dict[str, Json]) -> tuple[Json | None, str]:
    """Return the schema of what a method gives, and the member of the result that this is.

    A result with a single member that holds an object or a whole list is not worth its wrapping.
    """
    gives = operation.gives
    if gives.schema is None:
        return None, ""
    result = describe.result_schema(operation)
    if not gives.wrapper or gives.paged:
        return result, ""
    whole = schemas[result["$ref"].rpartition("/")[2]]
    return whole["properties"][gives.wrapper], gives.wrapper


def python_type(schema: Json, taken: bool = False) -> str:
    """Return the type of what fits a schema.

    :param taken: whether a caller sends it, who may send any mapping for an object
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "dict[str, Any]" if name in _open_names() else name
    if "anyOf" in schema:
        kinds = [python_type(one, taken) for one in schema["anyOf"]]
        return " | ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return f"Literal[{', '.join(literal(one) for one in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{python_type(schema.get('items', {}), taken)}]"
    if kind == "object":
        more = schema.get("additionalProperties")
        item = python_type(more, taken) if isinstance(more, dict) else "Any"
        return f"{'Mapping' if taken else 'dict'}[str, {item}]"
    if taken and schema.get("format") == "date-time":
        return "str | datetime"
    return _PLAIN.get(kind, "Any") if isinstance(kind, str) else "Any"


def literal(value: Any) -> str:
    """Return a constant as the house writes it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def fold(text: str, indent: str, first: str = "") -> str:
    """Break code between brackets at its spaces, so that no line is too long."""
    return "\n".join(textwrap.wrap(
        text, WIDTH, initial_indent=first or indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False)).replace(TIGHT, " ")


def told(text: str, indent: str, after: str = "") -> str:
    """Return a docstring, with what comes after its first paragraph."""
    flat = " ".join(text.split()).replace("\\", "\\\\")
    if not after and len(indent) + len(flat) + 6 <= WIDTH:
        return f'{indent}"""{flat}"""\n'
    folded = fold(f'"""{flat}', indent)
    return f'{folded}\n{after}{indent}"""\n'


def in_order(schemas: dict[str, Json]) -> list[str]:
    """Return the names so that each comes after those that it refers to, where that can be."""
    ordered: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in ordered or name in above:
            return
        for other in sorted(_named(schemas[name])):
            visit(other, (*above, name))
        ordered[name] = None

    for name in schemas:
        visit(name, ())
    return [name for name in ordered if name not in _open_names()]


@cache
def _open_names() -> set[str]:
    """Return the names of objects of which nothing is known but that they are some."""
    return {name for name, schema in describe.schemas("value").items()
            if not schema.get("properties")}


def _named(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
        return own.union(*map(_named, schema.values()))
    return set().union(*map(_named, schema)) if isinstance(schema, list) else set()


def objects_module(schemas: dict[str, Json], used: Iterable[str]) -> str:
    """Return the module of the TypedDicts.

    :param used: those that methods take or give, which need what they refer to
    """
    needed: set[str] = set()
    todo = sorted(used)
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += _named(schemas[name])
    wanted = {name: schema for name, schema in schemas.items() if name in needed}
    classes = "\n\n".join(_class(name, wanted[name]) for name in in_order(wanted))
    times = "from datetime import datetime\n" if "datetime" in classes else ""
    return (
        '"""What the service takes and gives, as types: dicts with the members that are told.\n\n'
        'Written by ``scripts/make_client.py``.\n"""\n\n'
        f"import sys\nfrom collections.abc import Mapping\n{times}"
        "from typing import Any, Literal\n\n"
        "if sys.version_info >= (3, 11):\n    from typing import NotRequired, TypedDict\n"
        "else:\n    from typing_extensions import NotRequired, TypedDict\n\n\n"
        + classes)


def _class(name: str, schema: Json) -> str:
    required = set(schema.get("required", ()))
    # What the service takes it may take as any mapping; what it gives is a dict.
    members = {member: _member(one, member in required, name in _taken())
               for member, one in schema["properties"].items()}
    description = told(schema.get("description") or "What is told of its members.", "    ")
    if any(keyword.iskeyword(member) for member in members):
        pairs = "".join(fold(f'"{member}": {kind},', " " * 8, " " * 4) + "\n"
                        for member, kind in members.items())
        comment = "".join(f"# {line}\n" for line in textwrap.wrap(
            " ".join((schema.get("description") or "").split()), WIDTH - 2))
        return f'{comment}{name} = TypedDict("{name}", {{\n{pairs}}})\n'
    body = "".join(
        fold(f"{member}: {kind}", " " * 8, " " * 4) + "\n"
        + (told(text, "    ") if (text := schema["properties"][member].get("description")) else "")
        for member, kind in members.items())
    return f"class {name}(TypedDict):\n{description}\n{body}"


def _member(schema: Json, required: bool, taken: bool) -> str:
    kind = python_type(schema, taken)
    return kind if required else f"NotRequired[{kind}]"


@cache
def _taken() -> set[str]:
    return {kind.__name__ for operation in OPERATIONS.values()
            for kind in kinds_in(operation.params)} | PATCH_OPERATIONS.keys()
