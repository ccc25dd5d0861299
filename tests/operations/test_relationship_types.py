"""Relationship types: what relationships of a name may be, wherever a tenant made one for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors

KNOWS = {"relationship_type": "knows"}


class Tracker:
    """A tenant with tasks and projects."""

    def __init__(self, service: Service) -> None:
        self.service, self.tenant = service, service.tenant()
        self.task_type = service.node_type(self.tenant, name="Task")
        self.project_type = service.node_type(self.tenant, name="Project")

    def task(self) -> Any:
        return self.service.node(self.task_type)

    def project(self) -> Any:
        return self.service.node(self.project_type)

    def contract(self, **given: Any) -> Any:
        return self.service.relationship_type(self.tenant, **{"name": "part_of"} | given)

    def relate(self, source: Any, target: Any, **given: Any) -> Any:
        return self.service.relationship(source, target,
                                         **{"relationship_type": "part_of"} | given)

    def refused(self, source: Any, target: Any, **given: Any) -> RpcError:
        with pytest.raises(RpcError) as refused:
            self.relate(source, target, **given)
        return refused.value

    def total(self, name: str = "part_of") -> int:
        listed = self.service.call("list_relationships", tenant_id=self.tenant["id"],
                                   relationship_type=name)
        return int(listed["pagination"]["total_count"])


@pytest.fixture
def tracker(service: Service) -> Iterator[Tracker]:
    yield Tracker(service)


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


def test_a_relationship_type_is_created_read_listed_changed_and_deleted(tracker: Tracker) -> None:
    call = tracker.service.call
    given = {"name": "part_of", "description": "The project", "cardinality": "n:1",
             "source_node_type_ids": [tracker.task_type["id"]], "target_node_type_ids": None,
             "unique_pair": True, "acyclic": True, "on_delete": "restrict",
             "schema": {"type": "object"}}
    made = tracker.contract(**given)
    assert made | given | {"version": 1, "tenant_id": tracker.tenant["id"]} == made
    assert call("get_relationship_type", key_of(made)) == {"relationship_type": made}
    other = tracker.contract(name="knows")
    assert other["cardinality"] == "n:m" and other["on_delete"] == "cascade"
    listed = call("list_relationship_types", tenant_id=tracker.tenant["id"])
    assert listed["relationship_types"] == [other, made]
    assert listed["pagination"]["total_count"] == 2
    change = {"name": "of", "source_node_type_ids": None, "schema": None, "acyclic": False}
    changed = call("update_relationship_type", key_of(made) | change)["relationship_type"]
    assert changed == made | change | {"version": 2, "updated_at": changed["updated_at"]}
    stale = refusal(tracker.service, "update_relationship_type", key_of(made) | {"version": 1})
    assert stale.reason == "VERSION_CONFLICT"
    assert call("delete_relationship_type", key_of(made)) == {}
    assert refusal(tracker.service, "get_relationship_type", key_of(made)).code == -32001


def test_a_name_is_taken_once(tracker: Tracker) -> None:
    tracker.contract()
    with pytest.raises(RpcError) as taken:
        tracker.contract()
    assert (taken.value.reason, taken.value.fields) == ("ALREADY_EXISTS", {"name": ["is taken"]})


@pytest.mark.parametrize("end", ["source_node_type_ids", "target_node_type_ids"])
def test_a_node_type_that_is_not_there_is_named(tracker: Tracker, end: str) -> None:
    with pytest.raises(RpcError) as unknown:
        tracker.contract(**{end: [tracker.task_type["id"], str(uuid4())]})
    assert unknown.value.reason == "NOT_FOUND"
    assert unknown.value.fields == {f"{end}.1": ["names no node type"]}


def test_nodes_must_be_of_the_types_that_the_contract_names(tracker: Tracker) -> None:
    task, project = tracker.task(), tracker.project()
    tracker.contract(source_node_type_ids=[tracker.task_type["id"]],
                     target_node_type_ids=[tracker.project_type["id"]])
    tracker.relate(task, project)
    for source, target, field, name in ((project, project, "source_node_id", "Task"),
                                        (task, task, "target_node_id", "Project")):
        refused = tracker.refused(source, target)
        assert refused.reason == "INVALID_PARAMS"
        assert refused.fields == {field: [f"must be of node type {name}"]}
    # Of another name it is free.
    tracker.relate(task, task, **KNOWS)
    assert tracker.total() == 1


@pytest.mark.parametrize("cardinality, again_from_source, again_to_target", [
    ("n:m", True, True), ("n:1", False, True), ("1:n", True, False), ("1:1", False, False)])
def test_a_cardinality_says_of_how_many_a_node_is_the_source_and_the_target(
        tracker: Tracker, cardinality: str, again_from_source: bool, again_to_target: bool) -> None:
    tracker.contract(cardinality=cardinality)
    source, target = tracker.task(), tracker.project()
    made = tracker.relate(source, target)
    for one, other, may, field in (
            (source, tracker.project(), again_from_source, "source_node_id"),
            (tracker.task(), target, again_to_target, "target_node_id")):
        if may:
            tracker.relate(one, other)
        else:
            refused = tracker.refused(one, other)
            assert (refused.reason, list(refused.fields)) == ("ALREADY_EXISTS", [field])
    if cardinality == "1:1":
        tracker.service.call("delete_relationship", key_of(made))
        tracker.relate(source, target)


def test_a_unique_pair_is_one_relationship_from_a_node_to_another(tracker: Tracker) -> None:
    tracker.contract(unique_pair=True)
    source, target = tracker.task(), tracker.task()
    tracker.relate(source, target)
    tracker.relate(target, source)
    refused = tracker.refused(source, target)
    assert (refused.reason, list(refused.fields)) == ("ALREADY_EXISTS", ["target_node_id"])


def test_an_acyclic_type_leads_nowhere_back(tracker: Tracker) -> None:
    tracker.contract(acyclic=True)
    first, second, third = (tracker.task() for _ in range(3))
    tracker.relate(first, second)
    tracker.relate(second, third)
    tracker.relate(first, third)
    for source, target in ((first, first), (second, first), (third, first)):
        refused = tracker.refused(source, target)
        assert (refused.reason, list(refused.fields)) == ("INVALID_PARAMS", ["target_node_id"])
    # What leads back over relationships of another name is none of its circles.
    tracker.relate(third, first, **KNOWS)


def test_data_must_fit_the_schema_of_the_type(tracker: Tracker) -> None:
    task, project = tracker.task(), tracker.project()
    free = tracker.relate(task, project)
    contract = tracker.contract(schema={"properties": {"since": {"type": "string"}}})
    call, wrong = tracker.service.call, {"data": {"since": 1}}
    assert tracker.relate(task, project, data={"since": "today"})["data"] == {"since": "today"}
    told = {"data": ["violates the relationship type's schema"]}
    for _ in range(2):
        refused = tracker.refused(task, project, **wrong)
        assert refused.fields == told
        assert refused.error["data"]["violations"][0]["path"] == "/since"
    for method, change in (("update_relationship", wrong), ("patch_relationship", {
            "patch": {"since": 2}})):
        assert refusal(tracker.service, method, key_of(free) | change).fields == told
    other = tracker.relate(task, project, **KNOWS, **wrong)
    moved = refusal(tracker.service, "update_relationship",
                    key_of(other) | {"relationship_type": "part_of"})
    assert moved.fields == told
    call("update_relationship", key_of(free) | {"data": {"since": "now"}})
    # Another schema holds from the next write on, and none holds nothing.
    call("update_relationship_type", key_of(contract) | {
        "schema": {"properties": {"since": {"type": "integer"}}}})
    tracker.relate(task, project, **wrong)
    assert tracker.refused(task, project, data={"since": "today"}).fields == told
    call("update_relationship_type", key_of(contract) | {"schema": None})
    tracker.relate(task, project, data={"since": "today"})


def test_of_many_at_once_each_wrong_one_is_named_by_its_place(tracker: Tracker) -> None:
    tracker.contract(cardinality="n:1", schema={"properties": {"a": {"type": "string"}}})
    task, other, project = tracker.task(), tracker.task(), tracker.project()

    def create(*items: dict[str, Any]) -> RpcError:
        return refusal(tracker.service, "create_relationships", {
            "tenant_id": tracker.tenant["id"], "relationships": [{
                "source_node_id": other["id"], "target_node_id": project["id"],
                "relationship_type": "part_of"} | item for item in items]})

    twice = create({"source_node_id": task["id"]}, {}, {})
    assert twice.reason == "ALREADY_EXISTS"
    assert list(twice.fields) == ["relationships.2.source_node_id"]
    wrong = create({}, {"data": {"a": 1}}, {"relationship_type": "x", "data": {"a": 1}})
    assert wrong.fields == {
        "relationships.1.data": ["violates the relationship type's schema"]}
    assert tracker.total() == 0


def test_a_relationship_that_becomes_one_of_the_type_must_keep_its_contract(
        tracker: Tracker) -> None:
    tracker.contract(target_node_type_ids=[tracker.project_type["id"]], cardinality="n:1")
    task, project = tracker.task(), tracker.project()
    wrong, right = tracker.relate(task, task, **KNOWS), tracker.relate(task, project, **KNOWS)
    change = {"relationship_type": "part_of"}
    refused = refusal(tracker.service, "update_relationship", key_of(wrong) | change)
    assert refused.fields == {"relationship_type": [
        "does not fit: target_node_id must be of node type Project"]}
    tracker.service.call("update_relationship", key_of(right) | change)
    assert tracker.refused(task, tracker.project()).reason == "ALREADY_EXISTS"
    # And one that is no longer of it makes room.
    tracker.service.call("update_relationship", key_of(right) | KNOWS)
    tracker.relate(task, project)


def test_a_contract_that_is_broken_by_what_is_there_is_refused_and_changes_nothing(
        tracker: Tracker) -> None:
    task, project = tracker.task(), tracker.project()
    made = [tracker.relate(task, project), tracker.relate(task, task)]
    with pytest.raises(RpcError) as refused:
        tracker.contract(cardinality="n:1")
    assert refused.value.reason == "INVALID_PARAMS"
    assert list(refused.value.fields) == ["cardinality"]
    assert [one["parameter"] for one in refused.value.error["data"]["broken_by"]] == [
        "cardinality"]
    contract = tracker.contract(on_delete="restrict")
    broken = refusal(tracker.service, "update_relationship_type", key_of(contract) | {
        "target_node_type_ids": [tracker.project_type["id"]], "acyclic": True})
    assert broken.error["data"]["broken_by"] == [
        {"relationship_id": made[1]["id"], "parameter": "target_node_type_ids"}]
    read = tracker.service.call("get_relationship_type", key_of(contract))["relationship_type"]
    assert read == contract
    tracker.service.call("delete_relationship", key_of(made[1]))
    tracker.service.call("update_relationship_type", key_of(contract) | {"cardinality": "1:1"})
    assert tracker.refused(task, tracker.project()).reason == "ALREADY_EXISTS"


@pytest.mark.parametrize("method", ["delete_node", "delete_nodes"])
def test_a_node_that_is_kept_is_not_deleted_before_what_keeps_it(tracker: Tracker, method: str
                                                                 ) -> None:
    tracker.contract(on_delete="restrict")
    task, project = tracker.task(), tracker.project()
    made = tracker.relate(task, project)

    def delete(*nodes: Any) -> Any:
        params = ({"tenant_id": tracker.tenant["id"],
                   "filter": {"id": {"$in": [node["id"] for node in nodes]}}}
                  if method == "delete_nodes" else key_of(nodes[0]))
        return tracker.service.call(method, params)

    with pytest.raises(RpcError) as kept:
        delete(project)
    assert (kept.value.code, kept.value.reason) == (-32014, "IN_USE")
    assert kept.value.error["data"]["relationship_id"] == made["id"]
    assert kept.value.error["data"]["relationship_type"] == "part_of"
    assert tracker.service.call("get_relationship", key_of(made))
    # Both at once may go, and the source alone too.
    if method == "delete_nodes":
        assert delete(task, project) == {"deleted": 2}
    else:
        delete(task)
        assert delete(project) == {}
    assert tracker.total() == 0


@pytest.mark.parametrize("what", ["node_type", "tenant"])
def test_a_type_and_a_tenant_take_along_what_is_kept(tracker: Tracker, what: str) -> None:
    tracker.contract(on_delete="restrict", cardinality="n:1",
                     target_node_type_ids=[tracker.project_type["id"]])
    task, project = tracker.task(), tracker.project()
    tracker.relate(task, project)
    gone = {"tenant": {"id": tracker.tenant["id"]}, "node_type": key_of(tracker.project_type)}
    assert tracker.service.call(f"delete_{what}", gone[what]) == {}


def test_a_node_type_that_is_deleted_is_named_by_no_contract_any_more(tracker: Tracker) -> None:
    both = [tracker.task_type["id"], tracker.project_type["id"]]
    contract = tracker.contract(source_node_type_ids=both, target_node_type_ids=both[1:])
    tracker.service.call("delete_node_type", key_of(tracker.project_type))
    left = tracker.service.call("get_relationship_type", key_of(contract))["relationship_type"]
    assert left["source_node_type_ids"] == both[:1] and left["target_node_type_ids"] == []
    assert left["version"] == contract["version"] + 1
    # Where none is left, none is allowed.
    assert tracker.refused(tracker.task(), tracker.task()).fields == {
        "target_node_id": ["can be of no node type: the contract names none"]}


def test_without_its_type_a_relationship_is_free_again(tracker: Tracker) -> None:
    contract = tracker.contract(cardinality="1:1", schema=False)
    tracker.service.call("update_relationship_type", key_of(contract) | {"schema": None})
    task = tracker.task()
    tracker.relate(task, task)
    tracker.service.call("delete_relationship_type", key_of(contract))
    tracker.relate(task, task)
    assert tracker.total() == 2


def test_a_schema_that_is_none_or_too_large_is_refused(tracker: Tracker) -> None:
    for schema in ({"type": 1}, {"description": "x" * 65_536}, {"x-defaults": True},
                   {"properties": {"a": {"x-unique": True}}}):
        with pytest.raises(RpcError) as refused:
            tracker.contract(schema=schema)
        assert list(refused.value.fields) == ["schema"]


def test_a_contract_is_one_tenant_s(tracker: Tracker) -> None:
    tracker.contract(cardinality="1:1", schema=False)
    other = Tracker(tracker.service)
    task = other.task()
    for _ in range(2):
        other.relate(task, task)


def test_a_node_type_says_whether_its_nodes_stand_for_users_by_true_or_false(
        tracker: Tracker) -> None:
    with pytest.raises(RpcError) as refused:
        tracker.service.node_type(tracker.tenant, schema={"x-user": "yes"})
    assert "/x-user must be true or false" in refused.value.fields["schema"][0]
