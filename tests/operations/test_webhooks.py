"""Webhooks: what may be said of them, and what is kept."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.access.sealing import Seals
from flexdb.config import Settings
from flexdb.operations.webhooks import MOST_BYTES, MOST_WEBHOOKS
from tests.support import postgres
from tests.support.callers import closed, secrets_of, with_key
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors
URL = "https://example.com/hooks?token=abc"
KEY = "a key that is long enough for anyone"


def make(service: Service, tenant: dict[str, Any], **given: Any) -> Any:
    return service.call("create_webhook", {"tenant_id": tenant["id"], "url": URL} | given)[
        "webhook"]


def wrong(service: Service, method: str, params: Any) -> dict[str, list[str]]:
    """Return what is told of the fields that are wrong."""
    with pytest.raises(RpcError) as refused:
        service.call(method, params)
    return refused.value.fields


def kept(settings: Settings, webhook: dict[str, Any], columns: str) -> Any:
    with postgres.connect(settings) as connection:
        return connection.execute(
            f"SELECT {columns} FROM flexdb_webhooks w WHERE w.id = %s".encode(),
            [webhook["id"]]).fetchone()


def test_a_webhook_is_kept_as_it_was_said(service: Service) -> None:
    tenant = service.tenant()
    type_id = service.node_type(tenant)["id"]
    filter = {"data.b": {"$gt": 1.50}, "data.a": "x"}
    said = {"url": URL, "events": ["node.created", "relationship.deleted"],
            "node_type_ids": [type_id], "relationship_types": ['part "of"', "a,b"],
            "filter": filter, "ordering": "all"}
    made = make(service, tenant, **said)
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) == 32
    assert said.items() <= made.items() and list(made["filter"]) == list(filter)
    assert (made["status"], made["reason"], made["failures"], made["failing_since"],
            made["version"]) == ("active", None, 0, None, 1)
    one = {"tenant_id": tenant["id"], "id": made["id"]}
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert service.call("get_webhook", one)["webhook"] == shown
    assert service.call("list_webhooks", tenant_id=tenant["id"])["webhooks"] == [shown]
    changed = service.call("update_webhook", one | {
        "url": "https://example.com:8443/", "events": None, "filter": None, "version": 1})
    assert changed["webhook"] == shown | {
        "url": "https://example.com:8443/", "events": None, "filter": None, "version": 2,
        "updated_at": changed["webhook"]["updated_at"]}
    with pytest.raises(RpcError, match="changed meanwhile"):
        service.call("update_webhook", one | {"ordering": "record", "version": 1})
    service.call("delete_webhook", one)
    assert service.call("list_webhooks", tenant_id=tenant["id"])["webhooks"] == []


def test_one_of_which_nothing_more_is_said_hears_of_all(service: Service) -> None:
    made = make(service, service.tenant())
    assert [made[name] for name in ("events", "node_type_ids", "relationship_types", "filter",
                                    "ordering")] == [None, None, None, None, "record"]


@pytest.mark.parametrize("url", [
    "http://example.com/", "ftp://example.com/", "//example.com/", "https:///a", "example.com",
    "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
    "https://example.com:80/", "https://example.com:8080/", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com:x/", "https://example.com/#a",
    "https://example.com/ü", "https://exämple.com/", "https://example.com/a b",
    "https://example.com/\n", "https://example.com\\@127.0.0.1/", "https://[::1/",
    "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://[fd00::1]/",
    "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest", "https://localhost/",
    "https://a.localhost./", "https://2130706433/", "https://0x7f.1/", "https://0x7f000001/",
    "https://017700000001/", "https://127.1/", "https://0.0.0.0/", "https://224.0.0.1/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[::127.0.0.1]/",
    "https://example.com/" + "x" * 2048])
def test_a_url_that_nothing_may_be_posted_to_is_refused(service: Service, url: str) -> None:
    tenant = service.tenant()
    assert list(wrong(service, "create_webhook", {"tenant_id": tenant["id"], "url": url})) == [
        "url"]
    webhook = make(service, tenant)
    assert list(wrong(service, "update_webhook", {
        "tenant_id": tenant["id"], "id": webhook["id"], "url": url})) == ["url"]


@pytest.mark.parametrize("url", [
    "https://example.com", "https://EXAMPLE.com:443/a?b=c%20d", "https://example.com:8443/a",
    "https://93.184.216.34/", "https://[2606:2800:220:1:248:1893:25c8:1946]/",
    "https://a.b-c.example:8443/%C3%A9", "https://1password.com/"])
def test_a_url_of_the_public_internet_is_taken(service: Service, url: str) -> None:
    assert make(service, service.tenant(), url=url)["url"] == url


def test_where_the_operator_lets_it_http_and_any_port_will_do(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    for options, url in (({"webhook_http": True}, "http://127.0.0.1:8080/"),
                         ({"webhook_allow": "10.0.0.0/8"}, "https://10.0.0.1:9000/")):
        with closing(Service.of(replace(settings, **options))) as service:
            assert make(service, service.tenant(), url=url)["url"] == url
            tenant = service.tenant()
            for bad in ("gopher://a/", "https://a:b@c/", "https://a:0/"):
                assert list(wrong(service, "create_webhook", {
                    "tenant_id": tenant["id"], "url": bad})) == ["url"]


@pytest.mark.parametrize("said, place", [
    ({"events": []}, "events"), ({"events": ["node.*"]}, "events.0"),
    ({"events": ["node.created"] * 10}, "events"), ({"ordering": "none"}, "ordering"),
    ({"node_type_ids": ["x"]}, "node_type_ids.0"), ({"relationship_types": [""]},
                                                    "relationship_types.0"),
    ({"filter": []}, "filter"), ({"filter": {"kind": 1}}, "filter.kind"),
    ({"filter": {"data.a": {"$regex": "a"}}}, "filter.data.a.$regex"),
    ({"filter": {"$or": [{"data.a": 1}, {"data.b": {"$near": 1}}]}}, "filter.$or.1.data.b.$near"),
    ({"filter": {"data.a": "x" * MOST_BYTES}}, "filter"), ({"secret": "mine"}, "secret")])
def test_what_is_wrong_is_named(service: Service, said: Any, place: str) -> None:
    tenant = service.tenant()
    webhook = make(service, tenant)
    assert list(wrong(service, "create_webhook", {"tenant_id": tenant["id"], "url": URL} | said)
                ) == [place]
    assert list(wrong(service, "update_webhook", {
        "tenant_id": tenant["id"], "id": webhook["id"]} | said)) == [place]


def test_a_node_type_that_it_names_is_one_of_the_tenant(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    ids = [service.node_type(tenant)["id"], service.node_type(other)["id"], str(uuid4())]
    told = {f"node_type_ids.{place}": ["names no node type"] for place in (1, 2)}
    assert wrong(service, "create_webhook", {
        "tenant_id": tenant["id"], "url": URL, "node_type_ids": ids}) == told
    one = {"tenant_id": tenant["id"], "id": make(service, tenant)["id"]}
    assert wrong(service, "update_webhook", one | {"node_type_ids": ids}) == told


def test_a_tenant_has_only_so_many(service: Service) -> None:
    tenant = service.tenant()
    for _ in range(MOST_WEBHOOKS):
        make(service, tenant)
    assert wrong(service, "create_webhook", {"tenant_id": tenant["id"], "url": URL}) == {
        "url": [f"is one too many: a tenant may have {MOST_WEBHOOKS} webhooks"]}
    make(service, service.tenant())


def test_one_begins_behind_what_there_is_or_where_it_is_told(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    start = service.call("list_changes", tenant_id=tenant["id"])["position"]
    for _ in range(3):
        service.node(node_type)
    feed, _, number = start.rpartition(".")
    of_now, of_then = make(service, tenant), make(service, tenant, since=start)
    for webhook, more in ((of_now, 3), (of_then, 0)):
        assert kept(service.settings, webhook, "w.position, w.epoch") == (
            int(number) + more, feed.partition(".")[2])
    with pytest.raises(RpcError) as gone:
        make(service, tenant, since=f"{feed}.99")
    assert gone.value.reason == "CHANGES_GONE"
    assert list(wrong(service, "create_webhook", {
        "tenant_id": tenant["id"], "url": URL, "since": "7"})) == ["since"]


def test_where_a_tenant_is_replaced_no_number_of_a_change_comes_twice(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    before = service.call("list_changes", tenant_id=tenant["id"])["position"]
    with postgres.connect(service.settings) as connection:
        connection.execute("SELECT flexdb_restart_changes(%s)", [tenant["id"]])
    service.node(node_type)
    after = service.call("list_changes", tenant_id=tenant["id"])["position"]
    assert after.rpartition(".")[0] != before.rpartition(".")[0]
    assert int(after.rpartition(".")[2]) == int(before.rpartition(".")[2]) + 1


def test_one_is_paused_and_activated_and_its_failures_are_forgotten(service: Service) -> None:
    tenant = service.tenant()
    webhook = make(service, tenant)
    one = {"tenant_id": tenant["id"], "id": webhook["id"]}
    fail = """UPDATE flexdb_webhooks SET status = 'disabled', reason = 'it answered with 410',
              failures = 7, failing_since = now(), paused_until = 'infinity' WHERE id = %s"""
    with postgres.connect(service.settings) as connection:
        connection.execute(fail.encode(), [webhook["id"]])
        shown = service.call("get_webhook", one)["webhook"]
        assert (shown["status"], shown["reason"], shown["failures"]) == (
            "disabled", "it answered with 410", 7)
        # What is told of a webhook in trouble is still that, when only its filter is another.
        shown = service.call("update_webhook", one | {"filter": {"data.a": 1}})["webhook"]
        assert (shown["status"], shown["failures"]) == ("disabled", 7)
        for change, status in (({"status": "active"}, "active"), ({"status": "paused"}, "paused"),
                               ({"url": "https://example.org/"}, "disabled")):
            connection.execute(fail.encode(), [webhook["id"]])
            shown = service.call("update_webhook", one | change)["webhook"]
            is_fresh = status != "paused"
            assert (shown["status"], shown["failures"], shown["failing_since"] is None) == (
                status, 0 if is_fresh else 7, is_fresh)
            assert (shown["reason"] is None) is ("status" in change)
            assert kept(service.settings, webhook, "w.paused_until IS NULL") == (is_fresh,)
    assert list(wrong(service, "update_webhook", one | {"status": "disabled"})) == ["status"]


def test_another_secret_takes_the_place_of_the_one_before_after_a_while(service: Service) -> None:
    tenant = service.tenant()
    webhook = make(service, tenant)
    one = {"tenant_id": tenant["id"], "id": webhook["id"]}
    second = service.call("rotate_webhook_secret", one)["webhook"]
    assert second["secret"] != webhook["secret"] and second["version"] == 2
    third = service.call("rotate_webhook_secret", one | {"overlap": 60})["webhook"]
    (secrets, seconds), = [kept(
        service.settings, webhook,
        "w.secrets, extract(epoch FROM (w.secrets -> 1 ->> 'until')::timestamptz - w.updated_at)")]
    assert [found["secret"] for found in secrets] == [third["secret"], second["secret"]]
    assert secrets[0]["until"] is None and round(seconds) == 60
    last = service.call("rotate_webhook_secret", one | {"overlap": 0})["webhook"]
    assert kept(service.settings, webhook, "w.secrets") == (
        [{"secret": last["secret"], "until": None}],)
    assert "secret" not in service.call("get_webhook", one)["webhook"]


@pytest.fixture(scope="module")
def sealing(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service with a key for secrets, where everyone needs a key."""
    with closing(closed(new_database(secret_key=KEY))) as service:
        yield service


def test_with_a_key_no_secret_stands_in_the_database(sealing: Service) -> None:
    operator = with_key(sealing, secrets_of(sealing.settings, {"id": None})["operator"])
    tenant = operator.tenant()
    webhook = make(operator, tenant)
    ((found,),) = kept(sealing.settings, webhook, "w.secrets")
    of = f"{tenant['id']}/{webhook['id']}"
    assert webhook["secret"].removeprefix("whsec_") not in found["secret"]
    assert Seals(KEY).open(found["secret"], of) == webhook["secret"]


def test_no_event_tells_a_secret_or_a_url(service: Service) -> None:
    tenant = service.tenant()
    webhook = make(service, tenant)
    one = {"tenant_id": tenant["id"], "id": webhook["id"]}
    secret = service.call("rotate_webhook_secret", one)["webhook"]["secret"]
    service.call("update_webhook", one | {"url": "https://example.org/?token=def",
                                          "ordering": "all"})
    service.call("delete_webhook", one)
    events = service.call("list_events", tenant_id=tenant["id"])["events"]
    assert [event["operation"] for event in events[:4]] == [
        "delete_webhook", "update_webhook", "rotate_webhook_secret", "create_webhook"]
    assert events[1]["changed"] == ["ordering", "url"]
    assert (events[1]["before"], events[1]["after"]) == (
        {"ordering": "record"}, {"ordering": "all"})
    told = orjson.dumps(events).decode()
    assert not [one for one in (secret, webhook["secret"], "token") if one in told]


def test_admins_alone_have_to_do_with_webhooks(sealing: Service) -> None:
    operator = with_key(sealing, secrets_of(sealing.settings, {"id": None})["operator"])
    tenant = operator.tenant()
    keys = secrets_of(sealing.settings, tenant)
    webhook = make(with_key(sealing, keys["admin"]), tenant)
    for role in ("viewer", "member"):
        for method in ("get_webhook", "rotate_webhook_secret", "delete_webhook"):
            with pytest.raises(RpcError) as refused:
                with_key(sealing, keys[role]).call(method, tenant_id=tenant["id"],
                                                   id=webhook["id"])
            assert refused.value.reason == "PERMISSION_DENIED"


def test_with_its_tenant_a_webhook_goes_with_all_its_deliveries(service: Service) -> None:
    tenant = service.tenant()
    webhook = make(service, tenant)
    service.call("test_webhook", tenant_id=tenant["id"], webhook_id=webhook["id"])
    service.call("delete_tenant", id=tenant["id"])
    with postgres.connect(service.settings) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM flexdb_webhooks w WHERE w.tenant_id = t.id),"
            " (SELECT count(*) FROM flexdb_deliveries d WHERE d.tenant_id = t.id)"
            " FROM (SELECT %s::uuid AS id) t", [tenant["id"]]).fetchone() == (0, 0)
