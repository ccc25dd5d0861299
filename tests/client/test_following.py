"""The changes of a tenant, each once, for as long as one likes."""

from __future__ import annotations

import threading

import pytest

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient


def test_changes_are_given_once_and_go_on_from_where_somebody_was(acme: TenantClient) -> None:
    acme.type("Task")
    follower = acme.changes(follow=False)
    assert list(follower) == [] and follower.position
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


def test_a_position_that_is_gone_is_told(acme: TenantClient) -> None:
    with pytest.raises(fx.ChangesGone) as told:
        next(iter(acme.changes("k3f9zq.a81c.1234")))
    assert told.value.data["position"]


def test_a_service_that_never_was_is_not_followed() -> None:
    with fx.connect("http://127.0.0.1:9") as db, pytest.raises(fx.ConnectionFailed):
        next(iter(TenantClient(db, {"id": "x", "slug": "x", "name": "x"}  # type: ignore[typeddict-item]
                               ).changes()))
