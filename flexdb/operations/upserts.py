"""Upserts: nodes that are made where they are not there yet, and else changed.

Which node is meant says its id, or what it alone may have by the ``x-unique`` of its type.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from marshmallow import Schema, ValidationError

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Choice, Integer, Text
from flexdb.contract.gives import many, one
from flexdb.contract.members import NEW_ID, TENANT_ID
from flexdb.contract.objects import Object, Objects
from flexdb.contract.operation import CREATES, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents.paths import parts_of
from flexdb.operations import nodes
from flexdb.operations.bulk import MOST_ITEMS
from flexdb.operations.upsert_walk import ONE, SEVERAL, Upsert
from flexdb.plan import Result, Steps, Walk
from flexdb.query.parameters import Paths

MODE = partial(Choice, "What becomes of the data of a node that is there: it is replaced, or "
               "what is given is merged into it (RFC 7396).", ("replace", "merge"),
               load_default="replace")


class UniqueKey(Paths):
    """The members of a rule of x-unique, below ``data``; given on as PostgreSQL knows the rule."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        paths = super()._deserialize(value, attr, data, **kwargs)
        try:
            return orjson.dumps([list(parts_of(path)) for path in paths])
        except ValueError as error:
            raise ValidationError(str(error)) from None


KEY = partial(UniqueKey, "By which members a node is known, as `x-unique` of its type has "
              "them; by its id when absent.", load_default=None, example=["sku"])
DATA = partial(nodes.DATA, required=True)
OUTCOME = ("created", "changed", "unchanged")


class NodeUpsert(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_id = nodes.NODE_TYPE_ID(required=True)
    data = DATA()
    id = NEW_ID()
    key = KEY()
    mode = MODE()


class UpsertItem(Params):
    node_type_id = nodes.NODE_TYPE_ID(required=True)
    data = DATA()
    id = NEW_ID()


class NodeUpserts(Params):
    tenant_id = TENANT_ID(required=True)
    nodes = Objects("The nodes, 1 to 10,000.", UpsertItem, MOST_ITEMS, required=True, example=[
        {"node_type_id": "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", "data": {"sku": "A-1"}}])
    key = KEY()
    mode = MODE()
    all_or_none = Boolean("Whether nothing is done when one is refused; else the others are done.",
                          load_default=True)


class Upserted(Schema):
    """What became of a node."""

    outcome = Choice("Whether it was made, was changed, or was so already.", OUTCOME)
    node = Object(nodes.Node, "The node as it is now.")


class ItemRefusal(Schema):
    """Why one of several was refused."""

    code = Integer("The code of the error.", least=-32768, example=-32003)
    reason = Text("Its reason.", example="ALREADY_EXISTS")
    message = Text("What is wrong, and what would be right.")


class UpsertResult(Schema):
    """What became of one of several nodes."""

    outcome = Choice("As for one, or that it was refused.", (*OUTCOME, "refused"))
    node = Object(nodes.Node, "The node as it is now; null where it was refused.", allow_none=True)
    error = Object(ItemRefusal, "Why it was refused; else null.", allow_none=True)


@operation(NodeUpsert, gives=one(Upserted), effect=CREATES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def upsert_node(context: Context, params: Loaded) -> Steps:
    """Create a node, or change the one that is there: by its id, or by what is unique in its type.

    Where nothing would change, its version stays.
    """
    upsert = Upsert(context, params | {"nodes": [params], "all_or_none": True}, ONE)

    def start() -> Walk:
        yield from upsert.walk()
        outcome, node = upsert.done[0]
        return Result(b'{"outcome":"%b","node":%b}' % (outcome.encode(), node),
                      created=outcome == "created")

    return Steps("upsert_node", start)


@operation(NodeUpserts, gives=many(UpsertResult, "outcomes"), effect=CREATES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD, long=True)
def upsert_nodes(context: Context, params: Loaded) -> Steps:
    """Create or change up to 10,000 nodes, each as upsert_node does, in the order given.

    What another writes at the same moment under a second rule of x-unique refuses the whole call.
    """
    upsert = Upsert(context, params, SEVERAL)

    def start() -> Walk:
        yield from upsert.walk()
        return Result(b'{"outcomes":[%b]}' % b",".join(map(upsert.told, range(len(upsert.items)))),
                      rows=len(upsert.items))

    return Steps("upsert_nodes", start)
