"""The SQL of flexdb: each statement stands under its operation's name in a ``.sql`` file here.

A file has sections, each begun by a comment line that says what kind it is:

``-- object: node n``
    the columns of an object whose row has the alias ``n``, of which its JSON is written; words
    behind a column say how: ``time``, ``json`` for a JSON column, ``nullable`` if it may be unset;
    ``plain`` where it never is and its text stands in quotes as it is, ``number`` where without
``-- read: get_node -> object, version``
    a statement and what its row holds; ``lock`` in place of ``read`` where it locks what it reads,
    ``write`` where it writes, ``late`` where it is its transaction's last; in
    ``-- write: delete_nodes (condition) -> …`` the words in parentheses are slots that are filled
    for each call
``-- list: list_nodes of node n``
    the rows of a list, each the object ``node`` with the alias ``n``; a page of it is made by
    ``page.sql``, before which the frames in parentheses stand once, for all places that read them
``-- frame: step``
    a piece of other statements, and never one itself
``-- export: node`` and ``-- import: node``
    how the rows of an object leave and enter by COPY, in the order of a file's lines; the lines of
    ``-- export: all_users of user`` are those of the whole database
``-- clear: node_types``
    what takes away of a tenant that is replaced what a file brings, one after the other

``{node}`` stands for the text of an object's JSON or for a frame, ``{this_moment}`` for the text of
the time at which the statement began, and ``%(id)s`` for an argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast, get_args

from flexdb.config import JsonFields
from flexdb.plan import Kind, Query
from flexdb.sql.objects import Column, formatted_time, member, written

FOLDER = Path(__file__).parent
FORMS: tuple[JsonFields, ...] = get_args(JsonFields)

_SECTION = re.compile(
    r"^-- (object|read|lock|write|late|list|frame|export|import|clear): (\w+)(?: of (\w+))?"
    r"(?: (\w+))?(?: \(([\w, ]+)\))?(?: -> ([\w, ]+))?\n", re.MULTILINE)
_SLOT = re.compile(r"\{(\w+)\}")
_ARGUMENT = re.compile(r"%(?:\((\w+)\)s|%)")


class Section(NamedTuple):
    """A part of a file: what its first line says, and the SQL below."""

    kind: str
    name: str
    object: str
    alias: str
    slots: tuple[str, ...]
    columns: tuple[str, ...]
    text: str


def _read() -> list[Section]:
    found = []
    for file in sorted(FOLDER.glob("*.sql")):
        before, *parts = _SECTION.split(file.read_text(encoding="utf-8"))
        if re.sub(r"--.*", "", before).strip():
            raise ValueError(f"{file.name} has SQL before its first section")
        for kind, name, thing, alias, slots, columns, text in zip(*[iter(parts)] * 7):
            found.append(Section(
                kind, name, thing or "", alias or "", _words(slots), _words(columns),
                re.sub(r"^ *--.*\n", "", text, flags=re.MULTILINE).strip()))
    return found


def _words(listed: str | None) -> tuple[str, ...]:
    return tuple(listed.replace(",", " ").split()) if listed else ()


_SECTIONS = _read()


def _of_kind(*kinds: str) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for section in _SECTIONS:
        if section.kind in kinds and found.setdefault(section.name, section) is not section:
            raise ValueError(f"there are two sections of one name: {section.kind} {section.name}")
    return found


_STATEMENTS = _of_kind("read", "lock", "write", "late")
_FRAMES = _of_kind("frame")
LISTS = _of_kind("list")
OBJECTS: Mapping[str, tuple[Column, ...]] = {
    name: tuple(Column(column, frozenset(words))
                for column, *words in map(str.split, section.text.split(",")))
    for name, section in _of_kind("object").items()}
_ALIASES = {name: section.alias for name, section in _of_kind("object").items()}


def expand(text: str, form: JsonFields, slots: Mapping[str, str]) -> str:
    """Put objects, frames and what fills the slots into a statement's text."""
    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name in slots:
            return expand(slots[name], form, slots)
        if name == "this_moment":
            return formatted_time("statement_timestamp()")
        if name in OBJECTS:
            return written([member(_ALIASES[name], of, form) for of in OBJECTS[name]])
        return expand(_FRAMES[name].text, form, slots)

    return _SLOT.sub(put, text)


def make_query(name: str, text: str, kind: Kind = "read", columns: tuple[str, ...] = (),
               lasting: bool = False) -> Query:
    """Return a query of SQL whose arguments are written ``%(name)s``."""
    names: dict[str, int] = {}
    numbered = number(text, names)
    return Query(name, numbered, tuple(names), kind, columns, lasting)


def number(text: str, names: dict[str, int]) -> bytes:
    """Return SQL with ``$1``, ``$2``, … for its arguments.

    :param names: the number of each argument by its name; further ones are added
    """
    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return _ARGUMENT.sub(put, text).encode()


def _query(section: Section, form: JsonFields, lasting: bool, **slots: str) -> Query:
    if missing := set(section.slots) ^ (set(slots) - OBJECTS.keys()):
        raise TypeError(f"{section.name}: {', '.join(missing)} is not filled, or no slot")
    return make_query(section.name, expand(section.text, form, slots), cast(Kind, section.kind),
                      section.columns, lasting)


def _in(form: JsonFields) -> Mapping[str, Query]:
    return {name: _query(section, form, True) for name, section in _STATEMENTS.items()
            if not section.slots}


class _Statements(dict[JsonFields, Mapping[str, Query]]):
    """The statements in each form; those in the other one are made when a call asks for it."""

    def __missing__(self, form: JsonFields) -> Mapping[str, Query]:
        return self.setdefault(form, _in(form))


STATEMENTS: Mapping[JsonFields, Mapping[str, Query]] = _Statements(value=_in("value"))
# The names of all statements, those whose slots are filled for each call among them.
NAMES = frozenset(_STATEMENTS)


@lru_cache(maxsize=512)
def filled(name: str, form: JsonFields, condition: str = "TRUE", node: str = "",
           expanded: str = "") -> Query:
    """Return a statement that heeds a condition on a row: of a node, whose alias is ``n``, or of
    a relationship, whose alias is ``r``.

    :param name: the statement's name
    :param condition: SQL; TRUE for none
    :param node: the SQL of what it gives of a node; "" for the whole object
    :param expanded: the SQL of what is brought along with a node; "" for nothing
    """
    slots = {"condition": condition, "filtered": "FALSE" if condition == "TRUE" else "TRUE",
             **brought(expanded)}
    section = _STATEMENTS[name]
    return _query(section, form, False, **{slot: slots[slot] for slot in section.slots},
                  **({"node": node} if node else {}))


def brought(expanded: str) -> dict[str, str]:
    """Return what fills the slots of a statement for what is brought along with a row.

    It is looked for once for each row, and weighed.

    :param expanded: its SQL; "" for nothing
    """
    return {
        # Without OFFSET it would be looked for again wherever it stands.
        "brought": expanded and
        f"CROSS JOIN LATERAL (SELECT {expanded} AS expanded OFFSET 0) brought",
        "brought_size": expanded and " + octet_length(brought.expanded)",
    }


EXPORTS = {name: expand(section.text, "value", {}).encode()
           for name, section in _of_kind("export").items() if not section.object}
ALL_USERS = expand(_of_kind("export")["all_users"].text, "value", {}).encode()
IMPORTS = {name: section.text.encode() for name, section in _of_kind("import").items()}
CLEARS = [section.text.encode() for section in _of_kind("clear").values()]
