"""What a node type's schema declares by keywords of ours, which JSON Schema knows nothing of.

``x-unique``, ``x-search`` and ``x-index`` with ``true`` stand in the schema of a member that is
reached by ``properties`` alone; what is unique together is listed at the top. PostgreSQL reads the
same (migration 0016-declarations), and is more lenient: what it does not understand is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from flexdb.documents.paths import parts_of
from flexdb.documents.pointers import pointer_of

Path = tuple[str, ...]
_Place = tuple["str | int", ...]

# How many rules of a kind a type may have, and how many members may be unique together.
MOST_RULES, _MOST_TOGETHER = {"unique": 8, "search": 16, "index": 4}, 8
# How deep a member may be, and how many characters the names of a rule may have: they are in keys.
_MOST_PARTS, _MOST_CHARACTERS = 20, 200
# The keywords whose schemas hold for something else than a member that has one path.
_ONE = ("items", "additionalItems", "contains", "additionalProperties", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties", "not", "if", "then", "else", "contentSchema")
_SEVERAL = ("items", "prefixItems", "allOf", "anyOf", "oneOf")
_NAMED = ("patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
_DEFAULTS, _USER, _LANGUAGE = "x-defaults", "x-user", "x-search-language"
_HISTORY, _KEEP_DELETED, _MOST_DAYS = "x-history", "x-keep-deleted", 36500
# The configurations of text search that PostgreSQL has from 14 on.
# https://www.postgresql.org/docs/14/textsearch-dictionaries.html
LANGUAGES = (
    "simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish",
    "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian",
    "lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian", "serbian", "spanish",
    "swedish", "tamil", "turkish", "yiddish")
# How one of ours begins in JSON text, which may write any character as an escape.
_BEGINNINGS = (b'"x-', b"\\u")


class Declarations(NamedTuple):
    """The rules of a type, each of them the paths of its members below ``data``.

    :param unique: what only one node may have; some members together
    :param searched: the members that are searched
    :param indexed: the members that have an index of their own
    :param defaults: whether absent members get their defaults when a node is created
    """

    unique: tuple[tuple[Path, ...], ...] = ()
    searched: tuple[Path, ...] = ()
    indexed: tuple[Path, ...] = ()
    defaults: bool = False


NOTHING = Declarations()


def may_declare(text: bytes) -> bool:
    """Tell whether a schema may declare anything; most do not, and cost no more than this.

    :param text: JSON text
    """
    return any(beginning in text for beginning in _BEGINNINGS)


def declarations_of(schema: Any) -> Declarations:
    """Return what a schema declares.

    :param schema: a JSON Schema, parsed
    :raises ValueError: when a declaration cannot be understood, with its place and what would be
        right
    """
    if not isinstance(schema, dict):
        return NOTHING
    found: dict[str, list[tuple[Path, ...]]] = {kind: [] for kind in MOST_RULES}
    for place, path, member in _schemas(schema):
        if place and _LANGUAGE in member:
            raise ValueError(f"{pointer_of([*place, _LANGUAGE])} may stand at the top alone")
        for kind in MOST_RULES:
            value = member.get(f"x-{kind}", False)
            if path == () and kind == "unique":
                found[kind] += _listed(value)
            elif not isinstance(value, bool):
                raise ValueError(f"{pointer_of([*place, f'x-{kind}'])} must be true or false")
            elif value and not path:
                raise ValueError(
                    f"{pointer_of([*place, f'x-{kind}'])} names no member: it may stand in the "
                    "schema of a member, which is reached by properties alone")
            elif value and path:
                found[kind].append((path,))
    for kind, most in MOST_RULES.items():
        _check(kind, found[kind], most)
    _check_language(schema.get(_LANGUAGE))
    days = schema.get(_KEEP_DELETED, 0)
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _MOST_DAYS:
        raise ValueError(f"/{_KEEP_DELETED} must be a number of days, 0 to {_MOST_DAYS:,}")
    for name in (_DEFAULTS, _USER, _HISTORY):
        if not isinstance(schema.get(name, False), bool):
            raise ValueError(f"/{name} must be true or false")
    searched, indexed = (tuple(path for path, in found[kind]) for kind in ("search", "index"))
    return Declarations(tuple(found["unique"]), searched, indexed, schema.get(_DEFAULTS, False))


def members_of(schema: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the schemas of the members that are reached by ``properties`` alone, with their paths.

    :param schema: a JSON Schema, parsed
    """
    if isinstance(schema, dict):
        yield from ((path, member) for _, path, member in _schemas(schema) if path)


def _schemas(schema: dict[str, Any]) -> Iterator[tuple[_Place, Path | None, dict[str, Any]]]:
    """Give every schema in a schema: its place, and the path of its member where that has one."""
    waiting: list[tuple[_Place, Path | None, Any]] = [((), (), schema)]
    while waiting:
        place, path, found = waiting.pop()
        if not isinstance(found, dict):
            continue
        yield place, path, found
        for keyword, name, part in _schemas_below(found):
            is_member = keyword == "properties" and path is not None
            waiting.append(((*place, keyword, *([] if name is None else [name])),
                            (*path, str(name)) if is_member and path is not None else None, part))


def _schemas_below(schema: dict[str, Any]) -> Iterator[tuple[str, str | int | None, Any]]:
    """Give the schemas right below one: the keyword, the name or place under it, the schema."""
    for keyword, held in schema.items():
        if keyword in _SEVERAL and isinstance(held, list):
            yield from ((keyword, number, part) for number, part in enumerate(held))
        elif keyword in _ONE:
            yield keyword, None, held
        elif keyword in ("properties", *_NAMED) and isinstance(held, dict):
            yield from ((keyword, name, part) for name, part in held.items())


def _listed(value: Any) -> Iterator[tuple[Path, ...]]:
    """Give the rules that are listed at the top."""
    if not isinstance(value, list):
        if value is False:
            return
        raise ValueError('/x-unique must be an array of arrays of paths, such as [["a", "b.c"]], '
                         "or stand in the schema of a member")
    for number, together in enumerate(value):
        if not isinstance(together, list) or not all(isinstance(path, str) for path in together):
            raise ValueError(f"/x-unique/{number} must be an array of paths, such as "
                             '["a", "b.c"]')
        if not 0 < len(together) <= _MOST_TOGETHER:
            raise ValueError(f"/x-unique/{number} must have 1 to {_MOST_TOGETHER} paths, not "
                             f"{len(together)}")
        try:
            paths = tuple(tuple(parts_of(path)) for path in together)
        except ValueError as error:
            raise ValueError(f"/x-unique/{number}: a path {error}") from None
        if len(set(paths)) < len(paths):
            raise ValueError(f"/x-unique/{number} has a path twice")
        yield paths


def _check_language(language: Any) -> None:
    if language not in (None, *LANGUAGES):
        raise ValueError(f"/{_LANGUAGE} must be one of {', '.join(LANGUAGES)}")


def _check(kind: str, rules: list[tuple[Path, ...]], most: int) -> None:
    keyword = f"x-{kind}"
    if len(rules) > most:
        raise ValueError(f"{keyword} may stand {most} times, not {len(rules)}")
    if len(set(map(frozenset, rules))) < len(rules):
        raise ValueError(f"{keyword} says the same twice")
    for paths in rules:
        if any(len(path) > _MOST_PARTS for path in paths):
            raise ValueError(f"{keyword}: a member may be at most {_MOST_PARTS} deep")
        if sum(len(name) for path in paths for name in path) > _MOST_CHARACTERS:
            raise ValueError(f"{keyword}: the names of a rule may have at most "
                             f"{_MOST_CHARACTERS} characters together")
