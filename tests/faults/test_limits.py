"""What runs out: the pool's connections, the disk's space."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
import pytest

from tests.faults.database import Database
from tests.faults.length import only_at_length, times
from tests.faults.ratios import least
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

# DB_POOL_SIZE and DB_POOL_QUEUE of two workers.
PLACES = 2 * (8 + 6)


def test_with_the_pool_exhausted_the_surplus_is_refused_at_once(
        stack: Stack, report: Callable[..., None]) -> None:
    """Beside the same clients while nothing is locked."""
    load, ended = stack.load(), threading.Event()
    answers: list[tuple[float, float, str]] = []
    refused: list[tuple[float, str]] = []
    unlocked: list[float] = []

    def come() -> None:
        while not ended.wait(0.25):
            asked = time.monotonic()
            reply = stack.served.call("list_users")
            told = reply["error"]["data"]["reason"] if "error" in reply else "done"
            answers.append((asked, time.monotonic(), told))

    def look(seconds: float) -> tuple[list[float], list[tuple[float, str]]]:
        """Return how long health took, and the others' calls meanwhile, with their answers."""
        began, took = time.monotonic(), []
        while (asked := time.monotonic()) < began + seconds:
            assert stack.served.get("/health")[0] == 200
            took.append(time.monotonic() - asked)
            time.sleep(0.05)
        until = time.monotonic()
        return took, [(end - asked, told) for asked, end, told in answers
                      if asked >= began and end < until]

    def turn() -> tuple[float, ...]:
        well, done = look(1)
        with lock.transaction():
            lock.execute("LOCK TABLE users")
            # Three of four connections: the others are for those who come with fewer calls.
            wait_until(lambda: len(stack.database.backends("active")) >= 12)
            time.sleep(0.3)
            ill, meanwhile = look(times(8, 2))
            unlocked.append(time.monotonic())
        refused.extend(meanwhile)
        return (*times_of([took for took, _ in meanwhile if took < 1],
                          [took for took, told in done if told == "done"]), *times_of(ill, well))

    with load.running(), stack.database.connect() as lock, ThreadPoolExecutor(PLACES + 24) as pool:
        clients = [pool.submit(come) for _ in range(PLACES + 24)]
        try:
            slower, slower_p90, health, health_p90 = least(turn, 2)
        finally:
            ended.set()
        for one in clients:
            one.result()
        back = load.first_good_write(unlocked[-1])
    # Those with most calls are refused; of others, who has a place in the queue when time is over.
    surplus = [took for took, _ in refused if took < 1]
    report(load, surplus=len(surplus), median_s=median(surplus), times_those_done=slower,
           p90_times_those_done=slower_p90, health_times_before=health,
           health_p90_times_before=health_p90, back_after_s=back)
    load.check(stack.database)
    assert {told for _, told in refused} == {"OVERLOADED"} and len(surplus) > 20
    assert slower <= 2 and health <= 2
    assert slower_p90 <= 2 and health_p90 <= 2


def times_of(those: list[float], others: list[float]) -> tuple[float, float]:
    """Return how many times as long some took as others: half of them, and nine of ten."""
    return median(those) / median(others), p90(those) / p90(others)


def p90(times: list[float]) -> float:
    return quantiles(times, n=10)[-1]


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Give a folder on a disk of some MiB."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk needs root: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Leave only some KiB free, and return the file that is to be removed again."""
    ballast = disk / "ballast"
    space = os.statvfs(disk)
    with ballast.open("wb") as file:
        for _ in range((space.f_bavail * space.f_frsize // 1024 - leave) // 64):
            file.write(bytes(65536))
    return ballast


def write_until(stack: Stack, told: str) -> dict[str, Any]:
    """Write until it is refused with a reason, and return the error."""
    for number in range(5000):
        error: dict[str, Any] | None = stack.served.call(
            "create_tenant", slug=f"{number}", name="x" * 250).get("error")
        if error and error["data"]["reason"] == told:
            return error
    raise AssertionError(f"nothing was ever told {told}")


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs root")
def test_a_full_disk_refuses_writes_and_reads_go_on(
        folder: Callable[[], Path], new_database: Callable[..., Database],
        new_stack: Callable[..., Stack], report: Callable[..., None]) -> None:
    home = folder()
    (home / "wal").mkdir()
    with small_disk(home / "disk", 160) as disk:
        stack = new_stack(new_database(disk / "data", home / "wal"))
        stack.served.wait()
        load = stack.load()
        with load.running():
            ballast = fill(disk, 256)
            error = write_until(stack, "STORAGE_FULL")
            full = time.monotonic()
            time.sleep(times(5, 1))
            freed = time.monotonic()
            ballast.unlink()
            back = load.first_good_write(freed)
        reads = [call for call in load.calls if full < call.began < freed
                 and call.method.startswith(("get", "GET", "list"))]
        report(load, reads_while_full=len(reads), back_after_s=back)
        load.check(stack.database)
        stack.close()
        stack.database.stop("immediate")
    assert error["code"] == -32005 and error["data"]["retry_after"] == 30
    assert reads and all(call.outcome == "ok" for call in reads)


@only_at_length
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs root")
def test_a_full_disk_of_the_log_stops_postgresql_and_loses_nothing(
        folder: Callable[[], Path], new_database: Callable[..., Database],
        new_stack: Callable[..., Stack], report: Callable[..., None]) -> None:
    with small_disk(folder() / "disk", 120) as disk:
        (disk / "wal").mkdir()
        stack = new_stack(new_database(None, disk / "wal"))
        stack.served.wait()
        load, database = stack.load(), stack.database
        with load.running():
            ballast, until = fill(disk, 256), time.monotonic() + 60
            while database.accepts():
                assert time.monotonic() < until, "PostgreSQL goes on"
                with suppress(psycopg.Error):
                    database.do("SELECT pg_switch_wal()")
            time.sleep(2)
            ballast.unlink()
            database.stop("immediate")
            database.start()
            back = load.first_good_write(database.wait())
        report(load, back_after_s=back)
        load.check(database)
        stack.close()
        database.stop("immediate")
    assert "No space left on device" in database.said and back < 1
