"""Checks: which nodes of a type do not fit its schema, or one that it might have."""

from __future__ import annotations

from functools import partial

import orjson
from marshmallow import Schema
from msgspec import Raw

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Integer, Text
from flexdb.contract.gives import one
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.documents.schemas import compile_schema
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations import node_types, nodes
from flexdb.operations.statements import step
from flexdb.plan import Plan, Result, Steps, Walk
from flexdb.query.paging import Pagination, page

USUALLY_CHECKED, MOST_CHECKED = 1000, 10_000


class Violation(Schema):
    """One thing in a node's data that does not fit."""

    path = Text("The place in the data, as a JSON Pointer (RFC 6901).")
    keyword = Text("The keyword of JSON Schema.")
    message = Text("What is wrong.")


class Refused(Schema):
    """A node that does not fit."""

    node = Object(nodes.Node, "The node.")
    violations = Items("What does not fit.", Object(Violation, "A violation."))


class Duplicates(Schema):
    """Nodes that have what the schema lets only one have."""

    members = Items("The members that are equal.", Text("A path, such as data.email."))
    values = Items("Their values as JSON text, of which 200 characters are told.", Text("A value."))
    ids = Items("The ids of the oldest of the nodes, up to 10.", nodes.ID())
    total = Integer("How many nodes there are.", least=2)


class Check(Schema):
    """What came of checking some nodes."""

    checked = Integer("How many nodes were checked.", least=0)
    refused = Items("Those that do not fit.", Object(Refused, "A node."))
    clashes = Items("What several nodes of the type have and x-unique lets only one have, up to "
                    "100; told with the first nodes.", Object(Duplicates, "Such nodes."))
    next_page_token = Text("Where the next nodes to check begin; empty when these were the last.")


class CheckPagination(Pagination):
    """Which nodes to check."""

    page_size = Integer("How many to check; above 10,000 counts as 10,000.", least=1,
                        load_default=USUALLY_CHECKED)


class NodeTypeCheck(Params):
    tenant_id = TENANT_ID(required=True)
    id = node_types.ID(required=True)
    schema = node_types.SCHEMA(allow_none=False)
    pagination = Object(CheckPagination, "Which nodes to check; the first 1,000 when absent.")


@operation(NodeTypeCheck, gives=one(Check), effect=READS, of=TENANT,
           access=Access.SCHEMA, rules=Heed.HELD, fresh=True)
def check_node_type(context: Context, params: Loaded) -> Plan:
    """Check the nodes of a type against its schema, or against one that it might have."""
    if "schema" in params:
        compile_schema(params["schema"])
    return Steps("check_node_type", partial(_check, context, params))


def _check(context: Context, params: Loaded) -> Walk:
    of_type = {"tenant_id": params["tenant_id"], "node_type_id": params["id"]}
    row = yield step(context, "get_schema_to_check", of_type)
    if row is None:
        raise NotFound.of("id", "node type")
    try:
        compiled = compile_schema(params.get("schema", row[1]))
    except InvalidParams as error:
        raise node_types.unusable_schema(error, params["id"], "id") from None
    first = {"pagination": {"page_size": USUALLY_CHECKED}}
    listing = page(context, "list_nodes", first | params | of_type, ("node_type_id",),
                   largest=MOST_CHECKED)
    result = json_text.members(listing.result((yield listing)).text)
    checked = json_text.items(result["nodes"])
    data = [_stored(context, node) for node in checked]
    wrong = compiled.all_violations(data, field="schema" if "schema" in params else "id")
    refused = [{"node": orjson.Fragment(bytes(checked[number])), "violations": violations}
               for number, violations in wrong.items()]
    paging = json_text.parse(bytes(result["pagination"]))
    clashes = []
    is_first = not params.get("pagination", {}).get("page_token")
    if compiled.declared.unique and compiled.text and is_first:
        clashes = yield from node_types.clashes_with(context, of_type, compiled.text)
    return Result(orjson.dumps({"checked": len(checked), "refused": refused, "clashes": clashes,
                                "next_page_token": paging["next_page_token"]}), rows=len(checked))


def _stored(context: Context, node: Raw) -> bytes:
    data = bytes(json_text.members(node)["data"])
    if context.json_fields == "value":
        return data
    # Unset data is an empty string there.
    return json_text.parse(data).encode() or b"null"
