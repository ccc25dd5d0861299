"""What those who mean harm send to the console, and that it does none."""

from __future__ import annotations

import gzip
import io
import tracemalloc

import orjson
import pytest

from flexdb.transfer.cells import MOST_CELLS
from flexdb.web.console.login import MOST_BYTES
from tests.support.console import Console

MIB = 1024 * 1024


@pytest.mark.parametrize("url", ["/login", "/new-tenant", "/calls/create_nodes"])
@pytest.mark.parametrize("body", [
    b"a=&" * 100_000, b"a=" + b"%5B" * 1_100_000, b"a=%5B" + b"1," * 1_100_000])
def test_a_form_of_very_many_values_is_refused_before_it_is_read(
        console: Console, url: str, body: bytes) -> None:
    tracemalloc.start()
    response = console.client.post(
        f"/console{url}", data=body, content_type="application/x-www-form-urlencoded")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.status_code == 413 and "Too large" in response.text
    assert most < len(body) * 3 + 2 * MIB


@pytest.mark.parametrize("kind, before", [
    ("application/x-www-form-urlencoded", b"key="),
    ("multipart/form-data; boundary=x",
     b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n')])
def test_who_is_not_known_sends_no_large_form(console: Console, kind: str, before: bytes) -> None:
    response = console.client.post("/console/login", data=before + b"x" * MOST_BYTES,
                                   content_type=kind)
    assert response.status_code == 413 and "Too large" in response.text


def test_a_form_of_a_large_document_is_taken(console: Console) -> None:
    page = console.post("/calls/get_tenant", {"id": "[" + "1," * 400_000 + "1]"}, status=400).text
    assert "Too large" not in page


@pytest.mark.parametrize("name, begins, goes_on, told", [
    ("a.csv", "a", ",", "begins a record of more than"),
    ("a.csv", "a\n1", ",", "begins a record of more than"),
    ("a.csv", 'a\n"', '",",', "begins a record of more than"),
    ("a.ndjson", '{"a":[', "1,", "Line 1 is longer than"),
    ("a.json", '[{"a":[', "1,", "Item 1 is no JSON, or longer than")])
def test_a_file_that_unpacks_to_very_many_values_does_not_fill_the_memory(
        console: Console, name: str, begins: str, goes_on: str, told: str) -> None:
    node_type = console.service.node_type(console.service.tenant())
    packed = gzip.compress((begins + goes_on * (16 * MIB // len(goes_on))).encode())
    tracemalloc.start()
    page = console.post(f"/t/{node_type['tenant_id']}/import", {
        "type": node_type["id"], "do": "import", "file": (io.BytesIO(packed), f"{name}.gz")},
        status=400).text
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told in page and most < 60 * MIB


@pytest.mark.parametrize("cell", ["", '"x"'])
def test_a_record_of_too_many_cells_is_told_by_its_line(console: Console, cell: str) -> None:
    node_type = console.service.node_type(console.service.tenant())
    row = ",".join([cell] * (MOST_CELLS + 1))
    page = console.post(f"/t/{node_type['tenant_id']}/import", {
        "type": node_type["id"], "do": "import",
        "file": (io.BytesIO(f"a\n{row}\n1\n".encode()), "a.csv")}, status=200).text
    assert "has more than 10,000 cells" in page and "1 created, 1 refused" in page


@pytest.mark.parametrize("site, mode, status", [
    ("cross-site", "no-cors", 403), ("same-site", "cors", 403), ("cross-site", "navigate", 200),
    ("same-origin", "cors", 200), ("none", "navigate", 200)])
def test_a_page_of_another_site_may_link_here_and_load_nothing(
        console: Console, site: str, mode: str, status: int) -> None:
    response = console.client.get("/console/", headers={
        "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})
    assert response.status_code == status
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("undo, is_said", [
    ("/console/t/x/restore", True), ("/console/t/x/delete", False), ("https://a.example/", False),
    ("/console/t/x/delete?/restore", False),
    ("/console/t/x/%2e%2e/restore", False), ("/console/calls/delete_nodes", False),
    ("/console/../jsonrpc", False)])
def test_a_message_that_another_name_made_up_deletes_nothing(
        console: Console, undo: str, is_said: bool) -> None:
    made_up = orjson.dumps(["Made up.", undo, {"slug": "x"}]).hex()
    console.client.set_cookie("flexdb_message", made_up, path="/console")
    page = console.get("/")
    assert ("Made up." in page) is is_said and (undo in page) is is_said
