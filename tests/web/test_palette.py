"""The console by the keyboard: the palette, and keys that lead somewhere."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import axe, faults
from tests.support.console import Site

pytestmark = pytest.mark.long


def press(browser: Any, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def open_palette(browser: Any) -> Any:
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("k").key_up(Keys.CONTROL).perform()
    return WebDriverWait(browser, 10).until(
        lambda _: browser.find_element(By.CSS_SELECTOR, "dialog.palette[open] input"))


def arrive(browser: Any, part: str) -> None:
    WebDriverWait(browser, 20).until(lambda _: part in browser.current_url)


def test_the_palette_leads_to_a_page_a_type_and_a_record_by_keys_alone(
        site: Site, browser: Any) -> None:
    kind = site.service.node_type(site.service.tenant(), name="Package")
    node = site.service.node(kind, data={"name": "libexample"})
    home = f"{site.url}/t/{kind['tenant_id']}"
    browser.get(home)
    open_palette(browser).send_keys("deleted", Keys.ENTER)
    arrive(browser, "/deleted")
    open_palette(browser).send_keys("pack", Keys.ENTER)
    arrive(browser, f"/types/{kind['id']}")
    for words in ("libexam", node["id"]):
        browser.get(home)
        open_palette(browser).send_keys(words)
        WebDriverWait(browser, 20).until(lambda _: "libexample" in browser.find_element(
            By.ID, "palette-list").text)
        assert axe(browser) == []
        press(browser, Keys.ENTER)
        arrive(browser, f"/nodes/{node['id']}")


def test_keys_lead_about_and_do_nothing_while_somebody_writes(site: Site, browser: Any) -> None:
    tenant = site.service.tenant()
    browser.get(f"{site.url}/t/{tenant['id']}")
    press(browser, "g", "c")
    arrive(browser, "/changes")
    browser.find_element(By.ID, "f-id").send_keys("gt?/jk")
    assert browser.find_element(By.ID, "f-id").get_attribute("value") == "gt?/jk"
    assert not browser.find_elements(By.CSS_SELECTOR, "dialog[open]")
    browser.get(f"{site.url}/")
    press(browser, "/")
    assert browser.switch_to.active_element.get_attribute("id") == "f-find"
    browser.get(f"{site.url}/")
    press(browser, "?")
    assert "go anywhere" in browser.find_element(By.CSS_SELECTOR, "dialog[open]").text
    assert axe(browser) == []
    press(browser, Keys.ESCAPE)
    press(browser, "j", Keys.ENTER)
    arrive(browser, "/console/t/")
    assert not faults(browser)
