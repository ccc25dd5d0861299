"""Someone who has never seen an API, and never types JSON, does it all by what is to be read, also
where no script runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.support.browser import WIDE, faults, resize
from tests.support.console import Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long


def tenant_of(browser: Any) -> str:
    """Return the id of the tenant that the page is about."""
    return str(browser.find_element(By.TAG_NAME, "body").get_attribute("data-tenant"))


class Person:
    """Looks at pages, and does what is to be read there.

    ``browser`` is what the pages are looked at in.
    """

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def sees(self, text: str) -> None:
        """Wait until the page says something."""
        self._until(lambda: text in self.browser.find_element(By.TAG_NAME, "main").text, text)

    def types(self, label: str, text: str) -> None:
        """Type into a field, in the place of what is there."""
        def write() -> bool:
            field = self._field(label)
            field.clear()
            field.send_keys(text)
            return True

        self._until(write, label)

    def chooses(self, label: str, option: str) -> None:
        """Choose an option of a field."""
        def choose() -> bool:
            Select(self._field(label)).select_by_visible_text(option)
            return True

        self._until(choose, label)

    def presses(self, text: str) -> None:
        """Press the button, follow the link, or take the option or the part that says something."""
        def press() -> bool:
            found = self.browser.execute_script("""
                const told = (one) => one.innerText.replace(/\\s+/g, " ").trim();
                const shown = [...document.querySelectorAll("a, button, summary, [role=option]")]
                    .filter((one) => one.checkVisibility() && !one.ariaHidden)
                    .sort((one, other) => Boolean(other.closest("main"))
                        - Boolean(one.closest("main")));
                return shown.find((one) => told(one) === arguments[0])
                    ?? shown.find((one) => told(one).startsWith(arguments[0]));""", text)
            return bool(found) and found.click() is None

        self._until(press, text)

    def _field(self, label: str) -> Any:
        """Return the last field that is seen, or heard, under a name."""
        return self.browser.execute_script("""
            const name = (field) => (field.getAttribute("aria-label")
                ?? [...field.labels ?? []].map((one) => one.textContent).join(" ")).trim();
            const shown = [...document.querySelectorAll("main :is(input, select, textarea)")]
                .filter((field) => field.checkVisibility() && field.type !== "hidden");
            return shown.findLast((field) => name(field) === arguments[0])
                ?? shown.findLast((field) => name(field).startsWith(arguments[0]));""", label)

    def _until(self, does: Callable[[], bool], what: str) -> None:
        # A page that comes, or shows more of itself, puts one thing in the place of another.
        WebDriverWait(self.browser, 30, ignored_exceptions=[
            WebDriverException, AttributeError]).until(lambda _: does(), what)


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_person_does_it_all_without_typing_json(
        site: Site, browser: Any, tmp_path: Path, has_scripts: bool) -> None:
    person, slug = Person(browser), f"reading-{uuid4().hex}"
    resize(browser, WIDE)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_scripts})
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(tmp_path)})

    # A tenant.
    browser.get(site.url.removesuffix("/console") + "/")
    person.presses("Open the console")
    if not browser.find_element(By.ID, "f-slug").is_displayed():
        person.presses("New tenant")
    person.types("Name", "Reading list")
    person.types("Slug", slug)
    person.presses("Create tenant")
    person.sees("Created Reading list.")

    # A type with a schema.
    person.presses("New node type")
    person.types("Name", "Book")
    person.presses("Add member")
    person.types("Name of member 1", "title")
    person.presses("Add member")
    person.types("Name of member 2", "pages")
    person.chooses("Type of", "whole number")
    person.presses("Create node type")
    person.sees("Book")

    # Three records.
    for title, pages in (("Green fields", "120"), ("Blue hills", "80"), ("Red rivers", "")):
        person.presses("Book")
        person.presses("New record")
        person.sees("New Book")
        person.types("title", title)
        person.types("pages", pages)
        person.presses("Create")
        person.sees(title)

    # A relationship between two of them, as a graph.
    person.presses("Relationships")
    person.presses("Relate to …")
    person.types("Type", "continues")
    person.types("To", "Green")
    if has_scripts:
        person.presses("Green fields Book")
    person.presses("Relate")
    person.sees("Green fields")
    person.presses("Graph")
    person.sees("2 records and 1 relationship")

    # One of them by a filter.
    person.presses("Book")
    person.chooses("Member", "pages")
    person.chooses("Operator", "≥")
    person.types("Value", "100")
    person.presses("Filter")
    person.sees("Green fields")
    assert "Blue hills" not in browser.find_element(By.ID, "rows").text

    # A schema that asks for more, once what it would refuse is known and mended.
    person.presses("Book")
    person.presses("Schema")
    person.sees("Check records first")
    browser.find_elements(By.XPATH, "//label[normalize-space()='required']/input")[-1].click()
    person.presses("Check records first")
    person.sees("1 refused")
    here = browser.current_window_handle
    person.presses("Red rivers")
    wait_until(lambda: len(browser.window_handles) == 2)
    browser.switch_to.window(browser.window_handles[-1])
    try:
        person.types("pages", "210")
        person.presses("Save")
        person.sees("Saved Red rivers.")
    finally:
        browser.close()
        browser.switch_to.window(here)
    person.presses("Check again")
    person.sees("0 refused")
    person.presses("Save")
    person.sees("Saved")
    (book,) = site.service.call("list_node_types", tenant_id=tenant_of(browser))["node_types"]
    assert book["schema"]["required"] == ["pages"]

    # A file of all of it.
    person.presses("Book")
    person.presses("Export")
    person.sees("The whole tenant")
    person.presses(f"Download {slug}.ndjson")
    file = tmp_path / f"{slug}.ndjson"
    # The browser keeps the name by an empty file until all has come.
    wait_until(lambda: file.exists() and file.stat().st_size)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert sum("Green fields" in line for line in lines) == 1
    assert sum('"continues"' in line for line in lines) == 1
    assert not faults(browser)
