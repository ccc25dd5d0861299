"""What a user would write instead, which the benchmark measures beside flexdb, does the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from testing.postgresql import Postgresql

from bench.agreement import check_agreement
from bench.data import Data, connect, prepare
from bench.load import call
from bench.servers import FASTAPI, SERVICE, Server
from tests.support import postgres

for package in ("asyncpg", "fastapi", "httptools", "uvloop"):
    pytest.importorskip(package, reason=f"{package}, which `make bench` installs")
pytestmark = pytest.mark.long

_NOBODY = "018bcfe5-6800-7001-8000-ffffffffffff"


@pytest.fixture(scope="module")
def data(server: Postgresql) -> Data:
    return prepare(postgres.settings_of(server, "postgres"), 2, 20)


@pytest.fixture(scope="module")
def servers(data: Data, tmp_path_factory: pytest.TempPathFactory
            ) -> Iterator[tuple[Server, Server]]:
    started: list[Server] = []
    try:
        for application in (SERVICE, FASTAPI):
            started.append(Server(application, data.settings, tmp_path_factory.mktemp("run"),
                                  {"WORKERS": "1"}))
        ours, other = started
        yield ours, other
    finally:
        for server in started:
            server.stop()


def errors(servers: tuple[Server, Server], body: bytes) -> list[tuple[int, int, str]]:
    """Return the status, the code and the reason with which each refuses a body."""
    answers = [requests.post(server.url("/jsonrpc"), data=body, timeout=30,
                             headers={"Content-Type": "application/json"}) for server in servers]
    return [(answer.status_code, answer.json()["error"]["code"],
             answer.json()["error"]["data"]["reason"]) for answer in answers]


def test_nodes_are_got_created_and_listed_alike(data: Data, servers: tuple[Server, Server]) -> None:
    calls = [*data.gets(3), *data.creates(2), *data.pages(), *data.pages(tenants=2)]
    small = call("list_nodes", data.tenant() | {"pagination": {"page_size": 3}})
    for asked in (*calls, small):
        check_agreement(*servers, asked)


def test_a_reply_that_differs_is_told(data: Data, servers: tuple[Server, Server]) -> None:
    class Other:
        def post(self, body: bytes) -> bytes:
            return servers[0].post(body).replace(b"open", b"done")

    with pytest.raises(RuntimeError, match="is answered with"):
        check_agreement(servers[0], Other(), data.gets(1)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("method, change", [
    ("get_node", {"id": _NOBODY}),
    ("get_node", {"tenant_id": _NOBODY}),
    ("get_node", {"id": "a node"}),
    ("get_node", {"other": 1}),
    ("create_node", {"tenant_id": _NOBODY}),
    ("create_node", {"node_type_id": _NOBODY}),
    ("create_node", {"data": {"title": "Task", "status": "neither"}}),
    ("create_node", {"data": {"title": "Task", "status": "open", "other": 1}}),
    ("create_node", {"data": []}),
    ("create_node", {"data": {"title": "x" * 1_100_000, "status": "open"}}),
    ("list_nodes", {"tenant_id": _NOBODY}),
    ("list_nodes", {"pagination": {"page_size": 0}}),
    ("list_nodes", {"pagination": {"page_size": "10"}}),
])
def test_what_flexdb_refuses_is_refused_alike(
        data: Data, servers: tuple[Server, Server], method: str, change: dict[str, Any]) -> None:
    asked = next(asked for asked in (*data.gets(1), *data.creates(1), *data.pages())
                 if asked["method"] == method)
    ours, other = errors(servers, orjson.dumps(call(method, asked["params"] | change)))
    assert ours == other


def test_a_body_that_is_too_large_is_refused_alike(servers: tuple[Server, Server]) -> None:
    ours, other = errors(servers, b" " * (16 * 1024 * 1024 + 1))
    assert ours == other


def test_a_schema_that_is_changed_holds_at_once(data: Data, servers: tuple[Server, Server]) -> None:
    (asked,) = data.creates(1)
    check_agreement(*servers, asked)
    with connect(data.settings) as connection:
        (was,), = connection.execute("SELECT nt.schema::text FROM node_types nt LIMIT 1").fetchall()
        connection.execute("UPDATE node_types SET schema = %s::jsonb",
                           (orjson.dumps({"required": ["number"]}).decode(),))
        try:
            ours, other = errors(servers, orjson.dumps(asked))
            assert ours == other and ours[2] == "INVALID_PARAMS"
        finally:
            connection.execute("UPDATE node_types SET schema = %s::jsonb", (was,))
    check_agreement(*servers, asked)
