"""From record to record of the list that one was opened from."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.support.console import Console
from tests.support.html_forms import form_with
from tests.support.tasks import Tasks


@pytest.fixture
def tasks(console: Console) -> Tasks:
    return Tasks.of(console)


def _links(page: str) -> dict[str, str]:
    """Return where a record's page leads before and after it, below ``/console``."""
    return {rel: unescape(url) for rel, url in re.findall(
        r'rel="(prev|next)" href="/console([^"]*)"', page)}


def _title(page: str) -> str:
    (title,) = re.findall("<h1>(.*?)</h1>", page)
    return str(title)


def _opened(tasks: Tasks, url: str, title: str) -> str:
    """Return the URL that a record's name leads to in the table at a URL."""
    (found,) = re.findall(rf'<a href="/console([^"]*)">{title}</a>', tasks.console.get(url))
    return unescape(found)


def test_the_filter_and_the_order_of_the_list_are_kept(tasks: Tasks) -> None:
    for title, priority in (("a", 3), ("b", 1), ("other", 9), ("c", 2)):
        tasks.add(title=title, priority=priority)
    listed = f"{tasks.url}?" + urlencode({
        "filter": '{"data.priority":{"$lt":9}}', "sort": "data.priority", "fields": "data.title"})
    url = _opened(tasks, listed, "b")
    seen = [_title(page := tasks.console.get(url))]
    assert "prev" not in _links(page)
    assert f'href="/console{listed}"' in unescape(page)
    # The JSON of a record is of the same list.
    (beside,) = re.findall(r'<a href="/console([^"]*)">JSON</a>', page)
    assert _links(tasks.console.get(unescape(beside))) == _links(page)
    while url := _links(page).get("next", ""):
        before, page = page, tasks.console.get(url)
        assert _title(tasks.console.get(_links(page)["prev"])) == _title(before)
        seen.append(_title(page))
    assert seen == ["b", "c", "a"]


def test_save_and_next_leads_on_in_the_list_though_the_record_moves_in_it(tasks: Tasks) -> None:
    for title, status in (("a", "todo"), ("b", "done"), ("c", "todo")):
        tasks.add(title=title, status=status)
    url = _opened(tasks, f"{tasks.url}?" + urlencode(
        {"filter": '{"data.status":"todo"}', "sort": "data.title"}), "a")
    page = tasks.console.get(url)
    form = form_with(page, "object:")
    response = tasks.console.post(url, form | {"/title": "z", "do": "next"})
    assert _title(tasks.console.followed(response)) == "c"
    # What is not where it was says so, and leads to the list all the same.
    page = tasks.console.get(url.replace("todo", "done"))
    assert _links(page) == {} and "is not where it was in it any more" in page
    # Who deletes one is back in the list.
    version = form_with(page, "version")["version"]
    path, _, asked = url.partition("?")
    response = tasks.console.post(f"{path}/delete?{asked}", {"version": version})
    assert response.headers["Location"] == f"/console{tasks.url}?{asked}"


def test_the_end_of_a_page_is_no_end(tasks: Tasks) -> None:
    tasks.console.service.call("create_nodes", tenant_id=tasks.type["tenant_id"], nodes=[
        {"node_type_id": tasks.type["id"], "data": {"title": f"{number:03}"}}
        for number in range(90)])
    url = _opened(tasks, f"{tasks.url}?sort=data.title", "048")
    for number in range(48, 89):
        page = tasks.console.get(url)
        assert _title(page) == f"{number:03}"
        url = _links(page)["next"]
    page = tasks.console.get(url)
    assert _title(page) == "089" and "next" not in _links(page)
    assert _title(tasks.console.get(_links(page)["prev"])) == "088"


@pytest.mark.parametrize("asked", [
    "filter=%7B", "sort=no+such", "search=", "page_token=x&sort=data.title", "sort=" + "x" * 5000])
def test_a_list_that_is_none_breaks_no_record(tasks: Tasks, asked: str) -> None:
    id = tasks.add(title="One")["id"]
    page = tasks.console.get(f"/t/{tasks.type['tenant_id']}/nodes/{id}?{asked}")
    assert _title(page) == "One" and _links(page) == {}
