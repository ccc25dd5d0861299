"""The command flexdb: what it offers, and how it ends where it is asked for nonsense."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from flexdb.cli import commands, main
from flexdb.cli.remote import COMMANDS
from flexdb.version import __version__
from tests.support.paths import ROOT

RUN = """
import sys
from flexdb.cli import main
main(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules})
"""


def run(*arguments: str) -> tuple[str, set[str]]:
    """Run a command where PostgreSQL is not reached; return what it prints, and what it loaded."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=ROOT, capture_output=True,
                          text=True, check=True,
                          env=os.environ | {"DB_HOST": "127.0.0.1", "DB_PORT": "1"})
    *told, loaded = done.stdout.splitlines()
    return "\n".join(told), set(loaded.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nodes", "list", "--help"]])
def test_help_and_version_are_there_without_what_the_commands_need(arguments: list[str]) -> None:
    told, loaded = run(*arguments)
    assert arguments != ["--help"] or all(f"\n  {name} " in told for name in commands.commands)
    assert "click" in loaded
    assert not loaded & {"flask", "gunicorn", "psycopg", "marshmallow", "orjson", "yoyo", "tqdm",
                         "prometheus_client", "rich", "httpx2", "asyncio", "ssl", "subprocess",
                         "tempfile", "configparser", "gzip"}


@pytest.mark.parametrize("arguments", [
    ["migrate"], ["rollback"], ["row-security", "off"], ["upkeep"], ["psql"], ["pg_dump"],
    ["pg_restore"], ["distribute"], ["rebalance"], ["isolate", "acme"], ["import", os.devnull]],
    ids=lambda arguments: arguments[0])
def test_a_command_that_needs_the_database_alone_loads_nothing_of_calls(arguments: list[str]
                                                                        ) -> None:
    _, loaded = run(*arguments)
    assert "psycopg" in loaded
    assert not loaded & {"flask", "gunicorn", "psycopg_pool", "marshmallow", "jsonschema_rs",
                         "prometheus_client", "yoyo", "rich", "httpx2"}


@pytest.mark.parametrize("name", commands.commands)
def test_every_command_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: ")
    assert commands.commands[name].help


def test_the_commands_of_the_service_are_those_that_there_are() -> None:
    # Those over HTTP are held by the table of the reference.
    assert set(commands.commands) - {command.name for command in COMMANDS} == {
        "serve", "demo", "migrate", "rollback", "export", "import", "create-key", "list-keys",
        "delete-key", "row-security", "index", "deliver", "upkeep", "feed", "psql", "pg_dump",
        "pg_restore", "status", "distribute", "rebalance", "isolate"}


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"flexdb {__version__}\n"


@pytest.mark.parametrize("arguments, told", [
    (["migrat"], "No such command 'migrat'"), (["export"], "Missing option '--tenant'"),
    (["migrate", "--now"], "No such option"), (["rollback", "all"], "unexpected extra argument"),
    ([], "Usage: ")])
def test_a_command_that_makes_no_sense_ends_with_status_2_and_says_why(
        arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert told in errors and output == ""


def test_an_interrupted_command_ends_with_status_130_and_one_line(
        capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    commands.add_command(interrupted)
    try:
        assert main(["interrupted"]) == 130
    finally:
        del commands.commands["interrupted"]
    assert capsys.readouterr().err.strip() == "flexdb: interrupted"
