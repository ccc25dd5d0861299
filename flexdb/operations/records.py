"""What a node is in an answer, and what it may bring along."""

from functools import partial

from marshmallow import Schema

from flexdb.contract.fields import Boolean, Id, Integer, Text
from flexdb.contract.json_fields import JsonText
from flexdb.contract.members import CREATED_AT, TENANT_ID, UPDATED_AT, VERSION
from flexdb.contract.objects import Items, Named, Object
from flexdb.query.expands import MOST_COUNTED

ID = partial(Id, "The node's id.")
NODE_TYPE_ID = partial(Id, "The id of the node's type.")
DATA = partial(JsonText, "The record: a JSON object, kept to the digit.",
               example={"title": "Complete project", "priority": "high"})
NEIGHBORS = partial(Items, "Each once: the last related first, or as `sort` says.")
TRUNCATED = partial(Boolean, "Whether there may be more: a limit was met before the end.")
TOTAL_COUNT = partial(Integer, f"How many there are, where `count` was asked for; null above "
                      f"{MOST_COUNTED:,}.", least=0, allow_none=True)


class BareNode(Schema):
    """What a node is by itself."""

    id = ID()
    tenant_id = TENANT_ID()
    node_type_id = NODE_TYPE_ID()
    data = DATA()
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


MEMBERS = BareNode().fields


class FurtherNode(BareNode):
    """What was asked for of a neighbour's neighbour."""

    asked_for = (*MEMBERS,)


class FurtherNodes(Schema):
    """The neighbours of a neighbour under one name."""

    asked_for = ("total_count",)
    nodes = NEIGHBORS(Object(FurtherNode, "A node."))
    truncated = TRUNCATED()
    total_count = TOTAL_COUNT()


class ExpandedNode(BareNode):
    """What was asked for of a neighbour."""

    asked_for = (*MEMBERS, "expanded")
    expanded = Named(FurtherNodes, "What it brings along, by the names of `expand`.")


class ExpandedNodes(Schema):
    """The neighbours of a node under one name."""

    asked_for = ("total_count",)
    nodes = NEIGHBORS(Object(ExpandedNode, "A node."))
    truncated = TRUNCATED()
    total_count = TOTAL_COUNT()


class Highlight(Schema):
    """Where a word that was searched for stands."""

    path = Text("The member whose text it is, as in a filter.", example="data.title")
    start = Integer("How many characters (code points) stand before it.", least=0)
    length = Integer("How many characters it has.", least=1)


class Node(BareNode):
    """A node: a JSON record of a node type."""

    asked_for = ("highlights", "expanded")
    highlights = Items("Where the words of a search stand, at most 100 places; only where that was "
                       "asked for.", Object(Highlight, "A place."))
    expanded = Named(ExpandedNodes, "The neighbours that it brings along, by the names of "
                     "`expand`; only where that was asked for.")
