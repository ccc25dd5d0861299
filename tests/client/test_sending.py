"""Many calls at once: batches of independent ones, and transactions of all or nothing."""

from __future__ import annotations

import pytest

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient


def test_the_calls_of_a_batch_are_independent_and_what_fails_is_raised(
        db: fx.Client, acme: TenantClient) -> None:
    with db.batch() as batch:
        one, two = batch.get_tenant(id=acme.id), batch.list_users()
        with pytest.raises(fx.Error, match="not sent yet"):
            one.result()
    assert one.result()["slug"] == acme.slug and "users" in two.result()
    task = acme.type("Task")
    with pytest.raises(fx.BatchFailed, match="1 of 3 calls failed.*get_node at 1") as told:
        with acme.batch() as batch:
            made = batch.create(task, {"title": "A"})
            lost = batch.get_node(tenant_id=acme.id, id=acme.id)
            batch.create(task)
    assert list(told.value.errors) == [1] and acme.get(made.id)["title"] == "A"
    assert isinstance(lost.error, fx.NotFound)
    with pytest.raises(fx.NotFound):
        lost.result()
    with acme.batch(keep=True) as batch:
        gone = batch.delete(acme.id)
    assert isinstance(gone.error, fx.NotFound)


def test_a_transaction_refers_to_what_it_creates(acme: TenantClient) -> None:
    task = acme.type("Task")
    there = acme.create(task, {"title": "There"})
    with acme.transaction() as tx:
        made = tx.create(task, {"title": "Made"})
        edge = tx.relate(made, "depends_on", there)
        tx.patch_node(tenant_id=acme.id, id=made.id, patch={"title": "Patched"})
    assert acme.get(made.id)["title"] == "Patched"
    assert edge.result()["source_node_id"] == made.id and made.result()["version"] == 1
    with pytest.raises(fx.Error, match="begin anew"):
        tx.create(task)


def test_a_transaction_that_fails_leaves_nothing(acme: TenantClient) -> None:
    task = acme.type("Task")
    with pytest.raises(fx.NotFound) as told, acme.transaction() as tx:
        made = tx.create(task)
        tx.delete(acme.id)
    assert told.value.data["index"] == 1 and isinstance(made.error, fx.NotFound)
    with pytest.raises(ZeroDivisionError), acme.transaction() as tx:
        tx.create(task, {"n": 1 / 0})
    with acme.transaction(dry_run=True) as tx:
        dry = tx.create(task)
    assert dry.result()["version"] == 1 and acme.nodes().count() == 0


def test_what_creates_needs_to_know_in_which_tenant(db: fx.Client) -> None:
    with pytest.raises(fx.Error, match="of a tenant"), db.batch() as batch:
        batch.create("x")
    with db.batch():
        pass
