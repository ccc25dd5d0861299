"""The process that delivers: its start, its end, and PostgreSQL that goes and comes."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.receivers import LEAVE, LOCAL, Receiver, Reply
from tests.support.served import Served, variables_of
from tests.support.service import Service
from tests.support.waiting import wait_until
from tests.support.webhooks import deliveries, webhook

pytestmark = pytest.mark.long


class Process(Served):
    """``python -m flexdb deliver``, and what it says."""

    def command(self) -> list[str]:
        """Return the command that starts it."""
        return [sys.executable, "-m", "flexdb", "deliver"]


@pytest.fixture
def deliver(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    with ExitStack() as started:
        yield lambda **variables: started.enter_context(Process(tmp_path, **LEAVE, **variables))


def done(service: Service, hook: dict[str, object]) -> int:
    return len(deliveries(service, hook, status="done"))


def test_it_delivers_until_it_is_told_to_end_and_ends_what_is_under_way(
        deliver: Callable[..., Served], new_service: Callable[..., Service]) -> None:
    service = new_service(**LOCAL)
    tenant = service.tenant()
    process = deliver(**variables_of(service.settings))

    def tell_to_end(_: object) -> Reply:
        process.process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.process.poll() is None)
        return Reply()

    with Receiver(tell_to_end) as receiver:
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        assert process.process.wait(60) == 0
    assert done(service, hook) == 1 and "Traceback" not in process.said
    assert process.said.splitlines()[-1].endswith("No longer delivering webhooks")


@pytest.mark.longest
def test_it_waits_for_postgresql_and_its_schema_and_says_so_once(
        deliver: Callable[..., Served], new_database: Callable[..., Settings]) -> None:
    from flexdb.db.migrate import migrate
    settings = new_database(template=None, **LOCAL)
    process = deliver(**variables_of(settings))
    wait_until(lambda: "nothing is delivered until" in process.said)
    migrate(settings)
    service = Service.of(settings)
    with Receiver() as receiver:
        tenant = service.tenant()
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        wait_until(lambda: done(service, hook) == 1)
    service.close()
    assert process.said.count("nothing is delivered") == 1 and "Traceback" not in process.said


@pytest.mark.longest
def test_it_goes_on_when_postgresql_has_restarted(
        deliver: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> None:
    from flexdb.db.migrate import migrate
    server = postgres.start(tmp_path_factory.mktemp("restarts"))
    try:
        postgres.create_database(server, "own")
        settings = postgres.settings_of(server, "own", **LOCAL)
        migrate(settings)
        service = Service.of(settings)
        tenant = service.tenant()
        with Receiver() as receiver:
            process = deliver(**variables_of(settings))
            hook = webhook(service, tenant, receiver.url())
            service.node_type(tenant)
            wait_until(lambda: done(service, hook) == 1)
            for how in (signal.SIGINT, signal.SIGQUIT):
                server.terminate(how)
                wait_until(lambda: "nothing is delivered until" in process.said)
                server.start()
                wait_until(lambda: service.post({"jsonrpc": "2.0", "id": 1, "method":
                                                 "list_tenants"}).json.get("result"))
                service.node_type(tenant)
            wait_until(lambda: done(service, hook) == 3)
        service.close()
        assert len(receiver.received) >= 3 and "Traceback" not in process.said
        assert process.process.poll() is None
    finally:
        server.stop()


def process_beside(served: Served) -> str:
    master = served.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    (beside,) = set(children) - set(map(str, served.workers))
    return beside


def shared_with_parent(pid: str) -> int:
    """Return how many bytes of a process's memory were written before it was forked."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Shared_Dirty: +(\d+) kB$", told, re.MULTILINE)
    assert found
    return int(found[1]) * 1024


@pytest.mark.longest
def test_a_start_that_is_to_deliver_does_and_ends_it(
        new_service: Callable[..., Service], tmp_path: Path) -> None:
    service = new_service(**LOCAL)
    tenant = service.tenant()
    with Receiver() as receiver:
        with Served(tmp_path, **variables_of(service.settings), **LEAVE,
                    DELIVER="true") as served:
            served.wait()
            wait_until(lambda: "Delivering webhooks" in served.said)
            beside = process_beside(served)
            assert Path(f"/proc/{beside}/comm").read_text() == "flexdb deliver\n"
            assert shared_with_parent(beside) > 8 * 1024 * 1024
            hook = webhook(service, tenant, receiver.url())
            service.node_type(tenant)
            wait_until(lambda: done(service, hook) == 1)
        assert served.process.returncode == 0
    wait_until(lambda: not Path(f"/proc/{beside}").exists())


@pytest.mark.longest
def test_who_delivers_beside_a_killed_service_ends_too(
        new_service: Callable[..., Service], tmp_path: Path) -> None:
    with Served(tmp_path, **variables_of(new_service().settings), DELIVER="true") as served:
        served.wait()
        wait_until(lambda: "Delivering webhooks" in served.said)
        beside = process_beside(served)
        os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait()
        wait_until(lambda: not Path(f"/proc/{beside}").exists())
