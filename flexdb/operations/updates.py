"""Changes of many: the nodes that fit a filter are patched or updated, all of them or none.

They are locked first, and then read, changed and written a part at a time, so that no more of their
data is in memory at once than a few pages weigh.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Integer
from flexdb.contract.gives import one
from flexdb.contract.json_fields import BodyPatch
from flexdb.contract.members import TENANT_ID
from flexdb.contract.operation import CHANGES, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents.patches import Change
from flexdb.documents.schemas import VIOLATES, Compiled
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations import nodes
from flexdb.operations.node_types import stored_schema
from flexdb.operations.rules import hold_written
from flexdb.operations.statements import step
from flexdb.plan import Plan, Result, Statement, Steps, Walk
from flexdb.query.filters import condition
from flexdb.query.parameters import FILTER
from flexdb.query.updates import UPDATE, change_of
from flexdb.sql.loader import filled

MOST_UPDATED = 10_000
# How much the nodes of a call may weigh together, before and after, in pages of a list.
MOST_PAGES = 16


class Updated(Schema):
    """What was changed."""

    updated = Integer("How many nodes were changed.", least=0)


class NodeUpdate(Params):
    tenant_id = TENANT_ID(required=True)
    filter = FILTER(required=True)
    patch = BodyPatch("How to patch each: an object is a merge patch (RFC 7396), an array a JSON "
                      "Patch (RFC 6902).", kinds=("object", "array"), example={"done": True})
    max_affected = Integer("When more nodes fit, none is changed.", least=1, most=MOST_UPDATED,
                           load_default=1000)
    node_type_id = Id("Only nodes of this type.")
    update = UPDATE()


@operation(NodeUpdate, gives=one(Updated), effect=CHANGES, of=TENANT, access=Access.WRITE,
           rules=Heed.HELD, long=True)
def update_nodes(context: Context, params: Loaded) -> Plan:
    """Patch or update the nodes that fit a filter, all of them or none.

    What each becomes must fit its type's schema. One that would stay what it is keeps its version
    and is not counted.
    """
    if not params["filter"] and "node_type_id" not in params:
        raise InvalidParams(fields={"filter": ["may not be empty: say which nodes"]})
    wanted, arguments = condition(params["filter"], nodes.MEMBERS, "n")
    if "node_type_id" in params:
        wanted = f"({wanted}) AND n.node_type_id = %(node_type_id)s::uuid"
    found = Statement(filled("get_nodes_to_update", context.json_fields, wanted),
                      params | arguments)
    return Steps("update_nodes", partial(_update, context, params, change_of(params), found))


def _update(context: Context, params: Loaded, change: Change, found: Statement) -> Walk:
    row = yield found
    if row is None:
        raise NotFound.of("tenant_id")
    total, ids, sizes, *types = row
    if total > params["max_affected"]:
        raise InvalidParams(fields={
            "max_affected": ["is less than the nodes that fit; none was changed"]})
    tenant_id, limits = params["tenant_id"], context.limits
    schemas = {id: stored_schema(context, tenant_id, id, version, schema, "filter")
               for id, version, schema in zip(*(column or [] for column in types))}
    budget = _Budget(MOST_PAGES * limits.max_page_bytes)
    budget.take(sum(sizes or ()))
    updated = weight = 0
    made: dict[str, tuple[str, bytes]] = {}
    for part in _parts(ids or [], sizes or [], limits.max_page_bytes):
        read = yield step(context, "get_data_of_nodes", {"tenant_id": tenant_id, "ids": part})
        for id, type_id, data in zip(*read):
            text = _changed(change, id, data or b"{}", limits.max_json_bytes, limits.max_depth)
            budget.take(len(text))
            made[id] = type_id, text
            weight += len(text)
            if weight > limits.max_page_bytes:
                updated += yield from _write(context, params, schemas, made)
                weight, made = 0, {}
    updated += yield from _write(context, params, schemas, made)
    yield from hold_written(context, tenant_id, ids or [])
    return Result(b'{"updated":%d}' % updated, rows=updated)


class _Budget:
    """How much the nodes of a call may still weigh, in bytes."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self, size: int) -> None:
        """Count bytes.

        :raises InvalidParams: when they are too many
        """
        self.left -= size
        if self.left < 0:
            raise InvalidParams(fields={"filter": [
                f"fits nodes that weigh more than {self.most:,} bytes, before and after the change "
                "together: change fewer at once; none was changed"]})


def _parts(ids: list[str], sizes: list[int], most: int) -> Iterator[list[str]]:
    """Give ids in parts of rows that together weigh no more than so many bytes, if they are two."""
    part: list[str] = []
    weight = 0
    for id, size in zip(ids, sizes):
        if part and weight + size > most:
            yield part
            part, weight = [], 0
        part.append(id)
        weight += size
    if part:
        yield part


def _changed(change: Change, id: str, data: bytes, most_bytes: int, max_depth: int) -> bytes:
    try:
        return change.apply(data, most_bytes, max_depth)
    except InvalidParams as error:
        fields = {name: [f"{wrong}, in node {id}" for wrong in all_wrong]
                  for name, all_wrong in error.data["fields"].items()}
        raise InvalidParams(fields=fields, id=id) from None


def _write(context: Context, params: Loaded, schemas: dict[str, Compiled],
           made: dict[str, tuple[str, bytes]]) -> Any:
    """Write what fits the schemas, and return how many nodes are others by that."""
    by_type: dict[str, list[str]] = {}
    for id, (type_id, _) in made.items():
        by_type.setdefault(type_id, []).append(id)
    field = "patch" if "patch" in params else "update"
    for type_id, of_type in by_type.items():
        wrong = schemas[type_id].all_violations([made[id][1] for id in of_type], field=field)
        if wrong:
            raise InvalidParams(
                fields={field: [f"makes data of {len(wrong)} nodes or more that {VIOLATES}"]},
                violations=[{"id": of_type[number], **violation}
                            for number, told in wrong.items() for violation in told])
    items = orjson.dumps([{"id": id, "data": orjson.Fragment(text)}
                          for id, (_, text) in made.items()])
    updated, = yield step(context, "update_nodes",
                          {"tenant_id": params["tenant_id"], "items": items})
    return updated
