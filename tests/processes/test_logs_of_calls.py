"""What the log tells of slow calls, and of one tenant, as its readers filter it."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from flexdb.telemetry import watch
from flexdb.telemetry.logs import JsonLines
from tests.support.pages import blocks
from tests.support.service import Service, request

ABSENT = "00000000-0000-7000-8000-000000000000"
SHOWN = "0197a1b2-0000-7000-8000-000000000001"


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Give what was logged of calls, as the objects that ``LOG_FORMAT=json`` writes."""
    caplog.set_level("INFO")

    def lines() -> list[dict[str, Any]]:
        told = "".join(JsonLines().format(record) for record in caplog.records)
        caplog.clear()
        return [line for text in told.splitlines() if "method" in (line := json.loads(text))]

    return lines


def test_a_slow_call_is_a_warning_that_says_where_its_time_went(
        new_service: Callable[..., Service], written: Any) -> None:
    service = new_service(log_slow=0.000001)
    tenant = service.tenant()
    written()
    service.call("get_tenant", id=tenant["id"])
    service.post([request("list_tenants"), request("get_tenant", {"id": ABSENT})])
    alone, *batch = written()
    assert (alone["method"], alone["level"], alone["rows"]) == ("get_tenant", "WARNING", 1)
    assert 0 < alone["db_ms"] < alone["ms"] and 0 <= alone["pool_ms"] < alone["ms"]
    assert [(line["method"], line["level"], line["rows"], line["db_ms"]) for line in batch] == [
        (name, "WARNING", 1, batch[0]["db_ms"]) for name in ("list_tenants", "get_tenant")]


@pytest.mark.parametrize("slow", [0, 3600])
def test_whoever_asks_for_no_slow_calls_or_has_none_is_told_as_ever(
        new_service: Callable[..., Service], written: Any, slow: float) -> None:
    new_service(log_slow=slow).call("list_tenants")
    (line,) = written()
    assert line["level"] == "INFO" and not {"db_ms", "pool_ms", "rows"} & line.keys()


def test_slow_calls_are_told_where_others_are_not(
        new_service: Callable[..., Service], written: Any, caplog: pytest.LogCaptureFixture
        ) -> None:
    quick, slow = new_service(), new_service(log_slow=0.000001)
    caplog.set_level("WARNING")
    quick.call("list_tenants")
    assert written() == []
    slow.call("list_tenants")
    assert [line["method"] for line in written()] == ["list_tenants"]


def test_each_line_names_its_tenant_and_in_a_batch_of_several_its_own(
        service: Service, written: Any) -> None:
    one, other = service.tenant(), service.tenant()
    written()
    ask = [request("list_nodes", {"tenant_id": tenant["id"]}) for tenant in (one, other)]
    service.post(ask[0])
    service.post([ask[0], ask[0]])
    service.post([ask[1], request("list_users"), request("list_nodes", {"tenant_id": "x"}), ask[0]])
    assert [line.get("tenant") for line in written()] == [
        one["id"], one["id"], one["id"], other["id"], None, None, one["id"]]


def test_a_warning_on_the_way_names_the_tenant_too() -> None:
    form = JsonLines()
    record = logging.makeLogRecord({"msg": "on the way"})
    watched = watch.begin("the-id")
    try:
        assert "tenant" not in json.loads(form.format(record))
        watched.see("a-tenant", 1)
        assert json.loads(form.format(record))["tenant"] == "a-tenant"
        watched.see("another", 1)
        assert "tenant" not in json.loads(form.format(record))
    finally:
        watch.end()
    assert "tenant" not in json.loads(form.format(record))


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq")
def test_the_commands_that_are_shown_find_the_lines_of_one_tenant(
        service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    tenant = service.tenant()
    service.tenant()
    service.call("list_nodes", tenant_id=tenant["id"])
    form = JsonLines()
    log = "".join(form.format(record) for record in caplog.records)
    assert log.count("\n") >= 3
    (shown,) = [text for _, text in blocks("docs/reference/metrics.md", "bash") if "jq" in text]
    commands = shown.replace(SHOWN, tenant["id"]).splitlines()
    assert len(commands) == 2
    for command in commands:
        found = subprocess.run(shlex.split(command.split(" | ", 1)[1]), input=log, text=True,
                               capture_output=True, check=True).stdout.splitlines()
        assert [json.loads(line)["method"] for line in found] == ["list_nodes"]
