"""The pages: they need nothing from elsewhere, and a person can work with them."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from flexdb.web.pages import STATIC
from tests.support.browser import WIDE, faults, resize
from tests.support.service import Service

pytestmark = pytest.mark.long

def fill(browser: Any, operation: str, values: dict[str, str], body: str | None) -> Any:
    """Try an operation out in Swagger UI and return its block when the answer is there."""
    wait = WebDriverWait(browser, 30)
    block = wait.until(lambda _: browser.find_element(By.ID, operation))
    block.find_element(By.CSS_SELECTOR, ".opblock-summary-control").click()
    execute = wait.until(lambda _: block.find_element(By.CSS_SELECTOR, "button.execute"))
    for name, value in values.items():
        field = block.find_element(By.CSS_SELECTOR, f"tr[data-param-name='{name}'] input")
        put(browser, field, value)
    if body is not None:
        text = block.find_element(By.CSS_SELECTOR, "textarea.body-param__text")
        put(browser, text, body)
    browser.execute_script("arguments[0].click()", execute)
    wait.until(lambda _: block.find_elements(
        By.CSS_SELECTOR, ".live-responses-table .response-col_status"))
    return block


def put(browser: Any, field: Any, text: str) -> None:
    """Put text into a field at once: typed, each of its letters would have the page drawn anew."""
    browser.execute_script("""
        const [field, text] = arguments;
        Object.getOwnPropertyDescriptor(field.constructor.prototype, "value").set.call(field, text);
        for (const name of ["focusin", "input", "focusout"]) {
            field.dispatchEvent(new Event(name, {bubbles: true}));
        }""", field, text)


def status(block: Any) -> str:
    cell = block.find_element(By.CSS_SELECTOR, ".live-responses-table tbody .response-col_status")
    return str(cell.text)


def created_id(block: Any) -> str:
    text = block.find_element(By.CSS_SELECTOR, ".live-responses-table .microlight").text
    found = re.search(r'"id": "([0-9a-f-]{36})"', text)
    assert found, text
    return found.group(1)


@pytest.mark.longest
def test_a_person_creates_a_tenant_a_type_nodes_and_an_edge_by_clicking(
        browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"http://{address}/docs")
    # The body that is offered for a tenant is taken as it stands.
    block = fill(browser, "operations-Tenants-create_tenant", {}, None)
    assert status(block) == "201"
    tenant = {"tenant_id": created_id(block)}
    block = fill(browser, "operations-Node_Types-create_node_type", tenant, '{"name": "Task"}')
    node = f'{{"node_type_id": "{created_id(block)}", "data": {{"title": "Click"}}}}'
    source = created_id(fill(browser, "operations-Nodes-create_node", tenant, node))
    edge = (f'{{"source_node_id": "{source}", "target_node_id": "{source}", '
            '"relationship_type": "follows"}')
    block = fill(browser, "operations-Relationships-create_relationship", tenant, edge)
    assert status(block) == "201"
    assert not faults(browser)

    def call(method: str, **params: str) -> Any:
        asked: Any = {"jsonrpc": "2.0", "method": method, "params": tenant | params, "id": 1}
        return requests.post(f"http://{address}/jsonrpc", json=asked, timeout=30).json()["result"]

    assert call("get_node", id=source)["node"]["data"] == {"title": "Click"}
    (there,) = call("list_relationships")["relationships"]
    assert there["id"] == created_id(block) and there["relationship_type"] == "follows"


@pytest.mark.longest
def test_redoc_shows_every_group_of_operations(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"http://{address}/redoc")
    WebDriverWait(browser, 30).until(
        lambda _: "Relationships" in browser.find_element(By.TAG_NAME, "body").text)
    shown = browser.find_element(By.TAG_NAME, "body").text
    for tag in ("Tenants", "Users", "Tenant Users", "Node Types", "Nodes", "JSON-RPC", "Health"):
        assert tag in shown
    assert not faults(browser)


@pytest.mark.longest
@pytest.mark.parametrize("url, loaded", [("", "main h1"), ("docs", ".opblock-tag"),
                                         ("redoc", "#docs h1")])
def test_the_pages_can_be_read_in_the_dark(
        browser: webdriver.Chrome, address: str, url: str, loaded: str) -> None:
    resize(browser, WIDE, "dark")
    browser.get(f"http://{address}/{url}")
    shown = WebDriverWait(browser, 30).until(
        lambda _: browser.find_element(By.CSS_SELECTOR, loaded))
    text, ground = browser.execute_script("""
        const grounds = [];
        for (let at = arguments[0]; at; at = at.parentElement) {
            grounds.push(getComputedStyle(at).backgroundColor);
        }
        return [getComputedStyle(arguments[0]).color,
                grounds.find((colour) => !/, 0\\)$|^transparent$/.test(colour))];""", shown)
    assert brightness(text) > 160 > 80 > brightness(ground), (text, ground)


def brightness(colour: str) -> float:
    """Return how light a colour of CSS is, from 0 to 255."""
    return sum(map(float, re.findall(r"[0-9.]+", colour)[:3])) / 3


@pytest.mark.longest
def test_a_filter_is_typed_and_run_in_the_docs(browser: webdriver.Chrome, address: str) -> None:
    def call(method: str, **params: Any) -> Any:
        asked: Any = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        return requests.post(f"http://{address}/jsonrpc", json=asked, timeout=30).json()["result"]

    tenant = call("create_tenant", slug="acme", name="Acme")["tenant"]["id"]
    kind = call("create_node_type", tenant_id=tenant, name="Task")["node_type"]["id"]
    for title in ("One", "Another"):
        call("create_node", tenant_id=tenant, node_type_id=kind, data={"title": title})
    browser.get(f"http://{address}/docs")
    block = fill(browser, "operations-Nodes-list_nodes", {
        "tenant_id": tenant, "filter": '{"data.title": "Another"}'}, None)
    assert status(block) == "200"
    shown = block.find_element(By.CSS_SELECTOR, ".live-responses-table .microlight").text
    assert "Another" in shown and "One" not in shown
    # What is to be typed first stands empty, rather than with an id that nothing has.
    browser.get("about:blank")
    browser.get(f"http://{address}/docs#/Nodes/get_node")
    fields = WebDriverWait(browser, 30).until(lambda _: browser.find_elements(
        By.CSS_SELECTOR, "#operations-Nodes-get_node tr[data-param-in='path'] input"))
    assert [field.get_attribute("value") for field in fields] == ["", ""]


def test_the_first_three_calls_work_as_pasted_and_again_when_the_page_is_loaded_anew(
        address: str) -> None:
    for _ in range(2):
        page = requests.get(f"http://{address}/", timeout=30).text
        calls = [unescape(text) for text in re.findall(r"<code>(curl.*?)</code>", page, re.DOTALL)]
        told = [subprocess.run(["bash", "-c", text], capture_output=True, text=True,
                               check=True).stdout for text in calls]
        assert len(told) == 3 and all('"result"' in one for one in told), told


def test_the_front_page_leads_everywhere_and_shows_the_address_it_was_reached_at(
        service: Service) -> None:
    client = service.app.test_client()
    page = client.get("/", headers={"Host": "db.example:8080"})
    assert "curl -X POST http://db.example:8080/jsonrpc" in page.text
    assert 'href="console/"' in page.text
    for link in re.findall(r'href="(?!data:)([^"]+)"', page.text):
        with client.get(f"/{link}") as response:
            assert response.status_code == 200, link


@pytest.mark.parametrize("url", ["/", "/docs", "/redoc"])
def test_a_page_runs_no_script_of_its_own_and_lets_none_in(service: Service, url: str) -> None:
    page = service.app.test_client().get(url)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]* src=)", page.text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


def test_every_asset_that_a_page_names_is_served(service: Service) -> None:
    client = service.app.test_client()
    for file in STATIC.iterdir():
        for asset in re.findall(r'(?:src|href)="(assets/[^"]+)"', file.read_text()):
            with client.get(f"/{asset}") as response:
                assert response.status_code == 200, asset
    assert client.get("/assets/index.html").status_code == 404
