"""What the client knows of each operation beside its method.

Written by ``scripts/make_client.py``.
"""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """What is to be known to send a call.

    :param reads: whether it leaves nothing behind, so that it may be sent again
    :param long: whether it is large work
    :param member: the member of the result that its method gives; empty for all of it
    """

    reads: bool
    long: bool
    member: str


OPERATIONS = {
    "create_node_type": Operation(False, False, "node_type"),
    "get_node_type": Operation(True, False, "node_type"),
    "update_node_type": Operation(False, False, "node_type"),
    "delete_node_type": Operation(False, True, ""),
    "list_node_types": Operation(True, False, ""),
    "create_node": Operation(False, False, "node"),
    "get_node": Operation(True, False, "node"),
    "update_node": Operation(False, False, "node"),
    "patch_node": Operation(False, False, "node"),
    "delete_node": Operation(False, False, ""),
    "list_nodes": Operation(True, False, ""),
    "create_relationship": Operation(False, False, "relationship"),
    "get_relationship": Operation(True, False, "relationship"),
    "update_relationship": Operation(False, False, "relationship"),
    "patch_relationship": Operation(False, False, "relationship"),
    "delete_relationship": Operation(False, False, ""),
    "list_relationships": Operation(True, False, ""),
    "count_nodes": Operation(True, False, ""),
    "count_relationships": Operation(True, False, ""),
    "aggregate_nodes": Operation(True, False, ""),
    "aggregate_relationships": Operation(True, False, ""),
    "create_nodes": Operation(False, True, "nodes"),
    "create_relationships": Operation(False, True, "relationships"),
    "delete_nodes": Operation(False, True, ""),
    "list_changes": Operation(True, False, ""),
    "check_node_type": Operation(True, False, ""),
    "test_webhook": Operation(False, False, "delivery"),
    "list_deliveries": Operation(True, False, ""),
    "count_deliveries": Operation(True, False, ""),
    "redeliver": Operation(False, False, ""),
    "erase_node": Operation(False, True, ""),
    "list_events": Operation(True, False, ""),
    "traverse": Operation(True, False, ""),
    "shortest_path": Operation(True, False, ""),
    "get_neighbors": Operation(True, False, ""),
    "get_node_history": Operation(True, False, ""),
    "get_relationship_history": Operation(True, False, ""),
    "list_deleted_nodes": Operation(True, False, ""),
    "create_invitation": Operation(False, False, "invitation"),
    "list_invitations": Operation(True, False, ""),
    "delete_invitation": Operation(False, False, ""),
    "create_key": Operation(False, False, "key"),
    "list_keys": Operation(True, False, ""),
    "delete_key": Operation(False, False, ""),
    "get_caller": Operation(True, False, "caller"),
    "get_limits": Operation(True, False, "limits"),
    "update_limits": Operation(False, False, "limits"),
    "list_operator_keys": Operation(True, False, ""),
    "delete_operator_key": Operation(False, False, ""),
    "create_relationship_type": Operation(False, True, "relationship_type"),
    "get_relationship_type": Operation(True, False, "relationship_type"),
    "update_relationship_type": Operation(False, True, "relationship_type"),
    "delete_relationship_type": Operation(False, True, ""),
    "list_relationship_types": Operation(True, False, ""),
    "restore_node": Operation(False, False, "node"),
    "restore_relationship": Operation(False, False, "relationship"),
    "create_role": Operation(False, False, "role"),
    "get_role": Operation(True, False, "role"),
    "update_role": Operation(False, False, "role"),
    "delete_role": Operation(False, False, ""),
    "list_roles": Operation(True, False, ""),
    "create_tenant": Operation(False, False, "tenant"),
    "get_tenant": Operation(True, False, "tenant"),
    "update_tenant": Operation(False, False, "tenant"),
    "delete_tenant": Operation(False, True, ""),
    "list_tenants": Operation(True, False, ""),
    "transaction": Operation(False, False, "results"),
    "update_nodes": Operation(False, True, ""),
    "upsert_node": Operation(False, False, ""),
    "upsert_nodes": Operation(False, True, "outcomes"),
    "get_usage": Operation(True, False, "usage"),
    "list_usage": Operation(True, False, "usages"),
    "create_user": Operation(False, False, "user"),
    "get_user": Operation(True, False, "user"),
    "update_user": Operation(False, False, "user"),
    "delete_user": Operation(False, False, ""),
    "list_users": Operation(True, False, ""),
    "add_user_to_tenant": Operation(False, False, "tenant_user"),
    "remove_user_from_tenant": Operation(False, False, ""),
    "list_tenant_users": Operation(True, False, ""),
    "list_user_tenants": Operation(True, False, ""),
    "create_webhook": Operation(False, True, "webhook"),
    "get_webhook": Operation(True, False, "webhook"),
    "update_webhook": Operation(False, False, "webhook"),
    "rotate_webhook_secret": Operation(False, False, "webhook"),
    "delete_webhook": Operation(False, True, ""),
    "list_webhooks": Operation(True, False, ""),
}
