"""Upkeep of many nodes at once: check them against a schema, delete those that fit a filter."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema, fields
from msgspec import Raw, Struct
from msgspec.json import Decoder

from flexdb.plan import Plan, Result, Row, Statement, Steps
from flexdb.errors import InvalidParams
from flexdb.sql import filtered_query
from flexdb.operations import node_types, nodes
from flexdb.contract.fields import TENANT_ID, Integer, Items, Object, Text
from flexdb.query.filters import condition
from flexdb.contract.operation import Loaded, ask, not_found, operation
from flexdb.query.paging import ListParams, Pagination, page
from flexdb.contract.params import Params
from flexdb.query.parameters import FILTER
from flexdb.documents.schemas import compile_schema

MOST_CHECKED, MOST_DELETED = 10_000, 1_000_000


class _Paging(Struct):
    next_page_token: str


class _Page(Struct):
    nodes: list[Raw]
    pagination: _Paging


_pages, _members = Decoder(_Page), Decoder(dict[str, Raw])


class Violation(Schema):
    """One thing in a node's data that does not fit."""

    path = Text("The place in the data, as a JSON Pointer (RFC 6901).")
    keyword = Text("The keyword of JSON Schema.")
    message = Text("What is wrong.")


class Refused(Schema):
    """A node that does not fit."""

    node = Object(nodes.Node, "The node.")
    violations = Items("What does not fit.", Object(Violation, "A violation."))


class Check(Schema):
    """What came of checking some nodes."""

    checked = Integer("How many nodes were checked.", least=0)
    refused = Items("Those that do not fit.", Object(Refused, "A node."))
    next_page_token = Text("Where the next nodes to check begin; empty when these were the last.")


class CheckPagination(Pagination):
    """Which nodes to check."""

    page_size = Integer("How many to check; above 10,000 counts as 10,000.", least=1,
                        load_default=1000)


class NodeTypeCheck(ListParams):
    tenant_id = TENANT_ID(required=True)
    id = node_types.ID(required=True)
    schema = node_types.SCHEMA(allow_none=False)
    pagination = fields.Nested(CheckPagination, metadata={"description": "Which nodes to check."})


class Deletion(Schema):
    """What was deleted."""

    deleted = Integer("How many nodes were deleted.", least=0)


class NodeDeletion(Params):
    tenant_id = TENANT_ID(required=True)
    filter = FILTER(required=True)
    max_affected = Integer("When more nodes fit, none is deleted.", least=1, most=MOST_DELETED,
                           load_default=1000)


@operation(NodeTypeCheck, returns=Check)
def check_node_type(params: Loaded) -> Plan:
    """Check the nodes of a type against its schema, or against one that it might have."""
    if "schema" in params:
        compile_schema(params["schema"])
    return Steps("check_node_type", partial(_check, params))


def _check(params: Loaded) -> Generator[Statement, Row | None, Result]:
    of_type = {"tenant_id": params["tenant_id"], "node_type_id": params["id"]}
    row = yield ask("get_schema_of_type", of_type)
    if row is None:
        raise not_found("id", "node type")
    compiled = compile_schema(params.get("schema", row[1]))
    listing = page("list_nodes", params | of_type, ("node_type_id",), largest=MOST_CHECKED)
    found = _pages.decode(listing.read((yield listing)).text)
    refused: list[Any] = []
    for node in found.nodes:
        data = bytes(_members.decode(node)["data"])
        if data.startswith(b'"'):
            data = orjson.loads(data).encode()
        if violations := compiled.violations(data):
            refused.append({"node": orjson.Fragment(bytes(node)), "violations": violations})
    return Result(orjson.dumps({"checked": len(found.nodes), "refused": refused,
                                "next_page_token": found.pagination.next_page_token}))


@operation(NodeDeletion, returns=Deletion)
def delete_nodes(params: Loaded) -> Statement:
    """Delete the nodes that fit a filter, with their relationships; all of them or none."""
    if not params["filter"]:
        wrong = "may not be empty: say which nodes"
        raise InvalidParams(f"invalid parameters: filter {wrong}", {"filter": [wrong]})
    wanted, arguments = condition(params["filter"], nodes.MEMBERS, "n")

    def read(row: Row | None) -> Result:
        if row is None:
            raise not_found("tenant_id")
        if row[1] > params["max_affected"]:
            wrong = "is less than the nodes that fit; none was deleted"
            raise InvalidParams(f"invalid parameters: max_affected {wrong}",
                                {"max_affected": [wrong]})
        return Result(row[0])

    return Statement(filtered_query("delete_nodes", wanted), params | arguments, read, long=True)
