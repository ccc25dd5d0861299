"""Several hosts in DB_HOST: a primary and its standbys, of which the one that takes writes is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from flexdb.config import Settings
from flexdb.db.address import NotReachable, direct, first, look_at_server
from flexdb.db.copy import transaction
from flexdb.db.migrate import migrate, migration_states
from flexdb.server.status import look_at_status
from tests.support import postgres
from tests.support.commands import failure, finish, flexdb
from tests.support.pairs import Pair
from tests.support.pgbouncer import PgBouncer, needed
from tests.support.service import RpcError, Service


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.close()


def write(service: Service) -> object:
    return service.call("create_tenant", slug=f"t{time.monotonic_ns()}", name="T")


def test_the_one_that_takes_writes_is_used_wherever_it_stands(pair: Pair) -> None:
    service = pair.serve(pair.both())
    assert write(service)
    assert service.client().get("/health/ready").status_code == 200


@pytest.mark.parametrize("reached", [
    lambda settings: look_at_server(settings).port,
    lambda settings: look_at_server(direct(replace(
        settings, db_host="127.0.0.1", db_port=1, db_pgbouncer=True,
        db_direct_host=settings.db_host, db_direct_port=settings.db_port))).port])
def test_so_it_is_by_every_way(pair: Pair, reached: Callable[[Settings], int]) -> None:
    assert reached(pair.both()) == pair.primary.db_port


@needed
def test_several_pgbouncers_are_hosts_too(
        pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One leads to the standby, two to the primary; of those one is away at a time."""
    bouncers = []
    try:
        for behind in (pair.standby.port, pair.primary.db_port, pair.primary.db_port):
            bouncers.append(PgBouncer(tmp_path_factory.mktemp("bouncer"), behind))
        _, one, other = bouncers
        service = pair.serve(replace(
            pair.primary, db_host=",".join(["127.0.0.1"] * len(bouncers)), db_pgbouncer=True,
            db_port=",".join(str(bouncer.port) for bouncer in bouncers),
            db_direct_host=pair.primary.db_host, db_direct_port=pair.primary.db_port))
        assert write(service)
        one.stop()
        assert write(service)
        one.start()
        other.stop()
        assert write(service)
        other.start()
        assert service.client().get("/health/ready").status_code == 200
    finally:
        for bouncer in bouncers:
            if bouncer.process.poll() is None:
                bouncer.stop()


def test_commands_and_migrations_go_to_it_too(pair: Pair) -> None:
    assert migrate(pair.both()) == [] and migration_states(pair.both())[1] == []
    with transaction(pair.both()) as connection:
        assert connection.info.port == pair.primary.db_port


def test_what_an_operator_tells_libpq_goes_before(
        pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "standby")
    assert look_at_server(pair.both()).is_standby


def test_the_one_that_was_reached_is_tried_first_from_then_on(pair: Pair) -> None:
    both = pair.both()
    at = ("127.0.0.1", int(pair.primary.db_port))
    assert first(both, at).db_addresses == both.db_addresses[::-1]
    assert first(both, None) == both == first(both, ("elsewhere", 1))


def test_a_standby_is_read_from_and_is_not_ready(pair: Pair) -> None:
    primary, service = pair.serve(pair.primary), pair.serve(pair.standby.settings)
    node_type = primary.node_type(primary.tenant(), schema={"type": "object"})
    node = primary.node(node_type, data={})
    pair.standby.catch_up()
    of_type = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    assert service.call("get_node", of_type | {"id": node["id"]})["node"] == node
    assert service.call("check_node_type", of_type)["checked"] == 1
    with pytest.raises(RpcError) as refused:
        service.node(node_type)
    assert refused.value.code == -32005
    response = service.client().get("/health/ready")
    assert response.status_code == 503 and response.json == {
        "status": "unavailable", "reason": "PostgreSQL takes no writes: it is a standby"}
    assert service.client().get("/health").status_code == 200


def test_a_primary_that_is_set_to_read_only_is_not_ready(pair: Pair) -> None:
    with postgres.connect(pair.primary) as database:
        database.execute("CREATE ROLE reader LOGIN SUPERUSER")
        database.execute("ALTER ROLE reader SET default_transaction_read_only = on")
    response = pair.serve(replace(pair.primary, db_user="reader")).client().get("/health/ready")
    assert response.status_code == 503 and (response.json or {})["reason"] == (
        "PostgreSQL takes no writes: default_transaction_read_only is on")


def test_the_status_says_which_it_is_and_that_a_standby_is_a_problem(pair: Pair) -> None:
    found = look_at_status(pair.both(), 0)
    assert found["problems"] == [] and not found["postgresql"]["standby"]
    assert found["postgresql"]["port"] == pair.primary.db_port
    status, output, errors = finish(flexdb(pair.standby.settings, "status"))
    assert status == 1 and ", a standby\n" in output
    assert errors.startswith("flexdb: PostgreSQL is a standby and takes no writes: ")


def test_commands_over_several_hosts_are_the_primary_s(pair: Pair) -> None:
    status, output, errors = finish(flexdb(
        pair.both(), "psql", "-Atc", "SELECT inet_server_port(), pg_is_in_recovery()"))
    assert (status, output, errors) == (0, f"{pair.primary.db_port}|f\n", "")
    assert finish(flexdb(pair.both(), "migrate"))[0] == 0
    status, output, errors = finish(flexdb(pair.both(), "pg_dump", "--schema-only"))
    assert (status, errors) == (0, "") and "CREATE TABLE public.nodes" in output


def test_where_none_takes_writes_a_command_says_so_in_one_line(pair: Pair) -> None:
    port = pair.standby.port
    told = failure(flexdb(replace(pair.both(), db_port=f"{port},{port}"), "status"))
    assert told.startswith("flexdb: PostgreSQL does not answer: ") and "read-only" in told
    assert told.count(f"port: '{port}'") == 2 and told.count("read-only") == 2


def test_migrations_on_a_standby_wait_for_a_primary(pair: Pair) -> None:
    with postgres.connect(pair.primary) as database:
        database.execute("CREATE DATABASE bare TEMPLATE template0")
    pair.standby.catch_up()
    with pytest.raises(NotReachable, match="it is a standby"):
        migrate(replace(pair.standby.settings, db_name="bare"))
