"""Rules as SQL: which nodes a role's grants let a caller read and write.

A grant is for one node type, or for all that no other grant names, and says of reading and of
writing ``true``, ``false`` or a filter, in which ``{"$caller": "id"}`` or
``{"$caller": "attributes.team"}`` stands for what is known of the caller. What no grant is for is
not there. What may be written may be read too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flexdb.access.rules import Rules
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.query.filters import condition
from flexdb.query.paths import Members
from flexdb.sql.sights import Sight

CALLER = "$caller"
_ATTRIBUTES = "attributes."
_LISTS = ("$in", "$nin")
_ALL, _NONE = "TRUE", "FALSE"
# What stands for a caller where a filter is only looked at; a text that an id may be as well.
_ANYONE = "00000000-0000-0000-0000-000000000000"

# How many bytes Python has around a text.
_OF_VALUE = 64

Arguments = dict[str, Any]


class _Unknown(Exception):
    """A caller of whom is not known what a filter asks for."""


class Sights(NamedTuple):
    """What a caller sees, and may write.

    :param read: None where that is all
    :param write: what may be read and written
    :param arguments: those in both
    :param writes: the node types whose nodes the caller may write at all, by id; None stands for
        all that are not in ``named``
    :param named: the node types that have a grant of their own
    """

    read: Sight | None
    write: Sight
    arguments: Arguments
    writes: frozenset[str | None]
    named: frozenset[str]

    @property
    def weight(self) -> int:
        """Return about how many bytes it takes, at least some."""
        values = (one for value in self.arguments.values()
                  for one in (value if isinstance(value, list) else [value]))
        return 1024 + len(self.write.nodes) + 2 * len(self.write.targets) + sum(
            _OF_VALUE + len(one) for one in values)

    def may_write(self, node_type_id: str) -> bool:
        """Tell whether there are nodes of a type that the caller may write."""
        return (node_type_id if node_type_id in self.named else None) in self.writes


def check_filter(filter: Any, members: Members) -> None:
    """Refuse a filter that no caller could be held to.

    :param members: the members of a node
    :raises InvalidParams: naming the place in it that is wrong
    """
    condition(_with_caller(filter, lambda name: _ANYONE, ("filter",)), members, "n",
              of_rule=True)


def sights_of(rules: Rules, members: Members) -> Sights:
    """Return what rules let their caller see and write.

    :param members: the members of a node
    """
    attributes = json_text.parse(rules.attributes.encode())

    def known(name: str) -> Any:
        found = rules.caller if name == "id" else attributes.get(name[len(_ATTRIBUTES):])
        if found is None:
            raise _Unknown
        return found

    arguments: Arguments = {}
    grants = json_text.parse_exactly(rules.grants.encode())
    named = [grant["node_type_id"] for grant in grants if grant["node_type_id"]]
    read: dict[str | None, str] = {}
    write: dict[str | None, str] = {}
    for place, grant in enumerate(grants):
        id = grant["node_type_id"]
        read[id], write[id] = (
            _compiled(grant[what], known, members, f"{what}{place}_", arguments)
            for what in ("read", "write"))
        write[id] = _both(read[id], write[id])
    reads_all = None in read and set(read.values()) == {_ALL}
    seen, written = (_by_type(by_type, named, what, arguments)
                     for what, by_type in (("read", read), ("write", write)))
    return Sights(None if reads_all else Sight(seen, seen), Sight(written, seen), arguments,
                  frozenset(id for id, sql in write.items() if sql != _NONE), frozenset(named))


def _compiled(grant: Any, known: Callable[[str], Any], members: Members, prefix: str,
              arguments: Arguments) -> str:
    """Return the condition of a grant, and add its arguments.

    What is not known of the caller, or is nothing that the filter can compare with, lets nothing
    through, behind a negation too.
    """
    if isinstance(grant, bool):
        return _ALL if grant else _NONE
    try:
        sql, further = condition(_with_caller(grant, known, ("filter",)), members, "n", prefix,
                                 of_rule=True)
    except (_Unknown, InvalidParams):
        return _NONE
    arguments |= further
    return sql


def _by_type(by_type: dict[str | None, str], named: list[str], what: str, arguments: Arguments
             ) -> str:
    """Return the condition on a node of what its type's grant says."""
    found = []
    if whole := [id for id, sql in by_type.items() if id and sql == _ALL]:
        arguments[f"{what}_types"] = whole
        found.append(f"n.node_type_id = ANY (%({what}_types)s::uuid[])")
    for place, (id, sql) in enumerate(by_type.items()):
        if id is None:
            if sql != _NONE and named:
                arguments["named_types"] = named
                found.append(f"n.node_type_id <> ALL (%(named_types)s::uuid[]) AND ({sql})")
            elif not named:
                found.append(sql)
        elif sql not in (_ALL, _NONE):
            arguments[f"{what}_type{place}"] = id
            found.append(f"n.node_type_id = %({what}_type{place})s::uuid AND ({sql})")
    return " OR ".join(f"({one})" for one in found) or _NONE


def _both(one: str, other: str) -> str:
    if _NONE in (one, other):
        return _NONE
    return one if other == _ALL else other if one == _ALL else f"({one}) AND ({other})"


def _with_caller(filter: Any, known: Callable[[str], Any], place: tuple[str, ...]) -> Any:
    """Return a filter with what is known of the caller where it stands for that.

    :raises InvalidParams: naming the place of what stands for nothing
    """
    if isinstance(filter, list):
        return [_with_caller(one, known, (*place, str(index)))
                for index, one in enumerate(filter)]
    if not isinstance(filter, dict):
        return filter
    if filter.keys() == {CALLER}:
        name = filter[CALLER]
        if name != "id" and not (isinstance(name, str) and name.startswith(_ATTRIBUTES)
                                 and len(name) > len(_ATTRIBUTES)):
            raise InvalidParams(fields={".".join((*place, CALLER)): [
                'must be "id", or "attributes." and the name of an attribute']})
        found = known(name)
        return [found] if place[-1] in _LISTS and not isinstance(found, list) else found
    return {name: _with_caller(value, known, (*place, name)) for name, value in filter.items()}
