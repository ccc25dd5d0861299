"""ETags and what is asked by them, row by row (RFC 9110, sections 8.8.3, 13.1 and 13.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.postgres import connect
from tests.support.service import Service

KINDS = {"tenant": "tenants", "user": "users", "node_type": "node-types", "node": "nodes",
         "relationship": "relationships"}


@pytest.fixture(params=KINDS)
def url(service: Service, request: pytest.FixtureRequest) -> str:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    node = service.node(node_type, data={"a": 1})
    made = {"tenant": tenant, "user": service.user(), "node_type": node_type, "node": node,
            "relationship": service.relationship(node, node)}[request.param]
    place = f"/tenants/{tenant['id']}" if "tenant_id" in made else ""
    return f"{place}/{KINDS[request.param]}/{made['id']}"


def is_versioned(url: str) -> bool:
    return url.count("/") > 2


@pytest.fixture
def node_url(service: Service) -> str:
    node = service.node(service.node_type(service.tenant()), data={"a": 1})
    return f"/tenants/{node['tenant_id']}/nodes/{node['id']}"


def send(service: Service, verb: str, url: str, **headers: str) -> Any:
    body: Any = {} if verb in ("PUT", "PATCH") else None
    return service.app.test_client().open(
        url, method=verb, json=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()})


def tag_of(service: Service, url: str, **headers: str) -> str:
    return str(send(service, "GET", url, **headers).headers["ETag"])


def test_a_tag_names_one_state_of_one_object_in_one_form(service: Service, url: str) -> None:
    first = tag_of(service, url)
    assert first.startswith('"1-') == is_versioned(url) and tag_of(service, url) == first
    assert "Prefer" in send(service, "GET", url).headers["Vary"]
    changed = send(service, "PUT", url).headers["ETag"]
    assert changed == tag_of(service, url) != first
    assert changed.startswith('"2-') == is_versioned(url)
    as_string = tag_of(service, url, Prefer="json-fields=string")
    assert as_string == changed[:-1] + '-s"'
    for known, status in ((changed, 304), (f"W/{changed}", 304), (f"{first}, {changed}", 304),
                          ("*", 304), (first, 200), (as_string, 200), ('"x"', 200), ("x", 200)):
        answer = send(service, "GET", url, If_None_Match=known)
        assert answer.status_code == status, known
        assert answer.headers["ETag"] == changed and bool(answer.data) == (status == 200)
    known = send(service, "GET", url, If_None_Match=as_string, Prefer="json-fields=string")
    assert known.status_code == 304


# In place of {} stands the tag that the object has, in place of {old} one that it had.
ROWS = [
    ("If-Match", "{}", True), ("If-Match", "*", True), ("If-Match", '"x", {}', True),
    ("If-Match", "{}, {old}", True), ("If-Match", "{old}", False), ("If-Match", "W/{}", False),
    ("If-Match", '"x"', False), ("If-Match", '"99999999999999999999"', False),
    ("If-Match", '"1"', False), ("If-Match", "", False), ("If-Match", "x", False),
    ("If-None-Match", "{}", False), ("If-None-Match", "*", False),
    ("If-None-Match", "W/{}", False), ("If-None-Match", '"x", {}', False),
    ("If-None-Match", "{old}", True), ("If-None-Match", '"x"', True),
]


@pytest.mark.parametrize("header, value, holds", ROWS)
@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE"])
def test_a_change_is_made_only_where_the_condition_holds(
        service: Service, node_url: str, verb: str, header: str, value: str, holds: bool) -> None:
    old = tag_of(service, node_url)
    now = send(service, "PUT", node_url).headers["ETag"]
    answer = send(service, verb, node_url, **{header: value.format(now, old=old)})
    if holds:
        assert answer.status_code == (204 if verb == "DELETE" else 200), answer.text
    else:
        assert answer.status_code == 412
        assert answer.get_json()["error"]["data"]["version"] == 2
        assert tag_of(service, node_url) == now


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_every_object_keeps_to_its_tag(service: Service, url: str, verb: str) -> None:
    old = tag_of(service, url)
    now = send(service, "PUT", url).headers["ETag"]
    assert send(service, verb, url, If_Match=old).status_code == 412
    assert send(service, verb, url, If_None_Match=now).status_code == 412
    assert send(service, verb, url, If_Match=now).status_code < 300


def test_a_condition_on_what_is_not_there_is_answered_404(service: Service, url: str) -> None:
    gone = f"{url.rpartition('/')[0]}/{uuid4()}"
    for verb in ("GET", "PUT", "DELETE"):
        for header in ("If-Match", "If-None-Match"):
            for value in ("*", '"1-1"'):
                assert send(service, verb, gone, **{header: value}).status_code == 404


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_what_is_made_anew_under_its_id_is_another(service: Service, url: str, verb: str) -> None:
    before = send(service, "GET", url)
    (member,) = before.get_json()
    old, made = before.headers["ETag"], before.get_json()[member]
    assert send(service, "DELETE", url).status_code == 204
    again = {name: value for name, value in made.items()
             if name not in ("tenant_id", "version", "created_at", "updated_at")}
    collection = url.rpartition("/")[0]
    again.pop("status", None)
    assert service.app.test_client().post(collection, json=again).status_code == 201
    assert send(service, "GET", url).get_json()[member].get("version", 1) == 1
    assert send(service, "GET", url, If_None_Match=old).status_code == 200
    assert send(service, verb, url, If_Match=old).status_code == 412


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_what_is_brought_again_with_its_version_and_times_is_another(
        service: Service, url: str, verb: str) -> None:
    """As an import does that brings a row from a file."""
    _, *parts = url.split("/")
    table = parts[-2].replace("-", "_")
    before = send(service, "GET", url).headers["ETag"]
    with connect(service.settings) as connection, connection.transaction():
        made = connection.execute(
            f"WITH gone AS (DELETE FROM {table} WHERE id = %s RETURNING *) "
            "SELECT to_jsonb(gone) - 'size' FROM gone".encode(), [parts[-1]]).fetchone()
        assert made
        columns = ", ".join(made[0])
        connection.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} "
            f"FROM jsonb_populate_record(NULL::{table}, %s)".encode(), [Jsonb(made[0])])
    again = send(service, "GET", url)
    assert again.headers["ETag"] != before
    assert send(service, "GET", url, If_None_Match=before).status_code == 200
    assert send(service, verb, url, If_Match=before).status_code == 412
    assert send(service, verb, url, If_Match=again.headers["ETag"]).status_code < 300


@pytest.mark.parametrize("time", ["infinity", "-infinity", "4000-01-01 BC", "294276-12-31"])
def test_a_row_of_whatever_time_has_a_tag_that_is_obeyed(
        service: Service, url: str, time: str) -> None:
    """Rows of an adopted database are served whatever they hold."""
    _, *parts = url.split("/")
    table = parts[-2].replace("-", "_")
    with connect(service.settings) as connection:
        connection.execute(f"UPDATE {table} SET created_at = %s, updated_at = %s WHERE id = %s"
                           .encode(), [time, time, parts[-1]])
    tag = tag_of(service, url)
    assert send(service, "GET", url, If_None_Match=tag).status_code == 304
    assert send(service, "PUT", url, If_Match=tag).status_code == 200
    assert send(service, "DELETE", url, If_Match=tag).status_code == 412


def test_of_changes_that_ask_for_one_state_one_is_made(service: Service, url: str) -> None:
    tag = tag_of(service, url)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(
            lambda _: send(service, "PUT", url, If_Match=tag).status_code, range(16)))
    assert sorted(answers) == [200] + [412] * 15


def test_a_membership_is_in_no_state_that_can_be_asked_for(service: Service) -> None:
    tenant, user = service.tenant(), service.user()
    url = f"/tenants/{tenant['id']}/users/{user['id']}"
    assert send(service, "DELETE", url, If_Match='"x"').status_code == 404
    service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"])
    for header, value in (("If-Match", '"x"'), ("If-Match", '"unknown"'), ("If-None-Match", "*")):
        answer = send(service, "DELETE", url, **{header: value})
        assert answer.status_code == 412
        assert answer.get_json()["error"]["data"]["reason"] == "PRECONDITION_FAILED"
    assert send(service, "DELETE", url, If_Match="*").status_code == 204


# Section 13.2.2: If-Match is looked at first, and both must hold.
@pytest.mark.parametrize("match, none_match, status, reason", [
    ("{}", '"x"', 200, ""), ("*", '"x"', 200, ""), ("{}", "{old}", 200, ""),
    ("{}", "{}", 412, "PRECONDITION_FAILED"), ("*", "*", 412, "PRECONDITION_FAILED"),
    ("{old}", "{}", 412, "VERSION_CONFLICT"), ("{old}", '"x"', 412, "VERSION_CONFLICT")])
def test_of_two_conditions_both_must_hold(
        service: Service, node_url: str, match: str, none_match: str, status: int, reason: str
        ) -> None:
    old = tag_of(service, node_url)
    now = send(service, "PUT", node_url).headers["ETag"]
    answer = send(service, "PUT", node_url, If_Match=match.format(now, old=old),
                  If_None_Match=none_match.format(now, old=old))
    assert answer.status_code == status
    assert answer.get_json().get("error", {"data": {"reason": ""}})["data"]["reason"] == reason


def test_an_error_says_whether_the_state_is_another_or_excluded(service: Service, url: str
                                                                ) -> None:
    tag = tag_of(service, url)
    versioned = is_versioned(url)
    moved = send(service, "PUT", url, If_Match='"x"').get_json()["error"]["data"]
    assert moved["reason"] == ("VERSION_CONFLICT" if versioned else "PRECONDITION_FAILED")
    for value in ("*", tag):
        excluded = send(service, "PUT", url, If_None_Match=value).get_json()["error"]
        assert excluded["data"]["reason"] == "PRECONDITION_FAILED"
        assert "If-None-Match" in excluded["message"]
        assert excluded["data"].get("version") == (1 if versioned else None)


# Section 13.1.1: a GET may ask for a state too, and 13.1.2: of a list, too.
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_a_get_obeys_conditions(service: Service, url: str, verb: str) -> None:
    tag = tag_of(service, url)
    for header, value, status in (
            ("If-Match", tag, 200), ("If-Match", "*", 200), ("If-Match", f"W/{tag}", 412),
            ("If-Match", '"x"', 412), ("If-Match", f'"x", {tag}', 200), ("If-Match", "", 412),
            ("If-None-Match", tag, 304), ("If-None-Match", f"W/{tag}", 304),
            ("If-None-Match", '"x"', 200), ("If-None-Match", "", 200)):
        assert send(service, verb, url, **{header: value}).status_code == status, (header, value)
    assert send(service, verb, url, If_Match='"x"', If_None_Match=tag).status_code == 412
    assert send(service, verb, url, If_Match=tag, If_None_Match=tag).status_code == 304
    for header, value, status in (("If-Match", '"x"', 412), ("If-Match", "*", 200),
                                  ("If-None-Match", "*", 304), ("If-None-Match", '"x"', 200)):
        assert send(service, verb, "/users", **{header: value}).status_code == status


# Section 15.4.5: what a 304 has to tell, and what it may not.
def test_what_is_known_is_answered_with_headers_alone(service: Service, url: str) -> None:
    whole = send(service, "GET", url)
    known = send(service, "GET", url, If_None_Match=whole.headers["ETag"])
    assert (known.status_code, known.data) == (304, b"")
    assert known.headers["ETag"] == whole.headers["ETag"]
    assert known.headers["Vary"] == whole.headers["Vary"]
    assert not {"Content-Length", "Content-Type"} & set(known.headers.keys())


# What a POST is sent to has no tag; where a list stands, something is there.
@pytest.mark.parametrize("headers, status", [
    ({"If_Match": '"x"'}, 412), ({"If_Match": "*"}, 201), ({"If_None_Match": "*"}, 412),
    ({"If_None_Match": '"x"'}, 201)])
def test_a_post_obeys_conditions(service: Service, headers: dict[str, str], status: int) -> None:
    slug = uuid4().hex
    answer = service.app.test_client().post(
        "/tenants", json={"slug": slug, "name": "x"},
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status
    assert (slug in send(service, "GET", "/tenants?page_size=1000").text) == (status == 201)
    calls = service.app.test_client().post(
        "/transactions", json={"calls": [{"method": "list_tenants"}]},
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert calls.status_code == (412 if headers == {"If_Match": '"x"'} else 200)


# Sections 13.1.3 to 13.1.5 and 14.2: without a date and without ranges these mean nothing.
@pytest.mark.parametrize("header, value", [
    ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("If-Range", '"x"'),
    ("Range", "bytes=0-1"), ("If-Modified-Since", "x")])
@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_dates_and_ranges_are_ignored(
        service: Service, url: str, verb: str, header: str, value: str) -> None:
    answer = send(service, verb, url, **{header: value})
    assert answer.status_code == 200 and answer.get_json()
    assert not {"Last-Modified", "Accept-Ranges"} & set(answer.headers.keys())


def test_a_version_in_the_body_and_a_tag_must_both_hold(service: Service, node_url: str) -> None:
    tag = tag_of(service, node_url)
    for version, status in ((2, 412), (1, 200)):
        answer: Any = service.app.test_client().put(
            node_url, json={"version": version}, headers={"If-Match": tag})
        assert answer.status_code == status
