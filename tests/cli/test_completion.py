"""A shell completes commands, options and names, and waits for nobody."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from flexdb.cli import commands
from flexdb.cli.remote.completion import ASKED_BY
from tests.support.commands import Flexdb
from tests.support.paths import ROOT


def completed(*words: str) -> list[str]:
    """Return what is offered for the last word, which is begun."""
    *given, begun = words
    offered = BashComplete(commands, {}, "flexdb", ASKED_BY).get_completions(given, begun)
    return [one.value for one in offered]


def test_commands_options_tenants_types_methods_and_profiles_are_completed(
        flexdb: Flexdb, acme: str) -> None:
    flexdb("profiles", "add", "prod", "--url", "https://db.example.com")
    assert completed("relat") == ["relationships"]
    assert completed("nodes", "qu") == ["query"]
    assert completed("nodes", "list", acme[:-1]) == [acme]
    assert completed("nodes", "create", acme, "T") == completed("nodes", "create", acme, "") == [
        "Task"]
    assert completed("nodes", "list", acme, "--type", "") == ["Task"]
    assert completed("nodes", "list", "--type", "T") == completed("types", "get", acme, "x") == []
    assert completed("call", "shortest") == ["shortest_path"]
    assert completed("nodes", "list", acme, "--profile", "p") == ["prod"]
    assert completed("nodes", "list", acme, "-o", "n") == ["ndjson"]
    assert completed("tenants", "list", "--url", "http://127.0.0.1:1", "--filt") == ["--filter"]


def test_a_name_that_a_shell_would_run_is_not_offered(flexdb: Flexdb, acme: str) -> None:
    for name in ("Odd; touch x", "Odd$(touch x)", "Odd*", "Odd|x", "Odd`x`", "Odd'x", "Odd-1"):
        flexdb("types", "create", acme, name).object()
    assert completed("types", "get", acme, "Odd") == ["Odd-1"]


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a service that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def test_a_service_that_is_away_or_slow_is_not_waited_for(
        environment: pytest.MonkeyPatch, silent: str) -> None:
    for url in ("http://127.0.0.1:1", silent, "nonsense"):
        environment.setenv("FLEXDB_URL", url)
        assert completed("nodes", "list", "a") == []


@pytest.mark.long
def test_bash_itself_completes(flexdb: Flexdb, acme: str, tmp_path: Path) -> None:
    program = tmp_path / "flexdb"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flexdb "$@"\n')
    program.chmod(0o755)
    typed = (f'PATH={tmp_path}:$PATH; eval "$(flexdb completion bash)"\n'
             f"COMP_WORDS=(flexdb nodes list {acme[:-1]}); COMP_CWORD=3\n"
             '_flexdb_completion flexdb; echo "${COMPREPLY[*]}"')
    done = subprocess.run(["bash", "--norc", "-c", typed], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (f"{acme}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_something_to_read_for_each_shell(shell: str, flexdb: Flexdb) -> None:
    done = flexdb("completion", shell)
    assert done.status == 0 and f"_FLEXDB_COMPLETE={shell}_complete" in done.output
    assert flexdb("completion", "csh").status == 2
