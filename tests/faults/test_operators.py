"""What an operator may do to PostgreSQL while the service runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.database import NAME, PASSWORD, USER
from tests.faults.length import only_at_length, times
from tests.faults.load import Load
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


def without_connections(stack: Stack, forbid: str, allow: str, told: str) -> tuple[Load, float]:
    """Take all connections away under load, and make getting new ones impossible for a while.

    :param told: what the log then says
    :return: the load, and how long after the end of it the service was back, in seconds
    """
    load, database = stack.load(), stack.database
    with load.running():
        database.do(forbid)
        database.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    f"WHERE usename = '{USER}'")
        forbidden = time.monotonic()
        time.sleep(times(8, 2))
        assert stack.served.answers("/health/ready", 503)
        database.do(allow)
        back = load.first_good_write(time.monotonic())
    after = [call for call in load.failed(forbidden) if call.began > forbidden + 0.1]
    load.check(database)
    assert {call.told for call in after} == {"UNAVAILABLE"}
    assert load.longest() < 2.5 and back < 2 and told in stack.said
    return load, back


def test_a_password_that_was_changed_is_unavailable_until_it_is_right_again(
        stack: Stack, report: Callable[..., None]) -> None:
    load, back = without_connections(stack, f"ALTER ROLE {USER} PASSWORD 'another'",
                                     f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'",
                                     "password authentication failed")
    report(load, back_after_s=back)


@only_at_length
def test_a_database_that_takes_no_more_connections_is_unavailable(
        stack: Stack, report: Callable[..., None]) -> None:
    load, back = without_connections(stack, f"ALTER DATABASE {NAME} CONNECTION LIMIT 0",
                                     f"ALTER DATABASE {NAME} CONNECTION LIMIT -1",
                                     "too many connections")
    report(load, back_after_s=back)


def test_with_fewer_connections_than_the_pool_wants_calls_go_on(
        stack: Stack, report: Callable[..., None]) -> None:
    load, database = stack.load(8), stack.database
    with load.running():
        database.do(f"ALTER DATABASE {NAME} CONNECTION LIMIT 3")
        database.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    f"WHERE usename = '{USER}'")
        limited = time.monotonic()
        time.sleep(times(8, 3))
        until = time.monotonic()
        database.do(f"ALTER DATABASE {NAME} CONNECTION LIMIT -1")
        back = load.first_good_write(time.monotonic())
    good = [call for call in load.calls if limited + 1 < call.began < until
            and call.outcome == "ok"]
    report(load, good_meanwhile=len(good), back_after_s=back)
    load.check(database)
    assert good and load.longest() < 2.5
    assert set(load.told()) <= {"OVERLOADED", "UNAVAILABLE", "COMMIT_UNKNOWN"}


def test_a_standby_refuses_writes_as_unavailable_and_serves_reads(
        stack: Stack, report: Callable[..., None]) -> None:
    load, database = stack.load(), stack.database
    with load.running():
        database.stop()
        (database.data / "standby.signal").touch()
        database.start()
        accepted = database.wait()
        load.first_good(accepted)
        time.sleep(times(5, 2))
        promoted = time.monotonic()
        database.promote()
        back = load.first_good_write(promoted)
    meanwhile = [call for call in load.calls if accepted + 1 < call.began
                 and call.ended < promoted]
    report(load, back_after_s=back)
    load.check(database)
    assert {call.told for call in meanwhile if call.outcome != "ok"} == {"UNAVAILABLE"}
    assert any(call.outcome == "ok" for call in meanwhile) and back < 1


def test_a_backend_that_stands_still_holds_up_only_its_own_call(
        stack: Stack, report: Callable[..., None]) -> None:
    load, database = stack.load(), stack.database
    with load.running():
        stopped = wait_until(database.backends)[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            began = time.monotonic()
            time.sleep(times(5, 2))
            good = [call for call in load.calls if call.began > began and call.outcome == "ok"]
        finally:
            os.kill(stopped, signal.SIGCONT)
    report(load, good_meanwhile=len(good))
    load.check(database)
    assert len(good) > 20 and not load.failed()


@only_at_length
def test_a_postmaster_that_stands_still_is_missed_only_by_new_connections(
        stack: Stack, report: Callable[..., None]) -> None:
    load, database = stack.load(), stack.database
    with load.running():
        pid = int((database.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            time.sleep(times(8, 2))
            good = [call for call in load.calls if call.began > began and call.outcome == "ok"]
        finally:
            os.kill(pid, signal.SIGCONT)
        back = load.first_good_write(time.monotonic())
    report(load, good_meanwhile=len(good), back_after_s=back)
    load.check(database)
    assert len(good) > 20 and load.longest() < 2.5
