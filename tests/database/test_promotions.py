"""A standby that is promoted, and a server that is silent, where DB_HOST names several."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from testing.postgresql import Postgresql

from flexdb.db.pool import Pool
from flexdb.errors import Unavailable
from tests.support import postgres
from tests.support.pairs import Pair
from tests.support.service import RpcError
from tests.support.waiting import wait_until


@pytest.fixture
def new_pair(tmp_path: Path) -> Iterator[Callable[[], Pair]]:
    """Make a pair that a test may take apart."""
    made: list[Pair] = []

    def make() -> Pair:
        made.append(Pair(tmp_path))
        return made[-1]

    yield make
    for pair in made:
        pair.close()


def test_after_a_promotion_the_other_one_is_used(
        new_pair: Callable[[], Pair]) -> None:
    pair = new_pair()
    service = pair.serve(pair.both())
    first, ids = service.tenant(), []
    pair.standby.catch_up()
    pair.server.stop()
    with pytest.raises(RpcError) as refused:
        service.tenant()
    assert refused.value.code == -32005
    assert service.client().get("/health/ready").status_code == 503
    pair.standby.promote()

    def written() -> bool:
        with suppress(RpcError):
            ids.append(service.tenant()["id"])
        return bool(ids)

    wait_until(written)
    assert service.call("get_tenant", id=first["id"])["tenant"] == first
    assert service.client().get("/health/ready").status_code == 200


def test_a_write_on_a_server_that_no_longer_takes_any_is_sent_to_the_one_that_does(
        new_pair: Callable[[], Pair]) -> None:
    """As when writes are stopped before a planned promotion."""
    pair = new_pair()
    service = pair.serve(pair.both(db_pool_size=2, tenant_connections=2))
    tenant = service.tenant()
    pool = service.app.extensions["flexdb"]
    with pool.connection() as one, pool.connection() as two:
        # What was made just now counts as made to the one that there is.
        made = time.monotonic()
        assert one.info.port == two.info.port == pair.primary.db_port
    with postgres.connect(pair.primary) as database:
        database.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        database.execute("SELECT pg_reload_conf()")
    with pool.connection() as one:
        wait_until(lambda: one.execute("SHOW transaction_read_only").fetchone() == ("on",))
    pair.standby.promote()
    wait_until(lambda: time.monotonic() > made + 0.5)
    assert service.node_type(tenant)
    replies = service.batch([
        {"jsonrpc": "2.0", "id": number, "method": "create_tenant",
         "params": {"slug": f"moved-{number}", "name": "T"}} for number in range(2)])
    assert all("result" in reply for reply in replies)
    with pool.connection() as one:
        assert one.info.port == pair.standby.port


@contextmanager
def silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """Give the port of a server that takes connections and says nothing, and those it took."""
    taken: list[socket.socket] = []

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1], taken
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in taken:
                one.close()


def test_one_that_is_silent_holds_no_call_for_longer_than_it_waits_and_is_tried_last(
        server: Postgresql) -> None:
    primary = postgres.settings_of(server, "postgres")
    with silent() as (port, taken):
        pool = Pool(replace(primary, db_host="127.0.0.1,127.0.0.1",
                            db_port=f"{port},{primary.db_port}"))
        try:
            with pytest.raises(Unavailable), pool.connection():
                pass

            def connected() -> bool:
                with suppress(Unavailable), pool.connection():
                    return True
                return False

            wait_until(connected)
            asked = len(taken)
            with pool.connection() as one:
                pool.drain(one)
                one.close()
            assert connected() and len(taken) == asked
        finally:
            pool.close()
