"""What is called most, where there is much and where there is little: neither may cost more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.request import urlopen

import orjson

from bench.data import GROUP, MARK, Data, connect
from bench.feed import position
from bench.load import CALL, Asks, Subject, call, load
from bench.measure import Row
from bench.rows import growth, row
from bench.servers import Server
from bench.stage import Stage
from flexdb.access.keys import hash_of, make_secret

# More would take long to make, and say no more: the curves go further.
_MUCH, _FEW = 100_000, 1000
_CALLS, _BULK = 200, 10
# What a worker knows of a key is good for a second: with so many, most calls look theirs up.
_KEYS = 1000
# So many take turns that each has a short one, in seconds.
_TURN = 1
# How many notes a word stands in, and how many neighbours a node has, wherever it is.
_FITTING, _EACH = 10, 5
_NOTE = {"properties": {"title": {"type": "string", "x-search": True},
                        "number": {"type": "string", "x-unique": True}}}
_NEW_KEY = """
INSERT INTO flexdb_keys (id, tenant_id, name, role, hint, created_by, expires_at, last_used_at,
                         hash)
SELECT gen_random_uuid(), t.id, 'Key', 'owner', '', 'bench', now() + interval '1 day', now(),"""
# Beside each task there are a note with a unique number and a word to search, the keys of a caller
# and of two requests that were sent; each fifth is part of a project. The newest have neighbours.
_FILL = """
INSERT INTO node_types (tenant_id, id, name, schema)
SELECT t.id, gen_random_uuid(), 'Note', %(schema)s::jsonb FROM tenants t;
INSERT INTO nodes (tenant_id, id, node_type_id, data, created_at)
SELECT nt.tenant_id, gen_random_uuid(), nt.id, jsonb_build_object(
           'number', i::text, 'title', 'word' || i %% (%(nodes)s / %(fitting)s)), 'epoch'
FROM node_types nt, generate_series(1, %(nodes)s) i WHERE nt.name = 'Note';
WITH project AS (
    INSERT INTO nodes (tenant_id, id, node_type_id, data, created_at)
    SELECT nt.tenant_id, gen_random_uuid(), nt.id, '{"title": "Project", "status": "open"}', 'epoch'
    FROM node_types nt WHERE nt.name = 'Task'
    RETURNING nodes.id
)
INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type, data,
                           created_at)
SELECT n.tenant_id, gen_random_uuid(), n.id, p.id, 'part_of', '{}', n.created_at
FROM nodes n, project p WHERE (n.data ->> 'priority')::int = 1;
WITH newest AS (
    SELECT n.tenant_id, n.id, n.created_at, row_number() OVER (ORDER BY n.created_at DESC) AS place
    FROM nodes n ORDER BY n.created_at DESC LIMIT 20
)
INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type, data,
                           created_at)
SELECT n.tenant_id, gen_random_uuid(), n.id, m.id, 'blocks', '{}', n.created_at
FROM newest n JOIN newest m ON m.place BETWEEN n.place + 1 AND n.place + %(each)s;
INSERT INTO flexdb_idempotency_keys (tenant_id, caller, key, fingerprint, status, headers)
SELECT t.id, 'bench', i::text, '', 200, '{}' FROM tenants t, generate_series(1, 2 * %(nodes)s) i;
SELECT flexdb_number_changes(t.id, 3 * %(nodes)s) FROM tenants t;
""" + _NEW_KEY + """
       sha256(i::text::bytea) FROM tenants t, generate_series(1, %(nodes)s) i;
"""
# What was written in a turn goes away before the next, or the few would become many.
_TAKE_BACK = """
DELETE FROM nodes n WHERE n.created_at > '2025-01-01';
DELETE FROM flexdb_idempotency_keys k WHERE k.caller <> 'bench';
"""


class _Asked(NamedTuple):
    """Bodies, how they are sent, and for how many calls or nodes each counts."""

    bodies: Sequence[Any]
    asks: Asks = CALL
    each: int = 1


@row("the same with few")
def sizes(stage: Stage) -> Row:
    """Calls and the console's page in a tenant with many nodes, and in one with few."""
    subjects: dict[str, Subject] = {}
    much, little = (f"of {nodes:,}" for nodes in (min(stage.rows, _MUCH), _FEW))
    for name, nodes in ((much, min(stage.rows, _MUCH)), (little, _FEW)):
        data = stage.small(f"sizes_{nodes}", nodes)
        fill(data)
        server = stage.service(data)
        _open_page(server, data)
        subjects |= {f"{what}, {name}": _anew(data, load(
            server, stage.postgres, asked.bodies, asked.each, asks=asked.asks))
            for what, asked in (reads(data, server) | writes(data)).items()}
    families = [what.removesuffix(f", {little}") for what in subjects if what.endswith(little)]
    return Row(
        f"Calls in a tenant with {min(stage.rows, _MUCH):,} nodes, and in one with {_FEW:,}",
        subjects,
        [growth(f"{what}, {much}", f"{what}, {little}", 1.3, smoke=2) for what in families],
        "What is found, counted or brought along is equally much in both. What others take for "
        "such calls, other rows tell. A turn takes a second, and what it writes is taken back "
        "before the next.", warm_up=False)


def fill(data: Data) -> None:
    """Put into a database what the calls are about, beside the tasks that are there."""
    with connect(data.settings) as connection:
        for statement in _FILL.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode(), {
                    "nodes": data.nodes, "fitting": _FITTING, "each": _EACH,
                    "schema": orjson.dumps(_NOTE).decode()})
        connection.execute("VACUUM (ANALYZE)")


def _page_of(data: Data) -> str:
    return (f"/console/t/{data.tenant()['tenant_id']}/types/"
            f"{data.new_node(0)['node_type_id']}")


def _open_page(server: Server, data: Data) -> None:
    """Open the console's page in each worker, where templates are compiled when it is opened."""
    for _ in range(4 * len(server.workers)):
        with urlopen(server.url(_page_of(data)), timeout=60) as answer:
            answer.read()


def _anew(data: Data, subject: Subject) -> Subject:
    def run(seconds: float) -> Any:
        with connect(data.settings) as connection:
            connection.execute(_TAKE_BACK.encode())
        return subject(min(seconds, _TURN))

    return run


def reads(data: Data, server: Server) -> dict[str, _Asked]:
    """Return what is asked most: the newest, the one, those that fit, and what happened."""
    tenant = data.tenant()
    with connect(data.settings) as connection:
        (project,) = connection.execute(
            "SELECT r.target_node_id::text FROM relationships r LIMIT 1").fetchone() or ("",)
    feed, _, _ = position(server, data).rpartition(".")

    def lists(*params: dict[str, Any]) -> _Asked:
        return _Asked([call("list_nodes", tenant | {"count": "none"} | each) for each in params])

    return {
        "get": _Asked(data.gets(_CALLS)),
        "get with one of the keys": _Asked(data.gets(_CALLS),
                                           CALL._replace(secret=_make_keys(data))),
        "list": _Asked(data.pages()),
        "find": lists(*({"filter": {"data.title": f"Task {place}"}} for place in range(1, _CALLS))),
        "search": lists(*({"search": f"word{place}"} for place in range(_FITTING))),
        "related": lists({"related_to": {"node": project, "type": "part_of", "direction": "in"}}),
        "expand": lists({"expand": {"blocks": {"type": "blocks", "direction": "out"}}}),
        "aggregate": _Asked([call("aggregate_nodes", tenant | {
            "group_by": {"status": "data.status"}, "filter": {"data.group": 0}})]),
        "changes": _Asked([call("list_changes", tenant | {"since": f"{feed}.0", "limit": _BULK})]),
        "console's page": _Asked([], Asks(_page_of(data))),
    }


def _make_keys(data: Data) -> str:
    """Make keys of the tenant and return them, with commas between."""
    secrets = [make_secret(of_tenant=True) for _ in range(_KEYS)]
    with connect(data.settings) as connection:
        connection.execute(f"{_NEW_KEY} h::bytea FROM tenants t, unnest(%s::text[]) h".encode(),
                           (list(map(hash_of, secrets)),))
    return ",".join(secrets)


def writes(data: Data) -> dict[str, _Asked]:
    """Return what is written most. No title that is looked for comes or goes."""
    tenant, new = data.tenant(), data.new_node(0)
    new["data"]["title"] = "New"
    create = call("create_node", tenant | new)
    with connect(data.settings) as connection:
        (note,) = connection.execute(
            "SELECT nt.id::text FROM node_types nt WHERE nt.name = 'Note'").fetchone() or ("",)
    changed = []
    for get in data.gets(_CALLS):
        place = int(get["params"]["id"][-12:], 16)
        node = data.new_node(place)
        node["data"]["group"] = place % max(1, data.nodes // GROUP)
        changed.append((get["params"], node))
    return {
        "create": _Asked([create]),
        "create with an Idempotency-Key": _Asked([create], CALL._replace(once=True)),
        "create of a note": _Asked([call("create_node", tenant | {
            "node_type_id": note, "data": {"title": "New", "number": f"{MARK} {place}"}})
            for place in range(2)]),
        "create_nodes": _Asked([call("create_nodes", tenant | {"nodes": [new] * _BULK})],
                               each=_BULK),
        "update": _Asked([call("update_node", of | {"data": node["data"]})
                          for of, node in changed]),
        "upsert": _Asked([call("upsert_nodes", tenant | {"nodes": [{"id": of["id"], **node}]})
                          for of, node in changed]),
    }
