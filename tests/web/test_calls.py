"""Every call: each has a form, and what is run from it is what the API does."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import orjson
import pytest

from flexdb.contract.operation import OPERATIONS, READS
from tests.support.console import Console
from tests.support.html_forms import forms

MARKUP = '"><img src=x onerror=alert(1)>'


def form_of(html: str) -> dict[str, str]:
    """Return the fields of the call's form as they are shown."""
    return next(one for one in forms(html) if "object:" in one)


def answer_of(html: str) -> str:
    found = re.search(r'class="answer"><code>(.*?)</code>', html, re.DOTALL)
    assert found, html
    return unescape(found[1])


@pytest.mark.parametrize("method", OPERATIONS)
def test_each_operation_has_a_form_and_tells_what_is_wrong(console: Console, method: str) -> None:
    shown = console.get(f"/calls/{method}")
    operation = OPERATIONS[method]
    for name in operation.fields.keys() - {"wait"}:
        assert f'id="f-/{name}' in shown, name
    required = [name for name, field in operation.fields.items() if field.required]
    if required:
        response = console.client.post(f"/console/calls/{method}", data=form_of(shown))
        assert response.status_code in (400, 404), response.text
        assert "is missing" in response.text


def test_the_list_has_all_and_finds_some(console: Console) -> None:
    shown = console.get("/calls")
    assert all(f'href="/console/calls/{name}"' in shown for name in OPERATIONS)
    found = console.get("/calls?q=shortest+path")
    assert "/console/calls/shortest_path" in found and "create_tenant" not in found
    assert "No call has these words" in console.get(f"/calls?q={MARKUP}")
    assert "<img src=x" not in console.get(f"/calls?q={MARKUP}")
    console.get("/calls/drop_everything", 404)


def test_list_nodes_gives_what_the_api_gives(console: Console) -> None:
    service = console.service
    node_type = service.node_type(service.tenant())
    id = node_type["tenant_id"]
    digits = "123456789012345678901234567890"
    for text in (digits, "10.00", "0.1000000000000000055511151231257827"):
        service.client().post(f"/tenants/{id}/nodes", content_type="application/json", data=(
            '{"node_type_id":"%s","data":{"n":%s,"title":%s}}' % (
                node_type["id"], text, orjson.dumps(MARKUP).decode())))
    # The URL fills the form in, and what is shown there is sent.
    shown = console.get(f"/calls/list_nodes?tenant_id={id}&node_type_id={node_type['id']}"
                        '&filter={"data.n":{"$gte":1}}&sort=["-data.n"]')
    page = console.post("/calls/list_nodes", form_of(shown) | {"do": "run"}, status=200).text
    assert "<img src=x" not in page
    text = answer_of(page)
    expected = service.client().get(f"/tenants/{id}/nodes", query_string={
        "node_type_id": node_type["id"], "filter": '{"data.n":{"$gte":1}}', "sort": "-data.n"})
    assert orjson.loads(text) == orjson.loads(expected.data)
    assert f'"n": {digits}' in text and '"n": 10.00' in text
    assert "db.list_nodes(" in page and "list_tenants" not in page


def test_a_dry_run_changes_nothing_and_a_run_does(console: Console) -> None:
    tenant = console.service.tenant()
    node_type = console.service.node_type(tenant, schema={
        "properties": {"title": {"type": "string"}}})
    form = form_of(console.get("/calls/create_node")) | {
        "/tenant_id": tenant["id"], "/node_type_id": node_type["id"],
        "json:/data": '{"title": "A", "n": 10.00}'}
    page = console.post("/calls/create_node", form | {"do": "dry"}, status=200).text
    assert "Dry run: nothing has changed" in page and '"n": 10.00' in answer_of(page)
    total = {"tenant_id": tenant["id"], "node_type_id": node_type["id"]}
    assert console.service.call("list_nodes", total)["pagination"]["total_count"] == 0
    coded = console.post("/calls/create_node", form | {"do": "code"}, status=200).text
    assert "db.create_node(" in coded and 'Decimal(&#34;10.00&#34;)' in coded
    assert console.service.call("list_nodes", total)["pagination"]["total_count"] == 0
    made = orjson.loads(answer_of(
        console.post("/calls/create_node", form | {"do": "run"}, status=200).text))
    assert console.service.call("get_node", tenant_id=tenant["id"], id=made["node"]["id"]) == made
    # What the schema refuses stands at the field, in a dry run too.
    for do in ("run", "dry"):
        wrong = console.post("/calls/create_node", form | {
            "json:/data": '{"title": 7}', "do": do}, status=400).text
        assert 'href="#f-/data' in wrong and "/title" in wrong and "string" in wrong
    # So does what is no JSON, and it is kept as it was typed.
    kept = console.post("/calls/create_node", form | {"json:/data": '{"a": '}, status=400).text
    assert "is no JSON" in kept and "{&#34;a&#34;: " in kept


def test_what_writes_is_run_by_post_alone(console: Console) -> None:
    slug = console.service.tenant()["slug"] + "-2"
    assert slug in console.get(f"/calls/create_tenant?slug={slug}&name=N&do=run")
    assert all(one["slug"] != slug for one in console.service.call("list_tenants")["tenants"])
    for method, operation in OPERATIONS.items():
        has_dry_run = 'value="dry">Dry run' in console.get(f"/calls/{method}").replace(
            ' title="In a transaction that is taken back"', "")
        assert has_dry_run is (operation.effect is not READS and not operation.alone)


def test_a_secret_is_told_in_the_answer_alone(console: Console) -> None:
    tenant = console.service.tenant()
    form: dict[str, Any] = form_of(console.get("/calls/create_key")) | {
        "/tenant_id": tenant["id"], "/name": "web shop", "do": "run"}
    response = console.post("/calls/create_key", form, status=200)
    secret = orjson.loads(answer_of(response.text))["key"]["secret"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.text.count(secret) == 1
    assert secret not in console.get("/calls/create_key")
    assert secret not in console.get(f"/t/{tenant['id']}/keys")
