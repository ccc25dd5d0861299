"""History: what a node or a relationship was, at a version, at a time, and change by change."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flexdb.documents.patches import parse_patch
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


@pytest.fixture
def states(service: Service) -> list[Any]:
    """A node as it was created, changed twice and deleted, from the first state on."""
    node = service.node(service.node_type(service.tenant()), data={"n": 1, "same": [1.50]})
    found = [node]
    for number in (2, 3):
        found.append(service.call("patch_node", **key_of(node), patch={"n": number})["node"])
    return found


@pytest.fixture
def edges(service: Service, states: list[Any]) -> list[Any]:
    """A relationship as it was created and changed."""
    edge = service.relationship(states[0], states[0], data={"w": 1})
    return [edge, service.call("update_relationship", **key_of(edge), relationship_type="near",
                               data={"w": 2})["relationship"]]


def test_an_object_is_given_as_it_was_at_a_version_and_at_a_time(
        service: Service, states: list[Any], edges: list[Any]) -> None:
    for method, thing, known in (("get_node", "node", states),
                                 ("get_relationship", "relationship", edges)):
        for state in known:
            key = key_of(state)
            assert service.call(method, **key, version=state["version"]) == {thing: state}
            assert service.call(method, **key, as_of=state["updated_at"]) == {thing: state}
    service.call("delete_relationship", **key_of(edges[0]))
    service.call("delete_node", **key_of(states[0]))
    for method, thing, known in (("get_node", "node", states),
                                 ("get_relationship", "relationship", edges)):
        for state in known:
            assert service.call(method, **key_of(state), version=state["version"])[thing] == state
            assert service.call(method, **key_of(state), as_of=state["updated_at"])[thing] == state


def test_what_was_not_there_is_not_found(service: Service, states: list[Any]) -> None:
    key = key_of(states[0])
    for moment in ({"version": 4}, {"as_of": "2020-01-01T00:00:00Z"}):
        refused = refusal(service, "get_node", key | moment)
        assert refused.code == -32001 and refused.fields == {
            next(iter(moment)): ["names a state that it was not in"]}
    assert service.call("get_node", **key, as_of="2100-01-01T00:00:00Z")["node"] == states[-1]
    service.call("delete_node", **key)
    for moment in ({"version": 4}, {"as_of": "2100-01-01T00:00:00Z"}):
        assert refusal(service, "get_node", key | moment).fields == {
            next(iter(moment)): ["names a state that it was not in"]}
    absent = key | {"id": "0190163d-8694-739b-aea5-966c26f8ad91"}
    for method in ("get_node", "get_relationship"):
        assert refusal(service, method, absent | {"version": 1}).fields.keys() == {"id"}


def test_a_state_that_is_no_longer_kept_is_told_to_be_so(service: Service, states: list[Any]
                                                         ) -> None:
    with connect(service.settings) as connection:
        connection.execute("DELETE FROM flexdb_changes WHERE object_id = %s AND version <= 2",
                           [states[0]["id"]])
    key = key_of(states[0])
    assert service.call("get_node", **key, version=2)["node"] == states[1]
    for moment in ({"version": 1}, {"as_of": states[0]["updated_at"]}):
        refused = refusal(service, "get_node", key | moment)
        assert refused.code == -32001 and refused.fields == {
            next(iter(moment)): ["names a state that is not kept"]}


def test_one_moment_alone_is_asked_for(service: Service, states: list[Any]) -> None:
    key = key_of(states[0])
    moments = {"version": 1, "as_of": states[0]["updated_at"]}
    assert refusal(service, "get_node", key | moments).fields.keys() == {"as_of"}
    assert refusal(service, "get_relationship", key | moments).fields.keys() == {"as_of"}
    assert refusal(service, "get_node", key | {"version": 1, "expand": {"a": {
        "direction": "out"}}}).fields.keys() == {"expand"}


def history(service: Service, thing: dict[str, Any], kind: str = "node", **asked: Any) -> Any:
    return service.call(f"get_{kind}_history", **key_of(thing), **asked)


def test_the_history_has_each_change_the_last_first(
        service: Service, states: list[Any], edges: list[Any]) -> None:
    found = history(service, states[0])
    assert [one["node"] for one in found["history"]] == states[::-1]
    assert [one["op"] for one in found["history"]] == ["update", "update", "create"]
    assert found["pagination"] == {"next_page_token": "", "total_count": 3}
    found = history(service, edges[0], "relationship")["history"]
    assert [one["relationship"] for one in found] == edges[::-1]
    service.call("delete_node", **key_of(states[0]))
    for thing, kind, known in ((states[0], "node", states), (edges[0], "relationship", edges)):
        found = history(service, thing, kind)["history"]
        assert found[0]["op"] == "delete" and found[0][kind] is None
        assert [one[kind] for one in found[1:]] == known[::-1]
    first = history(service, states[0], pagination={"page_size": 3})
    rest = history(service, states[0], pagination={
        "page_size": 3, "page_token": first["pagination"]["next_page_token"]})
    assert [one["version"] for one in first["history"] + rest["history"]] == [4, 3, 2, 1]


def test_the_difference_makes_each_version_of_the_one_before(service: Service, states: list[Any]
                                                             ) -> None:
    service.call("patch_node", **key_of(states[0]), patch=[
        {"op": "add", "path": "/more", "value": {"a/b": None}},
        {"op": "remove", "path": "/same/0"}])
    found = history(service, states[0], diff=True)["history"]
    assert found[-1]["diff"] is None and "old" not in found[0]
    for before, entry in zip(found[1:], found):
        patch = parse_patch(orjson.dumps(entry["diff"]))
        made = patch.apply(orjson.dumps(before["node"]["data"]), 10**6, 100)
        assert orjson.loads(made) == entry["node"]["data"]
    assert found[1]["diff"] == [{"op": "replace", "path": "/n", "value": 3}]
    service.call("delete_node", **key_of(states[0]))
    assert history(service, states[0], diff=True)["history"][0]["diff"] is None


def test_what_is_older_than_the_log_has_an_empty_history(service: Service, states: list[Any]
                                                         ) -> None:
    with connect(service.settings) as connection:
        connection.execute("DELETE FROM flexdb_changes WHERE object_id = %s", [states[0]["id"]])
    assert history(service, states[0])["history"] == []
    assert service.call("get_node", **key_of(states[0]), version=3)["node"] == states[2]
    absent = key_of(states[0]) | {"id": "0190163d-8694-739b-aea5-966c26f8ad91"}
    for kind in ("node", "relationship"):
        assert refusal(service, f"get_{kind}_history", absent).fields.keys() == {"id"}


def test_nodes_that_were_deleted_are_listed(service: Service, states: list[Any]) -> None:
    tenant_id = states[0]["tenant_id"]
    other = service.node(service.node_type({"id": tenant_id}))
    for node in (states[0], other):
        service.call("delete_node", **key_of(node))

    def listed(**asked: Any) -> Any:
        return service.call("list_deleted_nodes", tenant_id=tenant_id, **asked)

    found = listed()
    assert [one["old"] for one in found["deleted_nodes"]] == [other, states[-1]]
    assert found["pagination"]["total_count"] == 2
    assert [one["id"] for one in listed(node_type_ids=[other["node_type_id"]])["deleted_nodes"]
            ] == [other["id"]]
    # One that is there again is not among them.
    service.node({"tenant_id": tenant_id, "id": other["node_type_id"]}, id=other["id"])
    assert [one["id"] for one in listed()["deleted_nodes"]] == [states[0]["id"]]


@pytest.mark.parametrize("odd", ['"abc"', '"{}"', "12", "null"])
def test_the_difference_of_what_was_no_object_replaces_it(service: Service, odd: str) -> None:
    # As the data of a database that was adopted may be.
    node = service.node(service.node_type(service.tenant()))
    key = key_of(node)
    with connect(service.settings) as connection:
        connection.execute("UPDATE nodes SET data = %s WHERE tenant_id = %s AND id = %s",
                           (odd, key["tenant_id"], key["id"]))
    service.call("update_node", **key, data={"a": 1})
    assert [entry["diff"] for entry in history(service, node, diff=True)["history"]] == [
        [{"op": "replace", "path": "", "value": {"a": 1}}],
        [{"op": "replace", "path": "", "value": orjson.loads(odd)}], None]
