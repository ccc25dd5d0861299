"""The documentation's examples run as written, and give the replies that it shows."""

from __future__ import annotations

import io
import json
import re
import shlex
from contextlib import redirect_stdout, suppress
from typing import Any

import pytest
import requests

from tests.support.pages import PAGES, blocks, quoted, table
from tests.support.service import RpcError, Service

Example = tuple[str, str | None]

_VARYING = [(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
            (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME")]
# Whoever reads another page has what these two make.
FROM_NOTHING = ("README.md", "docs/tour.md")
GUIDE = "docs/how-to/coming-from-flex-db.md"


def examples(page: str) -> list[Example]:
    """Return the curl commands of a page, each with the reply that is shown below it."""
    found = blocks(page) + [("", "")]
    return [(text, below if language == "json" else None)
            for (_, text), (language, below) in zip(found, found[1:]) if text.startswith("curl")]


def masked(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return json.loads(text)


def run_curl(command: str, address: str, ids: dict[str, str]) -> Any:
    """Do what a curl command says, with the ids of earlier replies for its placeholders."""
    command = re.sub(r"\b[A-Z_]+_ID\b", lambda name: ids[name.group()], command)
    words = shlex.split(command.replace("\\\n", " ").replace("localhost:5000", address))
    options = dict(zip(words[1:], words[2:]))
    # A key that a reader has, nobody needs here.
    headers = dict(given.split(": ", 1) for word, given in zip(words, words[1:])
                   if word == "-H" and "$" not in given)
    url = next(word for word in words if word.startswith("http"))
    if "-N" in words:
        # A stream goes on; its first event is enough.
        with requests.get(url, stream=True, timeout=30) as stream:
            return json.loads(next(line for line in stream.iter_lines()
                                   if line.startswith(b"data: "))[6:])
    response = requests.request(options.get("-X", "GET"), url, headers=headers,
                                data=options.get("-d", "").encode(), timeout=30)
    assert response.ok
    return response.json()


def run(page: str, address: str, ids: dict[str, str]) -> int:
    """Run the examples of a page, compare the replies, and return how many those were."""
    compared = 0
    for command, expected in examples(page):
        reply = run_curl(command, address, ids)
        calls = reply if isinstance(reply, list) else [reply]
        if expected:
            compared += 1
            assert masked(reply) == masked(json.loads(expected))
        else:
            assert not any("error" in call for call in calls), (command, reply)
        for call in calls:
            for name, made in call.get("result", call).items():
                if isinstance(made, dict) and "id" in made:
                    if ids.setdefault(f"{name.upper()}_ID", made["id"]) != made["id"]:
                        ids.setdefault(f"TARGET_{name.upper()}_ID", made["id"])
        if "NODE_ID" in ids:
            ids.setdefault("SOURCE_NODE_ID", ids["NODE_ID"])
        if "NODE_ID" in ids and "TARGET_NODE_ID" not in ids:
            ids["TARGET_NODE_ID"] = run_curl(command, address, ids)["result"]["node"]["id"]
    return compared


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)])
def test_the_examples_run_as_written_and_give_the_replies_shown(page: str, address: str) -> None:
    ids: dict[str, str] = {}
    if page not in FROM_NOTHING:
        run("README.md", address, ids)
    compared = run(page, address, ids)
    assert compared >= 5 or page not in FROM_NOTHING


def test_the_readme_has_the_first_five_calls_and_the_tour_those_of_every_kind() -> None:
    def methods(page: str) -> list[str]:
        return [name for command, _ in examples(page)
                for name in re.findall(r'"method": "(\w+)"', command)]

    first = ["create_tenant", "create_node_type", "create_node", "create_relationship",
             "list_tenants"]
    assert list(dict.fromkeys(methods("README.md"))) == first
    # They are pasted in their order, and nothing is put into them by hand.
    assert not re.search(r"\b[A-Z_]+_ID\b", str(examples("README.md")))
    assert all(reply for _, reply in examples("README.md"))
    assert {*first, "get_tenant", "create_user", "add_user_to_tenant", "list_nodes", "patch_node",
            "transaction", "traverse"} <= set(methods("docs/tour.md"))


@pytest.mark.long
def test_the_python_example_runs_as_written(address: str) -> None:
    ((_, example),) = blocks("docs/tour.md", "python")
    with redirect_stdout(io.StringIO()) as printed:
        exec(example.replace("localhost:5000", address), {})
    assert "'slug': 'acme-corp'" in printed.getvalue()


def test_the_error_shown_is_the_one_that_is_sent(service: Service) -> None:
    (shown,) = [json.loads(text) for _, text in blocks("docs/reference/errors.md", "json")]
    reply = service.post({"jsonrpc": "2.0", "method": "create_tenant", "params": {"nmae": "A"},
                          "id": 1}).json
    assert reply["error"]["data"] == shown["data"] and reply["error"]["code"] == shown["code"]
    assert sorted(reply["error"]["message"]) == sorted(shown["message"])


@pytest.mark.parametrize("row", table(GUIDE, "## What is stricter"), ids=lambda row: row[1])
def test_what_is_stricter_than_the_original_is_refused_as_told(
        row: list[str], service: Service) -> None:
    tenant = service.tenant()
    schema = {"properties": {"title": {"type": "string"}}}
    ids = {"TENANT_ID": tenant["id"],
           "NODE_TYPE_ID": service.node_type(tenant, schema=schema)["id"]}
    method, params, _, told = row
    # The tour's own, where another row has not made them.
    for make, name in ((service.tenant, {"slug": "acme-corp"}),
                       (service.user, {"email": "john@example.com"})):
        with suppress(RpcError):
            make(**name)
    sent = json.loads(re.sub(r"\b[A-Z_]+_ID\b", lambda name: ids[name.group()], quoted(params)[0]))
    with pytest.raises(RpcError) as refused:
        service.call(quoted(method)[0], sent)
    assert refused.value.reason == quoted(told)[0]
