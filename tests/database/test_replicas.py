"""Reads from real replicas: who wrote reads what it wrote, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from flexdb.api.consistency import token
from flexdb.config import ConfigError, Settings
from flexdb.contract.operation import OPERATIONS, READS
from flexdb.db.migrate import migrate
from flexdb.db.positions import Freshness
from flexdb.db.run import Runner
from flexdb.plan import Budget, Result
from tests.support import metrics, postgres
from tests.support.callers import with_key
from tests.support.replicated import TOKEN, Reader, Replicated
from tests.support.row_security import switched_on
from tests.support.runner import sql
from tests.support.service import RpcError, Service, request, rest_request
from tests.support.standbys import Standby
from tests.support.waiting import wait_until
from tests.support.world import World

LAGGING = [name for name, operation in OPERATIONS.items()
           if operation.effect is READS and not operation.fresh]
FRESH = ["list_changes", "check_node_type", "list_keys", "list_operator_keys", "get_caller",
         "list_deliveries", "count_deliveries"]


@pytest.fixture
def own_standby(replicated: Replicated, tmp_path_factory: pytest.TempPathFactory
                ) -> Iterator[Standby]:
    """A standby that a test may ruin."""
    standby = Standby(tmp_path_factory.mktemp("own") / "standby", replicated.primary,
                      max_standby_streaming_delay=0)
    yield standby
    standby.close()


@pytest.fixture(scope="module")
def world(replicated: Replicated) -> Iterator[World]:
    """A tenant with something of everything, which every standby has."""
    service = Service.of(replicated.primary)
    made = World(service)
    for standby in replicated.standbys:
        standby.catch_up()
    yield made
    service.close()


@pytest.fixture
def tenant(new_reader: Callable[..., Reader]) -> dict[str, Any]:
    """A tenant and its node type, as the parameters of new nodes."""
    service = new_reader().service
    node_type = service.node_type(service.tenant())
    return {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}


def write_and_read(reader: Reader, tenant: dict[str, Any], number: int) -> bool:
    """Create a node, read it at once, and tell whether it was there as it was written."""
    node = reader.call("create_node", **tenant, data={"number": number})["node"]
    try:
        found = reader.call("get_node", tenant_id=tenant["tenant_id"], id=node["id"])["node"]
    except RpcError:
        return False
    return bool(found == node)


def test_who_writes_reads_it_from_replicas_that_are_behind(
        new_reader: Callable[..., Reader], tenant: dict[str, Any]) -> None:
    # Busy machines take longer to connect than a call waits for a connection.
    reader = new_reader(db_pool_timeout=30)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(partial(write_and_read, reader, tenant), range(300)))
    assert all(found)
    figures = reader.figures()
    assert figures["replica"] > figures.get("primary", 0) and figures["waits"] > 0


def test_without_a_token_the_primary_answers_and_none_is_given(
        new_reader: Callable[..., Reader], tenant: dict[str, Any]) -> None:
    reader = new_reader()
    answer = reader.service.post(request("list_nodes", {"tenant_id": tenant["tenant_id"]}))
    assert TOKEN not in answer.headers
    assert not reader.figures()


def test_without_replicas_no_answer_has_a_token(
        service: Service, tenant: dict[str, Any]) -> None:
    own = service.node_type(service.tenant())
    params = {"tenant_id": own["tenant_id"], "node_type_id": own["id"]}
    for method in ("create_node", "list_nodes"):
        answer = service.post(request(method, params), headers={TOKEN: "any"})
        assert "result" in answer.json and TOKEN not in answer.headers


@pytest.mark.parametrize("method", LAGGING)
def test_a_replica_answers_every_read_as_the_primary_does(
        new_reader: Callable[..., Reader], world: World, method: str) -> None:
    reader = new_reader()
    here = World.params(world, method)
    expected = world.service.call(method, here)

    def by_replica() -> bool:
        """Tell whether a replica answered now: one that is late counts as away for a while."""
        answer = reader.service.post(request(method, here), headers={TOKEN: "any"})
        assert without_time(answer.json["result"]) == without_time(expected)
        assert answer.headers[TOKEN]
        return "replica" in reader.figures()

    wait_until(by_replica)


def without_time(result: Any) -> Any:
    """Return a result without what differs from one call to the next."""
    return {name: value for name, value in result.items() if name != "usage"}


@pytest.mark.parametrize("method", FRESH)
def test_what_has_to_be_fresh_is_the_primarys(
        new_reader: Callable[..., Reader], world: World, method: str) -> None:
    reader = new_reader()
    answer = reader.service.post(request(method, world.params(method)), headers={TOKEN: "any"})
    assert "result" in answer.json and answer.headers[TOKEN]
    assert not reader.figures().get("replica")


def test_the_operations_that_have_to_be_fresh_are_these() -> None:
    assert {name for name, operation in OPERATIONS.items() if operation.fresh} == {*FRESH}


def test_reads_over_rest_come_from_replicas_too(
        new_reader: Callable[..., Reader], world: World) -> None:
    reader = new_reader()
    said = rest_request("get_node", {"tenant_id": world.tenant["id"], "id": world.node["id"]})
    assert said
    answer = reader.service.client().open(**said, headers={TOKEN: "any"})
    assert orjson.loads(answer.data)["node"]["id"] == world.node["id"] and answer.headers[TOKEN]
    assert reader.figures()["replica"] == 1


def test_batches_and_transactions_of_reads_come_from_replicas_and_others_do_not(
        new_reader: Callable[..., Reader], world: World) -> None:
    reader = new_reader()
    own = {"tenant_id": world.tenant["id"]}
    reads = [("get_tenant", {"id": world.tenant["id"]}), ("list_nodes", own)]
    for calls, replica in ((reads, True), ([*reads, ("create_nodes", own | {"nodes": [
            {"node_type_id": world.node_type["id"]}]})], False)):
        for body in ([request(*call) for call in calls], request("transaction", {
                "calls": [{"method": method, "params": params} for method, params in calls]})):
            reader.token = "any"
            before = reader.figures().get("replica", 0)
            assert "error" not in reader.send(body).text
            assert reader.figures().get("replica", 0) - before == replica


@pytest.mark.parametrize("params", [
    {"filter": {"data.title": {"$regex": "^x"}}}, {"search": "x"}, {"count": "exact"}])
def test_reads_that_take_several_round_trips_come_from_replicas(
        new_reader: Callable[..., Reader], world: World, params: dict[str, Any]) -> None:
    reader = new_reader()
    reader.token = "any"
    reader.call("list_nodes", tenant_id=world.tenant["id"], node_type_id=world.node_type["id"],
                **params)
    assert reader.figures() == {"replica": 1.0}


def test_a_read_behind_what_a_replica_does_not_replay_is_the_primarys(
        replicated: Replicated, new_reader: Callable[..., Reader], tenant: dict[str, Any]) -> None:
    held = replicated.standbys[0]
    reader = new_reader(held, replica_wait=0.2)
    for standby in replicated.standbys:
        standby.catch_up()
    held.pause()
    try:
        assert write_and_read(reader, tenant, 1)
        figures = reader.figures()
        assert (figures["primary"], figures["behind"], figures["waits"]) == (1, 1, 1)
        # Nobody waits once more right after that.
        assert write_and_read(reader, tenant, 2)
        assert reader.figures()["waits"] == 1
    finally:
        held.resume()


def test_any_state_will_do_where_that_is_said(
        replicated: Replicated, new_reader: Callable[..., Reader], tenant: dict[str, Any]) -> None:
    held = replicated.standbys[1]
    reader = new_reader(held)
    held.catch_up()
    held.pause()
    try:
        node = reader.call("create_node", **tenant)["node"]
        asked = {"tenant_id": tenant["tenant_id"], "id": node["id"]}
        answer = reader.service.post(request("get_node", asked), headers={TOKEN: "Any"})
        assert answer.json["error"]["data"]["reason"] == "NOT_FOUND"
        # Who goes on from there does not go back, and may be ahead.
        assert answer.headers[TOKEN] < reader.token
    finally:
        held.resume()


def test_a_token_of_more_than_there_is_costs_one_wait(
        new_reader: Callable[..., Reader], world: World) -> None:
    reader = new_reader(replica_wait=0.1)
    reader.call("create_user", email=f"{uuid4().hex}@example.org", display_name="John")
    reader.token = token(2**62)
    for _ in range(5):
        reader.call("get_tenant", id=world.tenant["id"])
    figures = reader.figures()
    assert (figures["primary"], figures["waits"]) == (5, 1)
    # Of what there is, replicas answer.
    reader.token = "any"
    reader.call("get_tenant", id=world.tenant["id"])
    assert reader.figures()["replica"] == 1


@pytest.mark.parametrize("sent", [
    "", "x", "ANY thing", "0" * 20, "00000000040a66604553", "f" * 16 + "0000",
    "0/40A6660", "00000000040a66604552 ,any"])
@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_what_is_no_token_is_refused(
        service: Service, door: str, sent: str) -> None:
    if door == "jsonrpc":
        answer = service.post(request("list_tenants"), headers={TOKEN: sent})
    else:
        answer = service.client().get("/tenants", headers={TOKEN: sent})
    error = answer.json["error"]
    assert (answer.status_code, error["code"]) == (400, -32602)
    assert error["message"] == ("invalid parameters: Consistency-Token is a header that must hold "
                                "a token which an answer gave, or any")
    assert error["data"]["fields"].keys() == {TOKEN}


def test_an_answer_that_is_given_again_tells_what_was_written(
        new_reader: Callable[..., Reader], tenant: dict[str, Any]) -> None:
    service = new_reader().service
    sent = partial(service.post, request("create_node", tenant),
                   headers={"Idempotency-Key": uuid4().hex})
    first, second = sent(), sent()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers[TOKEN] >= first.headers[TOKEN]


@pytest.mark.parametrize("method, params", [
    ("create_tenant", {"slug": "taken", "name": "Taken"}),
    ("create_nodes", {"nodes": [{"node_type_id": str(uuid4())}]})])
def test_an_error_that_a_write_is_answered_with_tells_it_too(
        new_reader: Callable[..., Reader], tenant: dict[str, Any], method: str,
        params: dict[str, Any]) -> None:
    service = new_reader().service
    if method == "create_nodes":
        params = params | {"tenant_id": tenant["tenant_id"]}
    answers = [service.post(request(method, params)) for _ in range(2)]
    assert "error" in answers[1].json and answers[1].headers[TOKEN]


@pytest.mark.parametrize("method, more", [
    ("create_node", {}), ("create_nodes", {}), ("update_node", {}), ("transaction", {}),
    ("create_node", {"db_row_security": True})])
def test_every_way_to_write_tells_behind_which_position_it_is(
        replicated: Replicated, new_reader: Callable[..., Reader], world: World, method: str,
        more: dict[str, Any]) -> None:
    reader = new_reader(**more)
    own = {"tenant_id": world.tenant["id"]}
    params = {"create_nodes": own | {"nodes": [{"node_type_id": world.node_type["id"]}]},
              "update_node": own | {"id": world.node["id"], "data": {"a": 2}},
              "transaction": {"calls": [{"method": "create_node", "params": own | {
                  "node_type_id": world.node_type["id"]}}]}}.get(
                      method, own | {"node_type_id": world.node_type["id"]})
    with postgres.connect(replicated.primary) as connection:
        before = position(connection)
        reader.call(method, **params)
        told = int(reader.token[:16], 16)
        assert before < told <= position(connection)


def position(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn").fetchone()
    assert row
    return int(row[0])


def test_a_replica_that_is_killed_under_load_costs_no_answer(
        new_reader: Callable[..., Reader], own_standby: Standby, tenant: dict[str, Any]) -> None:
    reader = new_reader(own_standby)
    assert write_and_read(reader, tenant, 0)
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(write_and_read, reader, tenant, number) for number in range(150)]
        wait_until(lambda: sum(one.done() for one in found) > 30)
        own_standby.kill()
        assert all(one.result() for one in found)
    assert reader.figures()["away"] > 0
    # It is asked again when it is back.
    own_standby.start()
    reader.token = "any"

    def is_asked() -> bool:
        before = reader.figures()["replica"]
        reader.call("get_tenant", id=tenant["tenant_id"])
        return reader.figures()["replica"] > before

    wait_until(is_asked)


def test_a_replica_that_says_nothing_is_waited_for_no_longer_than_one_that_is_behind(
        new_reader: Callable[..., Reader], own_standby: Standby, tenant: dict[str, Any]) -> None:
    reader = new_reader(own_standby, replica_wait=0.2)
    assert write_and_read(reader, tenant, 0)
    own_standby.freeze()
    try:
        assert all(write_and_read(reader, tenant, number) for number in range(3))
    finally:
        own_standby.freeze(False)
    assert reader.figures()["away"] == 3


def test_a_replica_that_was_made_a_primary_is_none_any_more(
        new_reader: Callable[..., Reader], own_standby: Standby, tenant: dict[str, Any]) -> None:
    reader = new_reader(own_standby)
    assert write_and_read(reader, tenant, 0)
    own_standby.promote()
    # It goes its own way, and is soon further than any token.
    with postgres.connect(own_standby.settings) as connection:
        connection.execute("CREATE TABLE own AS SELECT generate_series(1, 10000)")
    assert all(write_and_read(reader, tenant, number) for number in range(5))
    reader.token = "any"
    reader.call("get_tenant", id=tenant["tenant_id"])
    figures = reader.figures()
    assert figures["promoted"] > 0 and figures["replica"] == 1


def test_what_is_in_conflict_with_what_is_replayed_is_the_primarys(
        replicated: Replicated, new_reader: Callable[..., Reader], own_standby: Standby) -> None:
    reader = new_reader(own_standby, statement_timeout=60)
    known = reader.service.app.extensions
    runner = Runner(known["flexdb"], 60, 60, None, known["flexdb_replicas"])
    # On the primary it takes no time.
    slow = sql("SELECT 'read', pg_sleep(CASE WHEN pg_is_in_recovery() THEN 60 ELSE 0 END) "
               "FROM held")
    with postgres.connect(replicated.primary) as connection, ThreadPoolExecutor(1) as threads:
        connection.execute("CREATE TABLE held AS SELECT 1 AS number")
        own_standby.catch_up()
        reading = threads.submit(runner.run, [slow], Budget(10**9), None, Freshness(0, True))
        wait_until(lambda: own_standby.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        connection.execute("ALTER TABLE held ADD COLUMN more int")
        (outcome,) = reading.result()
    assert isinstance(outcome, Result) and outcome.text == b"read"
    assert reader.figures()["conflict"] == 1


def test_rules_and_row_security_hold_on_replicas(
        replicated: Replicated, new_reader: Callable[..., Reader]) -> None:
    name = f"fenced_{uuid4().hex}"
    postgres.create_database(replicated.server, name)
    settings = replace(replicated.primary, db_name=name)
    migrate(settings)
    user = switched_on(settings).db_user
    options = {"db_name": name, "db_user": user, "db_row_security": True, "replica_wait": 20}
    opened, reader = new_reader(**options), new_reader(**options, auth="required")
    node_type = opened.service.node_type(opened.service.tenant())
    own = {"tenant_id": node_type["tenant_id"]}
    opened.call("create_role", **own, name="seller", grants=[
        {"node_type_id": node_type["id"], "read": {"data.team": "red"}}])
    nodes = [opened.call("create_node", **own, node_type_id=node_type["id"],
                         data={"team": team})["node"]["id"] for team in ("red", "blue")]
    other = opened.call("create_tenant", slug=uuid4().hex, name="Other")["tenant"]
    secret = opened.call("create_key", **own, name="A key", role="seller")["key"]["secret"]
    reader.service, reader.token = with_key(reader.service, secret), opened.token
    assert [node["id"] for node in reader.call("list_nodes", **own)["nodes"]] == nodes[:1]
    for hidden in (own | {"id": nodes[1]}, {"tenant_id": other["id"], "id": nodes[0]}):
        with pytest.raises(RpcError, match="there is no such"):
            reader.call("get_node", **hidden)
    assert reader.figures()["replica"] == 2
    # What PostgreSQL itself shows of a tenant that nobody names.
    known = reader.service.app.extensions
    runner = Runner(known["flexdb"], 10, 10, None, known["flexdb_replicas"])
    count = sql("SELECT count(*) FROM nodes")
    outcome, = runner.run([count], Budget(10**9), None, Freshness(0, True))
    assert isinstance(outcome, Result) and outcome.text == b"0"
    assert reader.figures()["replica"] == 3


def test_readiness_and_metrics_tell_how_far_replicas_are(
        replicated: Replicated, new_reader: Callable[..., Reader], own_standby: Standby,
        tenant: dict[str, Any]) -> None:
    held = replicated.standbys[0]
    reader = new_reader(held, own_standby, replica_wait=5)
    names = [f"127.0.0.1:{one.port}" for one in (held, own_standby)]

    def told() -> list[dict[str, Any]]:
        answer = reader.service.client().get("/health/ready")
        assert answer.status_code == 200
        return list(orjson.loads(answer.data)["replicas"])

    wait_until(lambda: [one["lag_bytes"] for one in told()] == [0, 0])
    held.pause()
    try:
        reader.call("create_node", **tenant)
        wait_until(lambda: told()[0]["lag_bytes"])
        own_standby.kill()
        first, second = told()
        assert first["name"] == names[0] and first["status"] == "ok" and first["lag_seconds"] > 0
        assert second == {"name": names[1], "status": "away", "lag_bytes": None,
                          "lag_seconds": None}
        figures = metrics.read(reader.service.client().get("/metrics").text)
        assert figures["flexdb_replica_lag_bytes", names[0]] > 0
        assert figures["flexdb_replica_lag_seconds", names[0]] > 0
        assert [figures["flexdb_replica_ready", name] for name in names] == [1, 0]
    finally:
        held.resume()


def test_readiness_tells_replicas_to_operators_alone(
        new_reader: Callable[..., Reader]) -> None:
    answer = new_reader(auth="required").service.client().get("/health/ready")
    assert orjson.loads(answer.data) == {"status": "ok"}


@pytest.mark.parametrize("options", [
    {"db_replica_port": "x"}, {"db_replica_port": "5432,5433,5434"}, {"db_replica_port": "70000"}])
def test_ports_that_no_replicas_can_have_stop_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="DB_REPLICA_PORT=.* has to be"):
        Settings(db_replica_host="one,two", **options)
