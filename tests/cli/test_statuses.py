"""How a command ends that does not do what it is told: with which status, and one line."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from flexdb.cli.remote.failures import STATUSES
from flexdb.client.reasons import BY_REASON
from tests.support.commands import Flexdb, finish
from tests.support.pages import quoted, table
from tests.support.paths import ROOT

NOBODY = "00000000-0000-7000-8000-000000000000"
PAGE = "docs/reference/commands.md"


def test_every_reason_is_in_the_table_with_the_status_that_it_gives() -> None:
    told = {int(row[0].strip("`")): quoted(row[1]) for row in table(PAGE, "### Statuses")}
    assert {status: sorted(reasons) for status, reasons in told.items() if reasons} == {
        status: sorted(reasons) for status, reasons in STATUSES.items()} | {1: ["INTERNAL"]}
    assert told.keys() == {0, 1, 2, 130} | STATUSES.keys()
    assert {reason for reasons in told.values() for reason in reasons} == BY_REASON.keys()


@pytest.mark.parametrize(("arguments", "status", "told"), [
    (("types", "create", "{acme}", ""), 3, "name"),
    (("call", "list_tenant"), 3, "did you mean list_tenants?"),
    (("nodes", "list", "nobody"), 4, "there is no such tenant: nobody (NOT_FOUND"),
    (("call", "list_nodes", "tenant_id=nobody"), 4, "there is no such tenant: nobody (NOT_FOUND"),
    (("nodes", "list", "{acme}", "--type", "Tsk"), 4, "there is no such node type: Tsk (NOT_FOUND"),
    (("nodes", "create", "{acme}", "Tsk"), 4, "there is no such node type: Tsk (NOT_FOUND"),
    (("types", "get", "{acme}", NOBODY), 4, f"there is no such node type: {NOBODY} (NOT_FOUND"),
    (("tenants", "get", NOBODY), 4, f"there is no such tenant: {NOBODY} (NOT_FOUND"),
    (("nodes", "get", "{acme}", NOBODY), 4, "there is no such node: id names no node (NOT_FOUND"),
    (("tenants", "create", "{acme}"), 5, "slug is taken"),
    (("tenants", "list", "--url", "http://127.0.0.1:1"), 9, "cannot be reached"),
    (("nodes", "get"), 2, "Missing argument 'TENANT'"),
    (("nodes", "lst"), 2, "No such command 'lst'")])
def test_a_failure_is_one_line_with_its_status(
        arguments: tuple[str, ...], status: int, told: str, flexdb: Flexdb, acme: str) -> None:
    done = flexdb(*(one.format(acme=acme) for one in arguments))
    assert (done.status, done.output) == (status, "") and told in done.errors
    if status != 2:
        assert done.errors.startswith("flexdb: ") and done.errors.count("\n") == 1


def test_the_line_has_the_id_by_which_the_log_knows_the_request(flexdb: Flexdb) -> None:
    done = flexdb("tenants", "get", "nobody")
    assert re.search(r"\(NOT_FOUND, request [0-9a-f]{16}-[0-9a-f]+\)\n$", done.errors)


def test_what_a_service_says_moves_no_terminal(flexdb: Flexdb) -> None:
    done = flexdb("call", "list_tenants", "\x1b[31m\nx=1")
    assert done.status == 3 and r"\u001b[31m\nx" in done.errors and "\x1b" not in done.errors


def test_an_interrupted_command_ends_as_one_that_the_signal_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "flexdb", "tenants", "list", "--url", url], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with silent.accept()[0] as connection:
            assert connection.recv(1)
            process.send_signal(signal.SIGINT)
            status, output, errors = finish(process)
    assert (status, output, errors.strip()) == (130, "", "flexdb: interrupted")


@pytest.mark.parametrize("form", ["ndjson", "table"])
def test_a_reader_that_has_enough_is_told_nothing(form: str, acme: str) -> None:
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "flexdb", "types", "list", acme, "-o", form],
                          cwd=ROOT, stdout=written, stderr=subprocess.PIPE, text=True)
    os.close(written)
    assert (done.returncode, done.stderr) == (1, "")
