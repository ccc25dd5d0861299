"""The story, told through what openapi-generator makes for Python."""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

from flexdb_api import (
    ApiClient,
    Configuration,
    GraphApi,
    NewNode,
    NewNodeType,
    NewTenant,
    NodesApi,
    NodeTypesApi,
    TenantsApi,
    Transaction,
    TransactionsApi,
)
from flexdb_api.exceptions import NotFoundException

client = ApiClient(Configuration(host=sys.argv[1]))
tenants, nodes, graph = TenantsApi(client), NodesApi(client), GraphApi(client)
tenant = tenants.create_tenant(NewTenant(slug=f"story-{uuid4().hex}", name="A story")).tenant
node_type = NodeTypesApi(client).create_node_type(tenant.id, NewNodeType.from_dict(
    {"name": "Task", "schema": {"type": "object", "required": ["title"]}})).node_type
assert node_type.description is None
assert node_type.var_schema.actual_instance["type"] == "object"


def new_node(title: str) -> UUID:
    id: UUID = nodes.create_node(tenant.id, NewNode(
        node_type_id=node_type.id, data={"title": title})).node.id
    return id


first, second = new_node("first"), new_node("second")
page = nodes.list_nodes(tenant.id, filter='{"data.title": "first"}', page_size=5)
assert [node.id for node in page.nodes] == [first]
assert page.pagination.total_count == 1 and page.pagination.next_page_token == ""
tag = nodes.get_node_with_http_info(tenant.id, first).headers["ETag"]
patched = nodes.patch_node(tenant.id, first, {"done": True}, if_match=tag).node
assert patched.data["done"] is True and patched.version == 2
done = TransactionsApi(client).transaction(Transaction.from_dict({"calls": [
    {"method": "create_relationship", "as": "link", "params": {
        "tenant_id": str(tenant.id), "source_node_id": str(first),
        "target_node_id": str(second), "relationship_type": "leads_to"}}]}))
assert done.to_dict()["results"][0]["relationship"]["relationship_type"] == "leads_to"
walk = graph.traverse(tenant.id, first, max_depth=2)
assert [visit.node.id for visit in walk.visits] == [second]
assert graph.shortest_path(tenant.id, first, second).path.length == 1
nodes.delete_node(tenant.id, second)
try:
    nodes.get_node(tenant.id, second)
except NotFoundException as error:
    assert error.data.error.data.reason == "NOT_FOUND"
else:
    raise AssertionError("a node that was deleted is still there")
tenants.delete_tenant(tenant.id)
