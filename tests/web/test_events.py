"""Who changed what in the console, and what a tenant has and asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.console import Console
from tests.support.service import Service


def limits(console: Console, tenant: dict[str, Any]) -> Any:
    return console.service.call("get_limits", tenant_id=tenant["id"])["limits"]


def test_it_is_shown_who_changed_what_and_what_differs(console: Console) -> None:
    tenant = console.service.tenant(name="<img src=x onerror=alert(1)>")
    other = console.service.tenant()
    console.service.call("update_tenant", id=tenant["id"], name="Another <b>name")
    url = f"/t/{tenant['id']}/events"
    page = console.get(url)
    assert "<del>&lt;img src=x onerror=alert(1)&gt;</del>" in page
    assert "<ins>Another &lt;b&gt;name</ins>" in page and "<img src=x" not in page
    assert page.count("<tr>") == 3
    narrowed = console.get(f"{url}?operation=create_tenant&caller=open")
    assert narrowed.count("<tr>") == 2 and "<del>" not in narrowed
    assert "Nothing like this" in console.get(f"{url}?until=2001-01-01")
    assert other["id"] not in page and other["id"] in console.get("/events")


def test_a_day_is_meant_to_its_end(console: Console) -> None:
    tenant = console.service.tenant()
    (event,) = console.service.call("list_events", tenant_id=tenant["id"])["events"]
    day = event["at"][:10]
    assert "create_tenant</td>" in console.get(f"/t/{tenant['id']}/events?since={day}&until={day}")


def test_what_is_no_day_is_told_in_words(console: Console) -> None:
    tenant = console.service.tenant()
    assert "Reason: <code>INVALID_PARAMS" in console.get(
        f"/t/{tenant['id']}/events?since=yesterday", status=400)


def test_limits_of_a_tenant_are_shown_set_and_taken_back(console: Console) -> None:
    tenant = console.service.tenant()
    console.service.node_type(tenant)
    url = f"/t/{tenant['id']}/usage"
    assert "any number" in console.get(url)
    page = console.followed(console.post(url, {"max_nodes": "10", "max_bytes": "1000"}))
    assert "Saved the limits" in page and '<meter min="0" max="10" value="0"' in page
    assert limits(console, tenant)["own"] == ["max_nodes", "max_bytes"]
    console.post(url, {"max_nodes": "", "max_bytes": "1000"})
    assert limits(console, tenant)["own"] == ["max_bytes"]


@pytest.mark.parametrize("typed", ["-1", "1.5", "many", "99999999999999999"])
def test_a_limit_that_is_wrong_is_told_at_its_field_and_nothing_is_saved(
        console: Console, typed: str) -> None:
    tenant = console.service.tenant()
    page = console.post(f"/t/{tenant['id']}/usage", {"max_nodes": typed, "max_bytes": "7"},
                        status=400).text
    assert re.search(rf'id="f-max_nodes"[^>]*value="{typed}"[^>]*aria-invalid="true"', page)
    assert re.search(r'id="f-max_bytes"[^>]*value="7"', page)
    assert limits(console, tenant)["own"] == []


def test_the_tenants_that_ask_for_most_are_listed(new_service: Callable[..., Service]) -> None:
    service = new_service()
    console = Console(service, service.app.test_client())
    assert "Nothing was asked for yet" in console.get("/usage")
    tenant = service.tenant(name="A <b>tenant")
    for _ in range(3):
        service.call("get_tenant", id=tenant["id"])
    service.app.extensions["flexdb_usage"].flush()
    page = console.get("/usage?by=calls&days=7")
    assert "A &lt;b&gt;tenant" in page and f"/t/{tenant['id']}/usage?days=7" in page
    assert ">3<" in console.get(f"/t/{tenant['id']}/usage?days=30")
