"""The story, told through what openapi-python-client makes."""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

from flexdb_client import Client
from flexdb_client.api.graph import shortest_path, traverse
from flexdb_client.api.node_types import create_node_type
from flexdb_client.api.nodes import create_node, delete_node, get_node, list_nodes, patch_node
from flexdb_client.api.tenants import create_tenant, delete_tenant
from flexdb_client.api.transactions import transaction
from flexdb_client.models import (
    ErrorReply,
    NewNode,
    NewNodeType,
    NewTenant,
    PatchNodeBody,
    Transaction,
)

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
tenant = create_tenant.sync(client=client, body=NewTenant(
    slug=f"story-{uuid4().hex}", name="A story")).tenant
node_type = create_node_type.sync(tenant.id, client=client, body=NewNodeType.from_dict(
    {"name": "Task", "schema": {"type": "object", "required": ["title"]}})).node_type
assert node_type.description is None and node_type.schema["type"] == "object"


def new_node(title: str) -> UUID:
    id: UUID = create_node.sync(tenant.id, client=client, body=NewNode.from_dict(
        {"node_type_id": str(node_type.id), "data": {"title": title}})).node.id
    return id


first, second = new_node("first"), new_node("second")
page = list_nodes.sync(tenant.id, client=client, filter_='{"data.title": "first"}', page_size=5)
assert [node.id for node in page.nodes] == [first]
assert page.pagination.total_count == 1 and page.pagination.next_page_token == ""
tag = get_node.sync_detailed(tenant.id, first, client=client).headers["ETag"]
patched = patch_node.sync(tenant.id, first, client=client, if_match=tag,
                          body=PatchNodeBody.from_dict({"done": True}))
assert patched.node.data["done"] is True and patched.node.version == 2
done = transaction.sync(client=client, body=Transaction.from_dict({"calls": [
    {"method": "create_relationship", "as": "link", "params": {
        "tenant_id": str(tenant.id), "source_node_id": str(first),
        "target_node_id": str(second), "relationship_type": "leads_to"}}]}))
assert done.results[0]["relationship"]["relationship_type"] == "leads_to"
walk = traverse.sync(tenant.id, first, client=client, max_depth=2)
assert [visit.node.id for visit in walk.visits] == [second]
assert shortest_path.sync(tenant.id, first, client=client, target_node_id=second).path.length == 1
assert delete_node.sync_detailed(tenant.id, second, client=client).status_code == 204
missing = get_node.sync(tenant.id, second, client=client)
assert isinstance(missing, ErrorReply) and missing.error.data.reason == "NOT_FOUND"
assert delete_tenant.sync_detailed(tenant.id, client=client).status_code == 204
