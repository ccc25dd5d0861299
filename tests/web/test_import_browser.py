"""Import in a browser: a file is cut into pieces of whole rows, paused, and gone on with."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from flexdb.contract.ids import new_id
from flexdb.transfer.rows import RowReader
from flexdb.web.console.transfer.uploads import Upload
from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

ROWS = 20_000
SCHEMA = {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"}, "n": {"type": "integer"}}}
# Pieces as a page makes them, of a file that comes some bytes at a time.
_CUT = """
const [text, form, most, step, done] = arguments;
const bytes = new TextEncoder().encode(text);
const stream = new ReadableStream({start(controller) {
    for (let at = 0; at < bytes.length; at += step) controller.enqueue(bytes.slice(at, at + step));
    controller.close();
}});
import("/console/assets/transfer/cutting.js").then(async ({pieces}) => {
    const found = [];
    for await (const one of pieces(stream, form, most)) {
        found.push([one.first, one.head, await new Blob(one.bytes).text()]);
    }
    done(found);
}).catch((error) => done(error.message));
"""
FILES = [
    ("csv", 'a,"b\nc"\n1,2\n"3\n,""\n",4\r\n\n5,6'), ("csv", "\ufeffa,b\r\n1,2\r\n"),
    ("csv", "\n\na\n1\n2\n3\n"), ("csv", "a"), ("csv", "a\n"),
    ("ndjson", '{"a":"x\\n\\""}\n\n[1]\n{"b":1}'), ("ndjson", '{"a":1}'), ("ndjson", ""),
    ("json", ' \ufeff[{"a": "],\\\\\\"[{", "b": [1, {"c": []}]},\n 2 , "x,y",null]\n '),
    ("json", "[]"), ("json", '[\n1.10,{"a":[],"b":{}}]'), ("json", "[[1,2],[3]]")]


def row_of(row: Any) -> Any:
    return row.number, row.data, row.wrong, (
        row.given if isinstance(row.given, list) else bytes(row.given))


def test_pieces_are_the_rows_of_the_file_with_their_numbers(site: Site, browser: Any) -> None:
    browser.get(f"{site.url}/calls")
    form: Any
    for form, text in FILES:
        plain = text.replace("\ufeff", "") if form == "json" else text
        expected = [row_of(row) for row in RowReader(form, {}, True, 10).rows(
            io.BytesIO(plain.encode()))]
        for most, step in ((1, 1), (2, 3), (1000, 1000)):
            cut = browser.execute_async_script(_CUT, text, form, most, step)
            assert isinstance(cut, list), (text, cut)
            found = []
            for first, head, piece in cut:
                upload = Upload(io.BytesIO((head + piece).encode()), form, ",", {}, new_id(),
                                first, head.encode())
                found += [row_of(row) for row in upload.rows(RowReader(form, {}, True, 10))]
            assert found == expected, (text, most, cut)
    for text, told in (("{}", "must begin with ["), ("[1", "ends before"), ("[1] 2", "goes on")):
        assert told in browser.execute_async_script(_CUT, text, "json", 10, 1)


def counts(browser: Any) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, "#progress [data-counts]").text)


def heading(browser: Any) -> str:
    return str(browser.find_element(By.ID, "at").text)


@pytest.mark.longest
def test_what_is_left_in_the_middle_goes_on_and_no_row_comes_twice(
        site: Site, browser: Any, tmp_path: Path) -> None:
    service = site.service
    node_type = service.node_type(service.tenant(), name="Package", schema=SCHEMA)
    file = tmp_path / "packages.csv"
    # Line 5,001 is wrong by its field.
    file.write_text("title,n\n" + "".join(
        f"pkg-{line},{'many' if line == 5001 else line}\n" for line in range(2, ROWS + 2)))
    url = f"{site.url}/t/{node_type['tenant_id']}/import"
    browser.get(url)
    browser.find_element(By.ID, "f-file").send_keys(str(file))
    # As the column is no member of the schema, all of them would be refused.
    wait_until(lambda: "100 of the first 100" in browser.find_element(By.ID, "preview").text)
    member = browser.find_element(By.CSS_SELECTOR, "input[name=member]")
    member.clear()
    member.send_keys("name")
    browser.find_element(By.CSS_SELECTOR, "button[value=preview]").click()
    wait_until(lambda: "The first 100 would all be taken." in browser.find_element(
        By.ID, "preview").text)
    for size, theme in ((WIDE, "light"), (NARROW, "dark")):
        resize(browser, size, theme)
        assert axe(browser) == [] and overflow(browser) <= 0
    resize(browser, WIDE)
    browser.find_element(By.CSS_SELECTOR, "button[value=import]").click()
    wait_until(lambda: counts(browser)[:1] not in ("", "0"))
    bar = browser.find_element(By.TAG_NAME, "progress")
    assert 0 < float(bar.get_property("value")) < 1
    # Whoever leaves the page leaves a piece that is sent, and its answer.
    browser.get(url)
    assert "packages.csv is not done" in browser.find_element(By.ID, "progress").text
    assert heading(browser) == "Not done yet"
    browser.find_element(By.ID, "f-file").send_keys(str(file))
    wait_until(lambda: heading(browser) == "Paused")
    browser.find_element(By.CSS_SELECTOR, "[data-do=go]").click()
    browser.find_element(By.CSS_SELECTOR, "[data-do=pause]").click()
    wait_until(lambda: heading(browser) == "Paused")
    browser.find_element(By.CSS_SELECTOR, "[data-do=go]").click()
    wait_until(lambda: heading(browser) == "Imported")
    assert "1 refused" in counts(browser)
    told = browser.find_element(By.CSS_SELECTOR, "#progress tbody").text
    assert told.startswith("5001 n must be an integer, not many")
    of = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}
    (made,) = service.call("aggregate_nodes", of | {"measures": {
        "rows": "count()", "least": "min(data.n)", "most": "max(data.n)", "sum": "sum(data.n)"}})[
            "groups"]
    assert made == {"rows": ROWS - 1, "least": 2, "most": ROWS + 1,
                    "sum": sum(range(2, ROWS + 2)) - 5001}
    assert axe(browser) == [] and faults(browser) == []
    browser.get(url)
    assert not browser.find_element(By.ID, "progress").is_displayed()


def test_each_page_of_these_is_fit_for_everyone(site: Site, browser: Any) -> None:
    service = site.service
    tenant = service.tenant()
    service.node_type(tenant)
    here = f"/t/{tenant['id']}"
    for url in (f"{here}/export", f"{here}/import", "/calls?q=create"):
        resize(browser, NARROW, "dark")
        browser.get(site.url + url)
        assert axe(browser) == [] and overflow(browser) <= 0, url
        resize(browser, WIDE)
        assert overflow(browser) <= 0, url
    assert faults(browser) == []


def test_code_is_shown_in_tabs_that_keys_reach(site: Site, browser: Any) -> None:
    tenant = site.service.tenant()
    resize(browser, WIDE)
    browser.get(f"{site.url}/t/{tenant['id']}/export")
    browser.find_element(By.CSS_SELECTOR, "#code summary").click()
    wait = WebDriverWait(browser, 20)
    tabs = wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#code [role=tab]"))
    assert [one.text for one in tabs] == ["Python", "JSON-RPC", "curl", "REST"]
    tabs[0].click()
    tabs[0].send_keys("\ue014")
    assert browser.switch_to.active_element.text == "JSON-RPC"
    (shown,) = [one for one in browser.find_elements(By.CSS_SELECTOR, ".snippet")
                if one.is_displayed()]
    assert tenant["id"] in shown.text and '"jsonrpc"' in shown.text
    assert axe(browser) == []
    # The language stays.
    browser.refresh()
    browser.find_element(By.CSS_SELECTOR, "#code summary").click()
    (chosen,) = wait.until(lambda _: browser.find_elements(
        By.CSS_SELECTOR, "#code [aria-selected=true]"))
    assert chosen.text == "JSON-RPC"


def test_a_call_is_run_from_its_page(site: Site, browser: Any) -> None:
    tenant = site.service.tenant()
    node_type = site.service.node_type(tenant, name="Package")
    browser.get(f"{site.url}/calls/create_node?tenant_id={tenant['id']}")
    browser.find_element(By.ID, "f-/node_type_id").send_keys(node_type["id"])
    browser.find_element(By.CSS_SELECTOR, "textarea[name='json:/data']").send_keys('{"n": 10.00}')
    browser.find_element(By.CSS_SELECTOR, "button[value=dry]:not(.unseen)").click()
    answer = wait_until(lambda: browser.find_element(By.ID, "answer"))
    assert "nothing has changed" in answer.text and '"n": 10.00' in answer.text
    assert axe(browser) == []
    of = {"tenant_id": tenant["id"], "node_type_id": node_type["id"]}
    assert site.service.call("list_nodes", of)["nodes"] == []
