"""The form of log lines: text or JSON, one write each, and never what they must not hold."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.telemetry import watch
from flexdb.telemetry.logs import JsonLines, Lines, Stderr, TextLines, logging_config
from tests.support.service import Service, request

CANARY = "kilroy-was-here"
HOSTILE = "a\n2026-01-01 12:00:00 - INFO - forged\r\x1b[2J\u2028b\x00é"


class Log:
    """All that is logged while a test runs, as it gets onto standard error."""

    def __init__(self, settings: Settings, written: Any) -> None:
        config = logging_config(settings)
        formatter = config["formatters"]["line"]["()"]()
        self.handler = Stderr()
        self.handler.setFormatter(formatter)
        self._written = written

    def lines(self) -> list[str]:
        """Return what was written since it was last asked."""
        written: str = self._written.readouterr().err
        return written.splitlines(keepends=True)


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Iterator[Log]:
    log = Log(Settings(log_format=request.param), capfd)
    root = logging.getLogger()
    # What a command that ran in this process writes to would be there twice.
    level, handlers = root.level, root.handlers[:]
    root.handlers[:] = [log.handler]
    root.setLevel("DEBUG")
    yield log
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    raise ValueError(HOSTILE)


def test_no_message_forges_a_line(log: Log) -> None:
    logging.getLogger("some.library").warning("said: %s", HOSTILE)
    (line,) = log.lines()
    assert "é" in line and line.endswith("\n")
    text = json.loads(line)["message"] if line[0] == "{" else line[:-1]
    assert text.isprintable()
    assert re.search(r"said: a\\n2026.*forged\\r\\x1b\[2J\\u2028b\\x00", text)


@pytest.mark.long
def test_a_call_is_written_once_whatever_handlers_there_are(
        log: Log, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def written() -> int:
        service.call("list_tenants")
        return len([line for line in log.lines() if "list_tenants" in line])

    assert written() == 1
    monkeypatch.setattr(logging.root, "handlers", [log.handler])
    assert written() == 1
    monkeypatch.setattr(logging.root, "handlers", [])
    assert written() == 0


@pytest.mark.parametrize("form", [TextLines, JsonLines])
def test_what_is_no_character_is_escaped(form: type[logging.Formatter]) -> None:
    line = form().format(logging.makeLogRecord({"msg": "half \udc80"}))
    assert r"\udc80" in line and line.encode()


def test_a_traceback_forges_none_either(log: Log) -> None:
    try:
        try:
            fail()
        except ValueError as error:
            raise RuntimeError("second") from error
    except RuntimeError:
        logging.getLogger("some.library").exception("it broke")
    lines = log.lines()
    if lines[0][0] == "{":
        (line,) = lines
        told = json.loads(line)
        assert told["message"] == "it broke" and told["level"] == "ERROR"
        traceback = told["exception"].splitlines()
    else:
        assert lines[0].endswith(" - ERROR - it broke\n")
        assert all(line.startswith("    ") for line in lines[1:])
        traceback = [line[4:-1] for line in lines[1:]]
    assert traceback[0] == "Traceback (most recent call last):" and "which led to:" in traceback
    assert traceback[-1] == "builtins.RuntimeError: second"
    assert all(line.isprintable() for line in traceback) and any("in fail" in t for t in traceback)


def test_an_error_that_is_its_own_cause_is_told_once(log: Log) -> None:
    error = ValueError("round")
    error.__cause__ = other = KeyError("about")
    other.__cause__ = error
    logging.getLogger("x").error("circle", exc_info=error)
    assert "".join(log.lines()).count("ValueError: round") == 1


def test_the_time_is_local_in_text_and_utc_in_json(log: Log) -> None:
    logging.getLogger("x").warning("now")
    (line,) = log.lines()
    if line[0] == "{":
        told = datetime.fromisoformat(json.loads(line)["time"].replace("Z", "+00:00"))
        assert line.startswith('{"time":"20') and json.loads(line)["time"].endswith("Z")
    else:
        told = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S").astimezone()
    assert abs(datetime.now(timezone.utc) - told) < timedelta(seconds=5)


def test_the_lines_of_a_request_have_its_id(log: Log) -> None:
    watch.begin("the-id")
    try:
        logging.getLogger("x").warning("inside")
    finally:
        watch.end()
    logging.getLogger("x").warning("outside")
    inside, outside = log.lines()
    if inside[0] == "{":
        assert json.loads(inside)["request_id"] == "the-id"
        assert "request_id" not in json.loads(outside)
    else:
        assert inside.endswith("inside request_id=the-id\n") and outside.endswith("outside\n")


def test_what_is_done_for_no_request_is_no_ones_and_remembered_by_none() -> None:
    watch.end()
    watch.current().see("a-tenant", 1)
    assert watch.current().tenant == ""
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: watch.current().tenant).result() == ""


def test_a_call_has_the_same_members_in_both_forms(log: Log, service: Service) -> None:
    service.post([request("list_tenants"), request("nothing")], headers={"X-Request-ID": "b"})
    lines = [line for line in log.lines() if "ms" in line]
    assert len(lines) == 2
    if lines[0][0] == "{":
        told = [json.loads(line) for line in lines]
        assert {line["message"] for line in told} == {"call"}
        members = [[f"{name}={value}" for name, value in line.items()][4:] for line in told]
    else:
        members = [line.split(" - INFO - ")[1].split() for line in lines]
    for (method, outcome, ms, *rest), expected in zip(members, [
            ["method=list_tenants", "outcome=ok"], ["method=nothing", "outcome=METHOD_NOT_FOUND"]]):
        assert [method, outcome] == expected and re.fullmatch(r"ms=[\d.]+", ms)
        assert rest == ["status=200", "request_id=b", "batch=2"]


def test_lines_of_many_threads_never_mix(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = os.write

    def keep(number: int, data: bytes) -> int:
        if number == 2:
            written.append(data)
        return write(number, data)

    monkeypatch.setattr(os, "write", keep)
    logger = logging.getLogger("x")

    def work(name: str) -> None:
        for number in range(50):
            logger.warning("%s %d %s", name, number, name * 200)
            logger.handle(Lines("x", [{"method": name, "batch": number}] * 100))

    threads = [threading.Thread(target=work, args=[name * 5]) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.lines()) == 4 * 50 * 101
    assert all(piece.endswith(b"\n") and len(piece) <= 4096 for piece in written)


def test_a_log_that_nobody_reads_stops_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(number: int, data: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", broken)
    logging.getLogger("x").warning("lost")


def test_no_line_holds_what_callers_send(
        log: Log, new_service: Callable[..., Service]) -> None:
    service = new_service()
    client = service.app.test_client()
    user = {"email": f"{CANARY}@b.c", "display_name": CANARY}
    headers = {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Api-Key": CANARY,
               "User-Agent": CANARY, "Referer": CANARY}
    service.post(request("create_user", user), headers=headers)
    service.post([request("create_user", user)] * 3, headers=headers)
    service.post(request("create_user", {"email": CANARY, CANARY: CANARY}), headers=headers)
    service.post(f'{{"jsonrpc": "2.0", "method": "{CANARY}'.encode(), headers=headers)
    service.post(f'"{CANARY}"'.encode(), headers=headers)
    service.post(request("get_user", {"id": "x"}, CANARY), headers=headers)
    for url in (f"/users?token={CANARY}", f"/users/{CANARY}", f"/{CANARY}", f"/users?{CANARY}"):
        client.get(url, headers=headers)
    client.post("/users", data=CANARY, headers=headers)
    client.post("/users", json=user | {CANARY: 1}, headers=headers)
    lines = log.lines()
    assert len([line for line in lines if "method=" in line or '"method"' in line]) >= 12
    assert CANARY not in "".join(lines)


@pytest.mark.parametrize("state", ["23514", "23502", "23505", "22003", "P0001", "XX000", "42501"])
@pytest.mark.parametrize("form", ["alone", "batch"])
def test_no_line_holds_what_postgresql_quotes(
        log: Log, refusing: Service, state: str, form: str) -> None:
    call = request("create_user", {"email": f"{CANARY}@b.c", "display_name": state})
    refusing.post([call, call] if form == "batch" else call)
    written = "".join(log.lines())
    assert CANARY not in written and (state in written or state == "22003")
    assert ("the_constraint" in written) == ("error_id" in written)


@pytest.mark.long
def test_no_line_holds_the_password(log: Log, service: Service) -> None:

    wrong = Service.of(replace(service.settings, db_password=CANARY, db_port=1,
                               db_pool_timeout=0.2))
    wrong.post(request("list_tenants"))
    wrong.app.test_client().get("/health/ready")
    wrong.close()
    assert CANARY not in "".join(log.lines())
