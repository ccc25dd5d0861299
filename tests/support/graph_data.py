"""A random graph of any size, made inside PostgreSQL: its nodes are numbered, its edges drawn."""

from __future__ import annotations

from hashlib import md5
from typing import Any
from uuid import UUID

from psycopg import Connection

_NODES = """
    INSERT INTO nodes (tenant_id, id, node_type_id, data)
    SELECT %(tenant_id)s::uuid, md5(%(tenant_id)s::text || i)::uuid, %(id)s::uuid,
           jsonb_build_object('number', i)
    FROM generate_series(0, %(nodes)s - 1) i"""
# Every node is a source equally often, and a target about as often.
_EDGES = """
    INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type)
    SELECT %(tenant_id)s::uuid, md5(%(tenant_id)s::text || 'edge ' || i)::uuid,
           md5(%(tenant_id)s::text || i %% %(nodes)s)::uuid,
           md5(%(tenant_id)s::text || abs(hashint8(i)::bigint) %% %(nodes)s)::uuid,
           'type ' || i %% 2
    FROM generate_series(0, %(edges)s - 1) i"""


def fill(connection: Connection[Any], node_type: dict[str, Any], nodes: int, edges: int) -> None:
    """Give a tenant so many nodes of a type, and so many edges between them.

    100,000 nodes with 500,000 edges take about 20 seconds, most of it for indexes and keys.
    """
    arguments = node_type | {"nodes": nodes, "edges": edges}
    arguments = {name: arguments[name] for name in ("tenant_id", "id", "nodes", "edges")}
    connection.execute(_NODES, arguments)
    connection.execute(_EDGES, arguments)
    connection.execute("ANALYZE nodes, relationships")


def node_id(node_type: dict[str, Any], number: int) -> str:
    """Return the id of a node by its number."""
    return str(UUID(md5(f"{node_type['tenant_id']}{number}".encode()).hexdigest()))
