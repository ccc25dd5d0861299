"""Programs with the Python client go on while things break: nothing is lost, nothing done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from uuid import uuid4

import pytest

import flexdb.client as fx
from flexdb.client.ids import new_id
from flexdb.client.synchronous.tenant import TenantClient
from tests.faults.length import times
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults
PROGRAMS = 4


class Program(threading.Thread):
    """A program that writes by every means the client has, until it is told to end."""

    def __init__(self, url: str, tenant: str, ended: threading.Event) -> None:
        super().__init__()
        self._url, self._tenant, self._ended = url, tenant, ended
        self.made, self.edits, self.counter = 0, 0, ""
        self.failed: BaseException | None = None

    def run(self) -> None:
        """Write on and on."""
        try:
            with fx.connect(self._url, timeout=60) as db:
                self._write(db.tenant(self._tenant))
        except BaseException as error:
            self.failed = error

    def _write(self, acme: TenantClient) -> None:
        task = acme.type("Task")
        self.counter = acme.create("Counter", {"n": 0}).id
        for turn in count():
            if self._ended.is_set():
                return
            acme.create(task, {"turn": turn})
            with acme.transaction() as tx:
                one = tx.create(task)
                tx.relate(one, "of", self.counter)
            with acme.batch() as batch:
                batch.create(task)
                batch.create_node(tenant_id=acme.id, node_type_id=task.id, id=new_id())
            loaded = acme.load(task, [{"n": n} for n in range(20)], chunk=10)
            self.made += 1 + 1 + 2 + loaded.created
            with acme.get(self.counter).edit() as data:
                data["n"] += 1
            self.edits += 1


def kill_a_worker(stack: Stack) -> None:
    with suppress(ProcessLookupError, IndexError):
        os.kill(stack.workers[0], signal.SIGKILL)
    time.sleep(0.5)


def restart_postgresql(stack: Stack) -> None:
    stack.database.stop("immediate")
    time.sleep(1)
    stack.database.start()
    time.sleep(0.5)


def end_a_backend(stack: Stack) -> None:
    with suppress(Exception):
        for pid in stack.database.backends("active")[:1]:
            stack.database.do(f"SELECT pg_terminate_backend({pid})")
    time.sleep(0.1)


def restart_the_service(stack: Stack) -> None:
    stack.serve()
    stack.served.wait()
    time.sleep(0.5)


@pytest.mark.parametrize("breaks, turns", [
    (kill_a_worker, 12), (restart_postgresql, 4), (end_a_backend, 60), (restart_the_service, 3)])
def test_programs_go_on_and_all_is_done_once(
        stack: Stack, report: Callable[..., None], breaks: Callable[[Stack], None], turns: int
        ) -> None:
    url, ended = f"http://127.0.0.1:{stack.nginx.port}", threading.Event()
    with fx.connect(url) as db:
        acme = db.tenant(f"programs-{uuid4().hex}", create=True)
        task = acme.type("Task")
        acme.type("Counter")
    programs = [Program(url, acme.slug, ended) for _ in range(PROGRAMS)]
    for program in programs:
        program.start()
    try:
        for _ in range(times(turns, 2)):
            breaks(stack)
        before = [program.edits for program in programs]
        wait_until(lambda: all(program.edits > edits or program.failed
                               for program, edits in zip(programs, before)))
    finally:
        ended.set()
        for program in programs:
            program.join()
    assert [program.failed for program in programs] == [None] * PROGRAMS
    with fx.connect(url) as db:
        acme = db.tenant(acme.id)
        turns_made = sum(program.edits for program in programs)
        assert acme.nodes(task).count() == sum(program.made for program in programs)
        assert acme.relationships(relationship_type="of").count() == turns_made
        for program in programs:
            assert acme.get(program.counter)["n"] == program.edits
    report(turns=turns_made, nodes=sum(program.made for program in programs))
