"""The neighbours of a node, as the nodes of a list and as a condition in a filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flexdb.context import Context
from flexdb.contract.fields import Choice, Id, Text
from flexdb.contract.objects import JsonObject
from flexdb.contract.operation import Loaded
from flexdb.contract.params import Params
from flexdb.documents.text import Number
from flexdb.query.paths import Members
from flexdb.sql.neighbors import neighbors

RELATED, DEEPEST_RELATED = "$related", 2
DIRECTION = partial(
    Choice, "Which relationships to follow: `out` from source to target, `in` the other way, or "
    "`both`.", choices=("out", "in", "both"))
_TYPE = partial(Text, "Follow only relationships of this type; all when absent.",
                example="part_of")


class Relation(Params):
    """Which relationships to follow from a node."""

    type = _TYPE(load_default=None)
    direction = DIRECTION(load_default="both")


class RelatedTo(Relation):
    """Which relationships to follow from which node."""

    node = Id("The id of the node.", required=True)


RELATED_TO = partial(JsonObject, "Only the nodes that relationships lead to from this one, each "
                     "once; the last related first. `total_count` is told only where `count` is "
                     "`exact`.", RelatedTo, example={
                         "node": "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", "type": "part_of",
                         "direction": "in"})
# The arguments of a list of neighbours.
NEAR = ("id", "direction", "relationship_types")
_relation = Relation()


def near(params: Loaded) -> Loaded:
    """Return the arguments of a list of the nodes that are related to one.

    :param params: valid parameters, ``related_to`` among them
    """
    related: Loaded = params["related_to"]
    return dict(zip(NEAR, (related["node"], related["direction"], types_of(related))))


def types_of(relation: Loaded) -> list[str] | None:
    """Return the types of the relationships to follow; None for all."""
    return None if relation["type"] is None else [relation["type"]]


def have_relationships(members: Members) -> bool:
    """Tell whether what has these members is a node: only between nodes there are relationships."""
    return "node_type_id" in members and "relationship_type" not in members


def related(asked: dict[str, Any], alias: str, argument: Callable[[Any], str],
            inner: Callable[[str], str]) -> str:
    """Return the condition that a node has a neighbour.

    :param asked: as a filter has it behind ``$related``
    :param alias: the node's alias in the SQL
    :param argument: returns the placeholder of a new argument
    :param inner: returns the condition on the neighbour, whose alias it is given
    :raises marshmallow.ValidationError: when it says wrongly which relationships are meant
    """
    # In a filter, a number is a text that knows to be one.
    relation = _relation.load({name: float(value) if isinstance(value, Number) else value
                               for name, value in asked.items() if name != "filter"},
                              context=Context())
    row = f"near_{alias}"
    rows = neighbors(row, f"{alias}.id", argument(types_of(relation)), relation["direction"],
                     once=False, listed=False)
    return f"EXISTS ({rows} AND ({inner(row)}))"
