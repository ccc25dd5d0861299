"""The rate of calls: as many as the limit says, whoever counts, and told in every answer."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexdb.access import buckets
from flexdb.access.buckets import Buckets, Level, Rate
from flexdb.config import Settings
from flexdb.db.connection import Connection
from tests.support.callers import closed, secrets_of, with_key
from tests.support.http import JSON
from tests.support.postgres import connect
from tests.support.served import Served, variables_of
from tests.support.service import RpcError, Service, request
from tests.support.waiting import wait_until

SECOND = 1_000_000_000
KEYS = (f"{number:016d}".encode() for number in count())


USUAL = Rate(10, 20)


def take(made: Buckets, key: bytes, calls: int = 1, rate: Rate = USUAL, **given: Any) -> Level:
    return made.take(key, calls, rate, **given)


@given(st.sampled_from([1, 2, 5, 10, 100]), st.integers(1, 300), st.lists(st.tuples(
    st.integers(0, 3 * SECOND), st.integers(1, 50), st.booleans())))
def test_a_bucket_is_as_full_as_a_model_says(
        rate: int, burst: int, steps: list[tuple[int, int, bool]]) -> None:
    made, key, clock = Buckets(1), next(KEYS), SimpleNamespace(now=1)
    left = burst * SECOND
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "time", SimpleNamespace(monotonic_ns=lambda: clock.now))
        for passed, calls, is_begun in steps:
            clock.now += passed
            left = min(burst * SECOND, left + passed * rate)
            if admitted := left >= (0 if is_begun else SECOND):
                left -= calls * SECOND
            level = take(made, key, calls, Rate(rate, burst), is_begun=is_begun)
            assert (level.admitted, level.left) == (admitted, max(0, left // SECOND))
            # One more is there then, and not a moment before.
            missing = min((max(0, left // SECOND) + 1) * SECOND, burst * SECOND) - left
            assert level.seconds == pytest.approx(missing / rate / SECOND, abs=1e-8)


def test_what_is_let_go_is_what_matters_least() -> None:
    made, owing, fresh = Buckets(16), next(KEYS), [next(KEYS) for _ in range(200)]
    assert take(made, owing, 1000).admitted and not take(made, owing).admitted
    for key in fresh:
        assert take(made, key).admitted
    assert not take(made, owing).admitted
    assert take(made, fresh[0], 20).admitted, "it was forgotten, and is full again"


@pytest.mark.long
def test_processes_that_count_at_once_lose_no_call() -> None:
    made, key, rate = Buckets(16).open(), next(KEYS), Rate(1000, 500)
    began, (receive, send) = time.monotonic(), os.pipe()
    children = []
    for _ in range(4):
        if not (child := os.fork()):
            admitted = 0
            # Each has its turn, however late it is.
            while time.monotonic() < began + 1.5 or not admitted:
                admitted += take(made, key, rate=rate).admitted
            os.write(send, b"%d %r\n" % (admitted, time.monotonic()))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    os.close(send)
    with os.fdopen(receive) as told:
        each, ended = zip(*((int(one), float(at)) for one, at in map(str.split, told)))
    most = rate.burst + rate.calls * (max(ended) - began)
    # How many they get to take depends on what else the machine does; never more than there are.
    assert rate.burst <= sum(each) <= most + 1


@pytest.fixture(scope="module")
def open_service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database(rate_limit=10))
    yield service
    service.close()


@pytest.fixture(scope="module")
def closed_service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = closed(new_database(rate_limit=10, rate_burst=5, cors_origins="*"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def key(closed_service: Service) -> Callable[[], Service]:
    """Make a tenant, and return the service as its key reaches it."""
    operator = with_key(closed_service, secrets_of(closed_service.settings, {"id": None})[
        "operator"])

    def make() -> Service:
        tenant = operator.tenant()
        return with_key(closed_service, secrets_of(closed_service.settings, tenant)["owner"])

    return make


def left(response: Any) -> int:
    found = re.fullmatch(r'"tenant";r=(\d+);t=(\d+)', response.headers["RateLimit"])
    assert found and int(found[2]) >= 1
    return int(found[1])


def spend(caller: Service, **params: Any) -> Any:
    """Call until it is refused, and return that answer."""
    for _ in range(60):
        response = caller.post(request("list_node_types", params))
        if response.status_code == 429 or b'"error"' in response.data:
            return response
    raise AssertionError("it was never refused")


def test_a_key_is_told_what_is_left_and_refused_beyond(key: Callable[[], Service]) -> None:
    caller = key()
    response = caller.post(request("list_node_types"))
    assert response.headers["RateLimit-Policy"] == '"tenant";q=5;w=1' and left(response) <= 4
    refused = spend(caller)
    assert refused.status_code == 429 and left(refused) == 0
    assert refused.headers["Retry-After"] == "1"
    reply = json.loads(refused.data)
    assert reply["id"] is None and reply["error"] == {
        "code": -32012, "message": "the tenant has made as many calls as it may: wait 1 s",
        "data": {"reason": "RATE_LIMITED", "retryable": True, "limit": "rate", "retry_after": 1}}
    tenant = with_key(caller, caller.secret, "rest")
    answers = [tenant.client().get("/tenants/x/node-types") for _ in range(8)]
    assert answers[-1].status_code == 429
    assert json.loads(answers[-1].data)["error"]["code"] == -32012
    # Another tenant has all of its own.
    assert left(key().post(request("list_node_types"))) >= 3


def test_a_batch_counts_as_its_calls_and_may_leave_a_debt(key: Callable[[], Service]) -> None:
    caller = key()
    many = [request("list_node_types", id=place) for place in range(1000)]
    replies = caller.batch(many)
    assert len(replies) == 1000 and all("result" in reply for reply in replies)
    refused = caller.post(many)
    assert refused.status_code == 429 and 90 <= int(refused.headers["Retry-After"]) <= 101
    assert json.loads(refused.data)["error"]["data"]["limit"] == "rate"


def test_calls_that_are_none_count_too(key: Callable[[], Service]) -> None:
    caller = key()
    caller.batch([{"jsonrpc": "2.0", "method": "nothing", "id": 1}] * 100)
    assert caller.post(request("get_caller")).status_code == 429


def test_without_a_key_each_call_counts_for_the_tenant_that_it_names(open_service: Service
                                                                     ) -> None:
    one, other = open_service.tenant(), open_service.tenant()

    def of(tenant: dict[str, Any], id: Any) -> dict[str, Any]:
        return request("list_node_types", {"tenant_id": tenant["id"]}, id)

    assert all("result" in reply for reply in open_service.batch([of(one, 1)] * 300))
    response = open_service.post([of(one, 1), of(other, 2), {
        "jsonrpc": "2.0", "method": "create_node_type",
        "params": {"tenant_id": one["id"], "name": "Never"}}, request("list_tenants", id=4)])
    assert response.status_code == 200
    replies = {reply["id"]: reply for reply in json.loads(response.data)}
    assert replies.keys() == {1, 2, 4} and "result" in replies[2] and "result" in replies[4]
    assert replies[1]["error"]["data"]["reason"] == "RATE_LIMITED"
    # The notification was not done.
    with connect(open_service.settings) as database:
        assert database.execute("SELECT count(*) FROM node_types WHERE tenant_id = %s",
                                [one["id"]]).fetchone() == (0,)


def test_rows_and_the_calls_of_a_transaction_count(new_service: Callable[..., Service]) -> None:
    service = new_service(rate_limit=1, rate_burst=1000)
    node_type = service.node_type(service.tenant())
    tenant = {"tenant_id": node_type["tenant_id"]}
    rows = {"nodes": [{"node_type_id": node_type["id"]}] * 400}
    call, many = ({"method": "list_nodes", "params": tenant},
                  {"method": "create_nodes", "params": {**tenant, **rows}})
    for cost, method, params in (
            (1, "list_nodes", tenant), (5, "create_nodes", tenant | rows),
            (9, "transaction", {"calls": [{"method": "list_tenants"}] + [call] * 8}),
            (10, "transaction", {"calls": [many, {"method": "create_nodes", "params": [
                tenant["tenant_id"], rows["nodes"]]}]})):
        before = left(service.post(request("list_nodes", tenant)))
        response = service.post(request(method, params))
        assert "result" in response.json
        # Since the first of the two a moment has passed, in which one more call may have come.
        assert cost - 1 <= before - left(response) <= cost, method


@pytest.mark.parametrize("rate", [1000, 0])
def test_a_tenant_may_have_a_rate_of_its_own(new_service: Callable[..., Service], rate: int
                                             ) -> None:
    service = new_service(rate_limit=rate)
    one, other, free = service.tenant(), service.tenant(), service.tenant()
    service.call("update_limits", tenant_id=free["id"], calls_per_second=0)
    service.call("update_limits", tenant_id=one["id"], calls_per_second=1, burst=300)
    ask = request("list_node_types", {"tenant_id": one["id"]})
    wait_until(lambda: service.post(ask).headers.get("RateLimit-Policy")
               == '"tenant";q=300;w=300')
    service.batch([ask] * 300)
    with pytest.raises(RpcError, match="as many calls as it may"):
        service.call("list_node_types", tenant_id=one["id"])
    assert service.call("list_node_types", tenant_id=other["id"])
    response = service.post(request("get_tenant", {"id": free["id"]}))
    assert "RateLimit" not in response.headers and "result" in response.json


def test_a_transaction_that_names_no_tenant_is_not_counted_for_another(open_service: Service
                                                                     ) -> None:
    tenant = open_service.tenant()
    none = request("transaction", {"calls": [{"method": "list_tenants"}] * 100})
    response = open_service.post([request("get_tenant", {"id": tenant["id"]}), none])
    assert b'"error"' not in response.data and left(response) >= 18


def test_what_is_about_no_tenant_is_not_counted(open_service: Service) -> None:
    response = open_service.post([request("list_tenants", id=place) for place in range(100)])
    assert "RateLimit" not in response.headers and b'"error"' not in response.data


def test_browsers_may_read_what_is_left(key: Callable[[], Service]) -> None:
    response = key().post(request("get_caller"), headers={"Origin": "https://app.example"})
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"} <= exposed


def test_refusals_are_counted_without_the_tenant(key: Callable[[], Service]) -> None:
    caller = key()
    spend(caller)
    text = caller.app.extensions["flexdb"].metrics.text("")[0].decode()
    assert re.search(r'^flexdb_refused_total\{reason="rate"\} [1-9]', text, re.M)


@pytest.mark.long
@pytest.mark.longest
def test_instances_share_a_rate_by_what_is_asked_of_them(new_database: Callable[..., Settings]
                                                        ) -> None:
    rate, settings = 50, new_database(rate_limit=50, rate_burst=50)
    # Each has buckets of its own, as each master has.
    busy, calm = Service.of(settings), Service.of(settings)
    tenant = busy.tenant()
    ask = request("list_node_types", {"tenant_id": tenant["id"]})
    admitted: list[tuple[float, Service]] = []
    ends = time.monotonic() + 12

    def press(service: Service) -> None:
        while time.monotonic() < ends:
            if b'"result"' in service.post(ask).data:
                admitted.append((time.monotonic(), service))
            time.sleep(0.002 if service is busy else 0.01)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(press, (busy, calm)))
    late = [service for at, service in admitted if at > ends - 7]
    # Alone, each would let through the whole rate.
    assert 0.85 * 7 * rate <= len(late) <= 1.2 * 7 * rate
    assert late.count(busy) > late.count(calm) > 0
    with connect(settings) as database:
        assert database.execute("SELECT count(*) FROM flexdb_rate_usage").fetchone() == (2,)
    # The last shares hold while the others cannot be asked.
    share = late.count(busy) / len(late)
    with connect(settings) as database:
        database.execute("DROP TABLE flexdb_rate_usage")
    wait_until(lambda: left(busy.post(ask)) == 0)
    count_before = len(admitted)
    ends = time.monotonic() + 3
    press(busy)
    assert len(admitted) - count_before <= 1.3 * share * rate * 3
    for service in (busy, calm):
        service.close()


def test_one_instance_alone_asks_once_a_second(new_service: Callable[..., Service],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    service, fetch = new_service(rate_limit=100_000), Connection.fetch
    at: list[float] = []

    def noting(self: Connection, statement: Any) -> Any:
        if statement.query.name == "exchange_rates":
            at.append(time.monotonic())
        return fetch(self, statement)

    monkeypatch.setattr(Connection, "fetch", noting)
    tenant = service.tenant()
    while len(at) < 3:
        response = service.post(request("get_tenant", {"id": tenant["id"]}))
        assert "result" in response.json and left(response) > 190_000
    assert min(later - before for before, later in zip(at, at[1:])) > 0.9


@pytest.mark.long
@pytest.mark.longest
def test_the_rate_is_exact_over_four_workers_and_outlives_them(
        new_database: Callable[..., Settings], tmp_path: Path) -> None:
    settings, rate, burst = new_database(), 40, 160
    with Served(tmp_path, **variables_of(settings), WORKERS=4, AUTH="open", LOG_FORMAT="json",
                RATE_LIMIT=rate, RATE_BURST=burst) as served:
        served.wait()
        tenant = served.call("create_tenant", slug="acme", name="Acme")["result"]["tenant"]
        body = json.dumps(request("list_node_types", {"tenant_id": tenant["id"]}))
        admitted = count(1)
        is_over: list[bool] = []

        def press(_: int) -> None:
            while not is_over:
                # A connection each, so that all workers take part.
                client = HTTPConnection("127.0.0.1", served.port, timeout=30)
                for _ in range(20):
                    client.request("POST", "/jsonrpc", body, JSON)
                    reply = json.loads(client.getresponse().read())
                    if "result" in reply and next(admitted) >= burst + 8 * rate:
                        is_over.append(True)
                client.close()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(press, range(8)))
        calls = [json.loads(line) for line in served.said.splitlines()
                 if '"method":"list_node_types","outcome":"ok"' in line]
        ended = [datetime.fromisoformat(call["time"].replace("Z", "+00:00")).timestamp()
                 for call in calls]
        began = min(end - call["ms"] / 1000 for end, call in zip(ended, calls))
        most = burst + rate * (max(ended) - began)
        assert 0.95 * most - 1 <= len(calls) <= 1.01 * most

        # What is owed is owed to the workers that come after a reload, too.
        many = json.dumps([request("list_node_types", {"tenant_id": tenant["id"]})] * 1000)
        wait_until(lambda: "result" in served.get("/jsonrpc", "POST", many)[1][0])
        before = set(served.workers)
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: served.workers and not before & set(served.workers))
        assert "error" in served.call("list_node_types", tenant_id=tenant["id"])


@pytest.mark.long
def test_what_is_refused_is_not_read(new_database: Callable[..., Settings], tmp_path: Path
                                     ) -> None:
    settings = new_database()
    secret = secrets_of(settings, Service.of(settings).tenant())["member"]
    head = ("POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n")
    with Served(tmp_path, **variables_of(settings), AUTH="required", RATE_LIMIT=1, RATE_BURST=1
                ) as served:
        served.wait("/health")

        def answer(key: str, length: int) -> bytes:
            """Send a request without its body, and return the answer."""
            with socket.create_connection(("127.0.0.1", served.port), 30) as client:
                client.sendall(head.format(key, length).encode())
                return client.recv(65536)

        body = json.dumps([request("get_caller")] * 600).encode()
        with socket.create_connection(("127.0.0.1", served.port), 30) as client:
            client.sendall(head.format(secret, len(body)).encode() + body)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        for key, status in ((secret, b"429"), ("nonsense", b"401")):
            for length, closes in ((16 * 1024 * 1024, True), (65536, False)):
                told = answer(key, length)
                assert told.startswith(b"HTTP/1.1 " + status), told
                assert (b"connection: close" in told.lower()) is closes
