"""The processes that check against schemas that may cost much: begun when needed, never left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flexdb.documents.apart import Apart
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of
from tests.support.service import Service
from tests.support.waiting import wait_until

# Each regular expression is compiled for a twentieth of a second.
COUNTED = {"properties": {f"p{n}": {"pattern": rf"\p{{L}}{{100}}N{n}"} for n in range(700)}}
# So many constants are compared with so many items that a second is not enough to tell of all.
CONSTANTS = {"properties": {"items": {"items": {"enum": [["x" * 10, n] for n in range(1500)]}}}}


def test_a_process_that_ended_is_begun_anew() -> None:
    apart = Apart()
    assert apart.check(b"false", [b"1"], 1).wrong == [0]
    (process,) = apart._idle
    os.kill(process._process.pid, signal.SIGKILL)
    assert apart.check(b"true", [b"1"], 1).wrong == []


def test_a_process_that_another_thread_has_taken_meanwhile_is_begun_anew() -> None:
    class TakenMeanwhile(list[object]):
        def __bool__(self) -> bool:
            return True

    apart = Apart()
    apart._idle = TakenMeanwhile()  # type: ignore[assignment]
    assert apart.check(b"false", [b"1"], 1).wrong == [0]


@pytest.mark.long
def test_two_questions_at_once_get_their_own_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    # More ask than there are processes, and these take long to start where the machine is busy.
    monkeypatch.setattr("flexdb.documents.apart._WAIT", 300)
    apart = Apart()
    with ThreadPoolExecutor(6) as threads:
        texts = [b"%d" % n for n in range(9)]
        asked = [(n, threads.submit(apart.check, b'{"const":%d}' % n, texts, 9))
                 for n in range(9) for _ in range(3)]
        for n, answer in asked:
            assert answer.result().wrong == [m for m in range(9) if m != n]


@pytest.mark.long
def test_the_processes_end_with_the_one_that_asked_and_are_its_alone() -> None:
    program = """
import os, time
from flexdb.documents.schemas import _apart
_apart.check(b"true", [b"1"], 1)
mine = _apart._idle[0]._process.pid
if os.fork() == 0:
    _apart.check(b"true", [b"1"], 1)
    os._exit(_apart._idle[0]._process.pid == mine)
print(mine, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
time.sleep(600)
"""
    asking = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})
    with asking:
        assert asking.stdout
        pid, status = map(int, asking.stdout.readline().split())
        assert status == 0 and Path(f"/proc/{pid}").exists()
        asking.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.longest
@pytest.mark.long
def test_a_worker_answers_while_schemas_are_checked_apart(
        service: Service, tmp_path: Path) -> None:
    node_type = service.node_type(service.tenant(), schema=CONSTANTS)
    key = {"tenant_id": node_type["tenant_id"]}
    variables = variables_of(service.settings, WEB_CONCURRENCY=1)
    with Served(tmp_path, **variables).wait() as served, ThreadPoolExecutor(2) as threads:
        hostile = [
            threads.submit(served.call, "create_node_type", **key, name="T", schema=COUNTED),
            threads.submit(served.call, "create_node", **key, node_type_id=node_type["id"],
                           data={"items": [["x" * 10, -1]] * 5000})]
        answered = 0
        while not all(call.done() for call in hostile):
            assert served.answers("/health")
            answered += 1
        assert answered > 10, [call.exception() for call in hostile]
