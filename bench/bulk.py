"""The rows of the table that load many nodes, beside what PostgreSQL alone takes for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

from bench.data import SCHEMA, Data, fresh
from bench.load import Sample, Subject, Work, call, load, measured, timed
from bench.measure import Claim, Round, Row
from bench.rows import postgres, row
from bench.servers import ROOT, variables
from bench.stage import Stage
from bench.yardsticks import program, psql
from flexdb.contract.ids import new_id

_MANY = 1000
# More of them would only wait for each other on two cores.
_CLIENTS = 4
_IMPORT, _COPY = "flexdb import", "psql \\copy"


@row("bare multi-row INSERT", "what-a-create-is-made-of")
def create_nodes(stage: Stage) -> Row:
    """A thousand nodes in one call, and in one INSERT."""
    data = stage.writes()
    body = call("create_nodes",
                data.tenant() | {"nodes": [data.new_node(number) for number in range(_MANY)]})
    ours, bare = "flexdb", "bare multi-row INSERT"
    return Row(
        f"`create_nodes`, {_MANY:,} in a call",
        {ours: load(stage.service(data), stage.postgres, [body], _MANY, _CLIENTS),
         bare: measured(lambda seconds: _insert(data, seconds), stage.postgres)},
        [Claim("nodes/s, of the INSERT's", lambda turn: turn[ours].rate / turn[bare].rate, 0.80,
               at_least=True, beside=bare)],
        f"Figures are for each node. Beside it: {_CLIENTS} psycopg clients, each sending `INSERT "
        f"INTO nodes … VALUES (%s, …), …` with {_MANY:,} rows as arguments, prepared, without "
        "RETURNING, into the same table with its keys, indexes and triggers.")


@row("bare INSERT … ON CONFLICT in psql; `create_nodes`", "what-a-create-is-made-of")
def upsert(stage: Stage) -> Row:
    """A thousand nodes created, and a thousand that are created or changed by an upsert."""
    data = stage.writes()
    new = [data.new_node(number) for number in range(_MANY)]
    ids = [new_id() for _ in new]
    # By one client, so that each of the two bodies finds what the other left.
    changes = [[node | {"id": id, "data": node["data"] | {"status": status}}
                for node, id in zip(new, ids)] for status in ("open", "done")]
    created, changed, each = "create_nodes", "all changed", "all new, each by itself"
    bodies = {
        created: [call("create_nodes", data.tenant() | {"nodes": new})],
        changed: [call("upsert_nodes", data.tenant() | {"nodes": nodes}) for nodes in changes],
        each: [call("upsert_nodes", data.tenant() | {"nodes": new, "all_or_none": False})]}
    server = stage.service(data)
    bare = "bare INSERT … ON CONFLICT"
    subjects = {name: load(server, stage.postgres, sent, _MANY, 1) for name, sent in bodies.items()}
    subjects[bare] = psql(stage.postgres, data.settings,
                          [_upserting(data, nodes) for nodes in changes], _MANY)
    return Row(
        f"`upsert_nodes`, {_MANY:,} in a call", subjects,
        [*(Claim(f"{name}: nodes for each second of CPU, of create_nodes'",
                 partial(_of_created, created, name), 0.60, at_least=True)
           for name in (changed, each)),
         postgres(f"where {changed}, times that of the bare statement", changed, bare)],
        "Figures are for each node. Beside it: psql, which sends the same rows as values with `ON "
        "CONFLICT … DO UPDATE` into the same table with its keys, indexes and triggers; it has no "
        "answer of what became of each.")


def _upserting(data: Data, nodes: list[dict[str, Any]]) -> str:
    tenant = data.tenant()["tenant_id"]
    rows = ", ".join(f"('{tenant}', '{node['id']}', '{node['node_type_id']}', "
                     f"'{json.dumps(node['data'])}')" for node in nodes)
    return (f"INSERT INTO nodes AS n (tenant_id, id, node_type_id, data) VALUES {rows} ON CONFLICT "
            "(tenant_id, id) DO UPDATE SET data = excluded.data, version = n.version + 1, "
            "updated_at = now();")


def _of_created(created: str, name: str, turn: Round) -> float:
    return turn[created].cost / turn[name].cost


def _insert(data: Data, seconds: float) -> Work:
    """Run the clients of :mod:`bench.insert` and add up what they did."""
    command = [sys.executable, "-m", "bench.insert", str(_MANY), str(seconds)]
    clients = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                                env=os.environ | variables(data.settings))
               for _ in range(_CLIENTS)]
    told = [json.loads(client.communicate()[0]) for client in clients]
    rate = sum(inserted / taken for inserted, taken in told)
    inserted = sum(inserted for inserted, _ in told)
    return Work(inserted, inserted / rate)


@row("psql \\copy", "what-a-create-is-made-of")
def import_nodes(stage: Stage) -> Row:
    """A file of nodes, by the command and by COPY."""
    count = max(20 * _MANY, stage.rows // 10)

    def subject(name: str, count: int) -> Subject:
        def run(seconds: float) -> Sample:
            with (fresh(stage.postgres.settings, "bench_import") as data,
                  NamedTemporaryFile(mode="w") as file):
                file.writelines((_import_lines if name == _IMPORT else _copy_lines)(data, count))
                file.flush()
                work = timed(partial(_COMMANDS[name], data, file.name), count)
                sample = measured(work, stage.postgres)(seconds)
            return sample._replace(service=sample.generator, generator=0.0)

        return run

    tenth = f"{_IMPORT} of {count // 10:,}"
    return Row(
        f"import of {count:,} nodes",
        {_IMPORT: subject(_IMPORT, count), _COPY: subject(_COPY, count),
         tenth: subject(_IMPORT, count // 10)},
        [Claim("nodes/s, of COPY's", lambda turn: turn[_IMPORT].rate / turn[_COPY].rate, 0.65,
               at_least=True, beside=_COPY),
         Claim(f"PostgreSQL CPU of a node, times that where {count // 10:,} are imported",
               lambda turn: turn[_IMPORT].postgres / turn[tenth].postgres, 1.3, smoke=2)],
        "Figures are for each node; the service is the command itself. Beside it: `\\copy` in psql "
        "of the same columns from a file, into the same table with its keys, indexes and triggers.",
        warm_up=False)


def _import_lines(data: Data, count: int) -> Iterator[str]:
    tenant, node_type = str(uuid4()), str(uuid4())
    yield json.dumps({"tenant": {"id": tenant, "slug": "imported", "name": "Imported"}}) + "\n"
    yield json.dumps({"node_type": {"id": node_type, "name": "Task", "schema": SCHEMA}}) + "\n"
    for number in range(count):
        node = data.new_node(number) | {"id": new_id(), "node_type_id": node_type}
        yield json.dumps({"node": node}) + "\n"


def _copy_lines(data: Data, count: int) -> Iterator[str]:
    moment = datetime.now(timezone.utc).isoformat()
    for number in range(count):
        node = data.new_node(number)
        yield "\t".join((new_id(), data.tenant()["tenant_id"], node["node_type_id"],
                         json.dumps(node["data"]), "1", moment, moment)) + "\n"


def _import(data: Data, path: str) -> None:
    subprocess.run([sys.executable, "-m", "flexdb", "import", path], cwd=ROOT, check=True,
                   env=os.environ | variables(data.settings), capture_output=True)


def _copy(data: Data, path: str) -> None:
    columns = "id, tenant_id, node_type_id, data, version, created_at, updated_at"
    program("psql", data.settings, ["-q", "-X", "-v", "ON_ERROR_STOP=1",
                                    "-c", f"\\copy nodes ({columns}) from '{path}'"])


_COMMANDS = {_IMPORT: _import, _COPY: _copy}
