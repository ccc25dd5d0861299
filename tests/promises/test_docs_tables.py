"""The documentation's tables are the code's."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from dataclasses import fields
from typing import Any

import click
import pytest

from flexdb.api.http import CallsResponse
from flexdb.api.jsonrpc import Site, View
from flexdb.api.routes import ROUTES
from flexdb.application import Application, _Rule
from flexdb.cli import commands as cli
from flexdb.config import Settings
from flexdb.contract.describe import error_kinds
from flexdb.contract.operation import OPERATIONS
from flexdb.contract.params import Params
from flexdb.db.connection import _RawJson
from flexdb.db.latest import LatestPool
from flexdb.db.pool import _Connection
from flexdb.server.logger import Logger
from flexdb.server.sockets import Socket
from flexdb.server.worker import Worker
from flexdb.telemetry.metrics import Metrics
from tests.support.pages import PAGES, blocks, quoted, table, tables
from tests.support.paths import ROOT

METHODS, ERRORS = "docs/reference/methods.md", "docs/reference/errors.md"
ARCHITECTURE, COMMANDS = "docs/architecture.md", "docs/reference/commands.md"
GUIDE = "docs/how-to/coming-from-flex-db.md"


def test_every_method_is_in_the_tables_with_its_parameters() -> None:
    told = {}
    for heading in ("Tenants", "Users", "Invitations", "Keys", "Roles", "Limits", "Node types",
                    "Relationship types", "Nodes", "Relationships", "Counts and sums", "Graph",
                    "Changes", "Webhooks", "Many at once"):
        for method, parameters, _ in table(METHODS, f"## {heading}"):
            told[method.strip("`")] = re.findall(r"`(\w+\??)`", parameters)
    declared = {}
    for name, operation in OPERATIONS.items():
        params = operation.fields
        creates = name.startswith("create_") and not operation.gives.many
        if creates:
            assert list(params)[-1] == "id"
        declared[name] = [parameter if field.required else f"{parameter}?"
                          for parameter, field in params.items()
                          if not (creates and parameter == "id")]
    assert told == declared


def test_every_object_is_in_the_table_with_its_members() -> None:
    told = {row[0]: [name for name in quoted(row[1])] for row in table(METHODS, "## Data model")}
    single = {operation.gives.wrapper: [*operation.gives.schema().fields]
              for operation in OPERATIONS.values()
              if operation.gives.schema and operation.gives.wrapper and not operation.gives.many}
    assert told == {name: single[name] for name in told} and len(told) == 6


def test_every_route_is_in_the_table() -> None:
    told = [tuple(cell.strip("`") for cell in row)
            for row in table("docs/reference/rest.md", "# REST")]
    assert told == [row[:3] for rows in ROUTES.values() for row in rows]


def test_every_setting_is_in_the_table_with_its_default() -> None:
    told = {row[0].strip("`"): row[1].strip("`")
            for row in table("docs/reference/settings.md", "# Settings")}
    assert told == {setting.name.upper(): f"{setting.default:g}"
                    if isinstance(setting.default, float) else str(setting.default).lower()
                    if isinstance(setting.default, bool) else str(setting.default)
                    for setting in fields(Settings)}


def test_every_error_is_in_the_table() -> None:
    told = {(row[0].strip("`"), row[1].strip("`"), status)
            for row in table(ERRORS, "# Errors") for status in row[2].split(", ")}
    assert told == {(str(kind.code), kind.reason, str(kind.status)) for kind in error_kinds()}


def test_the_further_codes_are_those_that_the_original_has_not() -> None:
    codes = {row[0] for row in table(GUIDE, "## What replies have")}
    of_the_original = {"-32700", "-32600", "-32601", "-32602", "-32603", "-32001"}
    assert codes == {f"`{kind.code}`" for kind in error_kinds()
                     if str(kind.code) not in of_the_original}


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    told = {row[0].strip("`"): quoted(row[1])
            for row in table("docs/reference/metrics.md", "## Metrics")}
    made: list[Any] = [made for made in vars(Metrics()).values() if hasattr(made, "describe")]
    assert told == {f"{metric._name}_total" if metric._type == "counter" else metric._name:
                    list(metric._labelnames) for metric in made}


def test_every_make_target_is_in_the_table() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {row[0].strip("`").split()[1] for row in table(COMMANDS, "## make")} == targets


def test_every_command_is_in_the_table() -> None:
    told = subprocess.run([sys.executable, "-m", "flexdb", "--help"], cwd=ROOT, text=True,
                          capture_output=True, check=True).stdout
    commands = set(re.findall(r"^ +([a-z]+(?:[-_][a-z]+)*)  ", told, re.MULTILINE))
    listed = {quoted(row[0])[0].removeprefix("python -m ").split()[1]: quoted(row[1])
              for heading in ("## flexdb", "## flexdb, over HTTP")
              for row in table(COMMANDS, heading)}
    assert listed.keys() == commands
    for name, group in cli.commands.items():
        if isinstance(group, click.Group):
            assert [one.split()[0] for one in listed[name]] == [*group.commands], name


def test_the_tree_shows_what_is_there() -> None:
    (tree,) = [text for _, text in blocks(ARCHITECTURE) if text.startswith("wsgi.py")]
    names = re.findall(r"^(\S+)", tree, re.MULTILINE)
    assert len(names) == len(set(names))
    for name in names:
        assert (ROOT / name).exists(), name


def defined(path: str) -> set[str]:
    """Return the functions and methods of a file, by their qualified names."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return found | {f"{node.name}.{method.name}" for node in tree.body
                    if isinstance(node, ast.ClassDef) for method in node.body
                    if isinstance(method, ast.FunctionDef)}


@pytest.mark.parametrize("row", table(ARCHITECTURE, "## The way of one call"),
                         ids=lambda row: row[1])
def test_the_way_of_a_call_names_what_is_there(row: list[str]) -> None:
    (path,) = quoted(row[0])
    assert quoted(row[1]) and set(quoted(row[1])) <= defined(path)


def overridden(kind: type) -> set[str]:
    return {f"{kind.__name__}.{name}" for name, value in vars(kind).items()
            if not name.startswith("__") and (inspect.isfunction(value)
                                              or isinstance(value, classmethod))
            and any(hasattr(base, name) for base in kind.__mro__[1:])}


def test_every_override_of_a_library_is_told_with_its_reason() -> None:
    told = [name for rows in tables(ARCHITECTURE, "## What of the libraries is overridden, and why")
            for row in rows for name in quoted(row[0])]
    assert sorted(told) == sorted(set().union(*map(overridden, (
        Site, View, Params, _Connection, _RawJson, LatestPool, Worker, Socket, Logger,
        Application, _Rule, CallsResponse))))


def test_every_package_of_the_service_is_told_with_its_reason() -> None:
    lines = (ROOT / "requirements-service.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^([\w-]+)(?:\[.*\])?==", lines, re.MULTILINE)
    assert [quoted(row[0])[0] for row in table(ARCHITECTURE, "## What it stands on, and why")
            ] == list(dict.fromkeys(packages))


def test_the_picture_is_what_the_imports_say() -> None:
    done = subprocess.run([sys.executable, "scripts/draw_house.py", "--check"], cwd=ROOT,
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "](architecture.svg)" in PAGES[ARCHITECTURE]
