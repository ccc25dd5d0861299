"""Paths: every name that data may have can be filtered by, sorted by and asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flexdb.query.paths import PATH_LENGTH
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

NAMES = ["", ".", "a.b", "a..b.", '"', '"a"', 'a"b', "a,b", ",", "-", "$eq", "\\", "\\u0041", "0",
         "-1", "é", "e\u0301", "\u200b", " ", " a ", "\n", "\x7f", "%s", "{}", "'", "/", "~0", "*",
         "a" * 251, "ä" * 1000, "😀.😀"]


@pytest.fixture(scope="module")
def node_type(service: Service) -> Any:
    return service.node_type(service.tenant())


def quoted(*names: str, ascii: bool = False) -> str:
    return ".".join(["data", *(json.dumps(name, ensure_ascii=ascii) for name in names)])


@pytest.mark.long
@given(st.lists(st.sampled_from(NAMES) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    min_size=1, max_size=3))
@example([NAMES[-2], NAMES[-3]])
@settings(derandomize=True, max_examples=40,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_quoted_name_is_reached_by_filter_sort_and_fields(service: Service, node_type: Any,
                                                            names: list[str]) -> None:
    tenant_id, path = node_type["tenant_id"], quoted(*names)
    service.call("delete_nodes", tenant_id=tenant_id, filter={"version": 1})
    made = []
    for value in ("b", "a", ["c"]):
        data: Any = value
        for name in reversed(names):
            data = {name: data, f"{name}2": 0}
        made.append(service.node(node_type, data=data))
    service.node(node_type)
    first, second, third = made
    for condition, found in [
            ("a", [second]), ({"$in": ["b", "x"]}, [first]), ({"$gt": "a"}, [first]),
            ({"$contains": "c"}, [third]), ({"$startswith": "a"}, [second]),
            ({"$exists": True}, [third, second, first])]:
        for spelt in (path, quoted(*names, ascii=True)):
            listed = service.call("list_nodes", tenant_id=tenant_id, filter={spelt: condition})
            assert listed["nodes"] == found, condition
    for paths in ([path], path):
        listed = service.call("list_nodes", tenant_id=tenant_id, sort=paths, fields=paths,
                              filter={path: {"$exists": True}}, pagination={"page_size": 2})
        last = service.call("list_nodes", tenant_id=tenant_id, sort=paths, fields=paths,
                            filter={path: {"$exists": True}}, pagination={
                                "page_token": listed["pagination"]["next_page_token"]})
        given = listed["nodes"] + last["nodes"]
        for name in ["data", *names]:
            assert [list(one) for one in given] == [[name]] * 3
            given = [one[name] for one in given]
        assert given == ["a", "b", ["c"]]


def test_several_quoted_paths_stand_in_one_text(service: Service, node_type: Any) -> None:
    node = service.node(node_type, data={"a,b": 1, "": {",": 2}, "x": 3, 'c"d': 4})
    listed = service.call("list_nodes", tenant_id=node["tenant_id"], filter={"id": node["id"]},
                          fields='data."a,b",data.""."\\u002c",data.c"d,version')
    assert listed["nodes"] == [{"data": {"a,b": 1, "": {",": 2}, 'c"d': 4}, "version": 1}]


@pytest.mark.parametrize("path, told", [
    ("data.", "empty part"), ("data..a", "empty part"), ("data.a.", "empty part"),
    ('data."a', "not closed"), ('data."a"b', "not closed"), ('data."a.b', "not closed"),
    ('data."', "not closed"), ('data."\\"', "not closed"), ('data."\\x"', "no string of JSON"),
    ('data."\n"', "no string of JSON"), ('data."\\ud800"', "no string of JSON"),
    ('data."\\u0000"', "U+0000"), ('"data".a', "names no member"), ('version."a"', "no JSON"),
    ("data" + ".a" * 21, "at most 20 parts"), ('data."."', ""),
    ("data." + "a" * (PATH_LENGTH - 5), ""),
    ("data." + "a" * (PATH_LENGTH - 4), "at most 10,000 characters")], ids=lambda text: text[:24])
def test_what_is_wrong_with_a_path_is_told_wherever_it_stands(service: Service, node_type: Any,
                                                              path: str, told: str) -> None:
    tenant_id = node_type["tenant_id"]
    for place, query in (("filter", {path: 1}), ("sort", [path]), ("fields", [path])):
        if not told:
            # A URL is shorter than the longest path.
            posted = service.app.test_client().post(f"/tenants/{tenant_id}/nodes/query",
                                                    json={place: query})
            assert posted.status_code == 200
            continue
        refused = refusal(service, "list_nodes", {"tenant_id": tenant_id, place: query})
        assert refused.code == -32602 and told in str(refused)
        assert next(iter(refused.fields)).startswith(place)


def test_one_place_that_is_spelt_in_two_ways_is_one(service: Service, node_type: Any) -> None:
    refused = refusal(service, "list_nodes", tenant_id=node_type["tenant_id"],
                      sort=["data.a", '-data."a"'])
    assert list(refused.fields) == ["sort.1"] and "again" in str(refused)


DATA = {"tags": ["a", "b", "c"], "rows": [{"x": 1, "y": [10, 11]}, {"x": 2}], "object": {"0": "o"},
        "none": [None], "text": "abc"}


@pytest.mark.parametrize("fields, shown", [
    (["data.tags.0"], {"tags": ["a"]}), (["data.tags.2", "data.tags.0"], {"tags": ["a", "c"]}),
    (["data.tags.-1", "data.tags.0"], {"tags": ["a", "c"]}), (["data.tags.3"], {"tags": []}),
    (["data.tags.-4"], {"tags": []}), (["data.tags." + "9" * 5000], {"tags": []}),
    (["data.tags.0", "data.tags"], {"tags": ["a", "b", "c"]}),
    (["data.tags.0.x"], {"tags": []}), (["data.tags.x"], {}), (["data.text.0"], {}),
    (['data.tags."1"'], {"tags": ["b"]}), (["data.object.0"], {"object": {"0": "o"}}),
    (["data.none.0"], {"none": [None]}),
    (["data.rows.1.x", "data.rows.0.y.1"], {"rows": [{"y": [11]}, {"x": 2}]}),
    (["data.rows.0.z", "data.tags.1"], {"rows": [{}], "tags": ["b"]}),
    (["data.rows.0"], {"rows": [{"x": 1, "y": [10, 11]}]})], ids=lambda value: str(value)[:40])
def test_of_an_array_the_items_that_are_named_are_given(service: Service, node_type: Any,
                                                        fields: list[str], shown: Any) -> None:
    node = service.node(node_type, data=DATA)
    client: Any = service.app.test_client()
    listed = client.post(f"/tenants/{node['tenant_id']}/nodes/query",
                         json={"filter": {"id": node["id"]}, "fields": fields}).json
    assert listed["nodes"] == [{"data": shown}]
