"""Kinto's database: the nodes of one of flexdb's as its records, and whether they are the same."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from contextlib import closing
from typing import Any

import orjson

from bench.data import SCHEMA, Data, connect
from bench.servers import KINTO_PYTHON, ROOT, Server, variables
from flexdb.config import Settings

GROUP = 0
_COLLECTION = "/buckets/bench/collections/nodes"
RECORDS = f"/v1{_COLLECTION}/records"
FIRST = f"{RECORDS}?_limit=10"
FITTING = f"{FIRST}&group={GROUP}"
# Kinto tells a total to HEAD alone.
PAGE = {"requests": [{"method": method, "path": FIRST} for method in ("GET", "HEAD")]}
_OUT = f"""
COPY (SELECT n.id, '{_COLLECTION}', 'record', n.created_at AT TIME ZONE 'UTC', n.data, false
      FROM nodes n) TO STDOUT"""
_IN = "COPY objects (id, parent_id, resource_name, last_modified, data, deleted) FROM STDIN"
# What Kinto's documentation recommends for filters.
_INDEX = """
CREATE INDEX idx_objects_data_gin ON objects USING gin (data jsonb_path_ops)
WHERE resource_name = 'record' AND NOT deleted"""


def migrate_kinto(settings: Settings) -> None:
    """Make Kinto's tables in a database."""
    if not KINTO_PYTHON.exists():
        sys.exit("bench: Kinto is not installed: make bench installs it")
    environment = {**os.environ, **variables(settings), "PYTHONPATH": str(ROOT)}
    subprocess.run([KINTO_PYTHON, "-m", "bench.kinto_service", "migrate"], check=True,
                   env=environment, capture_output=True)


def copy_nodes(data: Data, kinto: Settings, server: Server) -> None:
    """Make the nodes of a database records of Kinto's.

    :param data: flexdb's database, with one tenant
    :param kinto: where Kinto's is
    :param server: Kinto
    """
    everybody = {"permissions": {"write": ["system.Everyone"]}}
    ask(server, "PUT", "/v1/buckets/bench", everybody)
    ask(server, "PUT", f"/v1{_COLLECTION}", {"data": {"schema": SCHEMA}})
    with connect(data.settings) as source, connect(kinto) as target:
        with (source.cursor() as reading, target.cursor() as writing,
              reading.copy(_OUT.encode()) as nodes, writing.copy(_IN.encode()) as records):
            for part in nodes:
                records.write(part)
        target.execute(_INDEX)
        target.execute("VACUUM (ANALYZE)")


def place(node: str) -> str:
    """Return where the record is that a node became."""
    return f"{RECORDS}/{node}"


def check_kinto(data: Data, ours: Server, kinto: Server) -> None:
    """Compare what both have: a record, the pages that are measured, and how many there are.

    :raises RuntimeError: when they differ
    """
    (get,), (listed,) = data.gets(1), data.pages()
    (fitting,) = data.pages(filter={"data.group": GROUP})
    node, page = _result(ours, get)["node"], _result(ours, listed)
    record = ask(kinto, "GET", place(node["id"]))["data"]
    first, head = ask(kinto, "POST", "/v1/batch", PAGE)["responses"]
    for one, other in [
            (node["data"], {name: record[name] for name in node["data"]}),
            (_ids(page["nodes"]), _ids(first["body"]["data"])),
            (page["pagination"]["total_count"], int(head["headers"]["Total-Objects"])),
            (_ids(_result(ours, fitting)["nodes"]), _ids(ask(kinto, "GET", FITTING)["data"]))]:
        if one != other:
            raise RuntimeError(f"flexdb has {one}, and Kinto {other}")


def _result(server: Server, asked: Any) -> Any:
    return orjson.loads(server.post(orjson.dumps(asked)))["result"]


def _ids(objects: list[Any]) -> list[str]:
    return [each["id"] for each in objects]


def ask(server: Server, method: str, path: str, body: Any = None) -> Any:
    """Send Kinto a request and return what its answer holds."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, orjson.dumps(body) if body else None,
                           {"Content-Type": "application/json"})
        return orjson.loads(connection.getresponse().read())
