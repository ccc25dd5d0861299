"""A tenant with something of everything, so that every method has what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import psycopg

from flexdb.contract.operation import OPERATIONS
from tests.support.callers import operator_key
from tests.support.service import Service, request

_EARLIER = "2026-01-01T00:00:00.000000+00:00"
_LATER = (datetime.now(timezone.utc) + timedelta(days=30)).isoformat(timespec="microseconds")
# By which path a list is filtered and sorted whose objects have no version.
_PATHS = {"list_tenants": "slug", "list_users": "email", "list_tenant_users": "display_name",
          "list_user_tenants": "slug", "list_keys": "hint", "list_invitations": "email"}


@dataclass
class World:
    """One such tenant, and valid parameters for every method."""

    service: Service

    def __post_init__(self) -> None:
        self.tenant, self.user = self.service.tenant(), self.service.user()
        self.node_type = self.service.node_type(self.tenant, schema={
            "properties": {"title": {"x-search": True}}})
        self.node, self.target = (self.service.node(self.node_type) for _ in range(2))
        # One that was deleted, and what has a change that can be taken back.
        deleted, node, edge = ({"tenant_id": self.tenant["id"], "id": str(uuid4())}
                               for _ in range(3))
        self.changed_node, self.changed_relationship = node, edge
        typed = {"node_type_id": self.node_type["id"]}
        ends = {"source_node_id": node["id"], "target_node_id": node["id"]}
        self.service.batch([request(method, params) for method, params in (
            ("create_node", deleted | typed), ("delete_node", deleted),
            ("create_node", node | typed), ("update_node", node | {"data": {"a": [1]}}),
            ("create_relationship", edge | ends | {"relationship_type": "x"}),
            ("update_relationship", edge | {"data": {"a": [1]}}))])
        self.relationship = self.service.relationship(self.node, self.target)
        self.relationship_type = self.service.relationship_type(
            self.tenant, name="belongs_to", source_node_type_ids=[self.node_type["id"]])
        self.service.call("add_user_to_tenant", self.member)
        self.key = self.service.call("create_key", tenant_id=self.tenant["id"], name="A key")["key"]
        self.operator_key = operator_key(self.service)
        self.role = self.service.call("create_role", tenant_id=self.tenant["id"], name="reader",
                                      grants=[{}])["role"]
        self.invitation = self.service.call(
            "create_invitation", tenant_id=self.tenant["id"],
            email=f"{uuid4().hex}@example.org")["invitation"]
        self.webhook = self.service.call("create_webhook", tenant_id=self.tenant["id"],
                                         url="https://example.org/")["webhook"]
        self.service.call("test_webhook", tenant_id=self.tenant["id"],
                          webhook_id=self.webhook["id"])

    @property
    def member(self) -> dict[str, str]:
        """The key of the user's membership."""
        return {"tenant_id": self.tenant["id"], "user_id": self.user["id"]}

    def params(self, method: str) -> dict[str, Any]:
        """Return a valid value for every parameter of a method, in their order."""
        verb, _, thing = method.partition("_")
        thing = {"neighbors": "node", "webhook_secret": "webhook"}.get(
            thing, thing.removesuffix("_history"))
        path = _PATHS.get(method, "version")
        if verb == "restore":
            thing = f"changed_{thing}"
        values: dict[str, Any] = self.member | {
            "id": (str(uuid4()) if verb in ("create", "upsert") else
                   getattr(self, thing, {"id": ""})["id"]),
            "start": self.node["id"], "direction": "both", "relationship_types": ["depends_on"],
            "min_depth": 0, "max_depth": 3, "node_type_ids": [self.node_type["id"]], "limit": 10,
            "node_type_id": self.node_type["id"], "source_node_id": self.node["id"],
            "target_node_id": self.target["id"], "relationship_type": "depends_on",
            # Of what is named by its id, a name is not given too.
            **dict.fromkeys(("slug", "name", "email"), ""),
            **({} if verb == "get" else {"slug": uuid4().hex, "name": uuid4().hex,
                                         "email": f"{uuid4().hex}@example.org"}),
            "display_name": "John",
            "status": "waiting" if method == "list_deliveries" else "active", "role": "admin",
            "description": "Text",
            "schema": {"type": "object"}, "data": {"a": [1]}, "pagination": {"page_size": 5},
            "patch": {"a": [2]}, "update": "", "only_if": {"version": {"$gte": 1}}, "version": "",
            "max_affected": 5, "fields": [path],
            "filter": {path: 1} if path == "version" else {path: {"$ne": "x"}},
            "sort": ["-count" if verb == "aggregate" else f"-{path}"],
            "count": "exact", "search": "", "highlights": "", "explain": False,
            "group_by": {"of": "tenant_id"},
            "measures": {"count": "count()"}, "having": {"count": {"$gte": 1}},
            "related_to": {"node": self.node["id"]}, "expand": {"near": {"direction": "both"}},
            "nodes": [{"node_type_id": self.node_type["id"], "data": {"a": [1]}}],
            "key": "", "mode": "merge", "all_or_none": False,
            "relationships": [{"source_node_id": self.node["id"], "relationship_type": "x",
                               "target_node_id": self.target["id"]}],
            "calls": [{"method": "list_users"}], "dry_run": True, "refs": True,
            "operations": ["read", "create_node"], "expires_at": _LATER, "overlap": 60,
            "caller": "open", "operation": "create_key",
            "since": "" if method in ("list_changes", "create_webhook") else _EARLIER,
            "until": _LATER,
            "kinds": ["node"], "ops": ["create"], "ids": [self.node["id"]], "old": True,
            "wait": 0,
            "as_of": "", "diff": True, "with_relationships": True,
            "replaces": self.key["id"], "max_nodes": 1000, "max_relationships": 1000,
            "max_bytes": 100_000, "calls_per_second": 1000, "burst": 1000, "reset": ["burst"],
            "by": "calls",
            "source_node_type_ids": [self.node_type["id"]],
            "target_node_type_ids": [self.node_type["id"]], "cardinality": "n:1",
            "unique_pair": True, "acyclic": True, "on_delete": "restrict",
            "attributes": {"team": "red"}, "based_on": "viewer",
            "url": "https://example.com/hooks", "events": ["node.created"], "ordering": "all",
            "webhook_id": self.webhook["id"], "positions": "",
            "grants": [{"node_type_id": self.node_type["id"], "read": True,
                        "write": {"data.owner": {"$caller": "attributes.name"}}}],
        }
        return {name: values[name] for name in OPERATIONS[method].params().load_fields}

    def rows(self, connection: psycopg.Connection) -> Any:
        """Return what the database holds of this tenant, and how many tenants and users."""
        own = " UNION ALL ".join(
            f"SELECT t::text FROM {table} t WHERE t.{key} = %({key})s" for table, key in [
                ("tenants", "id"), ("users", "user"), ("tenant_users", "tenant_id"),
                ("node_types", "tenant_id"), ("nodes", "tenant_id"), ("relationships", "tenant_id"),
                ("flexdb_keys", "tenant_id"), ("flexdb_events", "tenant_id"),
                ("flexdb_limits", "tenant_id"), ("flexdb_roles", "tenant_id"),
                ("flexdb_invitations", "tenant_id"), ("flexdb_relationship_types", "tenant_id"),
                ("flexdb_usage", "tenant_id"), ("flexdb_webhooks", "tenant_id"),
                ("flexdb_deliveries", "tenant_id"), ("flexdb_idempotency_keys", "tenant_id")
            ]).replace("t.user", "t.id").replace("%(tenant_id)s", "%(id)s")
        return connection.execute(
            f"SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM users), "
            f"array(SELECT t FROM ({own}) o (t) ORDER BY t)".encode(),
            {"id": self.tenant["id"], "user": self.user["id"]}).fetchone()
