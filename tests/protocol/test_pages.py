"""The pages: they need nothing from elsewhere, and a person can work with them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from flexdb.web.pages import STATIC
from tests.support.browser import faults
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
    # ReDoc would fetch its maker's logo; the policy keeps that from happening.
    assert all("logo" in fault for fault in faults(browser))


def test_the_front_page_leads_everywhere_and_shows_the_address_it_was_reached_at(
        service: Service) -> None:
    client = service.app.test_client()
    page = client.get("/", headers={"Host": "db.example:8080"})
    assert "curl -X POST http://db.example:8080/jsonrpc" in page.text
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
