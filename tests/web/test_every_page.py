"""Every page and every form of the console: the application's own URLs say which there are."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

import flexdb.web.console
from flexdb.config import Settings
from flexdb.web.console.safety import POLICY
from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.callers import closed, secrets_of
from tests.support.console import Site
from tests.support.service import Service
from tests.support.world import World

# What is loaded into pages or saved as a file.
_PARTS = {"/console/t/<tenant_id>/graph/chosen/<id>", "/console/t/<tenant_id>/export/file",
          "/console/t/<tenant_id>/changes/since", "/console/<path:path>"}
# How often links that one rule serves are followed.
_OFTEN = 3


class _Reader(HTMLParser):
    """Reads what a page leads to and what it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str]] = []
        self.headings: list[int] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        self.inline += [name for name in said if name == "style" or name.startswith("on")]
        if tag == "a" and said.get("href", "").startswith("/"):
            self.links.append(said["href"])
        elif tag == "form":
            self.forms.append((said.get("method", "get").upper(), said.get("action", "")))
        elif tag == "button" and "formaction" in said:
            self.forms.append((self.forms[-1][0], said["formaction"]))
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "script" and "src" not in said and said.get("type") != "application/json":
            self.inline.append(tag)


def rules(service: Service, verb: str) -> list[Rule]:
    """Return the rules of the console that a verb may be sent to."""
    return [rule for rule in service.app.url_map.iter_rules()
            if rule.endpoint.startswith("console.") and verb in (rule.methods or ())]


def url_of(world: World, rule: Rule) -> str:
    """Return a URL of a rule, at which there is something: its segment says what."""
    of = {"t": world.tenant, "types": world.node_type, "nodes": world.node,
          "relationships": world.relationship, "relationship-types": world.relationship_type,
          "roles": world.role, "webhooks": world.webhook, "users": world.user, "keys": world.key,
          "chosen": world.node}
    parts = rule.rule.split("/")
    url = "/".join(
        part if not part.startswith("<") else
        of[before]["id"] if before in of else "list_nodes" if before == "calls" else "x"
        for before, part in zip(["", *parts], parts))
    return f"{url}?path=data.title" if url.endswith("/cell") else url


def pages(world: World) -> list[str]:
    """Return the URL of each page."""
    return [url_of(world, rule) for rule in rules(world.service, "GET")
            if rule.rule not in _PARTS and not rule.rule.startswith("/console/assets/")]


@pytest.fixture(scope="module")
def world(new_database: Callable[..., Settings]) -> Iterator[World]:
    """A tenant with something of everything, where nobody is asked for a key."""
    service = Service.of(new_database())
    yield World(service)
    service.close()


def _logged_in(service: Service, secret: str) -> FlaskClient:
    client = service.app.test_client()
    response = client.post("/console/login", data={"key": secret, "next": "/console/me"})
    assert response.status_code == 303
    return client


def test_each_page_is_whole_and_leads_to_pages_that_are_there(world: World) -> None:
    client, seen = world.service.app.test_client(), dict[str, int]()
    to = world.service.app.url_map.bind("localhost")
    nowhere = {to.match("/console/nowhere/at/all", verb)[0] for verb in ("GET", "POST")}
    for url in pages(world):
        response = client.get(url)
        assert response.status_code == 200, (url, response.text)
        page = response.text
        assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>"), url
        read = _Reader(page)
        assert read.headings.count(1) == 1 and read.inline == [], url
        assert "This page as code" in page or "/t/" not in url, url
        # Without scripts a form goes where it says.
        for verb, action in read.forms:
            leads, _ = to.match(urlsplit(action).path or urlsplit(url).path, verb)
            assert leads not in nowhere, (url, verb, action)
        for link in read.links:
            rule, _ = to.match(urlsplit(link).path, "GET")
            seen[rule] = seen.get(rule, 0) + 1
            if seen[rule] <= _OFTEN:
                assert client.get(link).status_code < 400, (url, link)


@pytest.mark.long
def test_no_page_leaves_what_it_showed_to_the_garbage_collector(world: World) -> None:
    client = world.service.client()
    for url in pages(world):
        client.get(url)
    gc.collect()
    # So that a look takes no longer than what came since.
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for url in pages(world):
            client.get(url)
            gc.collect()
            left = {type(one).__name__ for one in gc.garbage}
            gc.garbage.clear()
            assert not left & {"Context", "PageContext", "Number", "Call", "Within"}, (url, left)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()


def test_each_form_answers_in_words_whatever_is_sent(world: World) -> None:
    client = world.service.app.test_client()
    for rule in rules(world.service, "POST"):
        url = url_of(world, rule)
        if url.endswith("/delete") or "/restore" in url:
            url = url.replace(world.tenant["id"], world.user["id"])
        for form in ({}, {"version": "x", "ids": "x", "id": "x", "do": "add:/x", "data": "{",
                          "text": "[", "filter": "x", "at": "x", "page_token": "x"}):
            response = client.post(url, data=form)
            assert response.status_code < 500, (url, form, response.text)
            assert response.mimetype == "text/html" or "/copy-records" in url, (url, form)
            assert "Traceback" not in response.text


@pytest.mark.long
@pytest.mark.parametrize("odd", [
    "1" * 4400, "9" * 30, "\x00\x7f\u202e", '{"$or": 1}', "[" * 200,
    '"><img src=x onerror="alert(1)">'])
def test_no_parameter_is_so_odd_that_a_page_fails(world: World, odd: str) -> None:
    client = world.service.app.test_client()
    sources = Path(flexdb.web.console.__file__).parent.rglob("*.py")
    named = {name for one in sources
             for name in re.findall(r'\.get(?:list)?\("(\w+)"', one.read_text())}
    assert {"until", "version", "most", "page_token", "filter"} <= named
    said = dict.fromkeys(named, odd)
    of = [(rule, verb) for verb in ("GET", "POST") for rule in rules(world.service, verb)]
    for rule, verb in of:
        url = url_of(world, rule)
        if url.endswith(("/delete", "/remove")):
            url = url.replace(world.tenant["id"], world.user["id"])
        asked = [(url.partition("?")[0], said)]
        if "<" in rule.rule:
            # The last of what stands in the URL may be odd as well.
            asked.append((f"{url.rpartition('/')[0]}/{quote(odd[:500], safe='')}", {}))
        for path, given in asked:
            response = (client.get(path, query_string=given) if verb == "GET"
                        else client.post(path, data=given))
            assert response.status_code < 500, (path, verb, response.text)
            assert response.headers["Content-Security-Policy"] == POLICY, (path, verb)
            assert "onerror=\"alert" not in response.text, (path, verb)


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_each_page_shows_a_role_what_it_may_see_or_says_what_it_needs(
        world: World, role: str) -> None:
    service = closed(world.service.settings)
    client = _logged_in(service, secrets_of(service.settings, world.tenant)[role])
    refused = set()
    for url in pages(world):
        response = client.get(url)
        # Other people are not there for who may not see all tenants.
        allowed = (200, 303, 403, 404) if "/users/" in url else (200, 303, 403)
        assert response.status_code in allowed, (url, response.text)
        if response.status_code == 403:
            refused.add(url)
            assert response.text.startswith("<!doctype html>") and "needs" in response.text, url
    assert f"/console/t/{world.tenant['id']}/types/{world.node_type['id']}" not in refused
    assert "/console/users" in refused
    service.close()


def test_no_page_and_no_form_is_for_the_key_of_another_tenant(world: World) -> None:
    service, other = closed(world.service.settings), world.service.tenant()
    client = _logged_in(service, secrets_of(service.settings, other)["admin"])

    def position() -> Any:
        return world.service.call("list_changes", tenant_id=world.tenant["id"])["position"]

    form = {"overlap": "0", "version": "1", "sure": "yes", "ids": world.node["id"],
            "role": "viewer", "email": "a@example.org", "user_id": world.user["id"]}
    before = position()
    for verb in ("GET", "POST"):
        for rule in rules(service, verb):
            if rule.rule.startswith("/console/t/"):
                response = client.open(url_of(world, rule), method=verb,
                                       data=form if verb == "POST" else None)
                if response.status_code == 303:
                    # To a page that says of each of several why it was not done.
                    response = client.get(response.headers["Location"])
                refused = (403, 404) if verb == "GET" else (400, 403, 404)
                assert response.status_code in refused, (rule, response.text)
                assert world.tenant["slug"] not in response.text, rule
    assert position() == before
    service.close()


@pytest.mark.long
@pytest.mark.longest
@pytest.mark.parametrize("size, theme", [(WIDE, "light"), (NARROW, "dark")])
def test_each_page_fits_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    world = World(site.service)
    of = {"tenant_id": world.tenant["id"]}
    for method, given in (
            ("update_tenant", {"id": world.tenant["id"], "name": "long " * 20}),
            ("update_node_type", of | {"id": world.node_type["id"], "name": "long" * 20}),
            ("update_node", of | {"id": world.node["id"], "data": {
                "title": "unbroken" * 40, "name": "كتابة التقرير 報告書"}})):
        world.service.call(method, given)
    # Before a page is loaded, so that no colour is on its way to another.
    resize(browser, size, theme)
    wrong = {}
    for url in pages(world):
        browser.get(site.url.removesuffix("/console") + url)
        found = axe(browser), max(overflow(browser), 0), faults(browser)
        if any(found):
            wrong[url] = found
    assert wrong == {}
