"""Tenants by slug, types by name, and records that are changed where they differ."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any
from uuid import RFC_4122, UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonpatch import JsonPatch

import flexdb.client as fx
from flexdb.client.differences import clashes, difference, same
from flexdb.client.ids import is_id, new_id, new_ids
from flexdb.client.synchronous.tenant import TenantClient

plain = st.none() | st.booleans() | st.integers(0, 2)
names = st.sampled_from(["a", "b/", "~c", ""])
values = plain | st.lists(plain | st.dictionaries(names, plain, max_size=2), max_size=5) | (
    st.dictionaries(names, plain | st.lists(plain, max_size=3), max_size=4))
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}


def test_a_tenant_is_found_by_its_slug_and_its_id_and_made_where_that_is_asked(
        db: fx.Client, slug: str) -> None:
    with pytest.raises(fx.NotFound):
        db.tenant(slug)
    made = db.tenant(slug, create=True)
    assert made.id == db.tenant(slug).id == db.tenant(made.id).id == db.tenant(
        slug, create=True).id
    with pytest.raises(fx.NotFound):
        db.tenant(str(uuid4()), create=True)


def test_a_type_is_made_once_and_is_told_apart_by_its_schema(acme: TenantClient) -> None:
    task = acme.type("Task", schema=SCHEMA, description="Work")
    assert acme.type("Task").id == acme.type("Task", schema=SCHEMA).id == task.id
    assert (task.name, task.schema) == ("Task", SCHEMA)
    assert acme.type("Size", schema={"maximum": 1e3}).id == acme.type(
        "Size", schema={"maximum": 1000}).id
    acme.type("Flag", schema={"const": 1})
    for name, other in (("Task", True), ("Flag", {"const": True})):
        with pytest.raises(fx.Error, match="another schema"):
            acme.type(name, schema=other)
    again = acme.type("Task")
    again.update(schema=SCHEMA | {"required": ["title"]})
    with pytest.raises(fx.VersionConflict):
        task.update(name="Job")


def test_the_nodes_that_do_not_fit_a_schema_are_told(acme: TenantClient) -> None:
    acme.type("Task")
    wrong = acme.create("Task", {"title": 7})
    acme.create("Task", {"title": "A"})
    (found,) = acme.type("Task").check(SCHEMA)
    assert found["node"]["id"] == wrong.id and found["violations"][0]["path"] == "/title"
    assert list(acme.type("Task").check()) == []


def test_a_type_is_named_by_what_type_gives_by_its_id_or_by_its_name(acme: TenantClient) -> None:
    task = acme.type("Task")
    made = [acme.create(kind, {"n": 1}) for kind in (task, task.id, "Task")]
    assert {one.node["node_type_id"] for one in made} == {task.id}
    with pytest.raises(fx.NotFound):
        acme.create("Tusk")


def test_what_differs_is_written_and_nothing_else(acme: TenantClient) -> None:
    acme.type("Task")
    record = acme.create("Task", {"title": "A", "tags": ["a"], "of": {"x": 1, "y": 2}, "old": 1})
    with record.edit() as data:
        data["title"] = "B"
        data["tags"].append("b")
        data["of"]["x"] = 3
        data["a/b~c"] = None
        del data["old"]
    wanted = {"title": "B", "tags": ["a", "b"], "of": {"x": 3, "y": 2}, "a/b~c": None}
    assert record.data == acme.get(record.id).data == wanted and record.version == 2
    with record.edit() as data:
        data["title"] = "B"
    assert record.version == acme.get(record.id).version == 2
    with pytest.raises(ZeroDivisionError), record.edit() as data:
        data["title"] = 1 / 0
    with pytest.raises(TypeError, match="name of a member is a text, not 1"), record.edit() as data:
        data["of"][1] = 2
    assert acme.get(record.id).data == wanted


def test_numbers_that_nobody_touched_stay_to_the_digit(acme: TenantClient, url: str) -> None:
    acme.type("Price")
    made = acme.create("Price", {"price": Decimal("10.00"), "exact": Decimal("0.1000000000000005"),
                                 "list": [Decimal("1.10"), {"a": Decimal("2.20"), "b": 1}]})
    with acme.get(made.id).edit() as data:
        data["title"] = "A"
        data["list"][1]["b"] = 2
        data["list"].append(3)
    with fx.connect(url, decimals=True) as db:
        read = db.tenant(acme.id).get(made.id)
        assert str(read["price"]) == "10.00" and str(read["exact"]) == "0.1000000000000005"
        assert str(read["list"]) == "[Decimal('1.10'), {'a': Decimal('2.20'), 'b': 2}, 3]"


def test_who_is_slower_writes_upon_what_the_other_wrote(acme: TenantClient) -> None:
    acme.type("Task")
    one = acme.create("Task", {"title": "A", "priority": 1})
    other = acme.get(one.id)
    with other.edit() as data:
        data["priority"] = 2
    with one.edit() as data:
        data["title"] = "B"
    assert one.data == {"title": "B", "priority": 2} and one.version == 3
    with pytest.raises(fx.VersionConflict) as refused, other.edit() as data:
        data["title"] = "C"
    assert refused.value.version == 3 and acme.get(one.id)["title"] == "B"
    other.refresh()
    with pytest.raises(fx.VersionConflict), other.edit(retry=0) as data:
        one.patch({"other": 1})
        data["title"] = "C"


def test_a_record_is_related_and_deleted(acme: TenantClient) -> None:
    acme.type("Task")
    one, other = acme.create("Task"), acme.create("Task")
    made = one.relate("depends_on", other, {"priority": 1})
    assert acme.relate(other, "blocks", one.id)["source_node_id"] == other.id
    assert [found["id"] for found in acme.relationships(source=one)] == [made["id"]]
    other.patch({"a": 1})
    with pytest.raises(fx.VersionConflict):
        acme.get(other.id).patch({"b": 1})
        other.delete(unchanged=True)
    other.delete()
    with pytest.raises(fx.NotFound):
        acme.get(other.id)


def test_an_upsert_knows_a_node_by_what_is_unique(acme: TenantClient) -> None:
    acme.type("Person", schema={"x-unique": [["email"]]})
    made = acme.upsert("Person", {"email": "ann@example.com", "name": "Ann"}, key="email")
    again = acme.upsert("Person", {"email": "ann@example.com", "age": 7}, key="email", mode="merge")
    assert again.id == made.id and again.data == made.data | {"age": 7}


def test_what_is_read_in_part_is_not_edited(acme: TenantClient) -> None:
    acme.type("Task")
    acme.create("Task", {"title": "A", "b": 1})
    (part,) = acme.nodes(fields=["data.title"])
    assert part["title"] == "A"
    with pytest.raises(fx.Error, match="a part"), part.edit():
        pass


def test_the_same_is_awaited(url: str, slug: str) -> None:
    async def use() -> Any:
        async with fx.aconnect(url) as db:
            acme = await db.tenant(slug, create=True)
            await acme.type("Task", schema=SCHEMA)
            record = await acme.create("Task", {"title": "A"})
            async with record.edit() as data:
                data["title"] = "B"
            async with acme.transaction() as tx:
                made = tx.create(await acme.type("Task"), {"title": "C"})
                tx.relate(made, "depends_on", record)
            found = [one["title"] async for one in await acme.nodes("Task", sort="data.title")]
            report = await acme.load("Task", ({"title": f"{n}"} for n in range(5)), chunk=2)
            changed = [change["op"] async for change in acme.changes(
                (await db.list_changes(tenant_id=acme.id))["position"], follow=False)]
            walked = await acme.walk(made)
            return found, report.created, changed, len(walked)

    assert asyncio.run(use()) == (["B", "C"], 5, [], 2)


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1), ([1], [1, 2]),
                                            ({"a": 1}, {"a": 1, "b": None}), (None, 0)])
def test_values_that_are_not_the_same_json_differ(one: Any, other: Any) -> None:
    assert not same(one, other) and same(one, one)
    assert difference({"a": one}, {"a": other})


@pytest.mark.parametrize(("old", "new", "steps"), [
    ([1, 2], [1, 2, 3], [("add", "/a/2")]), ([1, 2], [0, 1, 2], [("add", "/a/0")]),
    ([1, 2, 3], [1, 3], [("remove", "/a/1")]), ([1, 2, 3], [], [("remove", "/a/2"), (
        "remove", "/a/1"), ("remove", "/a/0")]), ([1, 2, 3], [1, 9, 3], [("replace", "/a/1")]),
    ([{"b": 1}, 2], [{"b": 5}, 2], [("replace", "/a/0/b")]), ([1], {}, [("replace", "/a")]),
    ([1] * 200, [2] * 200, [("replace", "/a")]), ([], [1], [("add", "/a/0")])])
def test_of_an_array_only_what_differs_is_written(
        acme: TenantClient, old: Any, new: Any, steps: list[tuple[str, str]]) -> None:
    assert [(step["op"], step["path"]) for step in difference({"a": old}, {"a": new})] == steps
    acme.type("Task")
    record = acme.create("Task", {"a": old})
    with record.edit() as data:
        data["a"] = new
    assert record.data == {"a": new} and record.version == 2


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(values, values)
def test_a_difference_makes_one_value_of_another(old: Any, new: Any) -> None:
    made = JsonPatch(difference({"a": old}, {"a": new})).apply({"a": old})
    assert same(made, {"a": new})


def test_a_change_clashes_where_what_it_is_about_has_changed_or_what_holds_it() -> None:
    old = {"a": {"b": 1}, "c": 1}
    change = difference(old, {"a": {"b": 2}, "c": 1})
    assert not clashes(old, {"a": {"b": 1}, "c": 9}, change)
    assert clashes(old, {"a": {"b": 3}}, change) and clashes(old, {"a": 1}, change)
    added = difference(old, {"a": {"b": 1, "d": 1}, "c": 1})
    listed = {"a": [1, 2], "b": 1}
    appended = difference(listed, {"a": [1, 2, 3], "b": 1})
    assert not clashes(listed, {"a": [1, 2], "b": 2}, appended)
    assert clashes(listed, {"a": [2, 1], "b": 1}, appended)
    assert clashes(old, {"a": []}, added) and clashes(old, {"a": {"d": 2}}, added)


def test_ids_made_here_are_in_the_order_of_time() -> None:
    made = new_ids(1000)
    assert all(is_id(one) and UUID(one).version == 7 and UUID(one).variant == RFC_4122
               for one in made)
    assert len(set(made)) == 1000 and made == sorted(made) and new_ids(0) == []
    moment = UUID(new_id()).int >> 80
    assert abs(moment / 1000 - time.time()) < 60 and len({one[19] for one in made}) == 4
