"""The table of records in a real browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site
from tests.support.tasks import SCHEMA
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.longest]
MANY = 120


@pytest.fixture
def type(site: Site) -> dict[str, Any]:
    service = site.service
    made: dict[str, Any] = service.node_type(service.tenant(name="Acme"), name="Task",
                                             schema=SCHEMA)
    service.call("create_nodes", tenant_id=made["tenant_id"], nodes=[
        {"node_type_id": made["id"], "data": {
            "title": f"task {number:03}", "status": ("todo", "done")[number % 2],
            "priority": number % 5, "estimate": number / 4}} for number in range(MANY)])
    return made


def _open(site: Site, browser: webdriver.Chrome, type: dict[str, Any]) -> str:
    url = f"{site.url}/t/{type['tenant_id']}/types/{type['id']}"
    browser.get(url)
    return url


def _one(browser: webdriver.Chrome, css: str) -> WebElement:
    found: list[WebElement] = wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, css))
    return found[0]


def _keys(browser: webdriver.Chrome, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def _titles(browser: webdriver.Chrome) -> list[str]:
    return [one.text for one in browser.find_elements(By.CSS_SELECTOR, "#rows a")]


def test_a_filter_of_rows_gives_what_the_call_gives_and_its_url_the_same_again(
        site: Site, browser: webdriver.Chrome, type: dict[str, Any]) -> None:
    _open(site, browser, type)
    told = site.service.call(
        "list_nodes", tenant_id=type["tenant_id"], node_type_id=type["id"],
        filter={"data.status": "todo", "data.priority": {"$lte": 2}})["pagination"]
    browser.find_element(By.CSS_SELECTOR, "[data-add-row]").click()
    rows = browser.find_elements(By.CSS_SELECTOR, "[data-filter-rows] .row")
    for row, (path, operator, value) in zip(rows, (("status", "is", "todo"),
                                                   ("priority", "≤", "2"))):
        Select(row.find_element(By.NAME, "path")).select_by_visible_text(path)
        Select(row.find_element(By.NAME, "op")).select_by_visible_text(operator)
        row.find_element(By.NAME, "value").send_keys(value)
    _keys(browser, Keys.ENTER)

    wait_until(lambda: "filter=" in browser.current_url)
    said = parse_qs(urlsplit(browser.current_url).query)
    assert said == {"filter": ['{"data.status":"todo","data.priority":{"$lte":2}}']}
    total = _one(browser, "#total").text
    assert total.startswith(f"{told['total_count']} of {MANY} ")
    shown = _titles(browser)
    browser.get(browser.current_url)
    assert _titles(browser) == shown and len(shown) == told["total_count"]
    assert axe(browser) == [] and faults(browser) == []


def test_rows_are_walked_chosen_changed_and_opened_by_keyboard(
        site: Site, browser: webdriver.Chrome, type: dict[str, Any]) -> None:
    url = _open(site, browser, type)
    titles = _titles(browser)
    assert len(titles) == 50
    _keys(browser, "j", "j", Keys.ARROW_DOWN, "k", "x", "j", "j")
    ActionChains(browser).key_down(Keys.SHIFT).send_keys("x").key_up(Keys.SHIFT).perform()
    assert _one(browser, "[data-number-chosen]").text == "3 chosen"
    _keys(browser, "k", "x")
    assert _one(browser, "[data-number-chosen]").text == "2 chosen"

    # The cell is changed in its place, and what is wrong with it told there.
    _keys(browser, *[Keys.ARROW_RIGHT] * 3, "e")
    field = _one(browser, "#rows td form [name=value]")
    assert field == browser.switch_to.active_element and axe(browser) == []
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("soon", Keys.ENTER)
    assert "wants a number" in _one(browser, "#rows td form .wrong").text
    field = _one(browser, "#rows td form [name=value]")
    assert field.get_attribute("value") == "soon"
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("1234567890123456789012345678901", Keys.ENTER)
    wait_until(lambda: not browser.find_elements(By.CSS_SELECTOR, "#rows td form"))
    assert browser.switch_to.active_element.text == "1234567890123456789012345678901"
    assert "Saved priority of" in _one(browser, "main > .message").text
    assert _titles(browser) == titles and browser.current_url == url

    _keys(browser, "/")
    assert browser.switch_to.active_element.get_attribute("name") == "path"
    # Further rows join, and are walked as the others are.
    browser.find_element(By.CSS_SELECTOR, "[rel=next]").click()
    wait_until(lambda: len(_titles(browser)) == 100)
    browser.execute_script("document.activeElement.blur()")
    _keys(browser, "j", Keys.ENTER)
    opened = site.service.call("list_nodes", tenant_id=type["tenant_id"],
                               node_type_id=type["id"])["nodes"][0]["id"]
    wait_until(lambda: browser.current_url.endswith(f"/nodes/{opened}"))
    assert [one for one in faults(browser) if "Failed to load resource" not in one] == []


def test_where_nothing_answers_it_is_told_and_can_be_tried_again(
        site: Site, browser: webdriver.Chrome, type: dict[str, Any]) -> None:
    _open(site, browser, type)
    _keys(browser, "j", "x", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "e")
    _one(browser, "#rows td form [name=value]")
    browser.execute_script("window.fetch = () => Promise.reject(new TypeError('no answer'))")

    def told() -> bool:
        return bool(browser.execute_script(
            "return document.getElementById('live').textContent.includes('did not answer')"
            " && !document.querySelector('[aria-busy=true]')"))

    _one(browser, "#rows td form .main").click()
    wait_until(told)
    browser.execute_script("document.getElementById('live').textContent = ''")
    browser.find_element(By.CSS_SELECTOR, "[data-copied][value=csv]").click()
    wait_until(told)
    assert faults(browser) == []


def test_chosen_records_are_deleted_and_copied_and_views_are_kept(
        site: Site, browser: webdriver.Chrome, type: dict[str, Any]) -> None:
    url = _open(site, browser, type)
    boxes = browser.find_elements(By.CSS_SELECTOR, "#rows [name=id]")
    boxes[1].click()
    ActionChains(browser).key_down(Keys.SHIFT).click(boxes[3]).key_up(Keys.SHIFT).perform()
    assert _one(browser, "[data-number-chosen]").text == "3 chosen"
    browser.execute_cdp_cmd("Browser.grantPermissions", {
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    browser.find_element(By.CSS_SELECTOR, "[data-copied][value=csv]").click()
    wait_until(lambda: _one(browser, "#live").get_attribute("textContent") == "Copied.")
    pasted = browser.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, () => done(''))")
    assert pasted.splitlines()[0].startswith("title,") and len(pasted.splitlines()) == 4
    titles = _titles(browser)
    cell = browser.find_elements(By.CSS_SELECTOR, "#rows tr:first-child td")[4]
    ActionChains(browser).double_click(cell).perform()
    assert _one(browser, "#rows td form [name=value]") == browser.switch_to.active_element
    _keys(browser, Keys.ESCAPE)
    assert browser.switch_to.active_element == cell
    browser.find_element(By.CSS_SELECTOR, "#chosen .danger").click()
    assert "Deleted 3 records." in _one(browser, ".message").text
    assert _titles(browser)[:2] == [titles[0], titles[4]]

    browser.get(f"{url}?sort=data.title&fields=data.title,data.priority")
    _one(browser, "[data-views] button").click()
    _keys(browser, "By title", Keys.ENTER)
    browser.get(url)
    Select(_one(browser, "[data-views] select")).select_by_visible_text("By title")
    wait_until(lambda: "sort=data.title" in browser.current_url)
    assert _one(browser, "th[aria-sort]").text == "title"
    for size, theme in ((WIDE, "dark"), (NARROW, "light")):
        resize(browser, size, theme)
        assert overflow(browser) == 0 and axe(browser) == []
    assert faults(browser) == []
