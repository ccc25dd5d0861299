"""Calls that wait for a change, and streams, through an application that keeps its threads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.refusals import refusal
from tests.support.row_security import switched_on
from tests.support.service import Service, request
from tests.support.waiting import wait_until

Change = dict[str, Any]


@pytest.fixture(scope="module")
def quick(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database(stream_poll=0.02, heartbeat=0.1))
    yield service
    service.close()


@pytest.fixture(params=["jsonrpc", "rest"])
def through(quick: Service, request: pytest.FixtureRequest) -> Service:
    return Service(quick.app, quick.settings, request.param)


@pytest.fixture
def tenant(quick: Service) -> Any:
    return quick.tenant()


def place(service: Service, tenant: Any) -> str:
    position: str = service.call("list_changes", tenant_id=tenant["id"])["position"]
    return position


def stream(service: Service, tenant: Any, **options: Any) -> Any:
    return service.client().get(f"/tenants/{tenant['id']}/changes/stream", buffered=False,
                                **options)


def first(response: Any) -> tuple[str, Any]:
    """Return the name and the data of the first event, and go away."""
    text = b""
    parts = iter(response.response)
    while not (found := re.search(rb"event: (\w+)\ndata: (.*)\n\n", text)):
        text += next(parts)
    response.close()
    return found[1].decode(), json.loads(found[2])


def test_a_call_waits_until_something_changes(through: Service, tenant: Any) -> None:
    since = place(through, tenant)
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(through.call, "list_changes", tenant_id=tenant["id"], since=since,
                               kinds=["node_type"], wait=60)
        made = through.node_type(tenant)
        page = waits.result()
    (change,) = page["changes"]
    assert (change["id"], change["op"], page["more"]) == (made["id"], "create", False)
    assert page["position"] == change["position"]


def test_a_call_that_waited_in_vain_says_how_far_it_looked(through: Service, tenant: Any) -> None:
    since = place(through, tenant)
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(through.call, "list_changes", tenant_id=tenant["id"], since=since,
                               kinds=["relationship"], wait=1)
        through.node_type(tenant)
        page = waits.result()
    assert page == {"changes": [], "position": place(through, tenant), "more": False}
    assert page["position"] != since


def test_what_is_there_already_is_not_waited_for(through: Service, tenant: Any) -> None:
    since = place(through, tenant)
    made = through.node_type(tenant)
    page = through.call("list_changes", tenant_id=tenant["id"], since=since, wait=60)
    assert [change["id"] for change in page["changes"]] == [made["id"]]


@pytest.mark.long
def test_behind_row_security_a_call_waits_until_something_changes(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(stream_poll=0.02)
    with_all = Service.of(settings)
    tenant = with_all.tenant()
    with_all.close()
    held = Service.of(replace(switched_on(settings), stream_poll=0.02))
    waiting = held.app.extensions["flexdb_hub"]
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(held.call, "list_changes", tenant_id=tenant["id"],
                               since=place(held, tenant), wait=60)
        wait_until(lambda: waiting.count)
        made = held.node_type(tenant)
        wait_until(waits.done)
    held.close()
    assert [change["id"] for change in waits.result()["changes"]] == [made["id"]]


@pytest.mark.parametrize("wait", [-1, 61, "5", True, 0.5, ""])
def test_a_time_to_wait_is_whole_seconds(quick: Service, tenant: Any, wait: Any) -> None:
    params = {"tenant_id": tenant["id"], "since": place(quick, tenant), "wait": wait}
    if wait == "":
        assert quick.call("list_changes", params)["changes"] == []
    else:
        assert [*refusal(quick, "list_changes", params).fields] == ["wait"]


def test_only_a_call_alone_waits(quick: Service, tenant: Any) -> None:
    params = {"tenant_id": tenant["id"], "since": place(quick, tenant), "wait": 30}
    replies = quick.batch([request("list_changes", params, 1), request("list_changes", params, 2)])
    assert [reply["error"]["data"]["fields"] for reply in replies] == 2 * [
        {"wait": ["is for a call alone that is answered, not for one in a batch"]}]
    # And it is no parameter of a stream, which always does.
    refused = stream(quick, tenant, query_string={"wait": 5})
    assert refused.status_code == 400 and "wait" in refused.json["error"]["data"]["fields"]


def test_a_stream_goes_on_where_the_client_was_rather_than_where_it_began(
        quick: Service, tenant: Any) -> None:
    began = place(quick, tenant)
    quick.node_type(tenant)
    later = place(quick, tenant)
    for options, name, position in [
            ({}, "position", later), ({"query_string": {"since": began}}, "position", began),
            ({"query_string": {"since": began}, "headers": {"Last-Event-ID": later}}, "position",
             later), ({"headers": {"Last-Event-ID": ""}}, "position", later)]:
        response = stream(quick, tenant, **options)
        assert response.headers["Content-Type"] == "text/event-stream"
        assert first(response) == (name, {"position": position})


@pytest.mark.long
def test_a_stream_from_now_on_begins_behind_all_that_was_written(quick: Service, tenant: Any
                                                                 ) -> None:
    node_type = quick.node_type(tenant)
    with postgres.connect(quick.settings) as database:
        database.execute("INSERT INTO nodes (id, tenant_id, node_type_id, data) SELECT "
                         "gen_random_uuid(), %s, %s, '{}' FROM generate_series(1, 4500)",
                         [tenant["id"], node_type["id"]])
    name, told = first(stream(quick, tenant))
    assert name == "position"
    assert quick.call("list_changes", tenant_id=tenant["id"], since=told["position"]) == {
        "changes": [], "position": told["position"], "more": False}


def test_a_stream_tells_a_client_when_to_come_back_and_not_all_at_once(
        quick: Service, tenant: Any) -> None:
    times = set()
    for _ in range(8):
        response = stream(quick, tenant)
        (time,) = re.findall(rb"\Aretry: (\d+)\n\n", next(iter(response.response)))
        times.add(int(time))
        response.close()
    assert len(times) > 1 and all(1000 <= time <= 5000 for time in times)


@pytest.mark.parametrize("since, status, reason", [
    ("nonsense", 400, "INVALID_PARAMS"), ("abcdef.12345678.7", 410, "CHANGES_GONE")])
def test_a_place_that_is_none_is_refused_before_a_stream_begins(
        quick: Service, tenant: Any, since: str, status: int, reason: str) -> None:
    for asked in ({"query_string": {"since": since}}, {"headers": {"Last-Event-ID": since}}):
        response = stream(quick, tenant, **asked)
        assert (response.status_code, response.json["error"]["data"]["reason"]) == (status, reason)


def test_a_stream_is_for_who_takes_one(quick: Service, tenant: Any) -> None:
    for accept, status in [("text/event-stream", 200), ("*/*", 200), ("text/*;q=0.5", 200),
                           ("application/json", 406), ("text/event-stream;q=0", 406)]:
        response = stream(quick, tenant, headers={"Accept": accept})
        assert response.status_code == status
        response.close()


def test_only_the_head_of_a_stream_may_be_asked_for(quick: Service, tenant: Any) -> None:
    hub = quick.app.extensions["flexdb_hub"]
    before = hub.places["stream"].held
    response = quick.client().head(f"/tenants/{tenant['id']}/changes/stream")
    assert (response.status_code, response.data) == (200, b"")
    response.close()
    assert hub.places["stream"].held == before
