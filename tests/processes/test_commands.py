"""The command flexdb: what it offers, and how it ends where it is asked for nonsense."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from flexdb.cli import commands, main
from flexdb.cli.remote import COMMANDS
from flexdb.version import __version__
from tests.support.paths import ROOT

HELP = """
import sys
from flexdb.cli import main
main(["--help"])
print(*{name.partition(".")[0] for name in sys.modules.keys() - sys.stdlib_module_names})
"""


def test_help_is_there_without_what_the_commands_need() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    told, loaded = done.stdout.rsplit("\n", 2)[:2]
    assert all(f"\n  {name} " in told for name in commands.commands)
    assert "click" in loaded.split()
    assert not set(loaded.split()) & {"flask", "gunicorn", "psycopg", "marshmallow", "orjson",
                                      "yoyo", "tqdm", "prometheus_client", "rich",
                                      "httpx2"}


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
