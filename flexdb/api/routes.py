"""The URL space: which operation stands at which URL and verb, and where its parameters travel."""

from __future__ import annotations

import re
from functools import cached_property

from flexdb.contract.operation import CREATES, OPERATIONS, READS, Operation

# An id in a URL is the operation's parameter of the same name. Where an operation has a second
# place, the last word of the row names that.
ROUTES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Tenants": (
        ("POST", "/tenants", "create_tenant"),
        ("GET", "/tenants/{id}", "get_tenant"),
        ("PUT", "/tenants/{id}", "update_tenant"),
        ("DELETE", "/tenants/{id}", "delete_tenant"),
        ("GET", "/tenants", "list_tenants"),
    ),
    "Users": (
        ("POST", "/users", "create_user"),
        ("GET", "/users/{id}", "get_user"),
        ("PUT", "/users/{id}", "update_user"),
        ("DELETE", "/users/{id}", "delete_user"),
        ("GET", "/users", "list_users"),
        ("GET", "/users/{user_id}/tenants", "list_user_tenants"),
    ),
    "Tenant Users": (
        ("POST", "/tenants/{tenant_id}/users", "add_user_to_tenant"),
        ("DELETE", "/tenants/{tenant_id}/users/{user_id}", "remove_user_from_tenant"),
        ("GET", "/tenants/{tenant_id}/users", "list_tenant_users"),
        ("POST", "/tenants/{tenant_id}/invitations", "create_invitation"),
        ("DELETE", "/tenants/{tenant_id}/invitations/{id}", "delete_invitation"),
        ("GET", "/tenants/{tenant_id}/invitations", "list_invitations"),
    ),
    "Keys": (
        ("POST", "/tenants/{tenant_id}/keys", "create_key"),
        ("DELETE", "/tenants/{tenant_id}/keys/{id}", "delete_key"),
        ("GET", "/tenants/{tenant_id}/keys", "list_keys"),
        ("GET", "/operator-keys", "list_operator_keys"),
        ("DELETE", "/operator-keys/{id}", "delete_operator_key"),
        ("GET", "/caller", "get_caller"),
    ),
    "Events": (
        ("GET", "/events", "list_events"),
    ),
    "Limits": (
        ("GET", "/tenants/{tenant_id}/limits", "get_limits"),
        ("PUT", "/tenants/{tenant_id}/limits", "update_limits"),
        ("GET", "/tenants/{tenant_id}/usage", "get_usage"),
        ("GET", "/usage", "list_usage"),
    ),
    "Roles": (
        ("POST", "/tenants/{tenant_id}/roles", "create_role"),
        ("GET", "/tenants/{tenant_id}/roles/{id}", "get_role"),
        ("PUT", "/tenants/{tenant_id}/roles/{id}", "update_role"),
        ("DELETE", "/tenants/{tenant_id}/roles/{id}", "delete_role"),
        ("GET", "/tenants/{tenant_id}/roles", "list_roles"),
    ),
    "Node Types": (
        ("POST", "/tenants/{tenant_id}/node-types", "create_node_type"),
        ("GET", "/tenants/{tenant_id}/node-types/{id}", "get_node_type"),
        ("PUT", "/tenants/{tenant_id}/node-types/{id}", "update_node_type"),
        ("DELETE", "/tenants/{tenant_id}/node-types/{id}", "delete_node_type"),
        ("GET", "/tenants/{tenant_id}/node-types", "list_node_types"),
        ("POST", "/tenants/{tenant_id}/node-types/{id}/check", "check_node_type"),
    ),
    "Nodes": (
        ("POST", "/tenants/{tenant_id}/nodes", "create_node"),
        ("GET", "/tenants/{tenant_id}/nodes/{id}", "get_node"),
        ("PUT", "/tenants/{tenant_id}/nodes/{id}", "update_node"),
        ("PATCH", "/tenants/{tenant_id}/nodes/{id}", "patch_node"),
        ("DELETE", "/tenants/{tenant_id}/nodes/{id}", "delete_node"),
        ("GET", "/tenants/{tenant_id}/nodes", "list_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/batch", "create_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/query", "list_nodes", "query_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/update", "update_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/upsert", "upsert_node"),
        ("POST", "/tenants/{tenant_id}/nodes/batch/upsert", "upsert_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/delete", "delete_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/{id}/erase", "erase_node"),
        ("POST", "/tenants/{tenant_id}/nodes/count", "count_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/aggregate", "aggregate_nodes"),
    ),
    "Relationship Types": (
        ("POST", "/tenants/{tenant_id}/relationship-types", "create_relationship_type"),
        ("GET", "/tenants/{tenant_id}/relationship-types/{id}", "get_relationship_type"),
        ("PUT", "/tenants/{tenant_id}/relationship-types/{id}", "update_relationship_type"),
        ("DELETE", "/tenants/{tenant_id}/relationship-types/{id}", "delete_relationship_type"),
        ("GET", "/tenants/{tenant_id}/relationship-types", "list_relationship_types"),
    ),
    "Relationships": (
        ("POST", "/tenants/{tenant_id}/relationships", "create_relationship"),
        ("GET", "/tenants/{tenant_id}/relationships/{id}", "get_relationship"),
        ("PUT", "/tenants/{tenant_id}/relationships/{id}", "update_relationship"),
        ("PATCH", "/tenants/{tenant_id}/relationships/{id}", "patch_relationship"),
        ("DELETE", "/tenants/{tenant_id}/relationships/{id}", "delete_relationship"),
        ("GET", "/tenants/{tenant_id}/relationships", "list_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/batch", "create_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/query", "list_relationships",
         "query_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/count", "count_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/aggregate", "aggregate_relationships"),
    ),
    "Changes": (
        ("GET", "/tenants/{tenant_id}/changes", "list_changes"),
        ("GET", "/tenants/{tenant_id}/changes/stream", "list_changes", "stream_changes"),
        ("GET", "/tenants/{tenant_id}/nodes/{id}/history", "get_node_history"),
        ("POST", "/tenants/{tenant_id}/nodes/{id}/restore", "restore_node"),
        ("GET", "/tenants/{tenant_id}/relationships/{id}/history", "get_relationship_history"),
        ("POST", "/tenants/{tenant_id}/relationships/{id}/restore", "restore_relationship"),
        ("GET", "/tenants/{tenant_id}/deleted-nodes", "list_deleted_nodes"),
    ),
    "Graph": (
        ("GET", "/tenants/{tenant_id}/nodes/{start}/traverse", "traverse"),
        ("GET", "/tenants/{tenant_id}/nodes/{source_node_id}/shortest-path", "shortest_path"),
        ("GET", "/tenants/{tenant_id}/nodes/{id}/neighbors", "get_neighbors"),
    ),
    "Webhooks": (
        ("POST", "/tenants/{tenant_id}/webhooks", "create_webhook"),
        ("GET", "/tenants/{tenant_id}/webhooks/{id}", "get_webhook"),
        ("PUT", "/tenants/{tenant_id}/webhooks/{id}", "update_webhook"),
        ("DELETE", "/tenants/{tenant_id}/webhooks/{id}", "delete_webhook"),
        ("GET", "/tenants/{tenant_id}/webhooks", "list_webhooks"),
        ("POST", "/tenants/{tenant_id}/webhooks/{id}/rotate-secret", "rotate_webhook_secret"),
        ("POST", "/tenants/{tenant_id}/webhooks/{webhook_id}/test", "test_webhook"),
        ("GET", "/tenants/{tenant_id}/webhooks/{webhook_id}/deliveries", "list_deliveries"),
        ("GET", "/tenants/{tenant_id}/webhooks/{webhook_id}/deliveries/figures",
         "count_deliveries"),
        ("POST", "/tenants/{tenant_id}/webhooks/{webhook_id}/redeliver", "redeliver"),
    ),
    "Transactions": (
        ("POST", "/transactions", "transaction"),
    ),
}

IN_URL = re.compile(r"\{(\w+)\}")
# What the body of a PATCH is, as its type says: of which kind of JSON, for which parameter.
PATCHES: dict[str, tuple[type, str]] = {
    "application/merge-patch+json": (dict, "patch"),
    "application/json-patch+json": (list, "patch"),
    "application/vnd.flexdb.update+json": (dict, "update")}


class Route:
    """An operation at its place in the URL space.

    :param tag: the heading under which the documents have it
    :param id: the name that no other route has: the operation's, unless it has a second place
    """

    def __init__(self, tag: str, verb: str, url: str, operation: Operation, id: str) -> None:
        self.tag, self.verb, self.url, self.operation, self.id = tag, verb, url, operation, id

    @cached_property
    def in_url(self) -> tuple[str, ...]:
        """Return the parameters that are parts of the URL."""
        return tuple(IN_URL.findall(self.url))

    @cached_property
    def elsewhere(self) -> tuple[str, ...]:
        """Return the other parameters, in the body or in the query.

        What could be given in the place of one in the URL is none of them.
        """
        either = {*self.operation.params.either}
        gone = {*self.in_url, *(either if either.intersection(self.in_url) else ())}
        # A stream waits for ever.
        gone |= {"wait"} if self.streams else set()
        return tuple(name for name in self.operation.fields if name not in gone)

    @cached_property
    def in_query(self) -> tuple[str, ...]:
        """Return those of them that travel in the query."""
        if self.verb == "PATCH":
            in_body = {name for _, name in PATCHES.values()}
            return tuple(name for name in self.elsewhere if name not in in_body)
        return () if self.has_body else self.elsewhere

    @property
    def has_body(self) -> bool:
        """Tell whether the parameters travel in a JSON body; that of a PATCH is the patch."""
        return self.verb in ("POST", "PUT", "PATCH")

    @property
    def is_conditional(self) -> bool:
        """Tell whether it changes one object, so that this can depend on the object's state."""
        return self.verb in ("PUT", "PATCH", "DELETE")

    @property
    def is_shown(self) -> bool:
        """Tell whether a GET shows what stands at the URL."""
        return any(verb == "GET" and url == self.url for verb, url, *_ in ROUTES[self.tag])

    @property
    def writes(self) -> bool:
        """Tell whether it leaves something behind."""
        return self.operation.effect is not READS

    @property
    def streams(self) -> bool:
        """Tell whether it gives a stream of events, which goes on."""
        return self.url.endswith("/stream")

    @property
    def creates(self) -> bool:
        """Tell whether it answers that something was created."""
        return self.operation.effect is CREATES


def words_for_ids() -> list[str]:
    """Return the words that stand in URLs where others have an id, and are none."""
    urls = {row[1].rpartition("/") for rows in ROUTES.values() for row in rows}
    parents = {parent for parent, _, last in urls if IN_URL.match(last)}
    return sorted({last for parent, _, last in urls
                   if parent in parents and not IN_URL.match(last)})


def routes() -> list[Route]:
    """Return every route in the order of the table."""
    return [Route(tag, verb, url, OPERATIONS[name], id[0] if id else name)
            for tag, rows in ROUTES.items() for verb, url, name, *id in rows]
