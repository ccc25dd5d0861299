"""Replicas at length: reads right after writes, while some are held, killed or promoted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from bench.processes import cpu
from flexdb.errors import NotFound
from tests.faults.length import only_at_length, times
from tests.support import postgres
from tests.support.replicated import Reader, Replicated
from tests.support.service import RpcError, Service
from tests.support.standbys import Standby

pytestmark = pytest.mark.faults
CLIENTS = 4
# How long a call may take beyond what a replica is waited for, in seconds: a busy machine's turn.
PATIENCE = 10.0


class Seen(NamedTuple):
    """What a client saw of what it had written.

    :param missed: how many of its reads that named what it wrote were behind that
    :param naive: how many of those that took any state were
    :param longest: how long one call took at most, in seconds
    """

    missed: int
    naive: int
    longest: float


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Replicated]:
    """A primary and two standbys that lag, to do harm to."""
    made = Replicated(tmp_path)
    yield made
    made.close()


def write_and_read(service: Service, number: int, after_each: Callable[[], None]) -> Seen:
    """Write and read at once what was written, so many times."""
    reader, anyone = Reader(service), Reader(service)
    node_type = service.node_type(service.tenant())
    own = {"tenant_id": node_type["tenant_id"]}
    missed = naive = 0
    longest = 0.0

    def call(who: Reader, method: str, **params: object) -> str:
        nonlocal longest
        begin = time.monotonic()
        node = who.call(method, **own, **params)["node"]
        longest = max(longest, time.monotonic() - begin)
        return f"{node['id']} {node['data']['text']}"

    id = call(reader, "create_node", node_type_id=node_type["id"], data={"text": ""}).split()[0]
    for _ in range(number):
        text = uuid4().hex
        wrote = call(reader, "update_node", id=id, data={"text": text})
        anyone.token = "any"
        try:
            naive += call(anyone, "get_node", id=id) != wrote
        except RpcError as error:
            # A replica may be so far behind that it has not even the node.
            assert error.code == NotFound.code
            naive += 1
        missed += call(reader, "get_node", id=id) != wrote
        after_each()
    return Seen(missed, naive, longest)


@pytest.mark.parametrize("harm", ["none", "held", pytest.param("killed", marks=only_at_length),
                                  pytest.param("promoted", marks=only_at_length)])
def test_nobody_misses_what_they_wrote(own: Replicated, harm: str) -> None:
    number = times(10_000 if harm == "none" else 2_000, 200) // CLIENTS
    service = Service.of(own.settings())
    done, is_over = threading.Semaphore(0), threading.Event()

    def later(steps: int) -> bool:
        for _ in range(steps):
            done.acquire()
        return not is_over.is_set()

    def do_harm(replica: Standby) -> None:
        """Hold a replica or kill it for a while, again and again; promoted it stays."""
        while later(50):
            {"held": replica.pause, "killed": replica.kill, "promoted": replica.promote}[harm]()
            if harm == "promoted":
                # It goes its own way, and is soon further than any token.
                with postgres.connect(replica.settings) as connection:
                    connection.execute("CREATE TABLE own AS SELECT generate_series(1, 100000)")
                return
            later(50)
            (replica.resume if harm == "held" else replica.start)()

    try:
        with ThreadPoolExecutor(CLIENTS + 1) as threads:
            harming = threads.submit(do_harm, own.standbys[0]) if harm != "none" else None
            found = [threads.submit(write_and_read, service, number, done.release)
                     for _ in range(CLIENTS)]
            try:
                seen = [one.result() for one in found]
            finally:
                is_over.set()
                done.release(10_000)
            if harming:
                harming.result()
        print(harm, seen, Reader(service).figures())
        assert sum(one.missed for one in seen) == 0
        # Whoever names nothing does miss it, so that this is no luck.
        assert sum(one.naive for one in seen) > 0
        assert max(one.longest for one in seen) < service.settings.replica_wait + PATIENCE
        figures = Reader(service).figures()
        assert figures["replica"] > number
        assert {"none": True, "held": figures.get("behind"), "killed": figures.get("away"),
                "promoted": figures.get("promoted")}[harm]
    finally:
        service.close()


def test_replicas_take_reads_off_the_primary(own: Replicated) -> None:
    """As CPU, since on one machine all share what there is."""
    number = times(2_000, 300)
    spent: dict[int, float] = {}
    for replicas in (0, 1, 2):
        service = Service.of(own.settings(*own.standbys[:replicas]) if replicas else own.primary)
        try:
            reader = Reader(service)
            tenant = service.tenant()
            node = service.node(service.node_type(tenant))
            for standby in own.standbys:
                standby.catch_up()
            for token in ("any", "any", ""):
                # What prepares connections and statements does not count.
                reader.token = token if replicas else ""
                reader.call("get_node", tenant_id=tenant["id"], id=node["id"])
            before = cpu(own.server.server_pid)
            for _ in range(number):
                reader.token = "any" if replicas else ""
                reader.call("get_node", tenant_id=tenant["id"], id=node["id"])
            spent[replicas] = (cpu(own.server.server_pid) - before) / number * 1e6
        finally:
            service.close()
    print({replicas: f"{micros:.1f} µs of the primary's a read"
           for replicas, micros in spent.items()})
    assert max(spent[1], spent[2]) < spent[0] / 3
