"""Webhooks in the console: made with a secret that is shown once, tried, sent again, paused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import postgres
from tests.support.console import Console
from tests.support.receivers import LOCAL, Receiver, Reply
from tests.support.service import Service
from tests.support.waiting import wait_until
from tests.support.webhooks import deliveries, delivering, webhook

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
URL = "https://example.com/hooks"


def webhooks(console: Console, tenant: dict[str, Any]) -> Any:
    return console.service.call("list_webhooks", tenant_id=tenant["id"])["webhooks"]


def made(console: Console) -> tuple[Any, str]:
    """Return a webhook, and the URL of its page below ``/console``."""
    tenant = console.service.tenant()
    one = webhook(console.service, tenant, URL)
    return one, f"/t/{tenant['id']}/webhooks/{one['id']}"


def test_a_webhook_is_made_and_its_secret_is_shown_in_one_answer(console: Console) -> None:
    tenant = console.service.tenant()
    task = console.service.node_type(tenant, name="<img src=x onerror=alert(1)>")
    url = f"/t/{tenant['id']}/webhooks"
    assert "No webhook yet" in console.get(url)
    assert "&lt;img src=x" in console.get(f"{url}/new")
    response = console.post(f"{url}/new", {
        "url": URL, "events": ["node.created", "node.deleted"], "node_type_ids": [task["id"]],
        "relationship_types": "part of\ndepends_on", "filter": '{"data.n": {"$gt": 1.10}}',
        "ordering": "all"}, status=200)
    (secret,) = set(SECRET.findall(response.text))
    assert secret not in str(response.headers)
    assert secret not in response.text.partition("This page as code")[2]
    (one,) = webhooks(console, tenant)
    assert (one["url"], one["events"], one["ordering"]) == (
        URL, ["node.created", "node.deleted"], "all")
    assert one["relationship_types"] == ["part of", "depends_on"]
    for page in (url, f"{url}/{one['id']}", f"{url}/{one['id']}/edit"):
        shown = console.get(page)
        assert URL in shown and not SECRET.search(shown) and "<img src=x" not in shown
    # What it is told of is in the form as it was typed.
    assert "1.10" in shown and shown.count(" checked>") == 3


def test_a_webhook_is_changed_and_what_is_left_empty_is_no_bound(console: Console) -> None:
    one, url = made(console)
    form = {"url": f"{URL}/other", "events": ["node.created"], "filter": '{"data.a": 1}',
            "ordering": "record", "version": "1"}
    assert "Saved" in console.followed(console.post(f"{url}/edit", form))
    console.post(f"{url}/edit", {"url": URL, "ordering": "record", "version": "2"})
    (found,) = webhooks(console, {"id": one["tenant_id"]})
    assert (found["url"], found["events"], found["filter"]) == (URL, None, None)
    page = console.post(f"{url}/edit", form, status=412).text
    assert "changed meanwhile" in page and 'name="version" value="3"' in page
    assert f'value="{URL}/other"' in page


@pytest.mark.parametrize("wrong, field", [
    ({"url": "http://example.com/"}, "url"), ({"url": ""}, "url"), ({"filter": "{"}, "filter"),
    ({"filter": '{"data.a": {"$regex": "x"}}'}, "filter"), ({"events": ["sun.rose"]}, "events"),
    ({"node_type_ids": ["0195a6f0-0000-7000-8000-000000000000"]}, "node_type_ids"),
    ({"ordering": "none"}, "ordering")])
def test_what_is_wrong_with_a_webhook_stands_at_its_field_and_nothing_typed_is_lost(
        console: Console, wrong: dict[str, Any], field: str) -> None:
    tenant = console.service.tenant()
    form = {"url": URL, "relationship_types": "kept", "filter": '{"data.n": 1.10}'} | wrong
    response = console.client.post(f"/console/t/{tenant['id']}/webhooks/new", data=form)
    assert response.status_code in (400, 404)
    page = response.text.replace("&#34;", '"')
    assert f'href="#f-{field}"' in page and f'id="f-{field}"' in page
    assert form["url"] in page and form["filter"] in page and "\nkept</textarea>" in page
    assert webhooks(console, tenant) == []


def test_another_secret_is_shown_once_too(console: Console) -> None:
    one, url = made(console)
    page = console.post(f"{url}/rotate", {"overlap": "0"}, status=200).text
    (secret,) = set(SECRET.findall(page))
    assert secret != one["secret"]
    assert not SECRET.search(console.get(url))
    assert "must be a whole number" in console.post(f"{url}/rotate", {"overlap": "x"},
                                                    status=400).text


def test_a_webhook_is_paused_and_goes_on_and_is_deleted_once_that_was_asked(
        console: Console) -> None:
    one, url = made(console)
    tenant = {"id": one["tenant_id"]}
    page = console.followed(console.post(f"{url}/status", {"status": "paused"}))
    assert webhooks(console, tenant)[0]["status"] == "paused" and "Undo" in page
    console.post(f"{url}/status", {"status": "active"})
    assert webhooks(console, tenant)[0]["status"] == "active"
    assert "Delete the webhook" in console.post(f"{url}/delete", status=200).text
    assert len(webhooks(console, tenant)) == 1
    console.post(f"{url}/delete", {"sure": "yes"})
    assert webhooks(console, tenant) == []


def test_it_is_told_when_nobody_delivers_and_why_one_is_disabled(console: Console) -> None:
    one, url = made(console)
    told = "does not seem to run"
    console.post(f"{url}/test")
    assert told not in console.get(url)
    with postgres.connect(console.service.settings) as connection:
        connection.execute("UPDATE flexdb_deliveries SET created_at = created_at - interval "
                           "'100 seconds' WHERE webhook_id = %s", [one["id"]])
        assert told in console.get(url)
        connection.execute("UPDATE flexdb_webhooks SET status = 'disabled', reason = "
                           "'it answered with <b>410' WHERE id = %s", [one["id"]])
    page = console.get(url)
    assert told not in page and "it answered with &lt;b&gt;410" in page and "Go on" in page


def test_more_tests_than_may_wait_are_refused_in_words(console: Console) -> None:
    _, url = made(console)
    for _ in range(10):
        console.post(f"{url}/test")
    assert "No test was entered" in console.followed(console.post(f"{url}/test"))


def test_what_came_of_a_test_is_shown_and_it_is_sent_again(
        new_service: Callable[..., Service]) -> None:
    service = new_service(**LOCAL)
    console = Console(service, service.app.test_client())
    with Receiver(lambda received: Reply(503)) as receiver:
        one = webhook(service, service.tenant(), receiver.url())
        url = f"/t/{one['tenant_id']}/webhooks/{one['id']}"
        assert "No delivery yet" in console.get(url)
        console.post(f"{url}/test")
        with delivering(service.settings):
            wait_until(lambda: deliveries(service, one)[0]["status"] == "dead")
            page = console.get(url)
            assert "503" in page and ">dead<" in page
            assert "503" in console.get(f"{url}?status=dead")
            assert "No delivery that is done" in console.get(f"{url}?status=done")
            receiver.answer = lambda received: Reply()
            (position,) = re.findall(r'name="position" value="(-\d+)"', page)
            page = console.followed(console.post(f"{url}/redeliver", {"position": position}))
            assert "One delivery is sent again" in page
            wait_until(lambda: deliveries(service, one)[0]["status"] == "done")
            assert ">done<" in console.get(url)
        assert "Nothing is sent again" in console.followed(console.post(f"{url}/redeliver"))
