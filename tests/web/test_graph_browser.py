"""The picture of a graph, in a browser: by keyboard, by pointer, and by its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site

pytestmark = [pytest.mark.long, pytest.mark.longest]

_PICTURE = """
    const ids = (selector, name) => [...document.querySelectorAll(selector)]
        .map((one) => one.dataset[name] ?? one.getAttribute("data-id")).sort();
    return [ids("#drawing .node"), ids("#nodes [data-node]", "node"),
            ids("#drawing .edge"), ids("#edges [data-edge]", "edge")];"""


def picture(browser: Any) -> set[str]:
    """Return the records that are drawn, once it is sure that picture and tables are equal."""
    drawn, told, lines, rows = browser.execute_script(_PICTURE)
    assert drawn == told and lines == rows
    return set(drawn)


def shows(browser: Any, count: int) -> set[str]:
    """Wait until so many records are drawn, and return them."""
    WebDriverWait(browser, 20).until(
        lambda _: len(browser.find_elements(By.CSS_SELECTOR, "#drawing .node")) == count)
    return picture(browser)


def focused(browser: Any) -> str:
    return str(browser.execute_script("return document.activeElement.dataset.id ?? ''"))


def at(browser: Any, id: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, f'#drawing [data-id="{id}"]')


def test_a_supernode_is_expanded_by_hundreds_and_back(site: Site, browser: Any) -> None:
    release = site.service.node_type(site.service.tenant(name="Releases"), name="Release")
    of = {"tenant_id": release["tenant_id"]}
    hub = site.service.node(release, data={"name": "Hub"})
    made = site.service.call("create_nodes", **of, nodes=[
        {"node_type_id": release["id"], "data": {"name": f"{number}"}}
        for number in range(1050)])["nodes"]
    site.service.call("create_relationships", **of, relationships=[
        {"source_node_id": one["id"], "target_node_id": hub["id"],
         "relationship_type": "release_of"} for one in made])
    resize(browser, WIDE)
    browser.get(f"{site.url}/t/{release['tenant_id']}/graph?start={hub['id']}&size=100")
    begun = shows(browser, 101)
    at(browser, hub["id"]).send_keys("e")
    expanded = shows(browser, 201)
    assert begun < expanded
    ActionChains(browser).double_click(at(browser, hub["id"])).perform()
    assert expanded < shows(browser, 300)
    assert "No more than 300" in browser.find_element(By.ID, "told").text
    row = browser.find_element(By.CSS_SELECTOR, "#nodes tbody tr:nth-child(9) [value^=hide]")
    row.send_keys(Keys.ENTER)
    shows(browser, 299)
    browser.find_element(By.CSS_SELECTOR, "#shown [value=undo]").send_keys(Keys.ENTER)
    shows(browser, 300)
    # The focus is not lost with the button that had it.
    assert browser.execute_script("return document.activeElement.id") == "shown"
    browser.find_element(By.CSS_SELECTOR, "#shown [value=undo]").click()
    assert shows(browser, 201) == expanded
    browser.back()
    shows(browser, 300)
    assert faults(browser) == []


def test_every_record_is_reached_by_keys_and_a_link_shows_it_all_again(
        site: Site, browser: Any, tmp_path: Path) -> None:
    package = site.service.node_type(site.service.tenant(name="Packages"), name="Package")
    first, second, third, last = (
        site.service.node(package, data={"name": name})
        for name in ("first", '<img src=x onerror="alert(1)">', "third", "last"))
    for source, target in ((first, second), (second, third), (third, last), (first, second),
                           (first, first)):
        site.service.relationship(source, target)
    wait = WebDriverWait(browser, 20)
    resize(browser, WIDE)
    browser.get(f"{site.url}/t/{package['tenant_id']}/graph?start={first['id']}&depth=2"
                f"&direction=out&to={last['id']}")
    every = shows(browser, 4)
    assert every == {one["id"] for one in (first, second, third, last)}
    # The way there is marked: its records, and its relationships.
    assert len(browser.find_elements(By.CSS_SELECTOR, "#drawing .node.path")) == 4
    assert len(browser.find_elements(By.CSS_SELECTOR, "#drawing .edge.path")) == 3
    # Tab goes through all; so do arrows, from one to its neighbours.
    reached = set()
    at(browser, first["id"]).send_keys("")
    for _ in every:
        reached.add(focused(browser))
        ActionChains(browser).send_keys(Keys.TAB).perform()
    assert reached == every
    ways, seen = [(Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_RIGHT)], set()
    waiting = [first["id"]]
    while waiting:
        here = waiting.pop()
        seen.add(here)
        for key in ways[0]:
            at(browser, here).send_keys(key)
            if (there := focused(browser)) not in seen | set(waiting):
                waiting.append(there)
    assert seen == every
    # The chosen one is told beside.
    at(browser, last["id"]).send_keys(" ")
    wait.until(lambda _: "last" in browser.find_element(By.ID, "chosen").text)
    # A drag pins; what is hidden is gone; and all of that is in the address.
    ActionChains(browser).drag_and_drop_by_offset(at(browser, first["id"]), 40, 30).perform()
    at(browser, third["id"]).send_keys("h")
    left = shows(browser, 2)
    pinned = at(browser, first["id"])
    place = pinned.get_attribute("transform")
    assert "pinned" in pinned.get_attribute("class")
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert shows(browser, 2) == left == {first["id"], second["id"]}
    there = at(browser, first["id"])
    # To the pixel, as the address tells it.
    assert [round(float(one)) for one in there.get_attribute("transform")[10:-1].split()] == [
        round(float(one)) for one in place[10:-1].split()]
    assert "pinned" in there.get_attribute("class")
    # It can be kept as a drawing.
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(tmp_path)})
    browser.find_element(By.CSS_SELECTOR, "[data-view=save]").click()
    wait.until(lambda _: list(tmp_path.glob("*.svg")))
    (file,) = tmp_path.glob("*.svg")
    drawn = ElementTree.parse(file).getroot()
    assert len(drawn.findall(".//{*}circle")) == 2
    for size, theme in ((WIDE, "light"), (NARROW, "dark")):
        resize(browser, size, theme)
        for url in (address, f"{site.url}/t/{package['tenant_id']}/graph"):
            browser.get("about:blank")
            browser.get(url)
            assert axe(browser) == [], url
            assert overflow(browser) <= 0, url
    assert faults(browser) == []
    resize(browser, WIDE)
    browser.get(address)
    shows(browser, 2)
    at(browser, second["id"]).send_keys(Keys.ENTER)
    wait.until(lambda _: browser.current_url.endswith(f"/nodes/{second['id']}"))
