"""The console's tenants: found among many, renamed, suspended, deleted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from selenium.webdriver.common.by import By

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Console, Site
from tests.support.service import RpcError

MARKUP = '<img src=x onerror="alert(1)">'


def test_a_tenant_is_found_by_a_part_of_its_name_or_slug_with_how_much_it_has(
        console: Console) -> None:
    word = uuid4().hex
    tenant = console.service.tenant(name=f"The {word.upper()} tenant")
    other = console.service.tenant()
    console.service.node(console.service.node_type(tenant))
    for words in (word[:20], word.upper()):
        page = console.get(f"/?name={words}")
        assert tenant["id"] in page and other["id"] not in page
        row = page.split(tenant["slug"])[1].split("</tr>")[0]
        assert '<td class="number">1</td>' in row and '<td class="number">0</td>' in row
    assert "No tenant is called that" in console.get(f"/?name={uuid4()}")


def test_a_tenant_is_renamed_and_suspended(console: Console) -> None:
    tenant = console.service.tenant()
    slug = f"renamed-{uuid4().hex}"
    page = console.followed(console.post(f"/t/{tenant['id']}/settings", {
        "name": MARKUP, "slug": slug, "status": "suspended"}))
    assert "Saved &lt;img" in page and MARKUP not in page
    now = console.service.call("get_tenant", id=tenant["id"])["tenant"]
    assert (now["name"], now["slug"], now["status"]) == (MARKUP, slug, "suspended")


@pytest.mark.parametrize("form, field", [
    ({"name": " ", "slug": "a-slug", "status": "active"}, "name"),
    ({"name": "A", "slug": "0195a6f0-0000-7000-8000-000000000000", "status": "active"}, "slug")])
def test_what_is_wrong_with_a_change_stands_at_its_field(
        console: Console, form: dict[str, str], field: str) -> None:
    tenant = console.service.tenant()
    page = console.post(f"/t/{tenant['id']}/settings", form, status=400).text
    assert f'href="#f-{field}"' in page and f'id="d-{field}"' in page
    assert console.service.call("get_tenant", id=tenant["id"])["tenant"] == tenant


def test_a_status_of_one_s_own_is_offered_and_stays(console: Console) -> None:
    tenant = console.service.tenant()
    console.service.call("update_tenant", id=tenant["id"], status="on trial")
    page = console.get(f"/t/{tenant['id']}/settings")
    assert '<option value="on trial" selected>on trial</option>' in page


@pytest.mark.parametrize("typed", ["", "another", MARKUP])
def test_a_tenant_is_deleted_by_its_slug_alone(console: Console, typed: str) -> None:
    tenant = console.service.tenant()
    page = console.post(f"/t/{tenant['id']}/delete", {"slug": typed}, status=400).text
    assert "Is not the slug of this tenant" in page and MARKUP not in page
    assert console.service.call("get_tenant", id=tenant["id"])
    console.post(f"/t/{tenant['id']}/delete", {"slug": tenant["slug"]})
    with pytest.raises(RpcError, match="tenant"):
        console.service.call("get_tenant", id=tenant["id"])


@pytest.mark.long
def test_a_person_creates_a_tenant_and_deletes_it_by_typing_its_slug(
        site: Site, browser: Any) -> None:
    slug = f"clicked-{uuid4().hex}"
    browser.get(f"{site.url}/")
    if not browser.find_element(By.ID, "f-name").is_displayed():
        browser.find_element(By.XPATH, "//summary[.='New tenant']").click()
    browser.find_element(By.ID, "f-name").send_keys("Clicked")
    browser.find_element(By.ID, "f-slug").send_keys(slug)
    browser.find_element(By.XPATH, "//button[.='Create tenant']").click()
    assert "Created Clicked." in browser.find_element(By.CLASS_NAME, "message").text
    browser.find_element(By.LINK_TEXT, "Settings").click()
    browser.find_element(By.ID, "f-confirm").send_keys("clicked")
    does = "//button[starts-with(., 'Delete this tenant')]"
    browser.find_element(By.XPATH, does).click()
    field = browser.find_element(By.ID, "f-confirm")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("value") == "clicked"
    field.clear()
    field.send_keys(slug)
    browser.find_element(By.XPATH, does).click()
    assert "Deleted Clicked" in browser.find_element(By.CLASS_NAME, "message").text


@pytest.mark.long
@pytest.mark.parametrize("size, theme", [(WIDE, "dark"), (NARROW, "light")])
def test_the_settings_of_a_tenant_fit_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    tenant = site.service.tenant(name=MARKUP)
    resize(browser, size, theme)
    browser.get(f"{site.url}/t/{tenant['id']}/settings")
    assert axe(browser) == [] and overflow(browser) <= 0 and not faults(browser)
