"""The README tells the truth: its examples run as written, its tables are the code's."""

from __future__ import annotations

import io
import json
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import fields
from typing import Any

import requests

from flexdb.api.routes import ROUTES
from flexdb.config import Settings
from flexdb.contract.describe import error_kinds
from flexdb.contract.operation import OPERATIONS
from flexdb.telemetry.metrics import Metrics
from tests.support.paths import ROOT
from tests.support.service import Service

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
EXAMPLES = [(text, BLOCKS[place + 1][1] if BLOCKS[place + 1][0] == "json" else None)
            for place, (language, text) in enumerate(BLOCKS) if text.startswith("curl")]
_VARYING = [(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
            (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME")]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    below = README.split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert rows
    return [[cell.strip() for cell in row.strip("|\n").split(" | ")]
            for row in rows.group().splitlines()[2:]]


def masked(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return json.loads(text)


def run_curl(command: str, address: str, ids: dict[str, str]) -> Any:
    """Do what a curl command says, with the ids of earlier replies for its placeholders."""
    command = re.sub(r"[A-Z_]+_ID\b", lambda name: ids[name.group()], command)
    words = shlex.split(command.replace("\\\n", " ").replace("localhost:5000", address))
    options = dict(zip(words[1:], words[2:]))
    name, _, value = options["-H"].partition(": ")
    url = next(word for word in words if word.startswith("http"))
    response = requests.request(options["-X"], url, headers={name: value},
                                data=options["-d"].encode(), timeout=30)
    assert response.ok
    return response.json()


def test_the_examples_run_as_written_and_give_the_replies_shown(address: str) -> None:
    ids: dict[str, str] = {}
    shown = 0
    for command, expected in EXAMPLES:
        reply = run_curl(command, address, ids)
        calls = reply if isinstance(reply, list) else [reply]
        assert not any("error" in call for call in calls), (command, reply)
        if expected:
            shown += 1
            assert masked(reply) == masked(json.loads(expected))
        result = calls[0].get("result", calls[0])
        for name, made in result.items():
            if isinstance(made, dict) and "id" in made:
                ids.setdefault(f"{name.upper()}_ID", made["id"])
        if '"create_node"' in command and "node" in result:
            ids["SOURCE_NODE_ID"] = ids["NODE_ID"]
            ids["TARGET_NODE_ID"] = run_curl(command, address, ids)["result"]["node"]["id"]
    assert shown >= 5


def test_the_python_example_runs_as_written(address: str) -> None:
    (example,) = [text for language, text in BLOCKS if language == "python"]
    with redirect_stdout(io.StringIO()) as printed:
        exec(example.replace("localhost:5000", address), {})
    assert "'slug': 'acme-corp'" in printed.getvalue()


def test_the_error_shown_is_the_one_that_is_sent(service: Service) -> None:
    (shown,) = [json.loads(text) for language, text in BLOCKS
                if language == "json" and '"code"' in text]
    reply = service.post({"jsonrpc": "2.0", "method": "create_tenant", "params": {"nmae": "A"},
                          "id": 1}).json
    assert reply["error"]["data"] == shown["data"] and reply["error"]["code"] == shown["code"]
    assert sorted(reply["error"]["message"]) == sorted(shown["message"])


def test_every_method_is_in_the_tables_with_its_parameters() -> None:
    told = {}
    for heading in ("Tenants", "Users", "Node types", "Nodes", "Relationships", "Graph",
                    "Many at once"):
        for method, parameters, _ in table(f"### {heading}"):
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


def test_every_route_is_in_the_table() -> None:
    told = [tuple(cell.strip("`") for cell in row) for row in table("### REST")]
    assert told == [row[:3] for rows in ROUTES.values() for row in rows]


def test_every_setting_is_in_the_table_with_its_default() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in table("## Settings")}
    assert told == {setting.name.upper(): f"{setting.default:g}"
                    if isinstance(setting.default, float) else str(setting.default).lower()
                    if isinstance(setting.default, bool) else str(setting.default)
                    for setting in fields(Settings)}


def test_every_error_is_in_the_table() -> None:
    told = {(row[0].strip("`"), row[1].strip("`"), status)
            for row in table("## Error codes") for status in row[2].split(", ")}
    assert told == {(str(kind.code), kind.reason, str(kind.status)) for kind in error_kinds()}


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    told = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in table("## Watching it")}
    made: list[Any] = [made for made in vars(Metrics()).values() if hasattr(made, "describe")]
    assert told == {f"{metric._name}_total" if metric._type == "counter" else metric._name:
                    list(metric._labelnames) for metric in made}


def test_every_make_target_is_in_the_table() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {row[0].strip("`").split()[1] for row in table("## Running it")} == targets


def test_the_tree_shows_what_is_there() -> None:
    tree = next(text for _, text in BLOCKS if text.startswith("wsgi.py"))
    for module in (ROOT / "flexdb").iterdir():
        if module.name not in ("__main__.py", "__pycache__"):
            assert module.name in tree, module
    for name in re.findall(r"^(\S+)", tree, re.MULTILINE):
        assert (ROOT / name).exists(), name
