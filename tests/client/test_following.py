"""The changes of a tenant, each once, for as long as one likes."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until


def test_changes_are_given_once_and_go_on_from_where_somebody_was(acme: TenantClient) -> None:
    acme.type("Task")
    follower = acme.changes(follow=False)
    assert repr(follower) == "<Follower from now on>"
    assert list(follower) == [] and follower.position and follower.position in repr(follower)
    made = acme.load("Task", [{"n": n} for n in range(5)]).ids
    first = acme.changes(follower.position, follow=False)
    seen = []
    for change in first:
        seen.append(change["id"])
        if len(seen) == 3:
            break
    # The third is not done before the next one is asked for.
    rest = [change["id"] for change in acme.changes(first.position, follow=False)]
    assert sorted([*seen[:2], *rest]) == sorted(filter(None, made)) and rest[0] == seen[2]
    kinds = {change["op"] for change in acme.changes(
        follower.position, follow=False, ops=["delete"])}
    assert kinds == set()


@pytest.mark.long
def test_who_follows_is_given_what_happens_later(acme: TenantClient) -> None:
    acme.type("Task")
    position = acme._connection.list_changes(tenant_id=acme.id)["position"]
    later = threading.Timer(0.3, lambda: acme.create("Task", {"n": 1}))
    later.start()
    change = next(iter(acme.changes(position, wait=20)))
    later.join()
    assert change["op"] == "create" and change["kind"] == "node"


def test_who_follows_from_now_on_is_given_the_first_change_too(acme: TenantClient) -> None:
    acme.type("Task")
    follower, seen = acme.changes(wait=60), list[str]()
    thread = threading.Thread(target=lambda: seen.append(next(iter(follower))["id"]), daemon=True)
    thread.start()
    # Not as late as when something changes.
    wait_until(lambda: follower.position, patience=40)
    made = acme.create("Task")
    thread.join(20)
    assert seen == [made.id]


@pytest.mark.long
def test_now_is_behind_all_that_was_written_however_much_that_is(acme: TenantClient) -> None:
    acme.load(acme.type("Task"), [{}] * 4500)
    follower = acme.changes(follow=False)
    assert list(follower) == []
    made = acme.create("Task")
    assert [change["id"] for change in acme.changes(follower.position, follow=False)] == [made.id]


@pytest.mark.long
def test_who_follows_goes_on_when_the_service_was_away_and_misses_nothing(
        url: str, acme: TenantClient) -> None:
    task, seen, made = acme.type("Task"), list[str](), list[str]()
    position = acme.changes(follow=False)
    list(position)
    to = urlsplit(url).port or 0
    proxy = Proxy(to)

    def follow() -> None:
        with fx.connect(f"http://127.0.0.1:{proxy.port}") as db:
            for change in db.tenant(acme.id).changes(position.position, wait=1):
                seen.append(change["id"])
                if len(seen) == 60:
                    return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    for turn in range(6):
        made += [acme.create(task, {"n": n}).id for n in range(10)]
        wait_until(lambda: len(seen) >= len(made) - 10)
        if turn % 2:
            proxy.losing.set()
            lost = proxy.lost
            made_before = len(made)
            wait_until(lambda: proxy.lost > lost or len(seen) >= made_before)
            proxy.losing.clear()
        else:
            port = proxy.port
            proxy.close()
            proxy = Proxy(to, address=("127.0.0.1", port))
    follower.join(30)
    proxy.close()
    assert seen == made


def test_a_position_that_is_gone_is_told(acme: TenantClient) -> None:
    with pytest.raises(fx.ChangesGone) as told:
        next(iter(acme.changes("k3f9zq.a81c.1234")))
    assert told.value.data["position"]


def test_a_service_that_never_was_is_not_followed() -> None:
    with fx.connect("http://127.0.0.1:9") as db, pytest.raises(fx.ConnectionFailed):
        next(iter(TenantClient(db, {"id": "x", "slug": "x", "name": "x"}  # type: ignore[typeddict-item]
                               ).changes()))
