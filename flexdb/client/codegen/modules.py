"""The text of a module: the classes of a tenant's node types, in one of four kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from flexdb.client.codegen.declared import Member, Reader, Shape, Structure
from flexdb.client.codegen.names import Names, member_name

Kind = Literal["typeddict", "dataclass", "msgspec", "pydantic"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_IMPORTS = {
    "typeddict": """\
import sys
from typing import Any, Literal

if sys.version_info >= (3, 11):
    from typing import NotRequired, TypedDict
else:
    from typing_extensions import NotRequired, TypedDict
""",
    "dataclass": """\
from dataclasses import dataclass, field
from typing import Any, Literal
""",
    "msgspec": """\
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field
""",
    "pydantic": """\
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
""",
}
# What makes a class of each kind.
_HEADS = {"typeddict": "class {}(TypedDict):", "dataclass": "@dataclass(kw_only=True)\nclass {}:",
          "msgspec": "class {}(Struct, kw_only=True):", "pydantic": "class {}(BaseModel):"}
# How a member says that it may be absent.
_ABSENT = {"dataclass": ("None", "default=None"), "msgspec": ("UnsetType", "default=UNSET"),
           "pydantic": ("None", "default=None")}


def module(node_types: Iterable[Mapping[str, Any]], kind: Kind = "typeddict") -> str:
    """Return the text of a module with a class for the records of each node type.

    :param node_types: as the service gives them
    """
    names = Names()
    readers = [Reader(one, names) for one in sorted(
        node_types, key=lambda one: (one["name"], one["id"]))]
    writer = _Writer(kind, names)
    classes = [writer.of(structure) for reader in readers for structure in reader.structures]
    return "\n\n".join([
        '"""The records of a tenant, a class for each node type."""\n\n'
        f"from __future__ import annotations\n\n{_IMPORTS[kind]}", *classes])


class _Writer:
    """Writes classes.

    :param names: those of all of them
    """

    def __init__(self, kind: Kind, names: Names) -> None:
        self._kind, self._names = kind, names

    def of(self, structure: Structure) -> str:
        """Return the text of a class."""
        if self._kind == "typeddict" and any(
                Names(self._names.all).claim(one.name) != one.name or not _may_stand(one.name)
                for one in structure.members):
            return self._by_call(structure)
        names = Names(self._names.all)
        lines = [_HEADS[self._kind].format(structure.name)]
        if structure.title:
            lines += [f"    {_docstring(structure.title)}", ""]
        renamed, members = False, []
        for one in structure.members:
            name = one.name if self._kind == "typeddict" else names.claim(member_name(one.name))
            renamed = renamed or name != one.name
            members.append(self._member(one, name))
        if renamed and self._kind == "pydantic":
            lines += ["    model_config = ConfigDict(populate_by_name=True)", ""]
        lines += members
        while not lines[-1]:
            lines.pop()
        if all(line.lstrip().startswith("#") for line in lines[1:]):
            lines.append("    pass")
        return "\n".join(lines) + "\n"

    def _by_call(self, structure: Structure) -> str:
        """Return the text of a TypedDict with members whose names no class can have."""
        lines = [f"{structure.name} = TypedDict({_quoted(structure.name)}, {{"]
        for one in structure.members:
            # The specification of types lets a name be any text but this.
            lines.append(f"    {_quoted(one.name)}: {_quoted(self._annotation(one))}," if one.name
                         else "    # '' is no name that a TypedDict may have.")
        return "\n".join([*lines, "})"]) + "\n"

    def _member(self, member: Member, name: str) -> str:
        written = f"    {name}: {self._annotation(member)}"
        if self._kind == "typeddict":
            return written
        options = [] if member.required else [_ABSENT[self._kind][1]]
        if name != member.name:
            if self._kind == "msgspec" and not _may_be_renamed(member.name):
                return f"    # {ascii(member.name)} is no name that msgspec knows a member by."
            quoted = _quoted(member.name)
            options += {"dataclass": [f'metadata={{"name": {quoted}}}'],
                        "msgspec": [f"name={quoted}"],
                        "pydantic": [f"validation_alias={quoted}", f"serialization_alias={quoted}"]
                        }[self._kind]
        if not options:
            return written
        if len(options) == 1 and not member.required and name == member.name:
            return f"{written} = {options[0].partition('=')[2]}"
        made = "Field" if self._kind == "pydantic" else "field"
        return f"{written} = {made}({', '.join(options)})"

    def _annotation(self, member: Member) -> str:
        known = self._text(member.shape)
        if member.required:
            return known
        if self._kind == "typeddict":
            return f"NotRequired[{known}]"
        absent = _ABSENT[self._kind][0]
        return known if known == "Any" or absent in known.split(" | ") else f"{known} | {absent}"

    def _text(self, shape: Shape) -> str:
        if shape.any:
            return "Any"
        plain = list(shape.plain)
        if "float" in plain and "int" not in plain and self._kind in ("msgspec", "pydantic"):
            # These make what is read of it, and a whole number is to keep all its digits.
            plain.insert(plain.index("float"), "int")
        # What is any text, or any number, may not be some of them beside it.
        literals = [one for one in shape.literals if (
            "str" not in plain if isinstance(one, str) else not {"int", "float"} & {*plain})]
        found = [f"Literal[{', '.join(map(_quoted, literals))}]"] if literals else []
        found += [one for one in plain if one != "None"]
        found += self._several([f"list[{self._text(one)}]" for one in shape.lists], "list[Any]")
        found += self._several([
            one.name if isinstance(one, Structure) else f"dict[str, {self._text(one)}]"
            for one in shape.objects], "dict[str, Any]")
        return " | ".join([*found, *(["None"] if "None" in plain else [])]) or "Any"

    def _several(self, found: list[str], whatever: str) -> list[str]:
        """Return what may be one of several: only these two tell a dict or a list from others."""
        found = list(dict.fromkeys(found))
        return found if len(found) < 2 or self._kind in ("typeddict", "pydantic") else [whatever]


def _may_stand(name: str) -> bool:
    """Tell whether a name can be that of a member in a class as it is."""
    return name.isidentifier() and name.isascii() and not name.startswith("__")


def _may_be_renamed(name: str) -> bool:
    return not any(one in '"\\' or ord(one) < ord(" ") for one in name)


def _quoted(value: str | int) -> str:
    """Return a literal, in which nothing ends it early."""
    if isinstance(value, str) and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return repr(value)


def _docstring(text: str) -> str:
    """Return a docstring of any text."""
    shown = _quoted(" ".join(text.split()))
    return f'""{shown}""' if shown.startswith('"') else shown
