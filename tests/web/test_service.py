"""The console's page of the service itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Console, Site
from tests.support.service import Service


def test_it_says_that_calls_can_be_answered_and_what_they_took(console: Console) -> None:
    console.service.tenant()
    page = console.get("/service")
    assert "Ready: PostgreSQL answers" in page
    row = page.split('href="/console/calls/create_tenant"')[1].split("</tr>")[0]
    calls = re.search(r'<td class="number">([\d,]+)</td>', row)
    assert calls and int(calls[1].replace(",", "")) >= 1 and "<rect" in row
    assert all(f">{one.name.upper()}</td>" in page for one in fields(Settings))


def test_no_secret_is_shown(new_database: Callable[..., Settings]) -> None:
    secret = "bm9ib2R5IG1heSBzZWUgdGhpcyBrZXkgb2Ygb3Vycy4="
    service = Service.of(replace(new_database(), secret_key=secret))
    page = service.app.test_client().get("/console/service").text
    row = page.split(">SECRET_KEY<")[1].split("</tr>")[0]
    assert secret not in page and "<strong>set</strong>" in row
    assert service.settings.db_password not in page.split(">DB_PASSWORD<")[1].split("</tr>")[0]
    service.close()


def test_without_postgresql_it_still_answers_and_says_so(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(db_pool_timeout=1)
    service = Service.of(settings)
    postgres.drop_database(settings)
    page = service.app.test_client().get("/console/service")
    assert page.status_code == 200
    assert "Calls cannot be answered:" in page.text and "Ready" not in page.text
    assert service.app.test_client().get("/console/").status_code == 503
    service.close()


@pytest.mark.long
@pytest.mark.parametrize("size, theme", [(WIDE, "dark"), (NARROW, "light")])
def test_the_page_of_the_service_fits_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    site.service.tenant()
    resize(browser, size, theme)
    browser.get(f"{site.url}/service")
    assert axe(browser) == [] and overflow(browser) <= 0 and not faults(browser)
