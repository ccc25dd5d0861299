"""Rules across relationships: neighbours that are hidden from a caller are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.refusals import refusal
from tests.support.service import Service


class There(NamedTuple):
    """A project whose tasks are seen in part, as all see it and as a caller with rules does."""

    open: Service
    caller: Service
    tenant_id: str
    project: Any
    mine: list[Any]
    hidden: list[Any]
    watched: Any

    def asked(self, service: Service, method: str, **given: Any) -> Any:
        return service.call(method, {"tenant_id": self.tenant_id} | given)

    def ids(self, **given: Any) -> list[str]:
        """Return the ids of what the caller lists."""
        return [node["id"] for node in self.asked(self.caller, "list_nodes", **given)["nodes"]]


@pytest.fixture
def there(new_database: Callable[..., Settings]) -> Iterator[There]:
    settings = new_database()
    service, behind = Service.of(settings), closed(settings)
    node_type = service.node_type(service.tenant())

    def node(**data: Any) -> Any:
        return service.node(node_type, data=data)

    # Ann reads what is hers and what is for all, and writes what is hers.
    project, mine = node(owner="all"), [node(owner="ann", n=n) for n in range(3)]
    hidden = [node(owner="bob", n=n) for n in range(2)]
    watched = node(owner="ann", n=9)
    for task in (*mine, *hidden):
        service.relationship(task, project, relationship_type="part_of")
    service.relationship(watched, hidden[0], relationship_type="waits_for")
    of = {"tenant_id": node_type["tenant_id"]}
    own = {"data.owner": {"$caller": "attributes.name"}}
    role = service.call("create_role", of | {"name": uuid4().hex, "based_on": "admin", "grants": [{
        "read": {"$or": [own, {"data.owner": "all"}]}, "write": own}]})["role"]
    key = service.call("create_key", of | {"name": "k", "role": role["name"],
                                           "attributes": {"name": "ann"}})["key"]
    yield There(service, with_key(behind, key["secret"]), of["tenant_id"], project, mine, hidden,
                watched)
    service.close()
    behind.close()


def test_only_what_is_seen_is_related(there: There) -> None:
    related_to = {"node": there.project["id"], "type": "part_of", "direction": "in"}
    wanted = [node["id"] for node in there.mine[::-1]]
    assert there.ids(related_to=related_to) == wanted
    assert there.ids(related_to=related_to | {"direction": "both"}, sort=["-data.n"]) == wanted
    listed = there.asked(there.caller, "list_nodes", related_to=related_to, count="exact")
    assert listed["pagination"]["total_count"] == 3
    everything = there.asked(there.open, "list_nodes", related_to=related_to, count="exact")
    assert everything["pagination"]["total_count"] == 5


def test_what_is_related_to_a_hidden_node_is_answered_as_if_that_were_not_there(there: There
                                                                                ) -> None:
    told = [refusal(there.caller, "list_nodes", tenant_id=there.tenant_id,
                    related_to={"node": id}).error for id in (there.hidden[0]["id"], str(uuid4()))]
    assert told[0] == told[1] and told[0]["data"]["reason"] == "NOT_FOUND"


def test_a_filter_knows_no_hidden_neighbour(there: There) -> None:
    waits = {"$related": {"type": "waits_for", "direction": "out"}}
    assert there.ids(filter=waits) == []
    assert there.watched["id"] in there.ids(filter={"$not": waits})
    by_owner = {"$related": {"direction": "in", "filter": {"data.owner": "bob"}}}
    assert there.ids(filter=by_owner) == []
    # By way of a node that is hidden, nothing is reached either.
    deep = {"$related": {"type": "waits_for", "filter": {"$related": {"type": "part_of"}}}}
    assert there.ids(filter=deep) == []
    assert len(there.asked(there.open, "list_nodes", filter=deep)["nodes"]) == 1


def test_a_write_looks_at_all_neighbours_that_may_be_read(there: There) -> None:
    # The project may be read and not written: it is a neighbour all the same.
    part = {"$related": {"type": "part_of", "direction": "out"}}
    without = {"$not": part, "data.n": {"$lt": 9}}
    assert there.asked(there.caller, "delete_nodes", filter=without) == {"deleted": 0}
    assert there.asked(there.caller, "delete_nodes", filter=part) == {"deleted": 3}
    left = there.asked(there.open, "list_nodes", filter=part)["nodes"]
    assert sorted(node["id"] for node in left) == sorted(node["id"] for node in there.hidden)


def test_what_is_brought_along_is_what_is_seen(there: There) -> None:
    expand = {"tasks": {"direction": "in", "count": True, "fields": ["id"], "expand": {
        "waits": {"type": "waits_for", "count": True}}}}
    wanted = {"nodes": [{"id": node["id"], "expanded": {"waits": {
        "nodes": [], "truncated": False, "total_count": 0}}} for node in there.mine[::-1]],
        "truncated": False, "total_count": 3}
    for method, given in (("get_node", {"id": there.project["id"]}),
                          ("list_nodes", {"filter": {"id": there.project["id"]}}),
                          ("traverse", {"start": there.project["id"], "min_depth": 0,
                                        "max_depth": 0, "limit": 10})):
        told = str(there.asked(there.caller, method, expand=expand, **given))
        assert str(wanted) in told and not [one for one in there.hidden if one["id"] in told]
    found = there.asked(there.caller, "get_neighbors", id=there.watched["id"],
                        filter={"data.owner": "bob"}, sort=["data.n"])
    assert found == {"neighbors": [], "pagination": {"next_page_token": "", "total_count": 0}}
