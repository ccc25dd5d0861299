"""Calls as code: what a page shows says just what the page asked."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from flexdb.api.calls import Call
from flexdb.documents.text import Number
from flexdb.web.console import snippets
from flexdb.web.console.words import as_json
from tests.support.paths import ROOT
from tests.support.service import Service

ADDRESS = "http://127.0.0.1:5000"
HOSTILE = """it's "quoted" $(touch /tmp/x) `x` & <b> \\ ü
line"""


def said(calls: list[Call], asks: bool = False, rest: bool = True) -> dict[str, str]:
    return {one.name: one.text for one in snippets.snippets(calls, ADDRESS, asks, rest)}


def filled(service: Service) -> tuple[Any, list[Call]]:
    """Return a tenant with records, and calls about it of every way that parameters travel."""
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    nodes = [service.node(node_type, data={"title": title, "n": n})
             for n, title in enumerate((HOSTILE, "second", "third"))]
    id = tenant["id"]
    return tenant, [
        Call("get_tenant", {"id": id}),
        Call("list_nodes", {"tenant_id": id, "node_type_id": node_type["id"],
                            "filter": {"data.title": HOSTILE}, "sort": ["-data.n"],
                            "fields": ["id", "data.title"], "pagination": {"page_size": 2}}),
        Call("list_nodes", {"tenant_id": id, "fields": ["id", 'data."a,b"']}),
        Call("get_node", {"tenant_id": id, "id": nodes[1]["id"]}),
        Call("count_nodes", {"tenant_id": id, "filter": {"data.n": {"$gte": Number("1")}}}),
        Call("traverse", {"tenant_id": id, "start": nodes[0]["id"], "max_depth": 2}),
        Call("transaction", {"calls": [{"method": "list_tenants"}], "dry_run": True})]


def test_rest_and_jsonrpc_say_what_the_page_asked(service: Service) -> None:
    for call in filled(service)[1]:
        expected = service.call(call.method, orjson.loads(as_json(call.params)))
        body = orjson.loads(said([call])["JSON-RPC"])
        assert orjson.loads(service.post(body).data)["result"] == expected
        head, _, sent = said([call])["REST"].partition("\n\n")
        line, *headers = head.splitlines()
        verb, _, url = line.partition(" ")
        assert url.startswith(ADDRESS)
        response = service.client().open(
            url.removeprefix(ADDRESS), method=verb, data=sent or None,
            headers=dict(header.split(": ") for header in headers))
        assert response.json == expected, said([call])["REST"]


@pytest.mark.parametrize("patch, kind", [
    ({"n": Number("10.00")}, "application/merge-patch+json"),
    ([{"op": "add", "path": "/n", "value": Number("10.00")}], "application/json-patch+json")])
def test_a_patch_travels_as_its_own_type(service: Service, patch: Any, kind: str) -> None:
    node = service.node(service.node_type(service.tenant()))
    call = Call("patch_node", {"tenant_id": node["tenant_id"], "id": node["id"], "version": 1,
                               "patch": patch})
    request = snippets.rest_request(call)
    assert request and request.kind == kind and "10.00" in request.body
    response = service.client().patch(request.target, data=request.body,
                                      content_type=request.kind)
    assert response.json and response.json["node"]["version"] == 2


def test_what_no_url_says_is_sent_as_jsonrpc() -> None:
    call = Call("get_tenant", {"slug": "acme-corp"})
    assert snippets.rest_request(call) is None
    told = said([call])
    assert "REST" not in told
    assert f"{ADDRESS}/jsonrpc" in told["curl"]
    assert f"{ADDRESS}/jsonrpc" in said([Call("list_tenants", {})], rest=False)["curl"]


def test_numbers_stand_in_code_as_they_were_written() -> None:
    written = ("123456789012345678901234567890", "10.00", "0.1000000000000000055511151231257827")
    call = Call("create_node", {"tenant_id": "t", "data": {
        name: Number(name) for name in written}})
    told = said([call])
    for number in written:
        assert f'"{number}":{number}' in told["JSON-RPC"]
        assert f'"{number}":{number}' in told["curl"]
    assert 'Decimal("10.00")' in told["Python"]
    assert '"123456789012345678901234567890": 123456789012345678901234567890' in told["Python"]


@pytest.mark.parametrize("value", [
    HOSTILE, "'", '"', "\\", {"a'b": [True, None, HOSTILE]}, [], {}, ["a", ["b"]]])
def test_a_value_in_python_is_the_value(value: Any) -> None:
    assert ast.literal_eval(snippets.literal(value)) == value


def test_a_key_is_a_variable_and_never_itself(console: Any) -> None:
    told = said([Call("list_tenants", {})], asks=True)
    assert 'token=os.environ["FLEXDB_TOKEN"]' in told["Python"]
    assert "$FLEXDB_TOKEN" in told["curl"] and "$FLEXDB_TOKEN" in told["REST"]
    shown = console.client.get("/console/", headers={
        "Authorization": "Bearer fdb_this_is_no_key_but_it_may_not_be_shown"}).text
    assert "fdb_this" not in shown


def test_each_page_ends_in_its_own_calls(console: Any) -> None:
    tenant = console.service.tenant()
    here = f"/t/{tenant['id']}"
    # They are written when they are asked for, by a link that keeps what the page was asked.
    assert 'href="?q=a%22b&amp;code#code"' in console.get(f"{here}?q=a%22b")
    assert "get_tenant(" not in console.get(here)
    shown = console.get(f"{here}?code")
    assert f"get_tenant(id=&#34;{tenant['id']}&#34;)" in shown
    for language in ("Python", "JSON-RPC", "curl", "REST"):
        assert f"<h2>{language}</h2>" in shown


def test_what_a_form_did_is_code_at_once(console: Any) -> None:
    shown = console.post("/new-tenant", {"name": "", "slug": ""}, status=400).text
    assert "create_tenant(" in shown


def test_a_call_of_many_rows_is_no_code() -> None:
    assert not said([Call("create_nodes", {"nodes": ["x" * 100] * 100})])
    assert said([Call("list_tenants", {})] * 100)["JSON-RPC"].count("list_tenants") == 30


@pytest.mark.long
def test_curl_and_python_get_what_the_page_shows(site: Any) -> None:
    _, calls = filled(site.service)
    address = "{0.scheme}://{0.netloc}".format(urlsplit(site.url))
    told = {one.name: one.text for one in snippets.snippets(calls, address, False, True)}
    expected = [site.service.call(call.method, orjson.loads(as_json(call.params)))
                for call in calls]
    commands = told["curl"].split("\n\n")
    assert len(commands) == len(calls)
    for command, result in zip(commands, expected):
        # A shell reads it as it was meant, which quotes within it do not change.
        assert shlex.split(command)[0] == "curl"
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=60)
        assert orjson.loads(done.stdout) == result
    program = told["Python"] + "    import json\n    print(json.dumps([nodes, node]))\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60,
                          cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr.decode()
    listed, node = orjson.loads(done.stdout)
    assert listed == expected[1]
    assert node == expected[3]["node"]
    assert Decimal(str(node["data"]["n"])) == 1
