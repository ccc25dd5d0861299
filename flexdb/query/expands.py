"""Expanding: the neighbours that a node brings along, under names that the caller chose."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import orjson
from cachetools import LRUCache, cached

from flexdb.context import Context
from flexdb.contract.fields import Boolean, Integer
from flexdb.contract.named_objects import NamedObjects
from flexdb.contract.operation import Loaded
from flexdb.errors import InvalidParams
from flexdb.query.filters import PATTERNS, condition
from flexdb.query.parameters import FIELDS, FILTER, SORT, together
from flexdb.query.paths import Members
from flexdb.query.projections import NONE, projection
from flexdb.query.related import Relation, types_of
from flexdb.query.sorts import sort_keys
from flexdb.sql.loader import expand
from flexdb.sql.neighbors import neighbors
from flexdb.sql.pages import LAST_RELATED_FIRST, shown_rows

MOST_NAMES, MOST_EACH, MOST_BROUGHT = 5, 100, 10_000
MOST_PLAIN, _MOST_WRITTEN = 2, 256
# So many are counted under one name, and more are not told.
MOST_COUNTED = 10_000
_TOTAL = (""", ', "total_count" : ', """
          f"(SELECT CASE WHEN count(*) <= {MOST_COUNTED} THEN count(*)::text ELSE 'null' END "
          f"FROM (SELECT FROM ({{rows}}) counted LIMIT {MOST_COUNTED} + 1) counted)")


class FurtherExpansion(Relation):
    """Which neighbours of a neighbour to bring along."""

    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    limit = Integer("Bring at most so many.", least=1, most=MOST_EACH, load_default=10)
    count = Boolean("Whether to tell `total_count`.", load_default=False)


class Expansion(FurtherExpansion):
    """Which neighbours of a node to bring along."""

    expand = NamedObjects("What each of them brings along.", FurtherExpansion, MOST_NAMES,
                          example={"comments": {"type": "comment_on", "direction": "in"}})


EXPAND = partial(NamedObjects, "The neighbours to bring along with each node, by the names that "
                 "they shall have in its `expanded`.", Expansion, MOST_NAMES,
                 example={"project": {"type": "part_of", "direction": "out", "limit": 1}})


class Expanded(NamedTuple):
    """What is brought along, as SQL.

    :param sql: an expression that writes it for a node, as JSON text
    :param arguments: those in it
    :param is_plain: whether it is one of not many, each of which has one good plan
    """

    sql: str = ""
    arguments: dict[str, Any] = {}  # noqa: RUF012
    is_plain: bool = False


def expanded(context: Context, params: Loaded, members: Members, alias: str, rows: int
             ) -> Expanded:
    """Return what the parameter ``expand`` asks for; nothing where it is absent.

    :param params: valid parameters
    :param members: those of a node
    :param alias: the node's alias in the SQL
    :param rows: with how many nodes it is brought along at most
    :raises InvalidParams: naming the place in it that is wrong, or when it asks for too many
    """
    if "expand" not in params:
        return Expanded()
    most = rows * _most(params["expand"])
    if most > MOST_BROUGHT:
        raise InvalidParams(fields={"expand": [
            f"may bring {MOST_BROUGHT:,} nodes along, not {most:,}: ask for smaller pages, or "
            "give its names a smaller limit"]})
    if _is_plain(params["expand"]):
        return _written_once(context, members, params["expand"], alias)
    return _written(context, members, params["expand"], alias)


def _written(context: Context, members: Members, expansions: Loaded, alias: str) -> Expanded:
    writer = _Bringer(context, members)
    return Expanded(writer.all_of(expansions, alias, "expand", "x",
                                  context.limits.max_page_bytes), writer.arguments)


# What is plain names no member. To write it takes longer than all other planning of a call.
@cached(LRUCache(_MOST_WRITTEN), lock=Lock(), key=lambda context, _, expansions, alias: (
    orjson.dumps(expansions), alias, context.json_fields, context.limits.max_page_bytes))
def _written_once(context: Context, members: Members, expansions: Loaded, alias: str
                  ) -> Expanded:
    return _written(context, members, expansions, alias)._replace(is_plain=True)


def _is_plain(expansions: Loaded) -> bool:
    return len(expansions) <= MOST_PLAIN and not any(
        one.keys() & {"filter", "sort", "fields", "expand"} for one in expansions.values())


def _most(expansions: Loaded) -> int:
    """Return how many nodes come along with one, at most."""
    return sum(one["limit"] * (1 + _most(one.get("expand", {}))) for one in expansions.values())


class _Bringer:
    """Writes what is brought along, and gathers the arguments."""

    def __init__(self, context: Context, members: Members) -> None:
        self.context, self.members = context, members
        self.arguments: dict[str, Any] = {}

    def all_of(self, expansions: Loaded, alias: str, place: str, prefix: str, most: int) -> str:
        """Return the object of what is brought along with a node under each name.

        :param most: how much all of it may weigh, in bytes
        """
        found = []
        for number, (name, one) in enumerate(expansions.items()):
            own = f"{prefix}{number}_"
            try:
                sql = self._one(one, alias, f"{place}.{name}", own, most // len(expansions))
            except InvalidParams as error:
                raise InvalidParams(fields={
                    f"expand.{name}.{inner}": told
                    for inner, told in error.data["fields"].items()}) from None
            found.append(f"to_json({self._argument(f'{own}name', name)}::text), ' : ', {sql}")
        listed = ", ', ', ".join(found)
        return f"concat('{{', {listed}, '}}')"

    def _one(self, one: Loaded, alias: str, place: str, prefix: str, most: int) -> str:
        row = f"near_{alias}"
        types = self._argument(f"{prefix}types", types_of(one))
        rows = neighbors(row, f"{alias}.id", types, one["direction"], once=True,
                         listed=True)
        wanted, arguments = condition(one.get("filter", {}), self.members, row, f"{prefix}f")
        rows += "" if wanted == "TRUE" else f" AND ({wanted})"
        order, sorted_by = (sort_keys(one["sort"], self.members, row, f"{prefix}s")
                            if "sort" in one else (LAST_RELATED_FIRST, {}))
        # A node and what it brings along have half the room each.
        further = (self.all_of(one["expand"], row, f"{place}.expand", prefix, most // 2)
                   if "expand" in one else "")
        thing, projected = projection(
            one.get("fields"), self.members, "node", row, self.context.json_fields, f"{prefix}p",
            {"expanded": f"{row}.expanded"} if further else NONE)
        arguments[PATTERNS] = {f"{place}.{inner}": pattern for inner, pattern in
                               arguments.get(PATTERNS, {}).items()}
        self.arguments = together(self.arguments, arguments, sorted_by, projected)
        return expand("{expansion}", "value", shown_rows(row, rows, order, further) | {
            "object": thing, "after": "", "first": "",
            "most": self._argument(f"{prefix}limit", one["limit"]),
            "bytes": self._argument(f"{prefix}bytes", most),
            "total": _TOTAL.format(rows=rows) if one["count"] else ""})

    def _argument(self, name: str, value: Any) -> str:
        self.arguments[name] = value
        return f"%({name})s"
