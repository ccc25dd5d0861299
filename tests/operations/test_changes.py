"""Changes: each committed one exactly once, in one order, with the object as it was then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


class Feed:
    """A walk over the changes of a new tenant."""

    def __init__(self, service: Service) -> None:
        self.service, self.tenant = service, service.tenant()
        self.position: str = self.page(since="")["position"]

    def page(self, **asked: Any) -> Any:
        """Ask for the next changes, and stay where it is."""
        given = {"tenant_id": self.tenant["id"]} | asked
        given.setdefault("since", getattr(self, "position", ""))
        return self.service.call("list_changes", given)

    def read(self, **asked: Any) -> list[Any]:
        """Walk to the end."""
        found: list[Any] = []
        more = True
        while more:
            page = self.page(**asked)
            self.position, more = page["position"], page["more"]
            found += page["changes"]
        return found

    def key(self, thing: dict[str, Any]) -> dict[str, str]:
        return {"tenant_id": self.tenant["id"], "id": thing["id"]}


@pytest.fixture
def feed(service: Service) -> Feed:
    return Feed(service)


def brief(changes: list[Any]) -> list[tuple[str, str, int]]:
    return [(one["op"], one["kind"], one["version"]) for one in changes]



def test_a_page_is_read_without_a_transaction_around_it(
        new_service: Callable[..., Service]) -> None:
    service = new_service()
    feed = Feed(service)
    with connect(service.settings) as connection:
        for asked in ({}, {"filter": {"data.a": 1}}):
            feed.page(**asked)
            last = connection.execute(
                "SELECT a.query FROM pg_stat_activity a WHERE a.datname = current_database() "
                "AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' "
                "ORDER BY a.state_change DESC LIMIT 1").fetchone()
            # Else the end of it would be the last that was asked for.
            assert last and "flexdb_change_positions" in last[0]


def test_each_change_carries_the_object_as_it_was_then(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant, description="Text", schema={"title": "T"})
    node = service.node(node_type, data={"a": 1.50})
    other = service.node(node_type, data={"b": [10**18]})
    edge = service.relationship(node, other, data={"w": 1})
    changed = service.call("update_node", **feed.key(node), data={"a": 2})["node"]
    retyped = service.call("update_relationship", **feed.key(edge), relationship_type="near"
                           )["relationship"]
    renamed = service.call("update_node_type", **feed.key(node_type), name="New")["node_type"]
    service.call("delete_node", **feed.key(node))
    found = feed.read()
    assert brief(found) == [
        ("create", "node_type", 1), ("create", "node", 1), ("create", "node", 1),
        ("create", "relationship", 1), ("update", "node", 2), ("update", "relationship", 2),
        ("update", "node_type", 2), *sorted([("delete", "node", 3), ("delete", "relationship", 3)],
                                            key=lambda one: one[1] != found[7]["kind"])]
    told = [one[one["kind"]] for one in found]
    assert told == [node_type, node, other, edge, changed, retyped, renamed, None, None]
    assert [one["id"] for one in found[:4]] == [
        thing["id"] for thing in (node_type, node, other, edge)]
    assert [int(one["position"].rpartition(".")[2]) for one in found] == [*range(1, 10)]
    # What was deleted together was deleted in one transaction.
    assert found[7]["transaction"] == found[8]["transaction"] != found[6]["transaction"]
    assert feed.read() == []


def test_what_other_requests_did_in_the_same_transaction_was_not_done_together(
        service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    feed.read()
    with connect(service.settings) as connection, connection.transaction():
        for caller in ("key:a first", "key:a first", "key:a second", "key:b first"):
            connection.execute("SELECT set_config('flexdb.caller', %s, true)", [caller])
            connection.execute("INSERT INTO nodes (tenant_id, id, node_type_id) "
                               "VALUES (%s, gen_random_uuid(), %s)",
                               [feed.tenant["id"], node_type["id"]])
    one, same, *others = [change["transaction"] for change in feed.read()]
    assert one == same and len({one, *others}) == 3


def test_what_was_before_is_given_where_it_is_asked_for(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    node = service.node(node_type, data={"a": 1})
    edge = service.relationship(node, node)
    service.call("update_node", **feed.key(node), data={"a": 2})
    service.call("update_relationship", **feed.key(edge), relationship_type="near")
    service.call("update_node_type", **feed.key(node_type), name="New")
    found = feed.read(old=True, ops=["update"])
    assert [one["old"] for one in found] == [node, edge, node_type]
    assert [one["old"] for one in feed.page(since=feed.position, old=True)["changes"]] == []
    service.call("delete_relationship", **feed.key(edge))
    assert [one["old"]["relationship_type"] for one in feed.read(old=True)] == ["near"]


def test_without_a_position_there_are_no_changes_and_one_goes_on_from_there(
        service: Service, feed: Feed) -> None:
    service.node_type(feed.tenant)
    now = feed.page(since="")
    assert now["changes"] == [] and now["more"] is False
    made = service.node_type(feed.tenant)
    feed.position = now["position"]
    assert [one["id"] for one in feed.read()] == [made["id"]]


def test_pages_follow_one_another_without_a_gap(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    items = [{"node_type_id": node_type["id"], "data": {"n": number}} for number in range(25)]
    service.call("create_nodes", tenant_id=feed.tenant["id"], nodes=items)
    pages = []
    more = True
    while more:
        page = feed.page(limit=10, kinds=["node"])
        assert len(page["changes"]) <= 10
        feed.position, more = page["position"], page["more"]
        pages.append([one["node"]["data"]["n"] for one in page["changes"]])
    assert sorted(n for page in pages for n in page) == [*range(25)] and len(pages) == 3


def test_kinds_changes_ids_and_types_narrow_it(service: Service, feed: Feed) -> None:
    one, two = (service.node_type(feed.tenant) for _ in range(2))
    first, second = service.node(one), service.node(two)
    near = service.relationship(first, second, relationship_type="near")
    service.relationship(first, second, relationship_type="far")
    service.call("update_relationship", **feed.key(near), relationship_type="next")
    service.call("delete_node", **feed.key(second))
    begin = feed.position

    def read(**asked: Any) -> list[tuple[str, str]]:
        feed.position = begin
        return sorted((found["op"], found["kind"]) for found in feed.read(**asked))

    assert read(kinds=["node"]) == [("create", "node"), ("create", "node"), ("delete", "node")]
    assert read(kinds=["relationship"], ops=["update", "delete"]) == [
        ("delete", "relationship"), ("delete", "relationship"), ("update", "relationship")]
    assert read(ids=[second["id"]]) == [("create", "node"), ("delete", "node")]
    assert read(node_type_ids=[one["id"]]) == [("create", "node"), ("create", "node_type")]
    # Before or after.
    assert read(relationship_types=["near"]) == [
        ("create", "relationship"), ("update", "relationship")]
    assert read(relationship_types=["far"], node_type_ids=[two["id"]], ops=["delete"]) == [
        ("delete", "node"), ("delete", "relationship")]


def test_a_filter_lets_through_what_fits_before_or_after(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    node = service.node(node_type, data={"state": "open"})
    other = service.node(node_type, data={"state": "shut"})
    for state in ("shut", "gone"):
        service.call("update_node", **feed.key(node), data={"state": state})
    service.call("delete_node", **feed.key(node))
    service.call("delete_node", **feed.key(other))
    begin = feed.position
    found = feed.read(filter={"data.state": "open"})
    assert brief(found) == [("create", "node", 1), ("update", "node", 2)]
    assert found[1]["node"]["data"] == {"state": "shut"}
    feed.position = begin
    assert brief(feed.read(filter={"data.state": {"$regex": "^go"}})) == [
        ("update", "node", 3), ("delete", "node", 4)]
    feed.position = begin
    # Of what is not there nothing is said, behind a negation neither.
    assert brief(feed.read(filter={"data.state": {"$ne": "shut"}}, ops=["create"])) == [
        ("create", "node", 1)]
    refused = refusal(service, "list_changes", {
        "tenant_id": feed.tenant["id"], "since": begin, "filter": {"$related": {}}})
    assert refused.fields.keys() == {"filter.$related"}


def test_the_position_moves_on_where_nothing_fits(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    items = [{"node_type_id": node_type["id"], "data": {}}] * 1500
    service.call("create_nodes", tenant_id=feed.tenant["id"], nodes=items)
    pages = []
    more = True
    while more:
        page = feed.page(filter={"data.a": 1}, limit=200)
        assert page["changes"] == []
        assert page["position"] != feed.position
        feed.position, more = page["position"], page["more"]
        pages.append(int(page["position"].rpartition(".")[2]))
    assert pages[-1] == 1501 and len(pages) == 2


def test_a_page_ends_when_it_is_heavy_but_has_one_change(service: Service, feed: Feed) -> None:
    node_type = service.node_type(feed.tenant)
    # What does not shrink by being compressed.
    text = "".join(chr(0x4e00 + (number * 7919) % 20000) for number in range(80_000))
    for number in range(3):
        service.node(node_type, data={"n": number, "text": text})
    small = Service.of(replace(service.settings, max_page_bytes=300_000), service.door)
    sizes = []
    more = True
    while more:
        page = small.call("list_changes", tenant_id=feed.tenant["id"], since=feed.position,
                          kinds=["node"])
        feed.position, more = page["position"], page["more"]
        sizes.append(len(page["changes"]))
    small.close()
    assert sizes == [1, 1, 1]


def test_changes_are_told_whatever_isolation_is_the_default(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with connect(settings) as connection:
        connection.execute(f"ALTER DATABASE {settings.db_name} SET default_transaction_isolation = "
                           "'repeatable read'".encode())
    service = Service.of(settings)
    feed = Feed(service)
    node_type = service.node_type(feed.tenant)
    assert [change["id"] for change in feed.read()] == [node_type["id"]]
    service.close()


def test_what_is_stored_compressed_weighs_what_it_is(service: Service, feed: Feed) -> None:
    node = service.node(service.node_type(feed.tenant))
    for number in range(4):
        service.call("update_node", **feed.key(node), data={"n": number, "text": 200_000 * "a"})
    small = Service.of(replace(service.settings, max_page_bytes=300_000), service.door)
    page = small.call("list_changes", tenant_id=feed.tenant["id"], since=feed.position,
                      kinds=["node"])
    history = small.call("get_node_history", **feed.key(node))
    small.close()
    # The first was created with little.
    assert [len(page["changes"]), len(history["history"])] == [2, 1]


@pytest.mark.parametrize("since", ["x", "a.b", "a.b.c", "a.b.01", "a.b.-1", "A.b.1", "a.b.1 ",
                                   "a.b.1\n", f"a.b.{10**18}", "a.b.١", "..1"])
def test_what_is_no_position_is_refused(service: Service, feed: Feed, since: str) -> None:
    refused = refusal(service, "list_changes", {"tenant_id": feed.tenant["id"], "since": since})
    assert (refused.code, [*refused.fields]) == (-32602, ["since"])


def test_a_position_from_which_changes_would_be_lost_is_gone(service: Service, feed: Feed) -> None:
    name, epoch, number = feed.position.split(".")
    other = Feed(service)
    for since in (f"x{name}.{epoch}.{number}", f"{name}.x{epoch}.{number}",
                  f"{name}.{epoch}.{int(number) + 1}", other.position):
        with pytest.raises(RpcError) as refused:
            feed.page(since=since)
        assert (refused.value.code, refused.value.reason) == (-32004, "CHANGES_GONE")
        data = refused.value.error["data"]
        assert data["oldest"] == data["position"] == feed.position
        assert feed.page(since=data["position"])["changes"] == []


def test_what_is_too_old_to_be_kept_is_gone(service: Service, feed: Feed) -> None:
    begin = feed.position
    types = [service.node_type(feed.tenant) for _ in range(3)]
    feed.read()
    with connect(service.settings) as connection:
        for table in ("flexdb_changes", "flexdb_change_positions"):
            connection.execute(
                f"DELETE FROM {table} c USING flexdb_change_positions p WHERE c.tenant_id = "
                f"%(id)s AND p.tenant_id = %(id)s AND p.seq = c.seq AND p.position = 1".encode(),
                {"id": feed.tenant["id"]})
    with pytest.raises(RpcError) as refused:
        feed.page(since=begin)
    assert refused.value.reason == "CHANGES_GONE"
    kept = feed.page(since=refused.value.error["data"]["oldest"])["changes"]
    assert [one["id"] for one in kept] == [one["id"] for one in types[1:]]


def test_a_tenant_that_is_not_there_has_no_changes(service: Service) -> None:
    for since in ("", "a.b.1"):
        refused = refusal(service, "list_changes", {
            "tenant_id": "0190163d-8694-739b-aea5-966c26f8ad91", "since": since})
        assert refused.code == -32001 and [*refused.fields] == ["tenant_id"]


def test_no_transaction_lists_changes(service: Service, feed: Feed) -> None:
    # It would keep what changed from all others until it ends.
    calls = [{"method": "list_changes", "params": {"tenant_id": feed.tenant["id"]}}]
    refused = refusal(service, "transaction", calls=calls)
    assert refused.fields == {
        "calls.0.method": ["may not be list_changes in a transaction: call it alone"]}
