"""A record in a real browser: with scripts and without, by keyboard, and as axe sees it."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site
from tests.support.records import BIG, EXACT, SCHEMA, Records

pytestmark = [pytest.mark.long, pytest.mark.longest]

CONTACT = {"oneOf": [
    {"title": "By phone", "type": "object", "required": ["kind", "number"],
     "properties": {"kind": {"const": "phone"}, "number": {"type": "string", "minLength": 3}}},
    {"title": "By post", "type": "object", "required": ["kind", "street"],
     "properties": {"kind": {"const": "post"}, "street": {"type": "string"}}}]}
STEPS = {"type": "array", "items": {"$ref": "#/$defs/step"}}
WITH_ALL = {**SCHEMA, "properties": {**SCHEMA["properties"], "contact": CONTACT, "steps": STEPS,
                                     "state": {"enum": ["todo", "done"]},
                                     "done": {"type": "boolean"}},
            "$defs": {"step": {"type": "object", "properties": {"what": {"type": "string"}}}}}


def field(browser: Any, at: str) -> Any:
    return browser.find_element(By.ID, f"f-{at}")


def fill(browser: Any, at: str, text: str) -> None:
    field(browser, at).clear()
    field(browser, at).send_keys(text)


def press(browser: Any, value: str) -> None:
    """Press a button of a form by what it does."""
    button = browser.find_element(By.CSS_SELECTOR, f'button[value="{value}"]:not(.unseen)')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()


def wait(browser: Any, found: Any) -> Any:
    return WebDriverWait(browser, 20, ignored_exceptions=[Exception]).until(found)


def has_message(browser: Any, text: str) -> None:
    wait(browser, lambda _: text in browser.find_element(By.CLASS_NAME, "message").text)


def saved_by_keys(browser: Any) -> None:
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_record_is_mended_where_it_is_wrong_and_no_digit_changes(
        site: Site, browser: Any, has_scripts: bool) -> None:
    world = Records(site.service, WITH_ALL)
    url = world.record()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_scripts})
    browser.get(site.url + url)
    fill(browser, "/title", "x")
    fill(browser, "/code", "lower")
    press(browser, "add:/tags")
    wait(browser, lambda _: field(browser, "/tags/1"))
    if has_scripts:
        assert browser.switch_to.active_element.get_attribute("id") == "f-/tags/1"
    fill(browser, "/tags/1", "b")
    press(browser, "save")
    link = wait(browser, lambda _: browser.find_element(
        By.CSS_SELECTOR, '.faults a[href="#f-/title"]'))
    assert field(browser, "/code").get_attribute("aria-invalid") == "true"
    assert field(browser, "/code").get_attribute("value") == "lower"
    if has_scripts:
        assert "faults" in browser.switch_to.active_element.get_attribute("class")
        link.click()
        assert browser.switch_to.active_element == field(browser, "/title")
    fill(browser, "/title", "Mended")
    fill(browser, "/code", "UPPER")
    # Another variant has other fields.
    Select(browser.find_element(By.NAME, "variant:/contact")).select_by_visible_text("By post")
    if not has_scripts:
        press(browser, "show")
    wait(browser, lambda _: Select(browser.find_element(By.NAME, "variant:/contact"))
         .first_selected_option.text == "By post" and browser.find_element(
             By.NAME, "shown:/contact").get_attribute("value") == "1")
    press(browser, "add:/contact")
    wait(browser, lambda _: field(browser, "/contact/street"))
    fill(browser, "/contact/street", "A street")
    if has_scripts:
        saved_by_keys(browser)
    else:
        press(browser, "save")
    has_message(browser, "Saved Mended.")
    stored = world.stored(url)["data"]
    assert stored["contact"] == {"kind": "post", "street": "A street"}
    assert stored["tags"] == ["a", "b"] and stored["due"] is None
    assert all(digits in world.text(url) for digits in (BIG, EXACT, "10.00"))
    assert not [told for told in faults(browser) if "status of 4" not in told]


def test_what_others_saved_is_compared_and_then_saved_over(site: Site, browser: Any) -> None:
    world = Records(site.service)
    url = world.record()
    browser.get(site.url + url)
    fill(browser, "/title", "Mine")
    world.service.call("patch_node", tenant_id=world.tenant["id"], id=url.rpartition("/")[2],
                       patch={"title": "Theirs"})
    press(browser, "save")
    rows = wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".compared tbody").text)
    assert "Theirs" in rows and "Mine" in rows
    assert field(browser, "/title").get_attribute("value") == "Mine"
    assert axe(browser) == []
    browser.find_element(By.LINK_TEXT, "Take theirs").click()
    wait(browser, lambda _: field(browser, "/title").get_attribute("value") == "Theirs")
    assert world.stored(url)["version"] == 2


def test_json_is_written_in_an_editor_that_shows_the_line(site: Site, browser: Any) -> None:
    world = Records(site.service)
    url = world.record()
    browser.get(f"{site.url}{url}/json")
    editor = wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".ace_text-input"))
    assert editor.get_attribute("aria-label") == "Data as JSON"
    wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".ace_numeric"))
    editor.send_keys(Keys.CONTROL, "a")
    editor.send_keys('{"title": "x", "estimate": 11.00')
    saved_by_keys(browser)
    wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".faults [data-line]")).click()
    wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".wrong-row"))
    assert axe(browser) == []
    editor = browser.find_element(By.CSS_SELECTOR, ".ace_text-input")
    assert browser.switch_to.active_element == editor
    editor.send_keys(Keys.CONTROL, "a")
    editor.send_keys('{"title": "By JSON", "owner": {"email": "a@example.org"}, "estimate": 11.00')
    saved_by_keys(browser)
    has_message(browser, "Saved By JSON.")
    assert "11.00" in world.text(url)
    assert not [told for told in faults(browser) if "status of 4" not in told]


@pytest.mark.parametrize("size, theme", [(WIDE, "light"), (NARROW, "dark")])
def test_its_pages_fit_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    world = Records(site.service, WITH_ALL)
    url = world.record()
    resize(browser, size, theme)
    for page in (url, f"{url}/json", f"{world.url}/types/{world.type['id']}/new"):
        browser.get(site.url + page)
        if page.endswith("json"):
            wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, ".ace_numeric"))
        assert axe(browser) == [], page
        assert overflow(browser) <= 0, page
    press(browser, "create")
    wait(browser, lambda _: browser.find_element(By.CLASS_NAME, "faults"))
    assert axe(browser) == []
    assert not [told for told in faults(browser) if "status of 4" not in told]
