"""Errors, as a person sees them: a page in words, with what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from psycopg import sql
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from flexdb.config import Settings
from tests.support import postgres
from tests.support.console import Console, served
from tests.support.service import Service

# Tries every way to part a text.
SLOW = "^(.+)(.+)(.+)(.+)\\4\\3\\2\\1$"


def _is_in_words(page: str, reason: str) -> None:
    assert page.startswith("<!doctype html>") and "Traceback" not in page
    assert f"Reason: <code>{reason}</code>" in page


def test_what_a_page_does_not_do_is_told_as_a_page(console: Console) -> None:
    for url in ("/service", "/nowhere"):
        response = console.post(url, status=405)
        _is_in_words(response.text, "METHOD_NOT_FOUND")
        assert "GET" in response.headers["Allow"]
        assert "Content-Security-Policy" in response.headers
    assert console.client.delete("/console/").mimetype == "text/html"


def test_a_form_of_another_site_is_told_why_it_does_nothing(console: Console) -> None:
    response = console.client.post("/console/new-tenant", data={"name": "A", "slug": "a"},
                                   headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    _is_in_words(response.text, "PERMISSION_DENIED")


def test_what_takes_too_long_is_told_where_it_was_asked(new_service: Callable[..., Service]
                                                        ) -> None:
    service = new_service(filter_timeout=0.05)
    console = Console(service, service.app.test_client())
    node_type = service.node_type(service.tenant())
    service.node(node_type, data={"title": "a" * 500 + "c"})
    url = f"/t/{node_type['tenant_id']}/types/{node_type['id']}"
    page = console.get(f"{url}?" + urlencode(
        {"filter": '{"data.title":{"$regex":"' + SLOW.replace("\\", "\\\\") + '"}}'}), 504)
    assert page.startswith("<!doctype html>") and 'role="alert"' in page
    assert "leave out how many there are" in page and "(.+)" in page


def test_what_is_wrong_with_the_service_is_told_by_an_id_alone(
        new_service: Callable[..., Service]) -> None:
    service = new_service()
    console = Console(service, service.app.test_client())
    with postgres.connect(service.settings) as connection:
        connection.execute("""
            CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'the secret of a row' USING ERRCODE = 'XX000'; END $$""")
        connection.execute("CREATE TRIGGER break BEFORE INSERT ON tenants EXECUTE FUNCTION break()")
    page = console.post("/new-tenant", {"name": "A", "slug": "a"}, 500).text
    _is_in_words(page, "INTERNAL")
    assert re.search(r'data-copy="[0-9a-f-]{16,}"', page) and "secret" not in page


def _rename(settings: Settings, before: str, after: str) -> None:
    with postgres.connect(replace(settings, db_name="postgres")) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                           "WHERE datname = %s", [before])
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(before), sql.Identifier(after)))


@pytest.mark.long
def test_a_page_tries_again_by_itself_until_the_database_is_back(
        new_database: Callable[..., Settings], browser: Any) -> None:
    settings = new_database()
    name, wait = settings.db_name, WebDriverWait(browser, 30)
    with served(Service.of(settings)) as site:
        site.service.tenant(name="Still there")
        _rename(settings, name, f"{name}_away")
        browser.get(site.url + "/")
        wait.until(lambda _: "Not available right now" in browser.title)
        assert "tries again in" in browser.find_element(By.TAG_NAME, "main").text
        # The page of the service answers meanwhile.
        browser.get(f"{site.url}/service")
        assert "Calls cannot be answered" in browser.find_element(By.TAG_NAME, "main").text
        browser.get(site.url + "/")
        _rename(settings, f"{name}_away", name)
        wait.until(lambda _: "Still there" in browser.page_source)
