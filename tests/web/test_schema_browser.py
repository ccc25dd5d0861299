"""The editor of schemas and the check of records, as a browser shows them."""

from __future__ import annotations

from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from tests.support import postgres
from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long
_FILL = """
    INSERT INTO nodes (tenant_id, id, node_type_id, data)
    SELECT %(tenant_id)s, gen_random_uuid(), %(id)s,
           jsonb_build_object('number', CASE WHEN i %% 5000 = 0 THEN to_jsonb('none'::text)
                                             ELSE to_jsonb(i) END)
    FROM generate_series(1, %(nodes)s) i"""


def labelled(browser: webdriver.Chrome, text: str) -> WebElement:
    """Return the last field with a label."""
    return browser.find_elements(By.XPATH, f"//label[normalize-space()='{text}']//input | "
                                 f"//*[@id=//label[starts-with(normalize-space(),'{text}')]/@for]"
                                 f" | //label[starts-with(normalize-space(),'{text}')]//select"
                                 )[-1]


def told(browser: webdriver.Chrome, selector: str, of: str = "value") -> str:
    """Return what an element is worth, be it replaced meanwhile; "" where there is none."""
    return str(browser.execute_script(
        "return document.querySelector(arguments[0])?.[arguments[1]] ?? ''", selector, of))


def press(browser: webdriver.Chrome, text: str) -> None:
    """Press the button of a name."""
    browser.find_element(
        By.XPATH, f"//button[normalize-space()='{text}'][not(@aria-hidden)]").click()


def sound(browser: webdriver.Chrome) -> None:
    """Find nothing wrong with a page: dark and narrow, and light and wide."""
    for size, theme in ((NARROW, "dark"), (WIDE, "light")):
        resize(browser, size, theme)
        assert overflow(browser) <= 0
        assert axe(browser) == []
    assert faults(browser) == []


@pytest.mark.longest
def test_a_schema_is_made_by_labels_and_the_form_of_a_record_follows(
        browser: webdriver.Chrome, site: Site) -> None:
    tenant = site.service.tenant()
    browser.get(f"{site.url}/t/{tenant['id']}/new-type")
    browser.execute_script("window.isSame = true")
    labelled(browser, "Name").send_keys("Task")
    press(browser, "Add member")
    wait_until(lambda: told(browser, ":focus", "name") == "m.0.name")
    browser.switch_to.active_element.send_keys("status")
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, "#preview [id='f-/status']"))
    press(browser, "Add member")
    wait_until(lambda: told(browser, ":focus", "name") == "m.1.name")
    browser.switch_to.active_element.send_keys("points")
    Select(browser.find_element(By.NAME, "m.1.type")).select_by_visible_text("whole number")
    wait_until(lambda: browser.find_elements(By.NAME, "m.1.k.minimum"))
    assert labelled(browser, "Name").get_attribute("value") == "Task"
    browser.find_elements(By.CSS_SELECTOR, ".member .more > summary")[1].click()
    browser.find_element(By.NAME, "m.1.k.minimum").send_keys("many")
    up = browser.find_element(By.XPATH, "//button[normalize-space()='↑ Move points up' or "
                              "@value='up:m.1']")
    up.click()
    # What is open stays open, and what was typed stays.
    wait_until(lambda: told(browser, "[name='m.0.name']") == "points")
    assert told(browser, "[name='m.0.k.minimum']") == "many"
    assert told(browser, "details[data-of=points]", "open") == "True"
    assert browser.execute_script("return window.isSame")
    press(browser, "Create node type")
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".faults"))
    assert told(browser, ":focus", "className") == "faults"
    browser.find_element(By.LINK_TEXT, "points: at least").click()
    field = browser.find_element(By.NAME, "m.0.k.minimum")
    assert field.get_attribute("aria-invalid") == "true" and field.is_displayed()
    sound(browser)
    field.clear()
    field.send_keys("1")
    press(browser, "Create node type")
    wait_until(lambda: "/types/" in browser.current_url)
    (made,) = site.service.call("list_node_types", tenant_id=tenant["id"])["node_types"]
    assert made["schema"] == {
        "type": "object", "x-order": ["points", "status"], "properties": {
            "points": {"type": "integer", "minimum": 1}, "status": {"type": "string"}}}


def test_the_tab_of_json_says_the_same_and_marks_the_line_that_is_wrong(
        browser: webdriver.Chrome, site: Site) -> None:
    made = site.service.node_type(site.service.tenant(), name="Task", schema={
        "properties": {"title": {"type": "string"}}, "dependentRequired": {"title": ["b"]}})
    url = f"{site.url}/t/{made['tenant_id']}/types/{made['id']}/schema"
    browser.get(url)
    press(browser, "JSON")
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".ace_content"))
    text = browser.find_element(By.ID, "f-text").get_attribute("value") or ""
    assert '"dependentRequired"' in text
    editor = "window.ace.edit(document.querySelector('.ace_editor'))"
    broken = text.replace('"string"', '"strin"')
    browser.execute_script(f"{editor}.setValue(arguments[0], -1)", broken)
    press(browser, "Save")
    link = wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-line]"))[0]
    assert link.text == f"Line {broken[:broken.index('strin')].count(chr(10)) + 1}"
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".wrong-row"))
    sound(browser)
    browser.execute_script(f"{editor}.setValue(arguments[0], -1)", text)
    press(browser, "Save")
    wait_until(lambda: "Saved Task." in browser.find_element(By.ID, "main").text)
    saved = site.service.call("get_node_type", tenant_id=made["tenant_id"], id=made["id"])
    assert saved["node_type"]["schema"] == made["schema"]


def calls(browser: webdriver.Chrome) -> int:
    """Return how often a script asked for a part of the check."""
    return int(browser.execute_script(
        "return performance.getEntriesByType('resource')"
        ".filter((one) => one.initiatorType === 'fetch' && one.name.endsWith('/check')).length"))


def shown(browser: webdriver.Chrome) -> tuple[str, str]:
    """Return how many records the page says are checked, and how far its bar is."""
    return told(browser, "#progress .figure", "textContent"), told(browser, "progress", "value")


@pytest.mark.longest
def test_25_000_records_are_checked_in_three_calls_and_a_pause_stops_them(
        browser: webdriver.Chrome, site: Site) -> None:
    made: dict[str, Any] = site.service.node_type(site.service.tenant(), name="Task", schema={
        "properties": {"number": {"type": "integer"}}})
    with postgres.connect(site.service.settings) as connection:
        connection.execute(_FILL, made | {"nodes": 25_000, "schema": None})
    browser.get(f"{site.url}/t/{made['tenant_id']}/types/{made['id']}/check")
    assert shown(browser) == ("0", "0")
    press(browser, "Check the first 10,000")
    press(browser, "Pause")
    # It is paused once what it was at is there; no call follows.
    wait_until(lambda: browser.find_elements(By.XPATH, "//button[.='Go on']"))
    assert shown(browser) == ("10,000", "10000") and calls(browser) == 1
    press(browser, "Go on")
    wait_until(lambda: shown(browser) == ("25,000", "25000"))
    wait_until(lambda: not browser.find_elements(By.CSS_SELECTOR, "#check[aria-busy]"))
    assert calls(browser) == 3
    rows = browser.find_elements(By.CSS_SELECTOR, "#refused tbody tr")
    assert "5 refused" in browser.find_element(By.ID, "progress").text and len(rows) == 5
    fix = browser.find_element(By.LINK_TEXT, "Fix in table").get_attribute("href") or ""
    assert fix.count("%22%2C%22") == 4
    sound(browser)
    # In a tab of its own: what was edited and not saved stays.
    check = browser.current_window_handle
    browser.find_element(By.LINK_TEXT, "/number").click()
    wait_until(lambda: len(browser.window_handles) == 2)
    browser.switch_to.window(browser.window_handles[-1])
    try:
        wait_until(lambda: told(browser, ":focus", "id") == "f-/number")
    finally:
        browser.close()
        browser.switch_to.window(check)


@pytest.mark.longest
def test_a_relationship_type_is_made_by_labels(browser: webdriver.Chrome, site: Site) -> None:
    tenant = site.service.tenant()
    site.service.node_type(tenant, name="Task")
    browser.get(f"{site.url}/t/{tenant['id']}/relationship-types")
    browser.find_element(By.LINK_TEXT, "New relationship type").click()
    sound(browser)
    labelled(browser, "Name").send_keys("blocks")
    labelled(browser, "Task").click()
    labelled(browser, "No way back").click()
    press(browser, "Create relationship type")
    wait_until(lambda: "Created blocks." in browser.find_element(By.ID, "main").text)
    (made,) = site.service.call("list_relationship_types", tenant_id=tenant["id"]
                                )["relationship_types"]
    assert made["acyclic"] and made["target_node_type_ids"] and not made["source_node_type_ids"]
    browser.get(f"{site.url}/t/{tenant['id']}")
    sound(browser)
