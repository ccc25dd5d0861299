"""What callers and operators do to each other: deadlocks, changed tables, replies that are lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.database import Database
from tests.faults.length import times
from tests.faults.load import Load
from tests.faults.stack import Stack
from tests.support.proxy import Proxy
from tests.support.service import request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


def test_columns_that_come_and_go_are_noticed_by_no_call(
        stack: Stack, report: Callable[..., None]) -> None:
    load, count = stack.load(), times(40, 5)
    with load.running():
        for _ in range(count):
            stack.database.do("ALTER TABLE nodes ADD COLUMN further int")
            time.sleep(0.1)
            stack.database.do("ALTER TABLE nodes DROP COLUMN further")
            time.sleep(0.1)
    report(load, changes=2 * count)
    load.check(stack.database)
    assert not load.failed()


@pytest.fixture
def pair(stack: Stack) -> tuple[str, list[str]]:
    """A tenant, and two nodes of it for which everyone is to fight."""
    call, slug = stack.served.call, uuid4().hex
    tenant = call("create_tenant", slug=slug, name=slug)["result"]["tenant"]["id"]
    type = call("create_node_type", tenant_id=tenant, name="T")["result"]["node_type"]["id"]
    return tenant, [call("create_node", tenant_id=tenant, node_type_id=type)["result"]["node"]["id"]
                    for _ in range(2)]


def post(connection: HTTPConnection, body: Any) -> Any:
    connection.request("POST", "/jsonrpc", json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def at_once(stack: Stack, count: int, fight: Callable[[HTTPConnection, int], list[str]]
            ) -> Counter[str]:
    """Let four clients do a thing so often in all; count what they are told."""
    def work(client: int) -> Counter[str]:
        connection = HTTPConnection("127.0.0.1", stack.nginx.port, timeout=30)
        told = Counter(word for number in range(client, count, 4)
                       for word in fight(connection, number))
        connection.close()
        return told

    with ThreadPoolExecutor(4) as threads:
        return sum(threads.map(work, range(4)), Counter())


def told(reply: Any) -> str:
    return reply["error"]["data"]["reason"] if "error" in reply else "done"


def updates(tenant: str, ids: list[str], number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return updates of the same rows, in an order that changes from client to client."""
    return [("update_node", {"tenant_id": tenant, "id": id, "data": {"by": number}})
            for id in (ids if number % 2 else ids[::-1])]


def test_transactions_of_the_same_rows_in_other_orders_are_all_done(
        stack: Stack, pair: tuple[str, list[str]], report: Callable[..., None]) -> None:
    tenant, ids = pair
    before = deadlocks(stack.database)

    def fight(connection: HTTPConnection, number: int) -> list[str]:
        calls = [{"method": method, "params": params}
                 for method, params in updates(tenant, ids, number)]
        return [told(post(connection, request("transaction", {"calls": calls})))]

    count = at_once(stack, times(1000, 60), fight)
    rows = stack.database.do(
        f"SELECT data->>'by', version FROM nodes WHERE tenant_id = '{tenant}'")
    met = deadlocks(stack.database) - before
    report(deadlocks=met, **count)
    assert set(count) == {"done"} and met == 0
    assert rows[0] == rows[1] and rows[0][1] == 1 + count["done"]


def test_batches_of_the_same_rows_in_other_orders_do_each_call_once(
        stack: Stack, pair: tuple[str, list[str]], report: Callable[..., None]) -> None:
    tenant, ids = pair
    before = deadlocks(stack.database)

    def fight(connection: HTTPConnection, number: int) -> list[str]:
        calls = [request(method, params, place)
                 for place, (method, params) in enumerate(updates(tenant, ids, number))]
        return [told(reply) for reply in post(connection, calls)]

    count = at_once(stack, times(1000, 60), fight)
    versions = stack.database.do(f"SELECT version FROM nodes WHERE tenant_id = '{tenant}'")
    met = deadlocks(stack.database) - before
    report(deadlocks=met, **count)
    assert set(count) == {"done"} and met == 0
    assert sum(version - 1 for version, in versions) == count["done"]


def deadlocks(database: Database) -> int:
    time.sleep(1.1)  # the time after which backends tell their statistics
    ((count,),) = database.do(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(count)


def test_replies_of_postgresql_that_are_lost_leave_nothing_but_doubt(
        proxied: tuple[Stack, Proxy], report: Callable[..., None]) -> None:
    stack, proxy = proxied
    load: Load = stack.load()
    with load.running():
        for _ in range(times(40, 6)):
            lost = proxy.lost
            proxy.losing.set()
            wait_until(lambda: proxy.lost > lost)
            proxy.losing.clear()
            time.sleep(0.1)
    report(load, lost=proxy.lost)
    load.check(stack.database)
    assert set(load.told()) <= {"COMMIT_UNKNOWN", "UNAVAILABLE"} and "COMMIT_UNKNOWN" in load.told()


@pytest.mark.parametrize("where", ["postgresql", "client"])
def test_a_create_sent_again_with_its_id_after_its_reply_was_lost_is_there_once(
        proxied: tuple[Stack, Proxy], report: Callable[..., None], where: str) -> None:
    stack, behind = proxied
    before = Proxy(stack.nginx.port)
    proxy = before if where == "client" else behind
    # What PostgreSQL says when it has committed; other replies would be lost before there is a row.
    proxy.wanted = b"" if where == "client" else b"COMMIT"
    fates: Counter[str] = Counter()
    slug = uuid4().hex
    for number in range(times(50, 8)):
        asked = request("create_tenant", {"slug": f"{slug}-{number}", "name": "n",
                                          "id": str(uuid4())})
        proxy.losing.set()
        connection = HTTPConnection("127.0.0.1", before.port, timeout=30)
        try:
            first = told(post(connection, asked))
        except (OSError, HTTPException):
            first = "nothing"
        connection.close()
        proxy.losing.clear()
        fates[f"{first}, then {told(stack.served.call(asked['method'], **asked['params']))}"] += 1
    before.close()
    behind.wanted = b""
    ((rows,),) = stack.database.do(f"SELECT count(*) FROM tenants WHERE slug LIKE '{slug}%'")
    report(**fates)
    assert rows == sum(fates.values())
    first = "nothing" if where == "client" else "COMMIT_UNKNOWN"
    assert set(fates) == {f"{first}, then ALREADY_EXISTS"}
