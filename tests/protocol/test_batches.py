"""A batch: one pipeline and one transaction, and yet calls that know nothing of each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Statement
from tests.support import postgres
from tests.support.locks import lock, locked, statistic, waiting
from tests.support.rows import CHANGES, FILTERS, GLOBAL, IDS, NEW, POOL
from tests.support.service import Service, request

Row = dict[str, Any]


@pytest.fixture
def node_type(service: Service) -> Row:
    return dict(service.node_type(service.tenant()))


def create(node_type: Row, **given: Any) -> Row:
    """Return the params of a ``create_node``."""
    return {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]} | given


def key(row: Row) -> Row:
    return {"tenant_id": row["tenant_id"], "id": row["id"]}


def transactions(service: Service, node_type: Row) -> list[int]:
    """Return how many nodes of a type each transaction left behind."""
    with postgres.connect(service.settings) as connection:
        return [count for count, in connection.execute(
            "SELECT count(*) FROM nodes WHERE tenant_id = %s AND node_type_id = %s GROUP BY xmin",
            (node_type["tenant_id"], node_type["id"]))]


def codes(replies: list[Any]) -> list[int]:
    return [reply["error"]["code"] if "error" in reply else 0 for reply in replies]


def test_a_batch_of_100_is_one_committed_transaction(new_service: Callable[..., Service]) -> None:
    service = new_service()
    node_type = service.node_type(service.tenant())
    calls = [request("create_node", create(node_type), place) for place in range(100)]
    before = statistic(service, "xact_commit")
    replies = service.batch(calls)
    # Beside it the ones that look, and autovacuum if it comes by.
    assert statistic(service, "xact_commit") - before < 20
    assert codes(replies) == [0] * 100 and transactions(service, node_type) == [100]


@pytest.mark.parametrize("place", [0, 57, 99])
def test_when_one_of_100_fails_in_the_database_the_other_99_are_done(
        service: Service, node_type: Row, place: int) -> None:
    taken = service.node(service.node_type({"id": node_type["tenant_id"]}))["id"]
    calls = [request("create_node", create(node_type), number) for number in range(100)]
    calls[place]["params"]["id"] = taken
    replies = service.batch(calls)
    assert codes(replies) == [-32002 * (number == place) for number in range(100)]
    assert [reply["id"] for reply in replies] == [*range(100)]
    assert sum(transactions(service, node_type)) == 99


@pytest.mark.parametrize("method, params, code", [
    ("get_node", {"id": str(uuid4())}, -32001), ("create_node", {}, -32001),
    ("delete_node", {"id": str(uuid4())}, -32001), ("get_node", {"id": "x"}, -32602),
    ("get_nod", {}, -32601), ("delete_node_type", {"id": str(uuid4())}, -32001),
])
def test_a_call_that_fails_outside_the_database_leaves_the_transaction_whole(
        service: Service, node_type: Row, method: str, params: Row, code: int) -> None:
    params = {"tenant_id": node_type["tenant_id"], "node_type_id": str(uuid4())} | params
    if method != "create_node":
        del params["node_type_id"]
    good = request("create_node", create(node_type))
    assert codes(service.batch([good, request(method, params), good])) == [0, code, 0]
    assert transactions(service, node_type) == [2]


def test_a_call_that_cannot_even_be_sent_does_not_have_those_before_it_done_twice(
        service: Service, node_type: Row) -> None:
    node = service.node(node_type)
    update = OPERATIONS["update_node"].plan(Context(), key(node), lambda: b"")
    assert isinstance(update, Statement)
    unsendable = replace(update, arguments=key(node) | {"id": object(), "data": None})
    runner = Runner(service.app.extensions["flexdb"], 10, 300)
    outcomes = runner.run([update, unsendable, update], Budget(10**9), None)
    assert [isinstance(outcome, FlexdbError) for outcome in outcomes] == [False, True, False]
    assert service.call("get_node", **key(node))["node"]["version"] == 3


@pytest.mark.parametrize("failing", [False, True])
def test_calls_on_the_same_node_are_applied_in_their_order(
        service: Service, node_type: Row, failing: bool) -> None:
    node = service.node(node_type)
    calls = [request("update_node", key(node) | {"data": {"n": n}}, n) for n in range(3)]
    calls += [request("get_node", key(node), "last")]
    calls += [request("create_node", create(node_type, id=node["id"]), "taken")] * failing
    *updates, got = [reply["result"]["node"] for reply in service.batch(calls)[:4]]
    assert [(row["data"]["n"], row["version"]) for row in updates] == [(0, 2), (1, 3), (2, 4)]
    assert got == updates[2] == service.call("get_node", **key(node))["node"]


@pytest.mark.parametrize("failing", [False, True])
def test_notifications_take_effect_and_are_not_answered(
        service: Service, node_type: Row, failing: bool) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    calls = [request("create_node", create(node_type, id=id), place)
             for place, id in enumerate([*ids, ids[0]] if failing else ids)]
    for call in calls[1:]:
        del call["id"]
    calls.append(request("list_nodes", {"tenant_id": node_type["tenant_id"]}, "list"))
    first, last = service.batch(calls)
    assert (first["id"], last["id"]) == (0, "list")
    assert [node["id"] for node in last["result"]["nodes"]] == ids[::-1]
    response = service.post(calls[1:3])
    assert (response.status_code, response.data) == (204, b"")


def test_what_a_batch_deletes_is_gone_for_the_calls_after_it(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    get = request("get_node", key(service.node(node_type)))
    new = request("create_node", create(node_type))
    codes_of = codes(service.batch([
        get, request("delete_node_type", key(node_type)), get, new,
        request("delete_node_type", key(node_type)), request("delete_tenant", {"id": tenant["id"]}),
        request("list_nodes", {"tenant_id": tenant["id"]}),
        request("create_tenant", {"slug": tenant["slug"], "name": "again", "id": tenant["id"]}),
        request("list_nodes", {"tenant_id": tenant["id"]})]))
    assert codes_of == [0, 0, -32001, -32001, -32001, 0, -32001, 0, 0]


def test_a_batch_of_1000_passes_and_one_of_1001_does_nothing(
        service: Service, node_type: Row) -> None:
    call = request("create_node", create(node_type))
    refused = orjson.loads(service.post([call] * 1001).data)
    assert refused["error"]["code"] == -32600 and refused["id"] is None
    assert refused["error"]["data"]["reason"] == "TOO_LARGE"
    assert transactions(service, node_type) == []
    assert codes(service.batch([call] * 1000)) == [0] * 1000
    assert transactions(service, node_type) == [1000]


@pytest.mark.long
def test_a_call_that_takes_too_long_fails_alone(new_service: Callable[..., Service]) -> None:
    service = new_service(statement_timeout=0.5)
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type) for _ in range(3)]
    with locked(service, "nodes", nodes[1]):
        replies = service.batch([request("update_node", key(node)) for node in nodes])
    assert codes(replies) == [0, -32006, 0]
    assert [service.call("get_node", **key(node))["node"]["version"] for node in nodes] == [2, 1, 2]


@pytest.mark.long
@pytest.mark.parametrize("large, alone", [
    ("delete_tenant", False), ("delete_node_type", False), ("delete_node_type", True)])
def test_only_large_work_may_take_longer(
        new_service: Callable[..., Service], large: str, alone: bool) -> None:
    service = new_service(statement_timeout=0.3)
    other = service.node(service.node_type(service.tenant()))
    node_type = service.node_type(service.tenant())
    row = {"id": node_type["tenant_id"]} if large == "delete_tenant" else key(node_type)
    calls = [request("get_node_type", key(node_type)), request(large, row),
             request("update_node", key(other))]
    with ThreadPoolExecutor() as threads, locked(service, "nodes", other):
        with locked(service, f"{large.removeprefix('delete_')}s", row):
            sent = threads.submit(service.batch, calls[1:2] if alone else calls)
            waiting(service, 1, seconds=0.6)
        # What came after the large work in the batch has the usual time again.
        assert codes(sent.result(timeout=60)) == ([0] if alone else [0, 0, -32006])


def test_a_deadlock_within_a_batch_is_survived(new_service: Callable[..., Service]) -> None:
    service = new_service()
    node_type = service.node_type(service.tenant())
    one, gate, two = nodes = [service.node(node_type) for _ in range(3)]
    with postgres.connect(service.settings) as owner:
        owner.execute(f"ALTER DATABASE {service.settings.db_name} SET deadlock_timeout = '50ms'"
                      .encode())
    before = statistic(service, "deadlocks")
    with ThreadPoolExecutor() as threads:
        with locked(service, "nodes", two) as other:
            other.execute("SET deadlock_timeout = '10min'")
            with locked(service, "nodes", gate):
                sent = threads.submit(
                    service.batch, [request("update_node", key(node)) for node in nodes])
                waiting(service, 1)
                blocked = threads.submit(lock, other, "nodes", one)
                waiting(service, 2)
            # The circle closes now, and the service, who closed it, is told to give up.
            blocked.result()
        assert codes(sent.result()) == [0, 0, 0]
    assert statistic(service, "deadlocks") > before
    assert [service.call("get_node", **key(node))["node"]["version"] for node in nodes] == [2] * 3


def _call(kind: str, verb: str, columns: dict[str, st.SearchStrategy[Any]]
          ) -> st.SearchStrategy[Any]:
    ids = {} if kind in GLOBAL else {"tenant_id": IDS}
    if verb == "list":
        page = {"pagination": st.fixed_dictionaries({"page_size": st.integers(1, 3)})}
        params = st.fixed_dictionaries(ids, optional=columns | page)
    elif verb == "create":
        params = st.fixed_dictionaries(ids | {"id": IDS} | columns)
    else:
        params = st.fixed_dictionaries(ids | {"id": IDS}, optional=columns)
    return st.builds(request, st.just(f"{verb}_{kind}{'s' * (verb == 'list')}"), params,
                     st.integers(0, 9))


MEMBERSHIP = st.fixed_dictionaries({"tenant_id": IDS, "user_id": IDS})
CALLS = st.one_of(
    *(_call(kind, verb, columns) for kind in NEW for verb, columns in (
        ("create", NEW[kind]), ("update", CHANGES[kind]), ("get", {}), ("delete", {}),
        ("list", {name: NEW[kind][name] for name in FILTERS.get(kind, [])}))),
    *(st.builds(request, st.just(name), MEMBERSHIP)
      for name in ("add_user_to_tenant", "remove_user_from_tenant")),
    st.sampled_from([1, {}, request("get_nod"), request("get_node", {"id": "x"}),
                     request("list_users", 1), request("create_user", ["not an address"])]))
SEQUENCES = st.lists(st.tuples(CALLS, st.sampled_from([False, False, False, True])).map(
    lambda pair: {name: value for name, value in pair[0].items() if name != "id"}
    if pair[1] and isinstance(pair[0], dict) else pair[0]), min_size=1, max_size=25)


@pytest.fixture(scope="module")
def pair(new_database: Callable[..., Settings]) -> Iterator[tuple[Service, Service]]:
    """Two services, each on a database of its own."""
    pair = Service.of(new_database()), Service.of(new_database())
    yield pair
    for service in pair:
        service.close()


@pytest.mark.longest
@pytest.mark.long
@settings(max_examples=40, derandomize=True, database=None,
          suppress_health_check=[*HealthCheck])
@example([request("delete_tenant", {"id": POOL[1]}),
          request("create_tenant", {"slug": "again", "name": "x", "id": POOL[1]}),
          request("create_node_type", {"tenant_id": POOL[1], "name": "b", "id": POOL[2]}),
          request("list_node_types", {"tenant_id": POOL[1]}), request("list_tenants")])
@given(SEQUENCES)
def test_the_reply_to_a_batch_is_that_to_its_calls_one_by_one(
        pair: tuple[Service, Service], calls: list[Any]) -> None:
    tenants = [request("create_tenant", {"slug": id[-1], "name": "x", "id": id}) for id in POOL]
    types = [request("create_node_type", {"tenant_id": id, "name": "a", "id": POOL[1]})
             for id in POOL]
    for service in pair:
        with postgres.connect(service.settings) as owner:
            owner.execute("TRUNCATE tenants, users CASCADE")
        assert codes(service.batch(tenants + types)) == [0] * 6
    together = pair[0].post(calls).data
    apart = [reply for call in calls if (reply := pair[1].post(call).data)]
    assert masked(together) == masked(b"[%b]" % b",".join(apart) if apart else b"")
    finally_ = [request(f"list_{name}", {} if name in ("tenants", "users") else {"tenant_id": id})
                for name in ("tenants", "users", "tenant_users", "node_types", "nodes",
                             "relationships") for id in POOL]
    left, right = (masked(service.post(finally_).data) for service in pair)
    assert left == right


def masked(replies: bytes) -> bytes:
    """Put the same in the place of every time and of the page tokens, which hold times."""
    replies = re.sub(rb'"\d{4}-\d\d-\d\dT[^"]+"', b'"a time"', replies)
    return re.sub(rb'"next_page_token":"[^"]+"', b'"next_page_token":"a token"', replies)
