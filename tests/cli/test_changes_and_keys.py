"""What changed, which records fit, and keys, from a shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Timer
from typing import IO, Any

import pytest

from flexdb.config import Settings
from tests.support.commands import Flexdb
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of


def title(change: Any) -> str:
    return str(change["node"]["data"]["title"])


def test_changes_after_a_position_are_told_once_and_in_order(flexdb: Flexdb, acme: str) -> None:
    begin = flexdb("call", "list_changes", f"tenant_id={acme}").object()["position"]
    flexdb("types", "create", acme, "Note")
    for type, name in (("Task", "A"), ("Note", "B"), ("Task", "C")):
        assert flexdb("nodes", "create", acme, type, f"title={name}").status == 0
    found = flexdb("changes", acme, "--since", begin).objects()
    assert [one["kind"] for one in found] == ["node_type", "node", "node", "node"]
    assert [*map(title, flexdb("changes", acme, "--since", begin, "--type", "Task",
                               "--kind", "node").objects())] == ["A", "C"]
    assert [*map(title, flexdb("changes", acme, "--since", found[2]["position"]).objects())] == [
        "C"]
    missing = flexdb("changes", acme)
    assert missing.status == 2 and "--since" in missing.errors
    assert flexdb("changes", acme, "--since", "nothing").status == 3


@contextmanager
def following(url: str, tenant: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command that follows the changes of a tenant, as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flexdb", "changes", tenant, "--follow", *more], cwd=ROOT, text=True,
        env=os.environ | {"FLEXDB_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Who reads what it never writes waits no longer than that.
    watch = Timer(60, process.kill)
    watch.start()
    with process:
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


@pytest.mark.long
@pytest.mark.longest
def test_who_follows_misses_nothing_while_the_service_is_away(
        environment: pytest.MonkeyPatch, flexdb: Flexdb, new_database: Callable[..., Settings],
        tmp_path: Path) -> None:
    settings = new_database()
    with Served(tmp_path, **variables_of(settings)).wait() as first:
        url = f"http://127.0.0.1:{first.port}"
        environment.setenv("FLEXDB_URL", url)
        tenant = flexdb("tenants", "create", "acme").object()["id"]
        begin = flexdb("call", "list_changes", "tenant_id=acme").object()["position"]
        flexdb("types", "create", "acme", "Task")
        with following(url, tenant, "--since", begin, "--kind", "node") as process:
            assert process.stdout
            flexdb("nodes", "create", "acme", "Task", "title=A")
            assert title(read(process.stdout)) == "A"
            assert first.end() == 0
            with Served(tmp_path, **variables_of(settings, JSONRPC_PORT=first.port)).wait():
                flexdb("nodes", "create", "acme", "Task", "title=B")
                assert title(read(process.stdout)) == "B"
                process.send_signal(signal.SIGINT)
                assert process.stderr and process.stderr.read().strip() == "flexdb: interrupted"
                assert process.wait(30) == 130


def read(stream: IO[str]) -> Any:
    return json.loads(stream.readline())


def test_what_does_not_fit_a_schema_is_listed(flexdb: Flexdb, acme: str) -> None:
    wrong = [flexdb("nodes", "create", acme, "Task", f"title={name}").object() for name in "AB"]
    flexdb("nodes", "create", acme, "Task", "title=long")
    fits = flexdb("check", acme, "Task")
    assert (fits.status, fits.output, fits.errors) == (0, "", "")
    schema = '{"properties": {"title": {"minLength": 2}}}'
    done = flexdb("check", acme, "Task", "--schema", schema)
    told = [json.loads(line) for line in done.output.splitlines()]
    assert done.status == 3 and "2 nodes of Task do not fit" in done.errors
    assert {one["id"] for one in told} == {one["id"] for one in wrong}
    assert all(one["violations"][0]["path"] == "/title" for one in told), told
    flexdb("nodes", "delete", acme, wrong[0]["id"], "--yes")
    assert "1 node of Task does not fit" in flexdb(
        "check", acme, "Task", "--schema", schema).errors


def test_a_key_is_made_with_its_secret_listed_without_and_deleted(
        flexdb: Flexdb, acme: str, environment: pytest.MonkeyPatch) -> None:
    made = flexdb("keys", "create", acme, "reports", "--role", "viewer", "--days", "7",
                  "--operations", "read, count_nodes").object()
    assert (made["role"], made["operations"]) == ("viewer", ["read", "count_nodes"])
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(timezone.utc)
    assert timedelta(6) < ends <= timedelta(7)
    (listed,) = flexdb("keys", "list", acme).objects()
    assert listed["id"] == made["id"] and "secret" not in listed
    environment.setenv("FLEXDB_TOKEN", made["secret"])
    assert flexdb("nodes", "create", acme, "Task").status == 7
    environment.delenv("FLEXDB_TOKEN")
    assert flexdb("keys", "delete", acme, made["id"]).status == 2
    assert flexdb("keys", "delete", acme, made["id"], "--yes").status == 0
    assert flexdb("keys", "list", acme).objects() == []
