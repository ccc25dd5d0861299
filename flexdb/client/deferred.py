"""Every operation of the service as a call that is sent later, with others.

Written by ``scripts/make_client.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from flexdb.client.absent import ABSENT, Absent
from flexdb.client.objects import (
    Again,
    ApiKeyWithSecret,
    Changes,
    Check,
    CheckPagination,
    Count,
    DeletedNodesPage,
    Deletion,
    DeliveriesPage,
    Delivery,
    DeliveryFigures,
    EventsPage,
    Expansion,
    Groups,
    HistoryPage,
    Invitation,
    InvitationsPage,
    KeysPage,
    Me,
    NeighborsPage,
    NewGrant,
    Node,
    NodeItem,
    NodesPage,
    NodeType,
    NodeTypesPage,
    OperatorKeysPage,
    Pagination,
    PatchMove,
    PatchRemoval,
    PatchValue,
    RelatedTo,
    Relationship,
    RelationshipItem,
    RelationshipsPage,
    RelationshipType,
    RelationshipTypesPage,
    Role,
    RolesPage,
    ShortestPath,
    Tenant,
    TenantLimits,
    TenantsPage,
    TenantUsage,
    TenantUser,
    TenantUsersPage,
    TransactionCall,
    Traversal,
    Updated,
    Upserted,
    UpsertItem,
    UpsertResult,
    User,
    UsersPage,
    UserTenantsPage,
    Webhook,
    WebhooksPage,
)
from flexdb.client.pending import Pending


class DeferredMethods:
    """Every operation of the service as a call that is sent later, with others."""

    def _call(self, name: str, required: dict[str, Any], optional: dict[str, Any]) -> Any:
        raise NotImplementedError

    def create_node_type(self, *,
        tenant_id: str,
        name: str,
        description: str | None | Absent = ABSENT,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        id: str | None = None,
    ) -> Pending[NodeType]:
        """Create a node type in a tenant."""
        result: Pending[NodeType] = self._call("create_node_type", {"tenant_id": tenant_id,
            "name": name, "description": description, "schema": schema}, {"id": id})
        return result

    def get_node_type(self, *,
        tenant_id: str,
        id: str | None = None,
        name: str | None = None,
    ) -> Pending[NodeType]:
        """Get a node type by its id or its name."""
        result: Pending[NodeType] = self._call("get_node_type", {"tenant_id": tenant_id}, {"id": id,
            "name": name})
        return result

    def update_node_type(self, *,
        id: str,
        tenant_id: str,
        name: str | None = None,
        description: str | None | Absent = ABSENT,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        version: int | None = None,
    ) -> Pending[NodeType]:
        """Change a node type; what is absent stays as it is, null clears description and schema."""
        result: Pending[NodeType] = self._call("update_node_type", {"id": id,
            "tenant_id": tenant_id, "description": description, "schema": schema}, {"name": name,
            "version": version})
        return result

    def delete_node_type(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Pending[None]:
        """Delete a node type with its nodes and their relationships."""
        result: Pending[None] = self._call("delete_node_type", {"id": id, "tenant_id": tenant_id},
            {"version": version})
        return result

    def list_node_types(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[NodeTypesPage]:
        """List a tenant's node types, newest first."""
        result: Pending[NodeTypesPage] = self._call("list_node_types", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def create_node(self, *,
        tenant_id: str,
        node_type_id: str,
        data: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Pending[Node]:
        """Create a node of one of the tenant's node types, whose schema its data must fit."""
        result: Pending[Node] = self._call("create_node", {"tenant_id": tenant_id,
            "node_type_id": node_type_id}, {"data": data, "id": id})
        return result

    def get_node(self, *,
        id: str,
        tenant_id: str,
        expand: Mapping[str, Expansion] | None = None,
        version: int | None = None,
        as_of: str | datetime | None = None,
    ) -> Pending[Node]:
        """Get a node by its id, and the neighbours that it is to bring along; or what it was."""
        result: Pending[Node] = self._call("get_node", {"id": id, "tenant_id": tenant_id},
            {"expand": expand, "version": version, "as_of": as_of})
        return result

    def update_node(self, *,
        id: str,
        tenant_id: str,
        data: Mapping[str, Any] | None = None,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[Node]:
        """Replace a node's data, which must fit its type's schema; absent data stays as it is."""
        result: Pending[Node] = self._call("update_node", {"id": id, "tenant_id": tenant_id},
            {"data": data, "version": version, "only_if": only_if})
        return result

    def patch_node(self, *,
        tenant_id: str,
        id: str,
        patch: Mapping[str, Any] | list[PatchValue | PatchRemoval | PatchMove] | None = None,
        version: int | None = None,
        update: Mapping[str, Any] | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[Node]:
        """Patch a node's data: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC
        6902).
        """
        result: Pending[Node] = self._call("patch_node", {"tenant_id": tenant_id, "id": id},
            {"patch": patch, "version": version, "update": update, "only_if": only_if})
        return result

    def delete_node(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[None]:
        """Delete a node with its relationships."""
        result: Pending[None] = self._call("delete_node", {"id": id, "tenant_id": tenant_id},
            {"version": version, "only_if": only_if})
        return result

    def list_nodes(self, *,
        tenant_id: str,
        node_type_id: str | None = None,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
        search: str | None = None,
        highlights: Literal["offsets", "none"] | None = None,
        explain: bool | None = None,
        related_to: RelatedTo | None = None,
        expand: Mapping[str, Expansion] | None = None,
    ) -> Pending[NodesPage]:
        """List a tenant's nodes, newest first; a query filters, sorts and shortens them."""
        result: Pending[NodesPage] = self._call("list_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "pagination": pagination, "filter": filter, "sort": sort,
            "fields": fields, "count": count, "search": search, "highlights": highlights,
            "explain": explain, "related_to": related_to, "expand": expand})
        return result

    def create_relationship(self, *,
        tenant_id: str,
        source_node_id: str,
        target_node_id: str,
        relationship_type: str,
        data: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Pending[Relationship]:
        """Create a relationship between two nodes of a tenant."""
        result: Pending[Relationship] = self._call("create_relationship", {"tenant_id": tenant_id,
            "source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type}, {"data": data, "id": id})
        return result

    def get_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        as_of: str | datetime | None = None,
    ) -> Pending[Relationship]:
        """Get a relationship by its id; or what it was."""
        result: Pending[Relationship] = self._call("get_relationship", {"id": id,
            "tenant_id": tenant_id}, {"version": version, "as_of": as_of})
        return result

    def update_relationship(self, *,
        id: str,
        tenant_id: str,
        relationship_type: str | None = None,
        data: Mapping[str, Any] | None = None,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[Relationship]:
        """Change a relationship's type or data; what is absent stays as it is."""
        result: Pending[Relationship] = self._call("update_relationship", {"id": id,
            "tenant_id": tenant_id}, {"relationship_type": relationship_type, "data": data,
            "version": version, "only_if": only_if})
        return result

    def patch_relationship(self, *,
        tenant_id: str,
        id: str,
        patch: Mapping[str, Any] | list[PatchValue | PatchRemoval | PatchMove] | None = None,
        version: int | None = None,
        update: Mapping[str, Any] | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[Relationship]:
        """Patch a relationship's data: an object is a merge patch, an array a JSON Patch."""
        result: Pending[Relationship] = self._call("patch_relationship", {"tenant_id": tenant_id,
            "id": id}, {"patch": patch, "version": version, "update": update, "only_if": only_if})
        return result

    def delete_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Pending[None]:
        """Delete a relationship; its nodes stay."""
        result: Pending[None] = self._call("delete_relationship", {"id": id,
            "tenant_id": tenant_id}, {"version": version, "only_if": only_if})
        return result

    def list_relationships(self, *,
        tenant_id: str,
        source_node_id: str | None = None,
        target_node_id: str | None = None,
        relationship_type: str | None = None,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
        explain: bool | None = None,
    ) -> Pending[RelationshipsPage]:
        """List a tenant's relationships, newest first; a query filters, sorts and shortens them."""
        result: Pending[RelationshipsPage] = self._call("list_relationships",
            {"tenant_id": tenant_id}, {"source_node_id": source_node_id,
            "target_node_id": target_node_id, "relationship_type": relationship_type,
            "pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count, "explain": explain})
        return result

    def count_nodes(self, *,
        tenant_id: str,
        node_type_id: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Pending[Count]:
        """Count a tenant's nodes, or those that fit a filter."""
        result: Pending[Count] = self._call("count_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "filter": filter})
        return result

    def count_relationships(self, *,
        tenant_id: str,
        source_node_id: str | None = None,
        target_node_id: str | None = None,
        relationship_type: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Pending[Count]:
        """Count a tenant's relationships, or those that fit a filter."""
        result: Pending[Count] = self._call("count_relationships", {"tenant_id": tenant_id},
            {"source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type, "filter": filter})
        return result

    def aggregate_nodes(self, *,
        tenant_id: str,
        node_type_id: str | None = None,
        filter: Mapping[str, Any] | None = None,
        group_by: Mapping[str, str] | None = None,
        measures: Mapping[str, str] | None = None,
        having: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        limit: int | None = None,
    ) -> Pending[Groups]:
        """Measure a tenant's nodes in groups: count them, sum up what their data holds."""
        result: Pending[Groups] = self._call("aggregate_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "filter": filter, "group_by": group_by,
            "measures": measures, "having": having, "sort": sort, "limit": limit})
        return result

    def aggregate_relationships(self, *,
        tenant_id: str,
        source_node_id: str | None = None,
        target_node_id: str | None = None,
        relationship_type: str | None = None,
        filter: Mapping[str, Any] | None = None,
        group_by: Mapping[str, str] | None = None,
        measures: Mapping[str, str] | None = None,
        having: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        limit: int | None = None,
    ) -> Pending[Groups]:
        """Measure a tenant's relationships in groups, as ``aggregate_nodes`` does nodes."""
        result: Pending[Groups] = self._call("aggregate_relationships", {"tenant_id": tenant_id},
            {"source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type, "filter": filter, "group_by": group_by,
            "measures": measures, "having": having, "sort": sort, "limit": limit})
        return result

    def create_nodes(self, *,
        tenant_id: str,
        nodes: list[NodeItem],
    ) -> Pending[list[Node]]:
        """Create up to 10,000 nodes, all or none, each of which must fit its type's schema."""
        result: Pending[list[Node]] = self._call("create_nodes", {"tenant_id": tenant_id,
            "nodes": nodes}, {})
        return result

    def create_relationships(self, *,
        tenant_id: str,
        relationships: list[RelationshipItem],
    ) -> Pending[list[Relationship]]:
        """Create up to 10,000 relationships between nodes of a tenant, all or none."""
        result: Pending[list[Relationship]] = self._call("create_relationships",
            {"tenant_id": tenant_id, "relationships": relationships}, {})
        return result

    def delete_nodes(self, *,
        tenant_id: str,
        filter: Mapping[str, Any],
        max_affected: int | None = None,
    ) -> Pending[Deletion]:
        """Delete the nodes that fit a filter, with their relationships; all of them or none."""
        result: Pending[Deletion] = self._call("delete_nodes", {"tenant_id": tenant_id,
            "filter": filter}, {"max_affected": max_affected})
        return result

    def list_changes(self, *,
        tenant_id: str,
        since: str | None = None,
        limit: int | None = None,
        kinds: list[Literal["node", "relationship", "node_type"]] | None = None,
        ops: list[Literal["create", "update", "delete"]] | None = None,
        node_type_ids: list[str] | None = None,
        relationship_types: list[str] | None = None,
        ids: list[str] | None = None,
        filter: Mapping[str, Any] | None = None,
        old: bool | None = None,
        wait: int | None = None,
    ) -> Pending[Changes]:
        """List what changed in a tenant since a position, each change exactly once, in one order.
        """
        result: Pending[Changes] = self._call("list_changes", {"tenant_id": tenant_id},
            {"since": since, "limit": limit, "kinds": kinds, "ops": ops,
            "node_type_ids": node_type_ids, "relationship_types": relationship_types, "ids": ids,
            "filter": filter, "old": old, "wait": wait})
        return result

    def check_node_type(self, *,
        tenant_id: str,
        id: str,
        schema: Mapping[str, Any] | bool | None = None,
        pagination: CheckPagination | None = None,
    ) -> Pending[Check]:
        """Check the nodes of a type against its schema, or against one that it might have."""
        result: Pending[Check] = self._call("check_node_type", {"tenant_id": tenant_id, "id": id},
            {"schema": schema, "pagination": pagination})
        return result

    def test_webhook(self, *,
        tenant_id: str,
        webhook_id: str,
    ) -> Pending[Delivery]:
        """Have a webhook told of a test, `webhook.test`, once; `list_deliveries` tells what came of
        it.
        """
        result: Pending[Delivery] = self._call("test_webhook", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {})
        return result

    def list_deliveries(self, *,
        tenant_id: str,
        webhook_id: str,
        status: Literal["waiting", "done", "dead"] | None = None,
        pagination: Pagination | None = None,
    ) -> Pending[DeliveriesPage]:
        """List what a webhook is told of, newest first; up to 10,000 are counted."""
        result: Pending[DeliveriesPage] = self._call("list_deliveries", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {"status": status, "pagination": pagination})
        return result

    def count_deliveries(self, *,
        tenant_id: str,
        webhook_id: str,
    ) -> Pending[DeliveryFigures]:
        """Count what a webhook is still to be told of and what was given up, and for how long it
        waits.
        """
        result: Pending[DeliveryFigures] = self._call("count_deliveries", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {})
        return result

    def redeliver(self, *,
        tenant_id: str,
        webhook_id: str,
        positions: list[int] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> Pending[Again]:
        """Send deliveries again as if there had been no attempt: those named, or all that are dead.
        """
        result: Pending[Again] = self._call("redeliver", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {"positions": positions, "since": since, "until": until})
        return result

    def erase_node(self, *,
        id: str,
        tenant_id: str,
    ) -> Pending[None]:
        """Delete a node, if it is there, and forget what it was before each of its changes."""
        result: Pending[None] = self._call("erase_node", {"id": id, "tenant_id": tenant_id}, {})
        return result

    def list_events(self, *,
        tenant_id: str | None = None,
        caller: str | None = None,
        operation: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        pagination: Pagination | None = None,
    ) -> Pending[EventsPage]:
        """List who changed tenants, users, members and keys, newest first."""
        result: Pending[EventsPage] = self._call("list_events", {}, {"tenant_id": tenant_id,
            "caller": caller, "operation": operation, "since": since, "until": until,
            "pagination": pagination})
        return result

    def traverse(self, *,
        tenant_id: str,
        start: str,
        direction: Literal["out", "in", "both"] | None = None,
        relationship_types: list[str] | None = None,
        min_depth: int | None = None,
        max_depth: int | None = None,
        node_type_ids: list[str] | None = None,
        limit: int | None = None,
        filter: Mapping[str, Any] | None = None,
        expand: Mapping[str, Expansion] | None = None,
    ) -> Pending[Traversal]:
        """Walk from a node along its relationships, breadth first, and give the nodes reached."""
        result: Pending[Traversal] = self._call("traverse", {"tenant_id": tenant_id,
            "start": start}, {"direction": direction, "relationship_types": relationship_types,
            "min_depth": min_depth, "max_depth": max_depth, "node_type_ids": node_type_ids,
            "limit": limit, "filter": filter, "expand": expand})
        return result

    def shortest_path(self, *,
        tenant_id: str,
        source_node_id: str,
        target_node_id: str,
        direction: Literal["out", "in", "both"] | None = None,
        relationship_types: list[str] | None = None,
        max_depth: int | None = None,
    ) -> Pending[ShortestPath]:
        """Find a shortest path from one node to another; null when none is short enough."""
        result: Pending[ShortestPath] = self._call("shortest_path", {"tenant_id": tenant_id,
            "source_node_id": source_node_id, "target_node_id": target_node_id},
            {"direction": direction, "relationship_types": relationship_types,
            "max_depth": max_depth})
        return result

    def get_neighbors(self, *,
        tenant_id: str,
        id: str,
        direction: Literal["out", "in", "both"] | None = None,
        relationship_types: list[str] | None = None,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
        expand: Mapping[str, Expansion] | None = None,
    ) -> Pending[NeighborsPage]:
        """List a node's neighbors, once for each relationship, the newest relationship first."""
        result: Pending[NeighborsPage] = self._call("get_neighbors", {"tenant_id": tenant_id,
            "id": id}, {"direction": direction, "relationship_types": relationship_types,
            "pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count, "expand": expand})
        return result

    def get_node_history(self, *,
        id: str,
        tenant_id: str,
        pagination: Pagination | None = None,
        diff: bool | None = None,
    ) -> Pending[HistoryPage]:
        """List the changes of a node, be it there or deleted, the last first."""
        result: Pending[HistoryPage] = self._call("get_node_history", {"id": id,
            "tenant_id": tenant_id}, {"pagination": pagination, "diff": diff})
        return result

    def get_relationship_history(self, *,
        id: str,
        tenant_id: str,
        pagination: Pagination | None = None,
        diff: bool | None = None,
    ) -> Pending[HistoryPage]:
        """List the changes of a relationship, be it there or deleted, the last first."""
        result: Pending[HistoryPage] = self._call("get_relationship_history", {"id": id,
            "tenant_id": tenant_id}, {"pagination": pagination, "diff": diff})
        return result

    def list_deleted_nodes(self, *,
        tenant_id: str,
        node_type_ids: list[str] | None = None,
        pagination: Pagination | None = None,
    ) -> Pending[DeletedNodesPage]:
        """List the deletions of nodes that can be restored, the last first; `old` is the node."""
        result: Pending[DeletedNodesPage] = self._call("list_deleted_nodes",
            {"tenant_id": tenant_id}, {"node_type_ids": node_type_ids, "pagination": pagination})
        return result

    def create_invitation(self, *,
        tenant_id: str,
        email: str,
        role: str | None = None,
        id: str | None = None,
    ) -> Pending[Invitation]:
        """Make a member of who has an e-mail address: at once, or as soon as there is such a user.
        """
        result: Pending[Invitation] = self._call("create_invitation", {"tenant_id": tenant_id,
            "email": email}, {"role": role, "id": id})
        return result

    def list_invitations(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[InvitationsPage]:
        """List the invitations of a tenant that are open, newest first."""
        result: Pending[InvitationsPage] = self._call("list_invitations", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def delete_invitation(self, *,
        tenant_id: str,
        id: str,
    ) -> Pending[None]:
        """Take an invitation back that is open."""
        result: Pending[None] = self._call("delete_invitation", {"tenant_id": tenant_id, "id": id},
            {})
        return result

    def create_key(self, *,
        tenant_id: str,
        name: str,
        role: str | None = None,
        operations: list[str] | None = None,
        expires_at: str | datetime | None = None,
        replaces: str | None = None,
        overlap: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Pending[ApiKeyWithSecret]:
        """Create a key for a tenant, with no role above the caller's; its secret is told once."""
        result: Pending[ApiKeyWithSecret] = self._call("create_key", {"tenant_id": tenant_id,
            "name": name}, {"role": role, "operations": operations, "expires_at": expires_at,
            "replaces": replaces, "overlap": overlap, "attributes": attributes, "id": id})
        return result

    def list_keys(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[KeysPage]:
        """List a tenant's keys, newest first; their secrets are not kept."""
        result: Pending[KeysPage] = self._call("list_keys", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def delete_key(self, *,
        tenant_id: str,
        id: str,
    ) -> Pending[None]:
        """Delete a key, which is good nowhere any more a second later."""
        result: Pending[None] = self._call("delete_key", {"tenant_id": tenant_id, "id": id}, {})
        return result

    def get_caller(self) -> Pending[Me]:
        """Tell who the caller is, and what the caller is let do."""
        result: Pending[Me] = self._call("get_caller", {}, {})
        return result

    def get_limits(self, *,
        tenant_id: str,
    ) -> Pending[TenantLimits]:
        """Tell how much a tenant may have and ask for, and how much it has."""
        result: Pending[TenantLimits] = self._call("get_limits", {"tenant_id": tenant_id}, {})
        return result

    def update_limits(self, *,
        tenant_id: str,
        max_nodes: int | None = None,
        max_relationships: int | None = None,
        max_bytes: int | None = None,
        calls_per_second: int | None = None,
        burst: int | None = None,
        reset: list[Literal["max_nodes", "max_relationships", "max_bytes", "calls_per_second",
            "burst"]] | None = None,
    ) -> Pending[TenantLimits]:
        """Change the limits of a tenant's own; what is absent stays as it is."""
        result: Pending[TenantLimits] = self._call("update_limits", {"tenant_id": tenant_id},
            {"max_nodes": max_nodes, "max_relationships": max_relationships, "max_bytes": max_bytes,
            "calls_per_second": calls_per_second, "burst": burst, "reset": reset})
        return result

    def list_operator_keys(self, *,
        pagination: Pagination | None = None,
    ) -> Pending[OperatorKeysPage]:
        """List the keys of operators, newest first; `python -m flexdb create-key` makes them."""
        result: Pending[OperatorKeysPage] = self._call("list_operator_keys", {},
            {"pagination": pagination})
        return result

    def delete_operator_key(self, *,
        id: str,
    ) -> Pending[None]:
        """Delete a key of an operator, which is good nowhere any more a second later."""
        result: Pending[None] = self._call("delete_operator_key", {"id": id}, {})
        return result

    def create_relationship_type(self, *,
        tenant_id: str,
        name: str,
        description: str | None | Absent = ABSENT,
        source_node_type_ids: list[str] | None | Absent = ABSENT,
        target_node_type_ids: list[str] | None | Absent = ABSENT,
        cardinality: Literal["n:m", "n:1", "1:n", "1:1"] | None = None,
        unique_pair: bool | None = None,
        acyclic: bool | None = None,
        on_delete: Literal["cascade", "restrict"] | None = None,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        id: str | None = None,
    ) -> Pending[RelationshipType]:
        """Create a relationship type, whose contract the relationships of its name must keep."""
        result: Pending[RelationshipType] = self._call("create_relationship_type",
            {"tenant_id": tenant_id, "name": name, "description": description,
            "source_node_type_ids": source_node_type_ids,
            "target_node_type_ids": target_node_type_ids, "schema": schema},
            {"cardinality": cardinality, "unique_pair": unique_pair, "acyclic": acyclic,
            "on_delete": on_delete, "id": id})
        return result

    def get_relationship_type(self, *,
        id: str,
        tenant_id: str,
    ) -> Pending[RelationshipType]:
        """Get a relationship type by its id."""
        result: Pending[RelationshipType] = self._call("get_relationship_type", {"id": id,
            "tenant_id": tenant_id}, {})
        return result

    def update_relationship_type(self, *,
        id: str,
        tenant_id: str,
        name: str | None = None,
        description: str | None | Absent = ABSENT,
        source_node_type_ids: list[str] | None | Absent = ABSENT,
        target_node_type_ids: list[str] | None | Absent = ABSENT,
        cardinality: Literal["n:m", "n:1", "1:n", "1:1"] | None = None,
        unique_pair: bool | None = None,
        acyclic: bool | None = None,
        on_delete: Literal["cascade", "restrict"] | None = None,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        version: int | None = None,
    ) -> Pending[RelationshipType]:
        """Change a relationship type; what is absent stays as it is, null clears what may be null.
        """
        result: Pending[RelationshipType] = self._call("update_relationship_type", {"id": id,
            "tenant_id": tenant_id, "description": description,
            "source_node_type_ids": source_node_type_ids,
            "target_node_type_ids": target_node_type_ids, "schema": schema}, {"name": name,
            "cardinality": cardinality, "unique_pair": unique_pair, "acyclic": acyclic,
            "on_delete": on_delete, "version": version})
        return result

    def delete_relationship_type(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Pending[None]:
        """Delete a relationship type; the relationships of its name stay, and are free."""
        result: Pending[None] = self._call("delete_relationship_type", {"id": id,
            "tenant_id": tenant_id}, {"version": version})
        return result

    def list_relationship_types(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
    ) -> Pending[RelationshipTypesPage]:
        """List a tenant's relationship types, newest first."""
        result: Pending[RelationshipTypesPage] = self._call("list_relationship_types",
            {"tenant_id": tenant_id}, {"pagination": pagination})
        return result

    def restore_node(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        with_relationships: bool | None = None,
    ) -> Pending[Node]:
        """Make a node what it was at a version, in a further one; one that was deleted is there
        again.
        """
        result: Pending[Node] = self._call("restore_node", {"id": id, "tenant_id": tenant_id},
            {"version": version, "with_relationships": with_relationships})
        return result

    def restore_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Pending[Relationship]:
        """Make a relationship what it was at a version, in a further one, be it there or deleted.
        """
        result: Pending[Relationship] = self._call("restore_relationship", {"id": id,
            "tenant_id": tenant_id}, {"version": version})
        return result

    def create_role(self, *,
        tenant_id: str,
        name: str,
        grants: list[NewGrant],
        based_on: Literal["viewer", "member", "admin"] | None = None,
        id: str | None = None,
    ) -> Pending[Role]:
        """Make a role, which keys and members may have; it lets do at most what its base does."""
        result: Pending[Role] = self._call("create_role", {"tenant_id": tenant_id, "name": name,
            "grants": grants}, {"based_on": based_on, "id": id})
        return result

    def get_role(self, *,
        id: str,
        tenant_id: str,
    ) -> Pending[Role]:
        """Get a role by its id."""
        result: Pending[Role] = self._call("get_role", {"id": id, "tenant_id": tenant_id}, {})
        return result

    def update_role(self, *,
        id: str,
        tenant_id: str,
        grants: list[NewGrant] | None = None,
        based_on: Literal["viewer", "member", "admin"] | None = None,
        version: int | None = None,
    ) -> Pending[Role]:
        """Change what a role lets do, a second later for all who have it; what is absent stays."""
        result: Pending[Role] = self._call("update_role", {"id": id, "tenant_id": tenant_id},
            {"grants": grants, "based_on": based_on, "version": version})
        return result

    def delete_role(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Pending[None]:
        """Delete a role that no key, no member and nobody who is invited has."""
        result: Pending[None] = self._call("delete_role", {"id": id, "tenant_id": tenant_id},
            {"version": version})
        return result

    def list_roles(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[RolesPage]:
        """List the roles that a tenant made, newest first."""
        result: Pending[RolesPage] = self._call("list_roles", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def create_tenant(self, *,
        slug: str,
        name: str,
        id: str | None = None,
    ) -> Pending[Tenant]:
        """Create a tenant, whose slug none has and none that looks the same."""
        result: Pending[Tenant] = self._call("create_tenant", {"slug": slug, "name": name},
            {"id": id})
        return result

    def get_tenant(self, *,
        id: str | None = None,
        slug: str | None = None,
    ) -> Pending[Tenant]:
        """Get a tenant by its id, or by its slug in whatever case."""
        result: Pending[Tenant] = self._call("get_tenant", {}, {"id": id, "slug": slug})
        return result

    def update_tenant(self, *,
        id: str,
        slug: str | None = None,
        name: str | None = None,
        status: str | None = None,
    ) -> Pending[Tenant]:
        """Change a tenant; what is absent stays as it is."""
        result: Pending[Tenant] = self._call("update_tenant", {"id": id}, {"slug": slug,
            "name": name, "status": status})
        return result

    def delete_tenant(self, *,
        id: str,
    ) -> Pending[None]:
        """Delete a tenant with its members, node types, nodes and relationships."""
        result: Pending[None] = self._call("delete_tenant", {"id": id}, {})
        return result

    def list_tenants(self, *,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[TenantsPage]:
        """List the tenants, newest first."""
        result: Pending[TenantsPage] = self._call("list_tenants", {}, {"pagination": pagination,
            "filter": filter, "sort": sort, "fields": fields, "count": count})
        return result

    def transaction(self, *,
        calls: list[TransactionCall],
        dry_run: bool | None = None,
        refs: bool | None = None,
    ) -> Pending[list[dict[str, Any]]]:
        """Run up to 1,000 calls as one: all or nothing."""
        result: Pending[list[dict[str, Any]]] = self._call("transaction", {"calls": calls},
            {"dry_run": dry_run, "refs": refs})
        return result

    def update_nodes(self, *,
        tenant_id: str,
        filter: Mapping[str, Any],
        patch: Mapping[str, Any] | None = None,
        max_affected: int | None = None,
        node_type_id: str | None = None,
        update: Mapping[str, Any] | None = None,
    ) -> Pending[Updated]:
        """Patch or update the nodes that fit a filter, all of them or none."""
        result: Pending[Updated] = self._call("update_nodes", {"tenant_id": tenant_id,
            "filter": filter}, {"patch": patch, "max_affected": max_affected,
            "node_type_id": node_type_id, "update": update})
        return result

    def upsert_node(self, *,
        tenant_id: str,
        node_type_id: str,
        data: Mapping[str, Any],
        id: str | None = None,
        key: list[str] | None = None,
        mode: Literal["replace", "merge"] | None = None,
    ) -> Pending[Upserted]:
        """Create a node, or change the one that is there: by its id, or by what is unique in its
        type.
        """
        result: Pending[Upserted] = self._call("upsert_node", {"tenant_id": tenant_id,
            "node_type_id": node_type_id, "data": data}, {"id": id, "key": key, "mode": mode})
        return result

    def upsert_nodes(self, *,
        tenant_id: str,
        nodes: list[UpsertItem],
        key: list[str] | None = None,
        mode: Literal["replace", "merge"] | None = None,
        all_or_none: bool | None = None,
    ) -> Pending[list[UpsertResult]]:
        """Create or change up to 10,000 nodes, each as upsert_node does, in the order given."""
        result: Pending[list[UpsertResult]] = self._call("upsert_nodes", {"tenant_id": tenant_id,
            "nodes": nodes}, {"key": key, "mode": mode, "all_or_none": all_or_none})
        return result

    def get_usage(self, *,
        tenant_id: str,
        since: str | datetime | None = None,
    ) -> Pending[TenantUsage]:
        """Tell how much a tenant asked for since an hour."""
        result: Pending[TenantUsage] = self._call("get_usage", {"tenant_id": tenant_id},
            {"since": since})
        return result

    def list_usage(self, *,
        since: str | datetime | None = None,
        by: Literal["database_ms", "calls", "errors", "rows", "bytes"] | None = None,
        limit: int | None = None,
    ) -> Pending[list[TenantUsage]]:
        """List the tenants that asked for most since an hour."""
        result: Pending[list[TenantUsage]] = self._call("list_usage", {}, {"since": since, "by": by,
            "limit": limit})
        return result

    def create_user(self, *,
        email: str,
        display_name: str,
        id: str | None = None,
    ) -> Pending[User]:
        """Create a user."""
        result: Pending[User] = self._call("create_user", {"email": email,
            "display_name": display_name}, {"id": id})
        return result

    def get_user(self, *,
        id: str | None = None,
        email: str | None = None,
    ) -> Pending[User]:
        """Get a user by the id or the e-mail address."""
        result: Pending[User] = self._call("get_user", {}, {"id": id, "email": email})
        return result

    def update_user(self, *,
        id: str,
        email: str | None = None,
        display_name: str | None = None,
    ) -> Pending[User]:
        """Change a user; what is absent stays as it is."""
        result: Pending[User] = self._call("update_user", {"id": id}, {"email": email,
            "display_name": display_name})
        return result

    def delete_user(self, *,
        id: str,
    ) -> Pending[None]:
        """Delete a user with all memberships."""
        result: Pending[None] = self._call("delete_user", {"id": id}, {})
        return result

    def list_users(self, *,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[UsersPage]:
        """List the users, newest first."""
        result: Pending[UsersPage] = self._call("list_users", {}, {"pagination": pagination,
            "filter": filter, "sort": sort, "fields": fields, "count": count})
        return result

    def add_user_to_tenant(self, *,
        tenant_id: str,
        user_id: str,
        role: str | None = None,
    ) -> Pending[TenantUser]:
        """Add a user to a tenant, or change the role of one who is there."""
        result: Pending[TenantUser] = self._call("add_user_to_tenant", {"tenant_id": tenant_id,
            "user_id": user_id}, {"role": role})
        return result

    def remove_user_from_tenant(self, *,
        tenant_id: str,
        user_id: str,
    ) -> Pending[None]:
        """Remove a user from a tenant; the user stays."""
        result: Pending[None] = self._call("remove_user_from_tenant", {"tenant_id": tenant_id,
            "user_id": user_id}, {})
        return result

    def list_tenant_users(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[TenantUsersPage]:
        """List the members of a tenant by user id."""
        result: Pending[TenantUsersPage] = self._call("list_tenant_users", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def list_user_tenants(self, *,
        user_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> Pending[UserTenantsPage]:
        """List the tenants of a user by their ids: the own ones, or to an operator anyone's."""
        result: Pending[UserTenantsPage] = self._call("list_user_tenants", {"user_id": user_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    def create_webhook(self, *,
        tenant_id: str,
        url: str,
        events: list[Literal["node.created", "node.updated", "node.deleted", "relationship.created",
            "relationship.updated", "relationship.deleted", "node_type.created",
            "node_type.updated", "node_type.deleted"]] | None | Absent = ABSENT,
        node_type_ids: list[str] | None | Absent = ABSENT,
        relationship_types: list[str] | None | Absent = ABSENT,
        filter: Mapping[str, Any] | None | Absent = ABSENT,
        ordering: Literal["record", "all"] | None = None,
        since: str | None = None,
        id: str | None = None,
    ) -> Pending[Webhook]:
        """Make a webhook: what changes from now on, or since a position, is posted to a URL."""
        result: Pending[Webhook] = self._call("create_webhook", {"tenant_id": tenant_id, "url": url,
            "events": events, "node_type_ids": node_type_ids,
            "relationship_types": relationship_types, "filter": filter}, {"ordering": ordering,
            "since": since, "id": id})
        return result

    def get_webhook(self, *,
        id: str,
        tenant_id: str,
    ) -> Pending[Webhook]:
        """Get a webhook by its id."""
        result: Pending[Webhook] = self._call("get_webhook", {"id": id, "tenant_id": tenant_id}, {})
        return result

    def update_webhook(self, *,
        id: str,
        tenant_id: str,
        url: str | None = None,
        events: list[Literal["node.created", "node.updated", "node.deleted", "relationship.created",
            "relationship.updated", "relationship.deleted", "node_type.created",
            "node_type.updated", "node_type.deleted"]] | None | Absent = ABSENT,
        node_type_ids: list[str] | None | Absent = ABSENT,
        relationship_types: list[str] | None | Absent = ABSENT,
        filter: Mapping[str, Any] | None | Absent = ABSENT,
        ordering: Literal["record", "all"] | None = None,
        status: Literal["active", "paused"] | None = None,
        version: int | None = None,
    ) -> Pending[Webhook]:
        """Change a webhook, pause it or activate it again; what is absent stays, null clears."""
        result: Pending[Webhook] = self._call("update_webhook", {"id": id, "tenant_id": tenant_id,
            "events": events, "node_type_ids": node_type_ids,
            "relationship_types": relationship_types, "filter": filter}, {"url": url,
            "ordering": ordering, "status": status, "version": version})
        return result

    def rotate_webhook_secret(self, *,
        id: str,
        tenant_id: str,
        overlap: int | None = None,
    ) -> Pending[Webhook]:
        """Give a webhook another secret, which the answer alone tells."""
        result: Pending[Webhook] = self._call("rotate_webhook_secret", {"id": id,
            "tenant_id": tenant_id}, {"overlap": overlap})
        return result

    def delete_webhook(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Pending[None]:
        """Delete a webhook with its deliveries, be they waiting or done."""
        result: Pending[None] = self._call("delete_webhook", {"id": id, "tenant_id": tenant_id},
            {"version": version})
        return result

    def list_webhooks(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
    ) -> Pending[WebhooksPage]:
        """List a tenant's webhooks, newest first."""
        result: Pending[WebhooksPage] = self._call("list_webhooks", {"tenant_id": tenant_id},
            {"pagination": pagination})
        return result
