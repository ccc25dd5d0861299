"""Neighbours: a list of the nodes that are related to one, and those that a list brings along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bench.data import GROUP, Data, connect
from bench.load import call, load
from bench.measure import Claim, Row
from bench.rows import postgres, row
from bench.stage import Stage
from bench.yardsticks import psql

_TASKS = 10_000
_LISTED, _EACH = 50, 5
_PSQL = "psql, join"
_PROJECT = """
INSERT INTO nodes (tenant_id, id, node_type_id, data, created_at)
SELECT nt.tenant_id, gen_random_uuid(), nt.id, '{"title": "Project", "status": "open"}', 'epoch'
FROM node_types nt
RETURNING id::text"""
# Their tasks are strewn over all nodes.
_PART_OF = """
INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type, data,
                           created_at)
SELECT n.tenant_id, gen_random_uuid(), n.id, %s, 'part_of', '{}', n.created_at
FROM nodes n
WHERE (n.data ->> 'group')::int < %s"""
# Each of the first page has neighbours of its own.
_BLOCKS = """
WITH newest AS (
    SELECT n.tenant_id, n.id, n.created_at,
           row_number() OVER (ORDER BY n.created_at DESC, n.id DESC) - 1 AS place
    FROM nodes n
    ORDER BY n.created_at DESC, n.id DESC
    LIMIT %(listed)s::int * (1 + %(each)s::int)
)
INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type, data,
                           created_at)
SELECT n.tenant_id, gen_random_uuid(), n.id, m.id, 'blocks', '{}', n.created_at
FROM newest n
JOIN newest m ON m.place / %(each)s = n.place + %(listed)s / %(each)s"""
# Bare, they have no total.
_JOINED = """SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at
FROM relationships r JOIN nodes n ON n.tenant_id = r.tenant_id AND n.id = r.source_node_id
WHERE r.tenant_id = '{}' AND r.target_node_id = '{}' AND r.relationship_type = 'part_of'
ORDER BY r.created_at DESC, r.id DESC LIMIT 10;"""
_WITH_NEIGHBOURS = """SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at,
n.updated_at, (SELECT json_agg(m) FROM relationships r
               JOIN nodes m ON m.tenant_id = r.tenant_id AND m.id = r.target_node_id
               WHERE r.tenant_id = n.tenant_id AND r.source_node_id = n.id
                 AND r.relationship_type = 'blocks')
FROM nodes n WHERE n.tenant_id = '{}' ORDER BY n.created_at DESC, n.id DESC LIMIT {};"""


@row("the join in psql; the list of all", "what-reads-cost-beside-bare-sql")
def related_list(stage: Stage) -> Row:
    """The first page of the nodes related to one, and that of all."""
    data, project = _related(stage)
    server = stage.service(data)
    near = {"node": project, "type": "part_of", "direction": "in"}
    related, plain = f"of the {_TASKS:,} of a project", f"of all {stage.rows:,}"
    return Row(
        "`list_nodes` with `related_to`, 10 on the first page",
        {related: load(server, stage.postgres, [_list(data, related_to=near)]),
         plain: load(server, stage.postgres, [_list(data)]),
         _PSQL: psql(stage.postgres, data.settings,
                     [_JOINED.format(*data.tenant().values(), project)])},
        [Claim("CPU, times that of all", lambda turn: turn[related].cost / turn[plain].cost, 1.5),
         _of_psql(related)])


@row("the join in psql; the same page bare", "what-reads-cost-beside-bare-sql")
def expand(stage: Stage) -> Row:
    """A page whose nodes bring their neighbours along, and the same page bare."""
    data, _ = _related(stage)
    server = stage.service(data)
    brought = {"blocks": {"type": "blocks", "direction": "out"}}
    page = {"page_size": _LISTED}
    expanded, bare = f"with {_EACH} neighbours each", "bare"
    return Row(
        f"`list_nodes`, {_LISTED} on the first page",
        {expanded: load(server, stage.postgres, [_list(data, pagination=page, expand=brought)]),
         bare: load(server, stage.postgres, [_list(data, pagination=page)]),
         _PSQL: psql(stage.postgres, data.settings,
                     [_WITH_NEIGHBOURS.format(*data.tenant().values(), _LISTED)])},
        [Claim("CPU, times the bare list's", lambda turn: turn[expanded].cost / turn[bare].cost,
               2),
         _of_psql(expanded)])


def _of_psql(ours: str) -> Claim:
    return postgres("times that of the join in psql", ours, _PSQL)


def _list(data: Data, **params: Any) -> dict[str, Any]:
    return call("list_nodes", data.tenant() | params)


@lru_cache(maxsize=1)
def _related(stage: Stage) -> tuple[Data, str]:
    """Return a database of nodes that are related, and the id of the project in it."""
    data = stage.small("related", stage.rows)
    with connect(data.settings) as connection:
        (project,) = connection.execute(_PROJECT).fetchone() or ("",)
        connection.execute(_PART_OF, (project, _TASKS // GROUP))
        connection.execute(_BLOCKS, {"listed": _LISTED, "each": _EACH})
        connection.execute("VACUUM (ANALYZE)")
    return data, project
