"""The parameters that make a list a query: which rows it gives, in which order, what of each."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from marshmallow import ValidationError

from flexdb.context import Context
from flexdb.contract.fields import BaseField, Choice, Json, JsonForm, text_in_query
from flexdb.contract.operation import Loaded
from flexdb.documents.paths import split_list
from flexdb.query.filters import PATTERNS, Filter, condition
from flexdb.query.paths import Members
from flexdb.query.projections import projection
from flexdb.query.sorts import sort_keys
from flexdb.sql.loader import LISTS
from flexdb.sql.pages import Key, object_of


class Paths(BaseField):
    """An array of paths, or a string of them, separated by commas."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        paths = split_list(value) if isinstance(value, str) else value
        if not (isinstance(paths, list) and paths and all(isinstance(one, str) for one in paths)):
            raise ValidationError("must be an array of paths, or a string of them separated by "
                                  "commas")
        return paths

    def query_schema(self) -> Json:
        """Return the JSON Schema of the string."""
        return text_in_query(self, ",".join(self.metadata["example"]))

    def _form(self, given: JsonForm | None) -> Json:
        return {"type": "array", "items": {"type": "string"}, "minItems": 1}


FILTER = partial(Filter, "Only what fits this: MongoDB's form of a condition on paths in `data` "
                 "and on the other members. In a path, a name with dots is quoted: "
                 '`data."a.b".c`.', example={"data.priority": "high"})
ONLY_IF = partial(Filter, "Only when it fits this, which is a filter as lists take it.",
                  example={"data.status": "open"})
SORT = partial(Paths, "The paths to sort by, from the first on; `-` before one is descending.",
               example=["-data.priority", "created_at"])
FIELDS = partial(Paths, "The paths to give back, instead of whole objects; of an array "
                 "only the places that are named.",
                 example=["id", "data.title"])
COUNT = partial(Choice, "`none` leaves `total_count` out, which with a filter costs the most.",
                ("exact", "none"), example="exact")
# Of lists whose objects have no data.
MEMBERS_FILTER = partial(FILTER, example={"created_at": {"$gte": "2026-01-01T00:00:00Z"}})
MEMBERS_SORT = partial(SORT, example=["-created_at"])
MEMBERS_FIELDS = partial(FIELDS, example=["id"])
QUERY = frozenset({"filter", "sort", "fields", "count", "highlights", "expand"})
# What a row may tell beside its columns.
_FURTHER = {"highlights": "flexdb_search_highlights({0}.tenant_id, {0}.node_type_id, {0}.data, "
                          "{0}.query)"}


class Asked(NamedTuple):
    """What a query asks of a list, as SQL and its arguments.

    :param condition: which rows; "" for all
    :param order: by which keys; none for the list's own
    :param arguments: those of the condition and the order
    :param thing: what each row becomes; "" for the whole object
    :param projected: the arguments in that
    """

    condition: str
    order: tuple[Key, ...]
    arguments: dict[str, Any]
    thing: str
    projected: dict[str, Any]

    @property
    def shape(self) -> tuple[Any, ...]:
        """Return what makes it, with the arguments, another walk through a list than others."""
        return self.condition, [tuple(key) for key in self.order]


def read_query(context: Context, name: str, params: Loaded, members: Members,
               unique: str = "id") -> Asked:
    """Return what the parameters of a query ask for.

    :param name: the list's name
    :param params: valid parameters
    :param members: those of the list's objects
    :param unique: the one that no two of them have in common
    :raises InvalidParams: naming the place in them that is wrong
    """
    listing = LISTS[name]
    wanted, arguments = condition(params.get("filter", {}), members, listing.alias)
    keys, sorted_by = (sort_keys(params["sort"], members, listing.alias, unique=unique)
                       if "sort" in params else ((), {}))
    further = {name: sql.format(listing.alias) for name, sql in _FURTHER.items()
               if params.get(name, "none") != "none"}
    if "expand" in params:
        further["expanded"] = f"{listing.alias}.expanded"
    thing, projected = (
        projection(params.get("fields"), members, object_of(name), listing.alias,
                   context.json_fields, further=further)
        if "fields" in params or further else ("", {}))
    return Asked("" if wanted == "TRUE" else wanted, keys, arguments | sorted_by, thing, projected)


def together(*arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of several conditions, with the patterns of all."""
    found = {name: value for some in arguments for name, value in some.items()}
    if patterns := {place: pattern for some in arguments
                    for place, pattern in some.get(PATTERNS, {}).items()}:
        found[PATTERNS] = patterns
    else:
        found.pop(PATTERNS, None)
    return found
