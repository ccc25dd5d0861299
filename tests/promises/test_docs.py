"""What the documentation names is there: pages, files, settings, commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from textwrap import dedent

import click
import pytest
from packaging.requirements import Requirement
from werkzeug.exceptions import NotFound

from flexdb import create_app
from flexdb.cli import commands
from flexdb.cli.programs import PROGRAMS
from flexdb.config import Settings
from flexdb.contract.describe import error_kinds
from tests.support.pages import PAGES, anchors, blocks, quoted, table
from tests.support.paths import ROOT
from tests.support.requirements import NAME, asked

FOLDERS = "flexdb|tests|docs|deploy|migrations|scripts|bench|.github|.ci"
# Variables of others, and those of the commands over HTTP.
FOREIGN = {"JSONRPC_ADDRESS", "COMPOSE_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT", "GITHUB_TOKEN",
           "ON_ERROR_STOP", "NO_COLOR", "XDG_CONFIG_HOME", "FLEXDB_URL", "FLEXDB_TOKEN",
           "FLEXDB_PROFILE", "CITUS_HOST", "CITUS_PORT", "CITUS_USER", "CITUS_PASSWORD"}
# Programs of others, which the documentation tells how to use.
OTHERS = {"apt-cache", "cd", "cosign", "createdb", "docker", "echo", "eval", "git", "journalctl",
          "jq", "kubectl", "mkdir", "pg_basebackup", "pg_ctl", "pg_dump", "pg_restore", "pg_rewind",
          "psql", "pypi-attestations", "sudo", "systemctl", "tr", "vacuumdb"}
LINKS = [(page, target) for page, text in PAGES.items()
         for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_every_link_leads_somewhere(page: str, target: str) -> None:
    file, _, anchor = target.partition("#")
    path = ((ROOT / page).parent / file).resolve() if file else ROOT / page
    assert path.exists() and path.is_relative_to(ROOT)
    assert not anchor or anchor in anchors(str(path.relative_to(ROOT)))


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        there = {str(((ROOT / page).parent / target.partition("#")[0]).resolve().relative_to(ROOT))
                 for source, target in LINKS if source == page and target[0] != "#"}
        todo += sorted(there & PAGES.keys() - reached)
    assert {page for page in PAGES if not page.startswith(".github/")} == reached


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    for text in quoted(PAGES[page]):
        if re.fullmatch(rf"(?:{FOLDERS})/[\w./-]*", text) and "…" not in text:
            assert (ROOT / text).exists(), text


@pytest.mark.parametrize("row", table("CONTRIBUTING.md", "## Where is …"), ids=lambda row: row[0])
def test_where_something_is_it_has_the_name_that_is_told(row: list[str]) -> None:
    named = quoted(row[1])
    paths = [name for name in named if "/" in name]
    texts = "".join((ROOT / path).read_text(encoding="utf-8") for path in paths)
    assert paths and all(re.search(rf"\b{name}\b", texts) for name in set(named) - {*paths}
                         if not (ROOT / name).exists())


def test_the_operation_shown_to_contributors_is_one_that_is_there() -> None:
    ((_, shown),) = blocks("CONTRIBUTING.md", "python")
    assert dedent(shown) in (ROOT / "flexdb/operations/nodes.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_and_reason_that_is_named_is_there(page: str) -> None:
    known = ({setting.name.upper() for setting in fields(Settings)} | FOREIGN
             | {kind.reason for kind in error_kinds()})
    for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", PAGES[page]):
        assert name in known or name.endswith("_ID"), name


COMMANDS = [(page, command.strip()) for page in PAGES for _, block in blocks(page, "bash")
            for line in re.sub(r"\\\n", " ", block).splitlines()
            for command in re.split(r" (?:&&|\|) ", re.sub(r"(^|\s)#.*", "", line))
            if command.strip() and not block.startswith("curl")]


def help_of(words: list[str]) -> str:
    """Return what a command of flexdb tells of itself.

    :raises KeyError: when there is no such command
    """
    command: click.Command = commands
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.commands[word]
    return command.get_help(click.Context(command))


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_can_be_given(page: str, command: str) -> None:
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "make":
        targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(rest) <= set(targets)
    elif rest[:2] == ["-m", "flexdb"] or program == "flexdb":
        given = rest[2:] if program != "flexdb" else rest
        told = help_of(given)
        # The options of PostgreSQL's programs are their own.
        assert commands.commands[given[0]] in PROGRAMS or all(
            option in told for option in given if option.startswith("--"))
    elif program == "curl":
        (url,) = [word for word in rest if word.startswith("http")]
        router = create_app(Settings()).url_map.bind("localhost")
        try:
            router.match(re.sub(r"https?://[^/]+", "", url))
        except NotFound:
            pytest.fail(f"there is nothing at {url}")
    elif program == "pip":
        for wanted in (Requirement(word) for word in rest[1:] if not word.startswith("--")):
            assert wanted.extras <= asked().keys() if wanted.name == NAME else wanted in sum(
                asked().values(), [])
    elif program in ("cp", "python", "python3"):
        assert (ROOT / rest[0]).exists()
    else:
        assert program in OTHERS or (ROOT / program).is_file()
