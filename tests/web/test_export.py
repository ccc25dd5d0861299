"""Export: the same file as the command's, streamed, one at a time, for who may read all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from flexdb.transfer.files import export_tenant
from flexdb.transfer.unloading import Shape, export_rows
from flexdb.web.console.transfer.downloads import BUSY
from tests.support.console import Console
from tests.support.transfers import small, taken, written

MARKUP = "<img src=x onerror=alert(1)>"


def filled(console: Console) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a tenant and its type, with records of odd texts and long numbers."""
    service = console.service
    tenant = service.tenant(name=MARKUP)
    node_type = service.node_type(tenant, name=f"A {MARKUP}", schema={"properties": {
        "n": {"type": "number"}, "title": {"type": "string"}}})
    service.client().post(f"/tenants/{tenant['id']}/nodes", content_type="application/json", data=(
        '{"node_type_id":"%s","data":{"title":"=1+1","n":123456789012345678901234567890.10}}'
        % node_type["id"]))
    for title in (MARKUP, "a,b\n\"c\"", "plain"):
        service.node(node_type, data={"title": title, "n": 1})
    return tenant, node_type


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_records_of_a_type_are_the_file_of_the_command(console: Console, tmp_path: Path,
                                                       form: str) -> None:
    tenant, node_type = filled(console)
    for filter, fields in (("", ""), ('{"data.n": 1}', "id,data.title"), ('{"data.n": 7}', "")):
        response = console.client.get(f"/console/t/{tenant['id']}/export/file", query_string={
            "type": node_type["id"], "format": form, "filter": filter, "fields": fields})
        assert response.status_code == 200, response.text
        file = tmp_path / f"file.{form}"
        export_rows(console.service.settings, tenant["id"], node_type["id"], str(file),
                    Shape(form, filter, fields, safe=True))  # type: ignore[arg-type]
        assert response.data == file.read_bytes()
        assert (b"123456789012345678901234567890.10" in response.data) is (not filter)
    assert "attachment" in response.headers["Content-Disposition"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_no_cell_is_a_formula(console: Console) -> None:
    tenant, node_type = filled(console)
    text = console.get(f"/t/{tenant['id']}/export/file?type={node_type['id']}&format=csv")
    assert "'=1+1" in text


@pytest.mark.long
@pytest.mark.longest
def test_a_whole_tenant_is_the_file_of_the_command(new_service: Any, tmp_path: Path) -> None:
    service = new_service()
    taken(service.settings, written(small(10_000)))
    listed = service.call("list_tenants")["tenants"]
    response = service.client().get(f"/console/t/{listed[0]['id']}/export/file")
    export_tenant(service.settings, listed[0]["id"], str(tmp_path / "file"))
    assert response.data == (tmp_path / "file").read_bytes()
    assert response.data.count(b"\n") == 20_003


def test_one_is_made_at_a_time_and_its_end_makes_room(console: Console) -> None:
    tenant, node_type = filled(console)
    url = f"/t/{tenant['id']}/export/file"
    # More than goes out at once, so that it is not at its end already.
    console.service.call("create_nodes", tenant_id=tenant["id"], nodes=[
        {"node_type_id": node_type["id"], "data": {"title": "x" * 1000}}] * 200)
    first = console.client.get(f"/console{url}")
    try:
        assert first.status_code == 200
        told = console.get(url, 503)
        assert BUSY[1:] in told and "<img" not in told
    finally:
        first.close()
    assert console.get(url).startswith('{"tenant":')


def test_one_that_nobody_reads_gives_way_and_does_not_look_whole(console: Console,
                                                                 monkeypatch: Any) -> None:
    tenant, node_type = filled(console)
    console.service.call("create_nodes", tenant_id=tenant["id"], nodes=[
        {"node_type_id": node_type["id"], "data": {"title": "x" * 1000}}] * 200)
    url = f"/t/{tenant['id']}/export/file"
    first = console.client.get(f"/console{url}")
    monkeypatch.setattr("flexdb.web.console.transfer.downloads._PATIENCE", -1)
    assert console.get(url).count("\n") == 206
    with pytest.raises(ConnectionAbortedError, match="nobody read it"):
        first.get_data()
    first.close()


def test_what_is_wrong_is_told_on_a_page_before_anything_is_sent(console: Console) -> None:
    tenant, node_type = filled(console)
    url = f"/t/{tenant['id']}/export/file?type={node_type['id']}"
    assert "must be one of csv, json, ndjson" in console.get(f"{url}&format=xml", 400)
    assert "filter" in console.get(f"{url}&format=csv&filter=%7B%22data.n%22%3A%7B%22$no%22", 400)
    # What failed holds nothing.
    assert console.get(f"{url}&format=csv").startswith("id,")
    console.get(f"/t/{node_type['id']}/export/file", 404)


def test_the_page_offers_both_and_the_command_beside(console: Console) -> None:
    tenant, node_type = filled(console)
    shown = console.get(f"/t/{tenant['id']}/export?type={node_type['id']}&format=json"
                        f"&filter=%7B%22data.n%22%3A+1%7D")
    assert MARKUP not in shown
    assert f"--tenant {tenant['slug']} --type &#39;A &lt;img" in shown
    assert "--filter &#39;{&#34;data.n&#34;: 1}&#39;" in shown
    empty = console.get(f"/t/{console.service.tenant()['id']}/export")
    assert "There is no node type yet." in empty


def test_who_sees_some_records_only_gets_no_file(console: Console) -> None:
    service = console.service
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    service.call("create_role", tenant_id=tenant["id"], name="some", grants=[
        {"node_type_id": node_type["id"], "read": {"data.open": True}}])

    def answer(role: str, query: str) -> Any:
        key = service.call("create_key", tenant_id=tenant["id"], name=role, role=role)["key"]
        return console.client.get(f"/console/t/{tenant['id']}/export/file{query}", headers={
            "Authorization": f"Bearer {key['secret']}"})

    rows = f"?type={node_type['id']}&format=json"
    for role, query, told in (("some", rows, "sees some of them only"), ("some", "", "some"),
                              ("viewer", "", "list_tenant_users needs the role member")):
        refused = answer(role, query)
        assert refused.status_code == 403 and told in refused.text
    assert orjson.loads(answer("viewer", rows).data) == []
