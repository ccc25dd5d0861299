"""A worker's memory has a bound, whatever several callers ask for at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest

from flexdb.config import Settings
from tests.support.served import Served, variables_of
from tests.support.service import Service, request

pytestmark = pytest.mark.long

MIB = 1024 * 1024
MOST = Settings.max_answer_bytes
CALLERS = 8
Bodies = dict[str, bytes]


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture(scope="module")
def bodies(settings: Settings) -> Iterator[Bodies]:
    """What makes the largest answers that there are, of rows as large as they may be."""
    service = Service.of(settings)
    node_type = service.node_type(service.tenant())
    tenant_id = node_type["tenant_id"]
    for _ in range(MOST // MIB + 1):
        # What PostgreSQL cannot compress.
        big = "".join(random.choices("abcdefgh", k=MIB - 99))
        node = service.node(node_type, data={"big": big})
    page = {"tenant_id": tenant_id, "node_type_id": node_type["id"],
            "pagination": {"page_size": 1000}}
    one = {"tenant_id": tenant_id, "id": node["id"]}

    def whole(method: str, params: Any, times: int) -> Any:
        return request("transaction", {"calls": [{"method": method, "params": params}] * times})

    wanted = {
        "a list": request("list_nodes", page),
        "a batch of lists": [request("list_nodes", page)] * 40,
        "a batch of gets": [request("get_node", one)] * 40,
        "a transaction of lists": whole("list_nodes", page, 12),
        "a transaction of gets": whole("get_node", one, MOST // MIB - 1),
        "a transaction of updates": whole("update_node", one, MOST // MIB - 1),
        "documents": [request("rpc.discover")] * 200,
        "refusals": [request("create_nodes", {"tenant_id": "x", "nodes": [{"": 1}] * 1000})] * 40,
    }
    yield {name: orjson.dumps(body) for name, body in wanted.items()}
    service.close()


def memory(pid: int, which: str) -> int:
    """Return what a process has resident (``VmRSS``), or had at most (``VmHWM``), in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{which}:")[2].split()[0]) * 1024


def ask(port: int, body: bytes) -> bytes:
    """Send a body, read the answer piece by piece, and return its beginning."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", "/jsonrpc", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200
        began, size = b"", 0
        while piece := response.read(MIB):
            began, size = began or piece[:200], size + len(piece)
        assert size == int(response.headers["Content-Length"]) <= MOST + MIB
        return began
    finally:
        connection.close()


@pytest.mark.parametrize("asked", [
    ["a list"], ["a batch of lists"], ["a transaction of lists"], ["a transaction of gets"],
    ["documents"], ["refusals"], ["a batch of gets", "a transaction of updates"],
    ["a list", "a batch of lists", "a transaction of lists", "a transaction of gets", "documents",
     "refusals"]], ids=lambda asked: " and ".join(asked[:2]))
@pytest.mark.longest
def test_a_worker_takes_no_more_than_five_answers_whatever_is_asked_at_once(
        settings: Settings, bodies: Bodies, tmp_path: Path, asked: list[str]) -> None:
    with Served(tmp_path, **variables_of(settings, WORKERS=1)) as served:
        served.wait()
        (pid,) = served.workers
        ask(served.port, orjson.dumps(request("list_tenants")))
        idle = memory(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        with ThreadPoolExecutor(CALLERS) as threads:
            told = list(threads.map(lambda number: ask(
                served.port, bodies[asked[number % len(asked)]]), range(2 * CALLERS)))
        assert any(b'"result"' in one or b'"error"' in one for one in told)
        assert served.workers == [pid]
        taken = memory(pid, "VmHWM") - idle
        assert taken <= 5 * MOST, f"{taken / MOST:.2f} answers"
        # Nothing of it stays taken: one alone is answered as ever.
        last = ask(served.port, bodies["a list"])
        assert last.startswith(b'{"jsonrpc":"2.0","result":{"nodes":[')
