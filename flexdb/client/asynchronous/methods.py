"""Every operation of the service as a method that is awaited.

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


class AsyncMethods:
    """Every operation of the service as a method that is awaited."""

    async def _call(self, name: str, required: dict[str, Any], optional: dict[str, Any]) -> Any:
        raise NotImplementedError

    async def create_node_type(self, *,
        tenant_id: str,
        name: str,
        description: str | None | Absent = ABSENT,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        id: str | None = None,
    ) -> NodeType:
        """Create a node type in a tenant.

        :param tenant_id: The tenant's id.
        :param name: A name that is unique within the tenant.
        :param description: What the node type is for; null for none.
        :param schema: A JSON Schema that the nodes' data must fit; null for none.
        :param id: The id to give it; made by the server when absent.
        """
        result: NodeType = await self._call("create_node_type", {"tenant_id": tenant_id,
            "name": name, "description": description, "schema": schema}, {"id": id})
        return result

    async def get_node_type(self, *,
        tenant_id: str,
        id: str | None = None,
        name: str | None = None,
    ) -> NodeType:
        """Get a node type by its id or its name.

        :param tenant_id: The tenant's id.
        :param id: The node type's id.
        :param name: A name that is unique within the tenant.
        """
        result: NodeType = await self._call("get_node_type", {"tenant_id": tenant_id}, {"id": id,
            "name": name})
        return result

    async def update_node_type(self, *,
        id: str,
        tenant_id: str,
        name: str | None = None,
        description: str | None | Absent = ABSENT,
        schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
        version: int | None = None,
    ) -> NodeType:
        """Change a node type; what is absent stays as it is, null clears description and schema.

        :param id: The node type's id.
        :param tenant_id: The tenant's id.
        :param name: A name that is unique within the tenant.
        :param description: What the node type is for; null for none.
        :param schema: A JSON Schema that the nodes' data must fit; null for none.
        :param version: Only when it is at this version.
        """
        result: NodeType = await self._call("update_node_type", {"id": id, "tenant_id": tenant_id,
            "description": description, "schema": schema}, {"name": name, "version": version})
        return result

    async def delete_node_type(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> None:
        """Delete a node type with its nodes and their relationships.

        :param id: The node type's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        """
        await self._call("delete_node_type", {"id": id, "tenant_id": tenant_id},
            {"version": version})

    async def list_node_types(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> NodeTypesPage:
        """List a tenant's node types, newest first.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: NodeTypesPage = await self._call("list_node_types", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def create_node(self, *,
        tenant_id: str,
        node_type_id: str,
        data: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Node:
        """Create a node of one of the tenant's node types, whose schema its data must fit.

        :param tenant_id: The tenant's id.
        :param node_type_id: The id of the node's type.
        :param data: The record: a JSON object, kept to the digit.
        :param id: The id to give it; made by the server when absent.
        """
        result: Node = await self._call("create_node", {"tenant_id": tenant_id,
            "node_type_id": node_type_id}, {"data": data, "id": id})
        return result

    async def get_node(self, *,
        id: str,
        tenant_id: str,
        expand: Mapping[str, Expansion] | None = None,
        version: int | None = None,
        as_of: str | datetime | None = None,
    ) -> Node:
        """Get a node by its id, and the neighbours that it is to bring along; or what it was.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        :param expand: The neighbours to bring along with each node, by the names that they shall
            have in its `expanded`.
        :param version: As it was at this version.
        :param as_of: As it was at this time.
        """
        result: Node = await self._call("get_node", {"id": id, "tenant_id": tenant_id},
            {"expand": expand, "version": version, "as_of": as_of})
        return result

    async def update_node(self, *,
        id: str,
        tenant_id: str,
        data: Mapping[str, Any] | None = None,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Node:
        """Replace a node's data, which must fit its type's schema; absent data stays as it is.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        :param data: The record: a JSON object, kept to the digit.
        :param version: Only when it is at this version.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        result: Node = await self._call("update_node", {"id": id, "tenant_id": tenant_id},
            {"data": data, "version": version, "only_if": only_if})
        return result

    async def patch_node(self, *,
        tenant_id: str,
        id: str,
        patch: Mapping[str, Any] | list[PatchValue | PatchRemoval | PatchMove] | None = None,
        version: int | None = None,
        update: Mapping[str, Any] | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Node:
        """Patch a node's data: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC
        6902).

        Or change it in place, by the operators of an update. Patches and updates of one node that
        meet are applied one after the other.

        :param tenant_id: The tenant's id.
        :param id: The node's id.
        :param patch: An object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902).
        :param version: Only when it is at this version.
        :param update: What to change in place, instead of a patch: operators, each with paths
            inside the data and values. There are `$set`, `$unset`, `$inc`, `$min`, `$max`,
            `$append`, `$addToSet`, `$remove`.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        result: Node = await self._call("patch_node", {"tenant_id": tenant_id, "id": id},
            {"patch": patch, "version": version, "update": update, "only_if": only_if})
        return result

    async def delete_node(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> None:
        """Delete a node with its relationships.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        await self._call("delete_node", {"id": id, "tenant_id": tenant_id}, {"version": version,
            "only_if": only_if})

    async def list_nodes(self, *,
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
    ) -> NodesPage:
        """List a tenant's nodes, newest first; a query filters, sorts and shortens them.

        With ``search``, those in which its words stand, the best first; with ``related_to``, those
        that are related to a node, the last related first.

        :param tenant_id: The tenant's id.
        :param node_type_id: Only nodes of this type.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        :param search: Only nodes with these words in the members that their type declares with
            `x-search`; the best first. `"a phrase"`, `one or other`, `-without`, `begins*`.
        :param highlights: With `offsets`, each node says in `highlights` where the words of
            `search` stand.
        :param explain: Whether to tell beside the page which indexes find its rows.
        :param related_to: Only the nodes that relationships lead to from this one, each once; the
            last related first. `total_count` is told only where `count` is `exact`.
        :param expand: The neighbours to bring along with each node, by the names that they shall
            have in its `expanded`.
        """
        result: NodesPage = await self._call("list_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "pagination": pagination, "filter": filter, "sort": sort,
            "fields": fields, "count": count, "search": search, "highlights": highlights,
            "explain": explain, "related_to": related_to, "expand": expand})
        return result

    async def create_relationship(self, *,
        tenant_id: str,
        source_node_id: str,
        target_node_id: str,
        relationship_type: str,
        data: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Relationship:
        """Create a relationship between two nodes of a tenant.

        Where there is a relationship type of its name, it must keep that contract.

        :param tenant_id: The tenant's id.
        :param source_node_id: The id of the node it starts from.
        :param target_node_id: The id of the node it leads to.
        :param relationship_type: What kind of relationship it is.
        :param data: What is to be said of it: a JSON object, kept to the digit.
        :param id: The id to give it; made by the server when absent.
        """
        result: Relationship = await self._call("create_relationship", {"tenant_id": tenant_id,
            "source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type}, {"data": data, "id": id})
        return result

    async def get_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        as_of: str | datetime | None = None,
    ) -> Relationship:
        """Get a relationship by its id; or what it was.

        :param id: The relationship's id.
        :param tenant_id: The tenant's id.
        :param version: As it was at this version.
        :param as_of: As it was at this time.
        """
        result: Relationship = await self._call("get_relationship", {"id": id,
            "tenant_id": tenant_id}, {"version": version, "as_of": as_of})
        return result

    async def update_relationship(self, *,
        id: str,
        tenant_id: str,
        relationship_type: str | None = None,
        data: Mapping[str, Any] | None = None,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Relationship:
        """Change a relationship's type or data; what is absent stays as it is.

        :param id: The relationship's id.
        :param tenant_id: The tenant's id.
        :param relationship_type: What kind of relationship it is.
        :param data: What is to be said of it: a JSON object, kept to the digit.
        :param version: Only when it is at this version.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        result: Relationship = await self._call("update_relationship", {"id": id,
            "tenant_id": tenant_id}, {"relationship_type": relationship_type, "data": data,
            "version": version, "only_if": only_if})
        return result

    async def patch_relationship(self, *,
        tenant_id: str,
        id: str,
        patch: Mapping[str, Any] | list[PatchValue | PatchRemoval | PatchMove] | None = None,
        version: int | None = None,
        update: Mapping[str, Any] | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> Relationship:
        """Patch a relationship's data: an object is a merge patch, an array a JSON Patch.

        Or change it in place, by the operators of an update.

        :param tenant_id: The tenant's id.
        :param id: The relationship's id.
        :param patch: An object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902).
        :param version: Only when it is at this version.
        :param update: What to change in place, instead of a patch: operators, each with paths
            inside the data and values. There are `$set`, `$unset`, `$inc`, `$min`, `$max`,
            `$append`, `$addToSet`, `$remove`.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        result: Relationship = await self._call("patch_relationship", {"tenant_id": tenant_id,
            "id": id}, {"patch": patch, "version": version, "update": update, "only_if": only_if})
        return result

    async def delete_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> None:
        """Delete a relationship; its nodes stay.

        :param id: The relationship's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        :param only_if: Only when it fits this, which is a filter as lists take it.
        """
        await self._call("delete_relationship", {"id": id, "tenant_id": tenant_id},
            {"version": version, "only_if": only_if})

    async def list_relationships(self, *,
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
    ) -> RelationshipsPage:
        """List a tenant's relationships, newest first; a query filters, sorts and shortens them.

        :param tenant_id: The tenant's id.
        :param source_node_id: Only relationships that start from this node.
        :param target_node_id: Only relationships that lead to this node.
        :param relationship_type: Only relationships of this type.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        :param explain: Whether to tell beside the page which indexes find its rows.
        """
        result: RelationshipsPage = await self._call("list_relationships", {"tenant_id": tenant_id},
            {"source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type, "pagination": pagination, "filter": filter,
            "sort": sort, "fields": fields, "count": count, "explain": explain})
        return result

    async def count_nodes(self, *,
        tenant_id: str,
        node_type_id: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Count:
        """Count a tenant's nodes, or those that fit a filter.

        :param tenant_id: The tenant's id.
        :param node_type_id: Only nodes of this type.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        """
        result: Count = await self._call("count_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "filter": filter})
        return result

    async def count_relationships(self, *,
        tenant_id: str,
        source_node_id: str | None = None,
        target_node_id: str | None = None,
        relationship_type: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Count:
        """Count a tenant's relationships, or those that fit a filter.

        :param tenant_id: The tenant's id.
        :param source_node_id: Only relationships that start from this node.
        :param target_node_id: Only relationships that lead to this node.
        :param relationship_type: Only relationships of this type.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        """
        result: Count = await self._call("count_relationships", {"tenant_id": tenant_id},
            {"source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type, "filter": filter})
        return result

    async def aggregate_nodes(self, *,
        tenant_id: str,
        node_type_id: str | None = None,
        filter: Mapping[str, Any] | None = None,
        group_by: Mapping[str, str] | None = None,
        measures: Mapping[str, str] | None = None,
        having: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        limit: int | None = None,
    ) -> Groups:
        """Measure a tenant's nodes in groups: count them, sum up what their data holds.

        Numbers keep their digits. Keys are equal as values of JSON are: 1 is 1.0 and not "1"; what
        is missing is null.

        :param tenant_id: The tenant's id.
        :param node_type_id: Only nodes of this type.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param group_by: What makes a group, under names of your choice: each a path, or
            `year(path)`, `month(path)`, `day(path)` or `hour(path)` of a time. Without any, all are
            one group.
        :param measures: What is measured of each group, under names of your choice: `count()`, or
            `sum(path)`, `avg(path)`, `min(path)`, `max(path)`, `count(path)`,
            `count_distinct(path)`.
        :param having: Only groups that fit this: a filter on the names of keys and measures.
        :param sort: The names of keys and measures to sort by, from the first on; `-` before one is
            descending. What is equal is sorted by the keys.
        :param limit: Give at most so many groups.
        """
        result: Groups = await self._call("aggregate_nodes", {"tenant_id": tenant_id},
            {"node_type_id": node_type_id, "filter": filter, "group_by": group_by,
            "measures": measures, "having": having, "sort": sort, "limit": limit})
        return result

    async def aggregate_relationships(self, *,
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
    ) -> Groups:
        """Measure a tenant's relationships in groups, as ``aggregate_nodes`` does nodes.

        :param tenant_id: The tenant's id.
        :param source_node_id: Only relationships that start from this node.
        :param target_node_id: Only relationships that lead to this node.
        :param relationship_type: Only relationships of this type.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param group_by: What makes a group, under names of your choice: each a path, or
            `year(path)`, `month(path)`, `day(path)` or `hour(path)` of a time. Without any, all are
            one group.
        :param measures: What is measured of each group, under names of your choice: `count()`, or
            `sum(path)`, `avg(path)`, `min(path)`, `max(path)`, `count(path)`,
            `count_distinct(path)`.
        :param having: Only groups that fit this: a filter on the names of keys and measures.
        :param sort: The names of keys and measures to sort by, from the first on; `-` before one is
            descending. What is equal is sorted by the keys.
        :param limit: Give at most so many groups.
        """
        result: Groups = await self._call("aggregate_relationships", {"tenant_id": tenant_id},
            {"source_node_id": source_node_id, "target_node_id": target_node_id,
            "relationship_type": relationship_type, "filter": filter, "group_by": group_by,
            "measures": measures, "having": having, "sort": sort, "limit": limit})
        return result

    async def create_nodes(self, *,
        tenant_id: str,
        nodes: list[NodeItem],
    ) -> list[Node]:
        """Create up to 10,000 nodes, all or none, each of which must fit its type's schema.

        :param tenant_id: The tenant's id.
        :param nodes: The nodes to create, 1 to 10,000.
        """
        result: list[Node] = await self._call("create_nodes", {"tenant_id": tenant_id,
            "nodes": nodes}, {})
        return result

    async def create_relationships(self, *,
        tenant_id: str,
        relationships: list[RelationshipItem],
    ) -> list[Relationship]:
        """Create up to 10,000 relationships between nodes of a tenant, all or none.

        :param tenant_id: The tenant's id.
        :param relationships: The relationships to create, 1 to 10,000.
        """
        result: list[Relationship] = await self._call("create_relationships",
            {"tenant_id": tenant_id, "relationships": relationships}, {})
        return result

    async def delete_nodes(self, *,
        tenant_id: str,
        filter: Mapping[str, Any],
        max_affected: int | None = None,
    ) -> Deletion:
        """Delete the nodes that fit a filter, with their relationships; all of them or none.

        :param tenant_id: The tenant's id.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param max_affected: When more nodes fit, none is deleted.
        """
        result: Deletion = await self._call("delete_nodes", {"tenant_id": tenant_id,
            "filter": filter}, {"max_affected": max_affected})
        return result

    async def list_changes(self, *,
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
    ) -> Changes:
        """List what changed in a tenant since a position, each change exactly once, in one order.

        A change carries the whole object as it was then. A filter lets through what fits it before
        or after the change.

        :param tenant_id: The tenant's id.
        :param since: After which position; without it there are no changes, and `position` is that
            of now.
        :param limit: How many at most.
        :param kinds: Only changes of these.
        :param ops: Only these changes.
        :param node_type_ids: Only nodes of these types, and these types; beside
            `relationship_types`, these relationships too.
        :param relationship_types: Only relationships of these types, and what `node_type_ids`
            names.
        :param ids: Only objects with these ids.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param old: Whether to give what each object was before, as `old`.
        :param wait: Where nothing changed yet, for how many seconds to wait until something does;
            of a call alone, which is answered then.
        """
        result: Changes = await self._call("list_changes", {"tenant_id": tenant_id},
            {"since": since, "limit": limit, "kinds": kinds, "ops": ops,
            "node_type_ids": node_type_ids, "relationship_types": relationship_types, "ids": ids,
            "filter": filter, "old": old, "wait": wait})
        return result

    async def check_node_type(self, *,
        tenant_id: str,
        id: str,
        schema: Mapping[str, Any] | bool | None = None,
        pagination: CheckPagination | None = None,
    ) -> Check:
        """Check the nodes of a type against its schema, or against one that it might have.

        :param tenant_id: The tenant's id.
        :param id: The node type's id.
        :param schema: A JSON Schema that the nodes' data must fit; null for none.
        :param pagination: Which nodes to check; the first 1,000 when absent.
        """
        result: Check = await self._call("check_node_type", {"tenant_id": tenant_id, "id": id},
            {"schema": schema, "pagination": pagination})
        return result

    async def test_webhook(self, *,
        tenant_id: str,
        webhook_id: str,
    ) -> Delivery:
        """Have a webhook told of a test, `webhook.test`, once; `list_deliveries` tells what came of
        it.

        :param tenant_id: The tenant's id.
        :param webhook_id: The webhook's id.
        """
        result: Delivery = await self._call("test_webhook", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {})
        return result

    async def list_deliveries(self, *,
        tenant_id: str,
        webhook_id: str,
        status: Literal["waiting", "done", "dead"] | None = None,
        pagination: Pagination | None = None,
    ) -> DeliveriesPage:
        """List what a webhook is told of, newest first; up to 10,000 are counted.

        :param tenant_id: The tenant's id.
        :param webhook_id: The webhook's id.
        :param status: `waiting` for the next attempt, `done`, or `dead`: given up.
        :param pagination: Which page to give.
        """
        result: DeliveriesPage = await self._call("list_deliveries", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {"status": status, "pagination": pagination})
        return result

    async def count_deliveries(self, *,
        tenant_id: str,
        webhook_id: str,
    ) -> DeliveryFigures:
        """Count what a webhook is still to be told of and what was given up, and for how long it
        waits.

        :param tenant_id: The tenant's id.
        :param webhook_id: The webhook's id.
        """
        result: DeliveryFigures = await self._call("count_deliveries", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {})
        return result

    async def redeliver(self, *,
        tenant_id: str,
        webhook_id: str,
        positions: list[int] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> Again:
        """Send deliveries again as if there had been no attempt: those named, or all that are dead.

        One call sends up to 10,000 again, the oldest first. One of a change that the feed does not
        keep any more ends dead.

        :param tenant_id: The tenant's id.
        :param webhook_id: The webhook's id.
        :param positions: Which; those that are dead when absent.
        :param since: Of the dead, those that were entered from this time on.
        :param until: Of the dead, those that were entered before this time.
        """
        result: Again = await self._call("redeliver", {"tenant_id": tenant_id,
            "webhook_id": webhook_id}, {"positions": positions, "since": since, "until": until})
        return result

    async def erase_node(self, *,
        id: str,
        tenant_id: str,
    ) -> None:
        """Delete a node, if it is there, and forget what it was before each of its changes.

        Who changed it and when stays known. What waits to be delivered of it is not, and answers
        that are kept for requests with an Idempotency-Key are forgotten. Backups are as they were.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        """
        await self._call("erase_node", {"id": id, "tenant_id": tenant_id}, {})

    async def list_events(self, *,
        tenant_id: str | None = None,
        caller: str | None = None,
        operation: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        pagination: Pagination | None = None,
    ) -> EventsPage:
        """List who changed tenants, users, members and keys, newest first.

        Who is bound to a tenant sees its events; an operator those of all, and of none.

        :param tenant_id: The tenant's id.
        :param caller: Who did it: `key:<id>` for a key, `open` where none was needed, `command` for
            one on the machine.
        :param operation: The method.
        :param since: Only from this time on.
        :param until: Only before this time.
        :param pagination: Which page to give.
        """
        result: EventsPage = await self._call("list_events", {}, {"tenant_id": tenant_id,
            "caller": caller, "operation": operation, "since": since, "until": until,
            "pagination": pagination})
        return result

    async def traverse(self, *,
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
    ) -> Traversal:
        """Walk from a node along its relationships, breadth first, and give the nodes reached.

        Each node is given once, at its least depth, with the relationship that reached it first: of
        several at that depth, the one with the least id. ``node_type_ids`` and ``filter`` choose
        among the nodes reached; they do not stop the walk.

        :param tenant_id: The tenant's id.
        :param start: The id of the node where the walk begins.
        :param direction: Which relationships to follow: `out` from source to target, `in` the other
            way, or `both`.
        :param relationship_types: Follow only relationships of these types; all when absent.
        :param min_depth: Give only nodes at least so many relationships away; 0 gives the start
            too. 1 when absent, and 0 where `max_depth` is 0.
        :param max_depth: Follow at most so many relationships.
        :param node_type_ids: Give only nodes of these types; the walk goes on through others.
        :param limit: Give at most so many nodes.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param expand: The neighbours to bring along with each node, by the names that they shall
            have in its `expanded`.
        """
        result: Traversal = await self._call("traverse", {"tenant_id": tenant_id, "start": start},
            {"direction": direction, "relationship_types": relationship_types,
            "min_depth": min_depth, "max_depth": max_depth, "node_type_ids": node_type_ids,
            "limit": limit, "filter": filter, "expand": expand})
        return result

    async def shortest_path(self, *,
        tenant_id: str,
        source_node_id: str,
        target_node_id: str,
        direction: Literal["out", "in", "both"] | None = None,
        relationship_types: list[str] | None = None,
        max_depth: int | None = None,
    ) -> ShortestPath:
        """Find a shortest path from one node to another; null when none is short enough.

        :param tenant_id: The tenant's id.
        :param source_node_id: The id of the node where the path begins.
        :param target_node_id: The id of the node where it ends.
        :param direction: Which relationships to follow: `out` from source to target, `in` the other
            way, or `both`.
        :param relationship_types: Follow only relationships of these types; all when absent.
        :param max_depth: Look for a path of at most so many relationships.
        """
        result: ShortestPath = await self._call("shortest_path", {"tenant_id": tenant_id,
            "source_node_id": source_node_id, "target_node_id": target_node_id},
            {"direction": direction, "relationship_types": relationship_types,
            "max_depth": max_depth})
        return result

    async def get_neighbors(self, *,
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
    ) -> NeighborsPage:
        """List a node's neighbors, once for each relationship, the newest relationship first.

        A query is about the neighbors: it filters, sorts and shortens them.

        :param tenant_id: The tenant's id.
        :param id: The node's id.
        :param direction: Which relationships to follow: `out` from source to target, `in` the other
            way, or `both`.
        :param relationship_types: Follow only relationships of these types; all when absent.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        :param expand: The neighbours to bring along with each node, by the names that they shall
            have in its `expanded`.
        """
        result: NeighborsPage = await self._call("get_neighbors", {"tenant_id": tenant_id,
            "id": id}, {"direction": direction, "relationship_types": relationship_types,
            "pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count, "expand": expand})
        return result

    async def get_node_history(self, *,
        id: str,
        tenant_id: str,
        pagination: Pagination | None = None,
        diff: bool | None = None,
    ) -> HistoryPage:
        """List the changes of a node, be it there or deleted, the last first.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param diff: Whether to tell what differs from the version before.
        """
        result: HistoryPage = await self._call("get_node_history", {"id": id,
            "tenant_id": tenant_id}, {"pagination": pagination, "diff": diff})
        return result

    async def get_relationship_history(self, *,
        id: str,
        tenant_id: str,
        pagination: Pagination | None = None,
        diff: bool | None = None,
    ) -> HistoryPage:
        """List the changes of a relationship, be it there or deleted, the last first.

        :param id: The relationship's id.
        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param diff: Whether to tell what differs from the version before.
        """
        result: HistoryPage = await self._call("get_relationship_history", {"id": id,
            "tenant_id": tenant_id}, {"pagination": pagination, "diff": diff})
        return result

    async def list_deleted_nodes(self, *,
        tenant_id: str,
        node_type_ids: list[str] | None = None,
        pagination: Pagination | None = None,
    ) -> DeletedNodesPage:
        """List the deletions of nodes that can be restored, the last first; `old` is the node.

        :param tenant_id: The tenant's id.
        :param node_type_ids: Only nodes of these types.
        :param pagination: Which page to give.
        """
        result: DeletedNodesPage = await self._call("list_deleted_nodes", {"tenant_id": tenant_id},
            {"node_type_ids": node_type_ids, "pagination": pagination})
        return result

    async def create_invitation(self, *,
        tenant_id: str,
        email: str,
        role: str | None = None,
        id: str | None = None,
    ) -> Invitation:
        """Make a member of who has an e-mail address: at once, or as soon as there is such a user.

        The answer is the same in both cases. No mail is sent. Who is a member stays what the member
        is.

        :param tenant_id: The tenant's id.
        :param email: The e-mail address of who is invited.
        :param role: The role that the user gets in the tenant.
        :param id: The id to give it; made by the server when absent.
        """
        result: Invitation = await self._call("create_invitation", {"tenant_id": tenant_id,
            "email": email}, {"role": role, "id": id})
        return result

    async def list_invitations(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> InvitationsPage:
        """List the invitations of a tenant that are open, newest first.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: InvitationsPage = await self._call("list_invitations", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def delete_invitation(self, *,
        tenant_id: str,
        id: str,
    ) -> None:
        """Take an invitation back that is open.

        :param tenant_id: The tenant's id.
        :param id: The invitation's id.
        """
        await self._call("delete_invitation", {"tenant_id": tenant_id, "id": id}, {})

    async def create_key(self, *,
        tenant_id: str,
        name: str,
        role: str | None = None,
        operations: list[str] | None = None,
        expires_at: str | datetime | None = None,
        replaces: str | None = None,
        overlap: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> ApiKeyWithSecret:
        """Create a key for a tenant, with no role above the caller's; its secret is told once.

        :param tenant_id: The tenant's id.
        :param name: What it is for.
        :param role: What it is let do: `viewer` reads, `member` writes, `admin` makes types and
            keys, `owner` changes the tenant; or a role that the tenant made.
        :param operations: Where it may do less than the role: names of methods, and `read`,
            `write`, `people`, `schema`, `manage`, `own`, `platform`.
        :param expires_at: When it ends to be good: in 90 days when absent, at most in 10 years.
        :param replaces: The id of a key that it stands in for, which ends after `overlap`.
        :param overlap: How long that one is good yet, in seconds.
        :param attributes: What a role's grants may ask of its holder: an object of texts, numbers,
            booleans and lists of them.
        :param id: The id to give it, for who sees all tenants; made by the server when absent.
        """
        result: ApiKeyWithSecret = await self._call("create_key", {"tenant_id": tenant_id,
            "name": name}, {"role": role, "operations": operations, "expires_at": expires_at,
            "replaces": replaces, "overlap": overlap, "attributes": attributes, "id": id})
        return result

    async def list_keys(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> KeysPage:
        """List a tenant's keys, newest first; their secrets are not kept.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: KeysPage = await self._call("list_keys", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def delete_key(self, *,
        tenant_id: str,
        id: str,
    ) -> None:
        """Delete a key, which is good nowhere any more a second later.

        :param tenant_id: The tenant's id.
        :param id: The key's id.
        """
        await self._call("delete_key", {"tenant_id": tenant_id, "id": id}, {})

    async def get_caller(self) -> Me:
        """Tell who the caller is, and what the caller is let do."""
        result: Me = await self._call("get_caller", {}, {})
        return result

    async def get_limits(self, *,
        tenant_id: str,
    ) -> TenantLimits:
        """Tell how much a tenant may have and ask for, and how much it has.

        :param tenant_id: The tenant's id.
        """
        result: TenantLimits = await self._call("get_limits", {"tenant_id": tenant_id}, {})
        return result

    async def update_limits(self, *,
        tenant_id: str,
        max_nodes: int | None = None,
        max_relationships: int | None = None,
        max_bytes: int | None = None,
        calls_per_second: int | None = None,
        burst: int | None = None,
        reset: list[Literal["max_nodes", "max_relationships", "max_bytes", "calls_per_second",
            "burst"]] | None = None,
    ) -> TenantLimits:
        """Change the limits of a tenant's own; what is absent stays as it is.

        They hold within a second. What a tenant has above a lower limit stays: it may have no more.

        :param tenant_id: The tenant's id.
        :param max_nodes: How many nodes it may have; 0 for any number.
        :param max_relationships: How many relationships it may have; 0 for any number.
        :param max_bytes: How much the JSON of its node types, nodes and relationships may weigh, in
            bytes, as PostgreSQL writes it; 0 for any number.
        :param calls_per_second: How many calls a second it may make; 0 for any number.
        :param burst: How many of them at once.
        :param reset: Which of them are to be none of the tenant's own any more.
        """
        result: TenantLimits = await self._call("update_limits", {"tenant_id": tenant_id},
            {"max_nodes": max_nodes, "max_relationships": max_relationships, "max_bytes": max_bytes,
            "calls_per_second": calls_per_second, "burst": burst, "reset": reset})
        return result

    async def list_operator_keys(self, *,
        pagination: Pagination | None = None,
    ) -> OperatorKeysPage:
        """List the keys of operators, newest first; `python -m flexdb create-key` makes them.

        :param pagination: Which page to give.
        """
        result: OperatorKeysPage = await self._call("list_operator_keys", {},
            {"pagination": pagination})
        return result

    async def delete_operator_key(self, *,
        id: str,
    ) -> None:
        """Delete a key of an operator, which is good nowhere any more a second later.

        :param id: The key's id.
        """
        await self._call("delete_operator_key", {"id": id}, {})

    async def create_relationship_type(self, *,
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
    ) -> RelationshipType:
        """Create a relationship type, whose contract the relationships of its name must keep.

        Those that are there already are looked at too: where some break it, it is refused, and
        tells up to 100 of them.

        :param tenant_id: The tenant's id.
        :param name: A name that is unique within the tenant: the `relationship_type` of the
            relationships that keep the contract.
        :param description: What the relationships are for; null for none.
        :param source_node_type_ids: The node types whose nodes they may start from; null for all.
        :param target_node_type_ids: The node types whose nodes they may lead to; null for all.
        :param cardinality: How many sources to how many targets: with `n:1` a node is the source of
            one such relationship at most, with `1:n` the target of one, with `1:1` both.
        :param unique_pair: Whether at most one leads from one node to another.
        :param acyclic: Whether none may lead back to where it starts, be it over others.
        :param on_delete: What becomes of one whose target is deleted: `cascade`, it is deleted too;
            `restrict`, the node is not deleted as long as the source stays.
        :param schema: A JSON Schema that their data must fit; null for none.
        :param id: The id to give it; made by the server when absent.
        """
        result: RelationshipType = await self._call("create_relationship_type",
            {"tenant_id": tenant_id, "name": name, "description": description,
            "source_node_type_ids": source_node_type_ids,
            "target_node_type_ids": target_node_type_ids, "schema": schema},
            {"cardinality": cardinality, "unique_pair": unique_pair, "acyclic": acyclic,
            "on_delete": on_delete, "id": id})
        return result

    async def get_relationship_type(self, *,
        id: str,
        tenant_id: str,
    ) -> RelationshipType:
        """Get a relationship type by its id.

        :param id: The relationship type's id.
        :param tenant_id: The tenant's id.
        """
        result: RelationshipType = await self._call("get_relationship_type", {"id": id,
            "tenant_id": tenant_id}, {})
        return result

    async def update_relationship_type(self, *,
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
    ) -> RelationshipType:
        """Change a relationship type; what is absent stays as it is, null clears what may be null.

        Where the contract is another by that, it must be kept by the relationships that are there.

        :param id: The relationship type's id.
        :param tenant_id: The tenant's id.
        :param name: A name that is unique within the tenant: the `relationship_type` of the
            relationships that keep the contract.
        :param description: What the relationships are for; null for none.
        :param source_node_type_ids: The node types whose nodes they may start from; null for all.
        :param target_node_type_ids: The node types whose nodes they may lead to; null for all.
        :param cardinality: How many sources to how many targets: with `n:1` a node is the source of
            one such relationship at most, with `1:n` the target of one, with `1:1` both.
        :param unique_pair: Whether at most one leads from one node to another.
        :param acyclic: Whether none may lead back to where it starts, be it over others.
        :param on_delete: What becomes of one whose target is deleted: `cascade`, it is deleted too;
            `restrict`, the node is not deleted as long as the source stays.
        :param schema: A JSON Schema that their data must fit; null for none.
        :param version: Only when it is at this version.
        """
        result: RelationshipType = await self._call("update_relationship_type", {"id": id,
            "tenant_id": tenant_id, "description": description,
            "source_node_type_ids": source_node_type_ids,
            "target_node_type_ids": target_node_type_ids, "schema": schema}, {"name": name,
            "cardinality": cardinality, "unique_pair": unique_pair, "acyclic": acyclic,
            "on_delete": on_delete, "version": version})
        return result

    async def delete_relationship_type(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> None:
        """Delete a relationship type; the relationships of its name stay, and are free.

        :param id: The relationship type's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        """
        await self._call("delete_relationship_type", {"id": id, "tenant_id": tenant_id},
            {"version": version})

    async def list_relationship_types(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
    ) -> RelationshipTypesPage:
        """List a tenant's relationship types, newest first.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        """
        result: RelationshipTypesPage = await self._call("list_relationship_types",
            {"tenant_id": tenant_id}, {"pagination": pagination})
        return result

    async def restore_node(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
        with_relationships: bool | None = None,
    ) -> Node:
        """Make a node what it was at a version, in a further one; one that was deleted is there
        again.

        Its data must fit the schema that its type has now.

        :param id: The node's id.
        :param tenant_id: The tenant's id.
        :param version: Which version it is to be again; that before its last change when absent.
        :param with_relationships: Whether the relationships that were deleted together with it come
            back too, where their other end is there.
        """
        result: Node = await self._call("restore_node", {"id": id, "tenant_id": tenant_id},
            {"version": version, "with_relationships": with_relationships})
        return result

    async def restore_relationship(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> Relationship:
        """Make a relationship what it was at a version, in a further one, be it there or deleted.

        Both of its nodes must be there, and it must keep the contract that its type has now.

        :param id: The relationship's id.
        :param tenant_id: The tenant's id.
        :param version: Which version it is to be again; that before its last change when absent.
        """
        result: Relationship = await self._call("restore_relationship", {"id": id,
            "tenant_id": tenant_id}, {"version": version})
        return result

    async def create_role(self, *,
        tenant_id: str,
        name: str,
        grants: list[NewGrant],
        based_on: Literal["viewer", "member", "admin"] | None = None,
        id: str | None = None,
    ) -> Role:
        """Make a role, which keys and members may have; it lets do at most what its base does.

        :param tenant_id: The tenant's id.
        :param name: By which keys and members have it; none of `viewer`, `member`, `admin`,
            `owner`, `operator`.
        :param grants: What it lets read and write of each node type; of types without a grant,
            nothing.
        :param based_on: The role whose methods it lets call, those aside that are not for callers
            with rules.
        :param id: The id to give it; made by the server when absent.
        """
        result: Role = await self._call("create_role", {"tenant_id": tenant_id, "name": name,
            "grants": grants}, {"based_on": based_on, "id": id})
        return result

    async def get_role(self, *,
        id: str,
        tenant_id: str,
    ) -> Role:
        """Get a role by its id.

        :param id: The role's id.
        :param tenant_id: The tenant's id.
        """
        result: Role = await self._call("get_role", {"id": id, "tenant_id": tenant_id}, {})
        return result

    async def update_role(self, *,
        id: str,
        tenant_id: str,
        grants: list[NewGrant] | None = None,
        based_on: Literal["viewer", "member", "admin"] | None = None,
        version: int | None = None,
    ) -> Role:
        """Change what a role lets do, a second later for all who have it; what is absent stays.

        :param id: The role's id.
        :param tenant_id: The tenant's id.
        :param grants: What it lets read and write of each node type; of types without a grant,
            nothing.
        :param based_on: The role whose methods it lets call, those aside that are not for callers
            with rules.
        :param version: Only when it is at this version.
        """
        result: Role = await self._call("update_role", {"id": id, "tenant_id": tenant_id},
            {"grants": grants, "based_on": based_on, "version": version})
        return result

    async def delete_role(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> None:
        """Delete a role that no key, no member and nobody who is invited has.

        :param id: The role's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        """
        await self._call("delete_role", {"id": id, "tenant_id": tenant_id}, {"version": version})

    async def list_roles(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> RolesPage:
        """List the roles that a tenant made, newest first.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: RolesPage = await self._call("list_roles", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def create_tenant(self, *,
        slug: str,
        name: str,
        id: str | None = None,
    ) -> Tenant:
        """Create a tenant, whose slug none has and none that looks the same.

        :param slug: A short unique name, with no white space at its ends, nothing that is not seen,
            and no UUID. One that differs in case alone is the same.
        :param name: The full name.
        :param id: The id to give it; made by the server when absent.
        """
        result: Tenant = await self._call("create_tenant", {"slug": slug, "name": name}, {"id": id})
        return result

    async def get_tenant(self, *,
        id: str | None = None,
        slug: str | None = None,
    ) -> Tenant:
        """Get a tenant by its id, or by its slug in whatever case.

        :param id: The tenant's id.
        :param slug: A short unique name, with no white space at its ends, nothing that is not seen,
            and no UUID. One that differs in case alone is the same.
        """
        result: Tenant = await self._call("get_tenant", {}, {"id": id, "slug": slug})
        return result

    async def update_tenant(self, *,
        id: str,
        slug: str | None = None,
        name: str | None = None,
        status: str | None = None,
    ) -> Tenant:
        """Change a tenant; what is absent stays as it is.

        Callers that are bound to the tenant change its name alone.

        :param id: The tenant's id.
        :param slug: A short unique name, with no white space at its ends, nothing that is not seen,
            and no UUID. One that differs in case alone is the same.
        :param name: The full name.
        :param status: `active`, or what the application makes of it.
        """
        result: Tenant = await self._call("update_tenant", {"id": id}, {"slug": slug, "name": name,
            "status": status})
        return result

    async def delete_tenant(self, *,
        id: str,
    ) -> None:
        """Delete a tenant with its members, node types, nodes and relationships.

        :param id: The tenant's id.
        """
        await self._call("delete_tenant", {"id": id}, {})

    async def list_tenants(self, *,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> TenantsPage:
        """List the tenants, newest first.

        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: TenantsPage = await self._call("list_tenants", {}, {"pagination": pagination,
            "filter": filter, "sort": sort, "fields": fields, "count": count})
        return result

    async def transaction(self, *,
        calls: list[TransactionCall],
        dry_run: bool | None = None,
        refs: bool | None = None,
    ) -> list[dict[str, Any]]:
        """Run up to 1,000 calls as one: all or nothing.

        In a later call, `$name.id` in the place of an id is the id of what the call with `"as":
        "name"` gave; in a list of ids and in the items to create too. With `refs`, `{"$result":
        "name.id"}` stands for it anywhere, as in `data` and in filters.

        :param calls: The calls, 1 to 1,000; they run in this order.
        :param dry_run: Whether to give the results and change nothing.
        :param refs: Whether `{"$result": "task.id"}` stands for a member of what an earlier call
            gave, and `{"$literal": …}` for what is in it, anywhere in parameters.
        """
        result: list[dict[str, Any]] = await self._call("transaction", {"calls": calls},
            {"dry_run": dry_run, "refs": refs})
        return result

    async def update_nodes(self, *,
        tenant_id: str,
        filter: Mapping[str, Any],
        patch: Mapping[str, Any] | None = None,
        max_affected: int | None = None,
        node_type_id: str | None = None,
        update: Mapping[str, Any] | None = None,
    ) -> Updated:
        """Patch or update the nodes that fit a filter, all of them or none.

        What each becomes must fit its type's schema. One that would stay what it is keeps its
        version and is not counted.

        :param tenant_id: The tenant's id.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param patch: How to patch each: an object is a merge patch (RFC 7396), an array a JSON
            Patch (RFC 6902).
        :param max_affected: When more nodes fit, none is changed.
        :param node_type_id: Only nodes of this type.
        :param update: What to change in place, instead of a patch: operators, each with paths
            inside the data and values. There are `$set`, `$unset`, `$inc`, `$min`, `$max`,
            `$append`, `$addToSet`, `$remove`.
        """
        result: Updated = await self._call("update_nodes", {"tenant_id": tenant_id,
            "filter": filter}, {"patch": patch, "max_affected": max_affected,
            "node_type_id": node_type_id, "update": update})
        return result

    async def upsert_node(self, *,
        tenant_id: str,
        node_type_id: str,
        data: Mapping[str, Any],
        id: str | None = None,
        key: list[str] | None = None,
        mode: Literal["replace", "merge"] | None = None,
    ) -> Upserted:
        """Create a node, or change the one that is there: by its id, or by what is unique in its
        type.

        Where nothing would change, its version stays.

        :param tenant_id: The tenant's id.
        :param node_type_id: The id of the node's type.
        :param data: The record: a JSON object, kept to the digit.
        :param id: The id to give it; made by the server when absent.
        :param key: By which members a node is known, as `x-unique` of its type has them; by its id
            when absent.
        :param mode: What becomes of the data of a node that is there: it is replaced, or what is
            given is merged into it (RFC 7396).
        """
        result: Upserted = await self._call("upsert_node", {"tenant_id": tenant_id,
            "node_type_id": node_type_id, "data": data}, {"id": id, "key": key, "mode": mode})
        return result

    async def upsert_nodes(self, *,
        tenant_id: str,
        nodes: list[UpsertItem],
        key: list[str] | None = None,
        mode: Literal["replace", "merge"] | None = None,
        all_or_none: bool | None = None,
    ) -> list[UpsertResult]:
        """Create or change up to 10,000 nodes, each as upsert_node does, in the order given.

        What another writes at the same moment under a second rule of x-unique refuses the whole
        call.

        :param tenant_id: The tenant's id.
        :param nodes: The nodes, 1 to 10,000.
        :param key: By which members a node is known, as `x-unique` of its type has them; by its id
            when absent.
        :param mode: What becomes of the data of a node that is there: it is replaced, or what is
            given is merged into it (RFC 7396).
        :param all_or_none: Whether nothing is done when one is refused; else the others are done.
        """
        result: list[UpsertResult] = await self._call("upsert_nodes", {"tenant_id": tenant_id,
            "nodes": nodes}, {"key": key, "mode": mode, "all_or_none": all_or_none})
        return result

    async def get_usage(self, *,
        tenant_id: str,
        since: str | datetime | None = None,
    ) -> TenantUsage:
        """Tell how much a tenant asked for since an hour.

        :param tenant_id: The tenant's id.
        :param since: From the hour of this time on; today's first when absent, in UTC. Hours are
            kept for 90 days.
        """
        result: TenantUsage = await self._call("get_usage", {"tenant_id": tenant_id},
            {"since": since})
        return result

    async def list_usage(self, *,
        since: str | datetime | None = None,
        by: Literal["database_ms", "calls", "errors", "rows", "bytes"] | None = None,
        limit: int | None = None,
    ) -> list[TenantUsage]:
        """List the tenants that asked for most since an hour.

        :param since: From the hour of this time on; today's first when absent, in UTC. Hours are
            kept for 90 days.
        :param by: What the first ones have most of.
        :param limit: How many tenants to tell of.
        """
        result: list[TenantUsage] = await self._call("list_usage", {}, {"since": since, "by": by,
            "limit": limit})
        return result

    async def create_user(self, *,
        email: str,
        display_name: str,
        id: str | None = None,
    ) -> User:
        """Create a user.

        :param email: The unique e-mail address (RFC 5321). Its domain is kept in lower case and in
            Unicode, the part before its @ as it is written.
        :param display_name: The name to show.
        :param id: The id to give it; made by the server when absent.
        """
        result: User = await self._call("create_user", {"email": email,
            "display_name": display_name}, {"id": id})
        return result

    async def get_user(self, *,
        id: str | None = None,
        email: str | None = None,
    ) -> User:
        """Get a user by the id or the e-mail address.

        Who sees some tenants only finds their members alone.

        :param id: The user's id.
        :param email: The unique e-mail address (RFC 5321). Its domain is kept in lower case and in
            Unicode, the part before its @ as it is written.
        """
        result: User = await self._call("get_user", {}, {"id": id, "email": email})
        return result

    async def update_user(self, *,
        id: str,
        email: str | None = None,
        display_name: str | None = None,
    ) -> User:
        """Change a user; what is absent stays as it is.

        :param id: The user's id.
        :param email: The unique e-mail address (RFC 5321). Its domain is kept in lower case and in
            Unicode, the part before its @ as it is written.
        :param display_name: The name to show.
        """
        result: User = await self._call("update_user", {"id": id}, {"email": email,
            "display_name": display_name})
        return result

    async def delete_user(self, *,
        id: str,
    ) -> None:
        """Delete a user with all memberships.

        :param id: The user's id.
        """
        await self._call("delete_user", {"id": id}, {})

    async def list_users(self, *,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> UsersPage:
        """List the users, newest first.

        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: UsersPage = await self._call("list_users", {}, {"pagination": pagination,
            "filter": filter, "sort": sort, "fields": fields, "count": count})
        return result

    async def add_user_to_tenant(self, *,
        tenant_id: str,
        user_id: str,
        role: str | None = None,
    ) -> TenantUser:
        """Add a user to a tenant, or change the role of one who is there.

        Who is bound to the tenant knows its members alone, and gives and takes no role above the
        own.

        :param tenant_id: The tenant's id.
        :param user_id: The user's id.
        :param role: The user's role in the tenant.
        """
        result: TenantUser = await self._call("add_user_to_tenant", {"tenant_id": tenant_id,
            "user_id": user_id}, {"role": role})
        return result

    async def remove_user_from_tenant(self, *,
        tenant_id: str,
        user_id: str,
    ) -> None:
        """Remove a user from a tenant; the user stays.

        :param tenant_id: The tenant's id.
        :param user_id: The user's id.
        """
        await self._call("remove_user_from_tenant", {"tenant_id": tenant_id, "user_id": user_id},
            {})

    async def list_tenant_users(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> TenantUsersPage:
        """List the members of a tenant by user id.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: TenantUsersPage = await self._call("list_tenant_users", {"tenant_id": tenant_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def list_user_tenants(self, *,
        user_id: str,
        pagination: Pagination | None = None,
        filter: Mapping[str, Any] | None = None,
        sort: list[str] | None = None,
        fields: list[str] | None = None,
        count: Literal["exact", "none"] | None = None,
    ) -> UserTenantsPage:
        """List the tenants of a user by their ids: the own ones, or to an operator anyone's.

        :param user_id: The user's id.
        :param pagination: Which page to give.
        :param filter: Only what fits this: MongoDB's form of a condition on paths in `data` and on
            the other members. In a path, a name with dots is quoted: `data."a.b".c`.
        :param sort: The paths to sort by, from the first on; `-` before one is descending.
        :param fields: The paths to give back, instead of whole objects; of an array only the places
            that are named.
        :param count: `none` leaves `total_count` out, which with a filter costs the most.
        """
        result: UserTenantsPage = await self._call("list_user_tenants", {"user_id": user_id},
            {"pagination": pagination, "filter": filter, "sort": sort, "fields": fields,
            "count": count})
        return result

    async def create_webhook(self, *,
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
    ) -> Webhook:
        """Make a webhook: what changes from now on, or since a position, is posted to a URL.

        The answer alone tells the secret that its deliveries are signed with.

        :param tenant_id: The tenant's id.
        :param url: Where to post: https, on the port 443 or 8443, without a user.
        :param events: Which events; null for all.
        :param node_type_ids: Only of nodes of these types, and of these types; beside
            `relationship_types`, of these relationships too; null for all.
        :param relationship_types: Only of relationships of these types, and of what `node_type_ids`
            names; null for all.
        :param filter: Only of what fits this before or after the change: a filter as `list_changes`
            takes it, without `$regex`; null for all.
        :param ordering: What a delivery waits for: earlier ones of the same object (`record`), or
            all earlier ones (`all`).
        :param since: After which position of the feed to begin; behind all that changed by now when
            absent.
        :param id: The id to give it; made by the server when absent.
        """
        result: Webhook = await self._call("create_webhook", {"tenant_id": tenant_id, "url": url,
            "events": events, "node_type_ids": node_type_ids,
            "relationship_types": relationship_types, "filter": filter}, {"ordering": ordering,
            "since": since, "id": id})
        return result

    async def get_webhook(self, *,
        id: str,
        tenant_id: str,
    ) -> Webhook:
        """Get a webhook by its id.

        :param id: The webhook's id.
        :param tenant_id: The tenant's id.
        """
        result: Webhook = await self._call("get_webhook", {"id": id, "tenant_id": tenant_id}, {})
        return result

    async def update_webhook(self, *,
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
    ) -> Webhook:
        """Change a webhook, pause it or activate it again; what is absent stays, null clears.

        With another URL, and when it is activated, its failures are forgotten. What it is to be
        told of is so for what it was not yet told of.

        :param id: The webhook's id.
        :param tenant_id: The tenant's id.
        :param url: Where to post: https, on the port 443 or 8443, without a user.
        :param events: Which events; null for all.
        :param node_type_ids: Only of nodes of these types, and of these types; beside
            `relationship_types`, of these relationships too; null for all.
        :param relationship_types: Only of relationships of these types, and of what `node_type_ids`
            names; null for all.
        :param filter: Only of what fits this before or after the change: a filter as `list_changes`
            takes it, without `$regex`; null for all.
        :param ordering: What a delivery waits for: earlier ones of the same object (`record`), or
            all earlier ones (`all`).
        :param status: `paused` ends its deliveries for now; `active` goes on with them, from where
            they ended.
        :param version: Only when it is at this version.
        """
        result: Webhook = await self._call("update_webhook", {"id": id, "tenant_id": tenant_id,
            "events": events, "node_type_ids": node_type_ids,
            "relationship_types": relationship_types, "filter": filter}, {"url": url,
            "ordering": ordering, "status": status, "version": version})
        return result

    async def rotate_webhook_secret(self, *,
        id: str,
        tenant_id: str,
        overlap: int | None = None,
    ) -> Webhook:
        """Give a webhook another secret, which the answer alone tells.

        For a while deliveries have a signature by each of the two, so that none is refused
        meanwhile.

        :param id: The webhook's id.
        :param tenant_id: The tenant's id.
        :param overlap: For how long deliveries are signed with the secret before it too, in
            seconds.
        """
        result: Webhook = await self._call("rotate_webhook_secret", {"id": id,
            "tenant_id": tenant_id}, {"overlap": overlap})
        return result

    async def delete_webhook(self, *,
        id: str,
        tenant_id: str,
        version: int | None = None,
    ) -> None:
        """Delete a webhook with its deliveries, be they waiting or done.

        :param id: The webhook's id.
        :param tenant_id: The tenant's id.
        :param version: Only when it is at this version.
        """
        await self._call("delete_webhook", {"id": id, "tenant_id": tenant_id}, {"version": version})

    async def list_webhooks(self, *,
        tenant_id: str,
        pagination: Pagination | None = None,
    ) -> WebhooksPage:
        """List a tenant's webhooks, newest first.

        :param tenant_id: The tenant's id.
        :param pagination: Which page to give.
        """
        result: WebhooksPage = await self._call("list_webhooks", {"tenant_id": tenant_id},
            {"pagination": pagination})
        return result
