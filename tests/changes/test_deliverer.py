"""Deliveries: each change reaches its receiver, in order, however that behaves."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from flexdb.changes.deliveries import LEFT_BEHIND, MOST_WAITING, Deliveries, Hook, claimed_of
from flexdb.config import Settings
from flexdb.db.commands import running
from tests.support import postgres
from tests.support.pgbouncer import PgBouncer, needed
from tests.support.receivers import LOCAL, Crowd, Received, Receiver, Reply
from tests.support.row_security import switched_on
from tests.support.service import Service
from tests.support.waiting import wait_until
from tests.support.webhooks import SOON, deliveries, delivering, webhook

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service, which lets webhooks lead to this machine."""
    service = Service.of(new_database(**LOCAL))
    yield service
    service.close()


@pytest.fixture(autouse=True)
def no_others(service: Service) -> Iterator[None]:
    """Leave no webhook behind for who delivers next."""
    yield
    with postgres.connect(service.settings) as connection:
        connection.execute("DELETE FROM flexdb_webhooks")


def statuses(service: Service, hook: dict[str, Any]) -> Counter[str]:
    return Counter(one["status"] for one in deliveries(service, hook))


def update(service: Service, node: dict[str, Any], data: Any) -> None:
    service.call("update_node", tenant_id=node["tenant_id"], id=node["id"], data=data)


def versions(received: list[Received]) -> dict[str, list[int]]:
    """Return the versions of each object in the order in which they came."""
    found: dict[str, list[int]] = defaultdict(list)
    for one in received:
        found[one.data["id"]].append(one.data["version"])
    return found


def test_each_change_is_delivered_once_as_the_feed_has_it_and_signed(service: Service) -> None:
    tenant = service.tenant()
    since = service.call("list_changes", tenant_id=tenant["id"])["position"]
    with Receiver() as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url())
        node_type = service.node_type(tenant)
        node = service.node(node_type, data={"n": 1, "ü": "é"})
        update(service, node, {"n": 2})
        service.call("delete_node", tenant_id=tenant["id"], id=node["id"])
        wait_until(lambda: statuses(service, hook) == {"done": 4})
    changes = service.call("list_changes", tenant_id=tenant["id"], since=since)["changes"]
    bodies = [orjson.loads(one.body) for one in receiver.received]
    assert sorted((body["data"] for body in bodies), key=lambda one: one["position"]) == changes
    assert Counter(body["type"] for body in bodies) == {
        "node_type.created": 1, "node.created": 1, "node.updated": 1, "node.deleted": 1}
    assert all(body["timestamp"] == body["data"]["at"] for body in bodies)
    for one in receiver.received:
        Webhook(hook["secret"]).verify(one.body, one.headers)
    assert [one.headers["webhook-id"].rpartition("-")[2] for one in receiver.received] == [
        one.data["position"].rpartition(".")[2] for one in receiver.received]
    assert {one["attempts"] for one in deliveries(service, hook)} == {1}


def test_numbers_are_sent_to_the_digit(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    with Receiver() as receiver, delivering(service.settings):
        webhook(service, {"id": node_type["tenant_id"]}, receiver.url())
        service.post(b'{"jsonrpc":"2.0","id":1,"method":"create_node","params":{"tenant_id":"%b",'
                     b'"node_type_id":"%b","data":{"n":12345678901234567890.50}}}' % (
                         node_type["tenant_id"].encode(), node_type["id"].encode()))
        wait_until(lambda: receiver.received)
    assert b'"n":12345678901234567890.50' in receiver.received[0].body.replace(b" ", b"")


def test_a_webhook_hears_of_what_it_asked_for_alone_and_moves_on(service: Service) -> None:
    tenant = service.tenant()
    of, other = service.node_type(tenant), service.node_type(tenant)
    with Receiver() as receiver, delivering(service.settings):
        all_of = webhook(service, tenant, receiver.url("/all"))
        webhook(service, tenant, receiver.url("/asked"), events=["node.updated", "node.deleted"],
                node_type_ids=[of["id"]], filter={"data.a": 1})
        mine, fits_not, strange = (service.node(of, data={"a": 1}), service.node(of, data={"a": 2}),
                                   service.node(other, data={"a": 1}))
        for node in (mine, fits_not, strange):
            update(service, node, {"a": 3})
        service.call("delete_node", tenant_id=tenant["id"], id=mine["id"])
        wait_until(lambda: statuses(service, all_of) == {"done": 7})
        # Of a change after those nothing is to be told, and this one comes behind it.
        update(service, fits_not, {"a": 1})
        wait_until(lambda: [one for one in receiver.received if one.path == "/asked"
                            and one.data["id"] == fits_not["id"]])
    asked = [one for one in receiver.received if one.path == "/asked"]
    assert [(one.data["op"], one.data["id"]) for one in asked] == [
        ("update", mine["id"]), ("update", fits_not["id"])]


def test_what_fails_is_tried_again_in_the_order_of_each_object(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    failed: Counter[str] = Counter()

    def often(received: Received) -> Reply:
        failed[id := received.headers["webhook-id"]] += 1
        return Reply(500 if failed[id] < 3 else 200)

    with Receiver(often) as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url())
        nodes = [service.node(node_type) for _ in range(3)]
        for turn in range(4):
            for node in nodes:
                update(service, node, {"turn": turn})
        wait_until(lambda: statuses(service, hook) == {"done": 15})
    assert set(failed.values()) == {3}
    for found in versions(receiver.received).values():
        assert found == sorted(found)
    assert {one["attempts"] for one in deliveries(service, hook)} == {3}
    got = {one.headers["webhook-signature"]: one for one in receiver.received}
    for one in got.values():
        Webhook(hook["secret"]).verify(one.body, one.headers)


def test_one_that_fails_always_holds_up_its_own_object_alone(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    cursed = service.node(node_type)

    def not_that(received: Received) -> Reply:
        return Reply(500 if received.data["id"] == cursed["id"] else 200)

    with Receiver(not_that) as receiver, delivering(service.settings, SOON._replace(
            delays=(3600,) * 9)):
        hook = webhook(service, tenant, receiver.url())
        for turn in range(3):
            update(service, cursed, {"turn": turn})
        others = [service.node(node_type) for _ in range(8)]
        wait_until(lambda: statuses(service, hook) == {"done": 8, "waiting": 3})
        assert Counter(one.data["id"] for one in receiver.received) == {
            cursed["id"]: 1, **{one["id"]: 1 for one in others}}
        waiting = deliveries(service, hook, status="waiting")
        assert [one["attempts"] for one in waiting] == [1, 0, 0]
        assert (waiting[0]["last_status"], waiting[0]["last_error"]) == (
            500, "it answered with 500")


def test_with_the_ordering_all_nothing_passes_what_fails(service: Service) -> None:
    tenant = service.tenant()
    failures = iter([500, 500, 200, 200, 500, 200, 200])
    with (Receiver(lambda _: Reply(next(failures, 200))) as receiver,
          delivering(service.settings)):
        hook = webhook(service, tenant, receiver.url(), ordering="all")
        for _ in range(8):
            service.node_type(tenant)
        wait_until(lambda: statuses(service, hook) == {"done": 8})
    places = [int(one.data["position"].rpartition(".")[2]) for one in receiver.received]
    assert places == sorted(places) and len(places) == 11


def test_what_is_given_up_is_listed_as_dead_and_sent_again_with_the_same_id(
        service: Service) -> None:
    tenant = service.tenant()
    with (Receiver(lambda _: Reply(500)) as receiver,
          delivering(service.settings, SOON._replace(delays=(0.01, 0.01)))):
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        wait_until(lambda: statuses(service, hook) == {"dead": 1})
        (dead,) = deliveries(service, hook, status="dead")
        assert (dead["attempts"], dead["last_status"]) == (3, 500)
        receiver.answer = lambda _: Reply()
        assert service.call("redeliver", tenant_id=tenant["id"], webhook_id=hook["id"]) == {
            "count": 1}
        wait_until(lambda: statuses(service, hook) == {"done": 1})
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1 and len(receiver.received) == 4


def state(service: Service, hook: dict[str, Any]) -> Any:
    return service.call("get_webhook", tenant_id=hook["tenant_id"], id=hook["id"])["webhook"]


def test_an_answer_of_410_disables_a_webhook_which_goes_on_where_it_was(service: Service) -> None:
    tenant = service.tenant()
    with Receiver(lambda _: Reply(410)) as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url(), ordering="all")
        service.node_type(tenant)
        wait_until(lambda: state(service, hook)["status"] == "disabled")
        assert state(service, hook)["reason"] == "it answered with 410"
        service.node_type(tenant)
        receiver.answer = lambda _: Reply()
        service.call("update_webhook", tenant_id=tenant["id"], id=hook["id"], status="active")
        wait_until(lambda: statuses(service, hook) == {"done": 2})
        wait_until(lambda: state(service, hook)["failures"] == 0)
    assert len(receiver.received) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_endpoint_that_is_busy_is_left_alone_as_long_as_it_asks(
        service: Service, status: int) -> None:
    tenant = service.tenant()
    with (Receiver(lambda _: Reply(status, {"Retry-After": "3000"})) as receiver,
          delivering(service.settings)):
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        wait_until(lambda: [one for one in deliveries(service, hook) if one["attempts"]
                            and one["last_status"]])
        # Another tenant's go on meanwhile, and what is behind is not even tried.
        service.node_type(tenant)
        other = webhook(service, service.tenant(), receiver.url("/other"))
        service.node_type({"id": other["tenant_id"]})
        wait_until(lambda: [one for one in receiver.received if one.path == "/other"])
        assert [one.path for one in receiver.received] == ["/hook", "/other"]


def test_how_long_an_endpoint_may_ask_to_be_left_alone_has_an_end(service: Service) -> None:
    tenant = service.tenant()
    answers = iter([Reply(429, {"Retry-After": "86400"})])
    with (Receiver(lambda _: next(answers, Reply())) as receiver,
          delivering(service.settings, SOON._replace(longest_pause=0.05))):
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        wait_until(lambda: statuses(service, hook) == {"done": 1})
    assert len(receiver.received) == 2


def test_after_ten_failures_there_is_one_attempt_at_a_time(service: Service) -> None:
    tenant = service.tenant()
    crowd = Crowd(lambda _: Reply(500), 0.02)
    schedule = SOON._replace(delays=(0.01,) * 900, probe=0)
    with (Receiver(crowd) as receiver, delivering(service.settings, schedule),
          delivering(service.settings, schedule)):
        hook = webhook(service, tenant, receiver.url())
        for _ in range(6):
            service.node_type(tenant)
        wait_until(lambda: state(service, hook)["failures"] >= 10 + 8)
        before = len(receiver.received)
        assert crowd.most_while(
            lambda: wait_until(lambda: len(receiver.received) > before + 10)) == 1
        receiver.answer = lambda _: Reply()
        wait_until(lambda: statuses(service, hook) == {"done": 6})
        assert state(service, hook)["failures"] == 0


def test_whoever_fails_for_days_is_disabled(service: Service) -> None:
    tenant = service.tenant()
    with (Receiver(lambda _: Reply(500)) as receiver,
          delivering(service.settings, SOON._replace(patience=0.05, delays=(0.06,) * 9))):
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        wait_until(lambda: state(service, hook)["status"] == "disabled")
        assert state(service, hook)["reason"].startswith("there were nothing but failures since")
        assert statuses(service, hook) == {"waiting": 1}


def test_a_receiver_that_hangs_is_left_and_others_hear_meanwhile(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    over = threading.Event()

    def hang(received: Received) -> Reply:
        if received.path == "/hangs":
            over.wait()
        return Reply()

    with (Receiver(hang) as receiver,
          delivering(service.settings, webhook_timeout=1.0, webhook_threads=4)):
        for _ in range(3):
            webhook(service, tenant, receiver.url("/hangs"))
        hook = webhook(service, other, receiver.url())
        for _ in range(4):
            service.node_type(tenant)
        service.node_type(other)
        wait_until(lambda: statuses(service, hook) == {"done": 1})
        hanging = service.call("list_webhooks", tenant_id=tenant["id"])["webhooks"]
        wait_until(lambda: any(one["last_error"] for each in hanging
                               for one in deliveries(service, each)))
        assert "there was no answer within 1 s" in {
            one["last_error"] for each in hanging for one in deliveries(service, each)}
        over.set()


def test_a_tenant_whose_deliveries_keep_postgresql_busy_leaves_connections_to_others(
        service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    most = [0]

    def at_work() -> int:
        # Those that wait for the one below.
        with postgres.connect(service.settings) as looking:
            (count,) = looking.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'").fetchone() or (0,)
        most[0] = max(most[0], count)
        return int(count)

    with Receiver() as receiver, postgres.connect(service.settings) as holding:
        for _ in range(6):
            webhook(service, tenant, receiver.url("/busy"))
        hook = webhook(service, other, receiver.url())
        service.node_type(tenant)
        holding.execute("BEGIN")
        holding.execute(
            "INSERT INTO flexdb_deliveries (tenant_id, webhook_id, position, object_id) "
            "SELECT w.tenant_id, w.id, 1, w.id FROM flexdb_webhooks w WHERE w.tenant_id = %s",
            [tenant["id"]])
        with delivering(service.settings, webhook_threads=16):
            wait_until(lambda: at_work() >= 3)
            service.node_type(other)
            wait_until(lambda: at_work() and statuses(service, hook) == {"done": 1})
            holding.execute("ROLLBACK")
    assert most == [3]


def test_while_its_secret_changes_both_sign(service: Service) -> None:
    tenant = service.tenant()
    with Receiver() as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url())
        new = service.call("rotate_webhook_secret", tenant_id=tenant["id"], id=hook["id"])[
            "webhook"]["secret"]
        service.node_type(tenant)
        wait_until(lambda: receiver.received)
        for secret in (hook["secret"], new):
            Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
        service.call("rotate_webhook_secret", tenant_id=tenant["id"], id=hook["id"], overlap=0)
        service.node_type(tenant)
        wait_until(lambda: len(receiver.received) == 2)
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1


def test_what_somebody_took_and_never_ended_is_sent_when_the_lease_is_over(
        service: Service) -> None:
    tenant = service.tenant()
    with Receiver() as receiver, running(service.settings) as run:
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        asking = Deliveries(service.settings, SOON._replace(lease=0.5), 1)
        key = Hook(tenant["id"], hook["id"])
        run(asking.number(key))
        taken = claimed_of(key, run(asking.take(key)).text)
        assert taken and taken.attempts == 1
        assert claimed_of(key, run(asking.take(key)).text) is None
        with delivering(service.settings):
            wait_until(lambda: statuses(service, hook) == {"done": 1})
    assert [one["attempts"] for one in deliveries(service, hook)] == [2]
    assert len(receiver.received) == 1


def test_several_who_deliver_send_each_change_once(service: Service) -> None:
    tenant = service.tenant()
    with (Receiver() as receiver, delivering(service.settings), delivering(service.settings),
          delivering(service.settings)):
        hooks = [webhook(service, tenant, receiver.url(f"/{place}")) for place in range(3)]
        for _ in range(20):
            service.node_type(tenant)
        for hook in hooks:
            wait_until(lambda: statuses(service, hook) == {"done": 20})
    assert Counter(one.path for one in receiver.received) == {"/0": 20, "/1": 20, "/2": 20}


def test_a_test_is_sent_once_and_holds_nothing_up(service: Service) -> None:
    tenant = service.tenant()
    with Receiver(lambda _: Reply(500)) as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url(), ordering="all")
        service.call("test_webhook", tenant_id=tenant["id"], webhook_id=hook["id"])
        wait_until(lambda: statuses(service, hook) == {"dead": 1})
        assert state(service, hook)["failures"] == 0
        body = orjson.loads(receiver.received[0].body)
        assert body["type"] == "webhook.test" and body["data"] == {
            "tenant_id": tenant["id"], "webhook_id": hook["id"]}
        Webhook(hook["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)
    assert len(receiver.received) == 1


def test_a_filter_that_cannot_be_read_any_more_disables_its_webhook_which_goes_on_where_it_was(
        service: Service, caplog: pytest.LogCaptureFixture) -> None:
    tenant = service.tenant()
    with Receiver() as receiver:
        hook = webhook(service, tenant, receiver.url(), filter={"data.a": 1})
        node_type = service.node_type(tenant)
        with postgres.connect(service.settings) as connection:
            connection.execute("""UPDATE flexdb_webhooks SET filter = '{"data.a": {"$was": 1}}'""")
        service.node(node_type, data={"a": 1})
        with delivering(service.settings):
            wait_until(lambda: state(service, hook)["status"] == "disabled")
            assert "$was" in state(service, hook)["reason"]
            service.call("update_webhook", tenant_id=tenant["id"], id=hook["id"], status="active",
                         filter={"data.a": 1})
            wait_until(lambda: statuses(service, hook) == {"done": 1})
    assert not [one for one in caplog.records if one.exc_info]


def test_whom_the_feed_has_left_behind_is_told_so_and_goes_on_from_now(service: Service) -> None:
    tenant = service.tenant()
    with Receiver() as receiver:
        hook = webhook(service, tenant, receiver.url())
        service.node_type(tenant)
        service.call("list_changes", tenant_id=tenant["id"])
        with postgres.connect(service.settings) as connection:
            connection.execute("UPDATE flexdb_change_heads SET epoch = 'another' "
                               "WHERE tenant_id = %s", [tenant["id"]])
        with delivering(service.settings):
            wait_until(lambda: state(service, hook)["status"] == "disabled")
            assert state(service, hook)["reason"] == LEFT_BEHIND
            service.call("update_webhook", tenant_id=tenant["id"], id=hook["id"], status="active")
            new = service.node_type(tenant)
            wait_until(lambda: receiver.received)
    assert [one.data["id"] for one in receiver.received] == [new["id"]]


def test_no_more_wait_than_there_is_room_for_and_the_rest_follows(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    with Receiver(lambda _: Reply(429, {"Retry-After": "3000"})) as receiver:
        hook = webhook(service, tenant, receiver.url())
        for _ in range(2):
            service.call("create_nodes", tenant_id=tenant["id"], nodes=[
                {"node_type_id": node_type["id"]} for _ in range(MOST_WAITING * 2 // 3)])
        with delivering(service.settings):
            wait_until(lambda: [one for one in receiver.received])
        with postgres.connect(service.settings) as connection:
            def waiting() -> Any:
                return connection.execute(
                    "SELECT count(*) FROM flexdb_deliveries WHERE webhook_id = %s",
                    [hook["id"]]).fetchall()[0][0]

            with running(service.settings) as run:
                asking = Deliveries(service.settings, SOON, 1)
                key = Hook(tenant["id"], hook["id"])
                connection.execute("UPDATE flexdb_webhooks SET paused_until = NULL WHERE id = %s",
                                   [hook["id"]])
                run(asking.number(key))
                for _ in range(12):
                    run(asking.take(key))
                assert MOST_WAITING <= waiting() < MOST_WAITING + 300
                assert orjson.loads(run(asking.due()).text) == [[tenant["id"], hook["id"], False]]
                connection.execute("UPDATE flexdb_deliveries SET status = 'done', "
                                   "done_at = clock_timestamp() WHERE webhook_id = %s",
                                   [hook["id"]])
                for _ in range(4):
                    run(asking.take(key))
                assert waiting() == 2 * (MOST_WAITING * 2 // 3)


def test_those_that_ended_long_ago_are_removed(service: Service) -> None:
    tenant = service.tenant()
    with Receiver() as receiver:
        hook = webhook(service, tenant, receiver.url())
        with delivering(service.settings):
            for _ in range(3):
                service.node_type(tenant)
            wait_until(lambda: statuses(service, hook) == {"done": 3})
        with postgres.connect(service.settings) as connection:
            connection.execute(
                "UPDATE flexdb_deliveries SET created_at = created_at - interval '8 days', "
                "done_at = done_at - interval '8 days' WHERE webhook_id = %s AND position < 3",
                [hook["id"]])
        with delivering(service.settings):
            wait_until(lambda: statuses(service, hook) == {"done": 1})


def test_a_secret_that_cannot_be_read_is_told_to_the_operator_and_tried_again(
        new_service: Callable[..., Service], caplog: pytest.LogCaptureFixture) -> None:
    key = "k" * 32
    sealed = new_service(secret_key=key, **LOCAL)
    tenant = sealed.tenant()
    with Receiver() as receiver:
        hook = webhook(sealed, tenant, receiver.url())
        sealed.node_type(tenant)
        with delivering(sealed.settings, SOON._replace(delays=(0.02,) * 900), secret_key=""):
            wait_until(lambda: [one for one in deliveries(sealed, hook) if one["last_error"]])
            assert "SECRET_KEY" in caplog.text and hook["secret"] not in caplog.text
            assert state(sealed, hook)["failures"] == 0 and not receiver.received
        with delivering(sealed.settings):
            wait_until(lambda: statuses(sealed, hook) == {"done": 1})
        Webhook(hook["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)


def test_a_failed_attempt_is_logged_without_secrets_and_bodies(
        service: Service, caplog: pytest.LogCaptureFixture) -> None:
    tenant = service.tenant()
    with (Receiver(lambda _: Reply(500, {}, b"answered-hidden")) as receiver,
          delivering(service.settings, SOON._replace(delays=()))):
        hook = webhook(service, tenant, receiver.url("/hook?token=url-hidden"))
        service.node(service.node_type(tenant), data={"a": "data-hidden"})
        wait_until(lambda: statuses(service, hook) == {"dead": 2})
    lines = [one.getMessage() for one in caplog.records if "delivery" in one.getMessage()]
    id = hook["id"].replace("-", "")
    assert lines and all(line.startswith(f"delivery {id}-") and tenant["id"] in line and
                         line.endswith("attempt 1: it answered with 500; it is given up")
                         for line in lines)
    assert "hidden" not in caplog.text and hook["secret"][6:] not in caplog.text


@pytest.mark.longest
def test_behind_row_security_the_changes_of_each_tenant_are_found(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(**LOCAL)
    with_all = Service.of(settings)
    tenants = [with_all.tenant() for _ in range(2)]
    with_all.close()
    held = Service.of(replace(switched_on(settings), **LOCAL))
    with Receiver() as receiver, delivering(held.settings):
        hooks = [webhook(held, tenant, receiver.url()) for tenant in tenants]
        for tenant in tenants:
            held.node_type(tenant)
        for hook in hooks:
            wait_until(lambda: statuses(held, hook) == {"done": 1})
    held.close()
    assert len(receiver.received) == 2


@needed
@pytest.mark.longest
def test_behind_pgbouncer_it_delivers_all_the_same(
        new_database: Callable[..., Settings], bouncer: PgBouncer) -> None:
    service = Service.of(bouncer.settings(new_database(**LOCAL)))
    tenant = service.tenant()
    with Receiver() as receiver, delivering(service.settings):
        hook = webhook(service, tenant, receiver.url())
        for _ in range(10):
            service.node_type(tenant)
        wait_until(lambda: statuses(service, hook) == {"done": 10})
    service.close()
    assert len(receiver.received) == 10
