"""Changes: the feed of all that happens to the nodes, relationships and node types of a tenant."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Choice, Id, Integer, Text, Time
from flexdb.contract.gives import one
from flexdb.contract.members import TENANT_ID, VERSION
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams
from flexdb.operations import node_types, nodes, relationships
from flexdb.plan import Statement
from flexdb.query.changes import KINDS, MOST_WAIT, OPS, changes
from flexdb.query.parameters import FILTER
from flexdb.query.positions import Since

MOST_CHANGES, MOST_NAMED = 1000, 100
_EXAMPLE = "k3f9zq.a81c.1234"
# What a filter looks at; a node has no ends, and a relationship no node type.
MEMBERS = {**relationships.MEMBERS, **nodes.MEMBERS}


class Former(Schema):
    """A node, a relationship or a node type, as it was."""

    class Meta:
        unknown = INCLUDE


class ChangeRecord(Schema):
    """What was done to one object, and what the object was then."""

    asked_for: tuple[str, ...] = ("node", "relationship", "node_type", "old")
    position = Text("Its place among the tenant's changes; null in a history where it has none, "
                    "yet or any more.", allow_none=True, example=_EXAMPLE)
    op = Choice("What was done.", (*OPS,))
    kind = Choice("What it was done to; the object has this name.", (*KINDS,))
    id = Id("The object's id.")
    version = VERSION()
    at = Time("When; the order of changes is that of their positions.")
    actor = Text("Who did it: `key:<id>` for a key, `open` where none was needed; null where that "
                 "is not known.", allow_none=True, example="open")
    request_id = Text("The id of the request.", allow_none=True)
    transaction = Text("Names the transaction: what was done together has the same.",
                       example="9f1c2a77d3e0b5aa")
    node = Object(nodes.BareNode, "The node at this version; null where it was deleted, or that "
                  "is not known any more.", allow_none=True)
    relationship = Object(relationships.Relationship, "The relationship, likewise.",
                          allow_none=True)
    node_type = Object(node_types.NodeType, "The node type, likewise.", allow_none=True)
    old = Object(Former, "What it was before, where that was asked for; null where it was created, "
                 "or that is not kept.", allow_none=True)


class Changes(Schema):
    """The next changes, in the order in which they are to be applied."""

    changes = Items("The changes.", Object(ChangeRecord, "A change."))
    position = Text("How far this looked: `since` of the next call.", example=_EXAMPLE)
    more = Boolean("Whether there are further ones already.")


class ChangeQuery(Params):
    tenant_id = TENANT_ID(required=True)
    since = Since("After which position; without it there are no changes, and `position` is that "
                  "of now.", example=_EXAMPLE)
    limit = Integer("How many at most.", least=1, most=MOST_CHANGES, load_default=100)
    kinds = Items("Only changes of these.", Choice("A kind.", (*KINDS,)), most=len(KINDS),
                  example=["node"])
    ops = Items("Only these changes.", Choice("What was done.", (*OPS,)), most=len(OPS),
                example=["delete"])
    node_type_ids = Items("Only nodes of these types, and these types; beside "
                          "`relationship_types`, these relationships too.", Id("A node type."),
                          most=MOST_NAMED)
    relationship_types = Items("Only relationships of these types, and what `node_type_ids` "
                               "names.", Text("A type."), most=MOST_NAMED, example=["part_of"])
    ids = Items("Only objects with these ids.", Id("An id."), most=MOST_NAMED)
    filter = FILTER()
    old = Boolean("Whether to give what each object was before, as `old`.", load_default=False)
    wait = Integer("Where nothing changed yet, for how many seconds to wait until something does; "
                   "of a call alone, which is answered then.", least=0, most=MOST_WAIT,
                   load_default=0)


@operation(ChangeQuery, gives=one(Changes), effect=READS, of=TENANT, access=Access.READ,
           rules=Heed.REFUSED, alone=True, fresh=True)
def list_changes(context: Context, params: Loaded) -> Statement:
    """List what changed in a tenant since a position, each change exactly once, in one order.

    A change carries the whole object as it was then. A filter lets through what fits it before or
    after the change.
    """
    if params["wait"]:
        # Where there is somebody who can wait, it is no parameter any more.
        raise InvalidParams(fields={
            "wait": ["is for a call alone that is answered, not for one in a batch"]})
    return changes(context, params, MEMBERS)
