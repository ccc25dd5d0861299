"""The console's frame: tenants, errors as pages, and what it lets in."""

from __future__ import annotations

import re
from os.path import normpath
from typing import Any
from uuid import uuid4

import pytest

from flexdb.web.console.safety import POLICY
from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Console, Site
from tests.support.paths import ROOT

CONSOLE = ROOT / "flexdb/web/console"
MARKUP = '<img src=x onerror="alert(1)">'


def test_a_tenant_is_made_by_a_form_and_leads_to_its_page(console: Console) -> None:
    slug = f"made-{uuid4().hex}"
    page = console.followed(console.post("/new-tenant", {"name": MARKUP, "slug": slug}))
    assert "Created &lt;img" in page and slug in page and MARKUP not in page
    assert 'class="message"' in page and 'class="message"' not in console.get("/")


@pytest.mark.parametrize("form, field", [
    ({"name": "A", "slug": ""}, "slug"), ({"name": "", "slug": "a-slug"}, "name"),
    ({"name": "A", "slug": "0195a6f0-0000-7000-8000-000000000000"}, "slug")])
def test_what_is_wrong_with_a_tenant_stands_at_its_field_and_nothing_typed_is_lost(
        console: Console, form: dict[str, str], field: str) -> None:
    page = console.post("/new-tenant", form, status=400).text
    (shown,) = re.findall(rf'<input id="f-{field}"[^>]*>', page)
    assert 'aria-invalid="true"' in shown
    assert f'href="#f-{field}"' in page and all(f'value="{value}"' in page
                                                for value in form.values())


def test_a_slug_that_is_taken_is_told_at_its_field(console: Console) -> None:
    taken = console.service.tenant()["slug"]
    page = console.post("/new-tenant", {"name": "A", "slug": taken}, status=409).text
    assert re.search(r'id="f-slug"[^>]*aria-invalid="true"', page)


@pytest.mark.parametrize("url, status", [
    ("/nowhere", 404), ("/t/0195a6f0-0000-7000-8000-000000000000", 404), ("/t/no-id", 400),
    ("/new-tenant", 404)])
def test_an_error_is_a_page_in_words(console: Console, url: str, status: int) -> None:
    page = console.get(url, status)
    assert page.startswith("<!doctype html>") and "Traceback" not in page
    assert "Reason: <code>" in page


def test_a_body_that_is_too_large_is_told_as_a_page(console: Console) -> None:
    page = console.post("/new-tenant", {"name": "x" * (16 * 1024 * 1024 + 10)}, status=413).text
    assert "Too large" in page


@pytest.mark.parametrize("headers, status", [
    ({}, 303),
    ({"Sec-Fetch-Site": "same-origin"}, 303),
    ({"Sec-Fetch-Site": "none"}, 303),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "http://localhost"}, 303),
    ({"Origin": "http://localhost:81"}, 403),
    ({"Origin": "http://elsewhere.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403)])
def test_a_form_of_another_site_does_nothing(
        console: Console, headers: dict[str, str], status: int) -> None:
    slug = f"forged-{uuid4().hex}"
    response = console.client.post("/console/new-tenant", data={"name": "A", "slug": slug},
                                   headers=headers)
    assert response.status_code == status
    there = console.service.call("list_tenants", filter={"slug": slug})["tenants"]
    assert bool(there) == (status == 303)


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("127.0.0.1:5000", 200), ("[::1]:5000", 200), ("10.0.0.7", 401),
    ("rebound.example", 403), ("localhost.rebound.example", 403)])
def test_a_name_that_may_be_another_site_s_shows_nothing(
        console: Console, host: str, status: int) -> None:
    assert console.client.get("/console/", headers={"Host": host}).status_code == status


def test_every_answer_says_what_a_page_may_load(console: Console) -> None:
    for url in ("/console/", "/console/nowhere", "/console/login", "/console/assets/console.css"):
        with console.client.get(url) as response:
            assert response.headers["Content-Security-Policy"] == POLICY
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in POLICY


def test_every_file_that_a_page_or_a_script_names_is_served(console: Console) -> None:
    for folder in (CONSOLE / "templates", CONSOLE / "static"):
        for file in [*folder.rglob("*.html"), *folder.rglob("*.js")]:
            text = file.read_text(encoding="utf-8")
            named = re.findall(r'/console/assets/([\w/.-]+)"', text) + [
                normpath(file.parent.relative_to(folder) / name)
                for name in re.findall(r'^import .*"(\..+)"', text, re.M)]
            for name in named:
                with console.client.get(f"/console/assets/{name}") as response:
                    assert response.status_code == 200, (file, name)


@pytest.mark.parametrize("name", ["../assets.py", "records/../../assets.py", "..%2Fassets.py",
                                  "%2Fetc%2Fpasswd", "records", "records/none.js"])
def test_no_file_elsewhere_is_served(console: Console, name: str) -> None:
    assert console.client.get(f"/console/assets/{name}").status_code == 404


def test_it_can_be_left_out(new_service: Any) -> None:
    client = new_service(console_enabled=False).app.test_client()
    assert client.get("/console/").status_code == 404


@pytest.mark.long
@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_frame_fits_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    site.service.tenant(name=MARKUP)
    resize(browser, size, theme)
    for url in ("/", "/nowhere", "/login"):
        browser.get(site.url + url)
        assert axe(browser) == [], url
        assert overflow(browser) <= 0
    assert not [told for told in faults(browser) if "status of 40" not in told]
