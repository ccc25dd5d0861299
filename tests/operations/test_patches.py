"""Patches: a part of a record is changed, and what others change meanwhile is not lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexdb.documents.patches import MOST_OPERATIONS, parse_patch
from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.errors import InvalidParams
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


def apply_patch(document: bytes, patch: bytes, limit: int) -> bytes:
    return dump_exactly(parse_patch(patch).change(parse_exactly(document), limit))


# RFC 7396, appendix A: the original, the patch, the result.
MERGES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', '{}'), ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'), ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')]
# RFC 6902, appendix A.
PATCHES = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}],
     {"foo": ["bar", "qux", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    ({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
     [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
     {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}),
    ({"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
     {"foo": ["all", "cows", "eat", "grass"]}),
    ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "qux"}], {"baz": "qux"}),
    ({"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
     {"foo": "bar", "child": {"grandchild": {}}}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}],
     {"foo": "bar", "baz": "qux"}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}],
     {"foo": ["bar", ["abc"]]})]
REFUSED: list[Any] = [
    [{"op": "test", "path": "/a", "value": "1"}], [{"op": "test", "path": "/a", "value": 2}],
    [{"op": "remove", "path": "/nowhere"}], [{"op": "add", "path": "/x/y", "value": 1}],
    [{"op": "add", "path": "no-slash", "value": 1}], [{"op": "leap", "path": "/a"}], [{}], [1],
    ["x"], [None], [{"op": "add", "path": "/a"}], [{"op": "replace", "path": "", "value": []}],
    [{"op": "add", "path": "/list/9", "value": 1}], [{"op": 1, "path": "/a"}],
    [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(40)],
    [{"op": "add", "path": 1, "value": 1}],
    [{"op": "test", "path": "/a", "value": 1}] * (MOST_OPERATIONS + 1),
    [{"op": "add", "path": "/a", "value": "x" * 70_000}] * 20 + [
        {"op": "add", "path": f"/{n}", "value": "x" * 70_000} for n in range(20)]]


def make(service: Service, data: Any) -> dict[str, str]:
    node = service.node(service.node_type(service.tenant()), data=data)
    return {"tenant_id": node["tenant_id"], "id": node["id"]}


@pytest.mark.parametrize("original, patch, result", MERGES)
def test_a_merge_patch_does_what_rfc_7396_says(original: str, patch: str, result: str) -> None:
    assert json.loads(apply_patch(original.encode(), patch.encode(), 1000)) == json.loads(result)


@pytest.mark.parametrize("original, patch, result", PATCHES)
def test_a_json_patch_does_what_rfc_6902_says(
        service: Service, original: Any, patch: Any, result: Any) -> None:
    key = make(service, original)
    patched = service.call("patch_node", **key, patch=patch)["node"]
    assert patched["data"] == result and patched["version"] == 2


def test_a_merge_patch_changes_what_it_names_of_nodes_and_relationships(service: Service) -> None:
    node = service.node(service.node_type(service.tenant()), data={"a": 1, "b": {"c": 2, "d": 3}})
    edge = service.relationship(node, node, data={"a": 1, "b": {"c": 2, "d": 3}})
    for method, thing in (("patch_node", node), ("patch_relationship", edge)):
        (patched,) = service.call(method, tenant_id=thing["tenant_id"], id=thing["id"],
                                  patch={"a": None, "b": {"c": [4]}, "e": 5}).values()
        assert patched["data"] == {"b": {"c": [4], "d": 3}, "e": 5}
        assert patched == thing | {"data": patched["data"], "version": 2,
                                   "updated_at": patched["updated_at"]}


def test_a_patch_may_be_given_as_json_text(service: Service) -> None:
    key = make(service, {"a": 1})
    assert service.call("patch_node", **key, patch='{"a": 2}')["node"]["data"] == {"a": 2}


def test_every_digit_survives_a_patch() -> None:
    document = b'{"long":12345678901234567890123.10,"tail":1.10,"exp":1e-7}'
    assert apply_patch(document, b'{"new":0.10}', 1000) == document[:-1] + b',"new":0.10}'
    assert apply_patch(document, b'[{"op":"test","path":"/tail","value":1.1}]', 1000) == document


@pytest.mark.parametrize("patch", REFUSED, ids=lambda patch: json.dumps(patch)[:50])
def test_a_patch_that_cannot_be_applied_is_refused_and_changes_nothing(
        service: Service, patch: Any) -> None:
    key = make(service, {"a": 1, "list": []})
    before = service.call("get_node", **key)
    with pytest.raises(RpcError) as refused:
        service.call("patch_node", **key, patch=patch)
    assert refused.value.code == -32602 and list(refused.value.fields) == ["patch"]
    assert "class" not in str(refused.value)
    assert service.call("get_node", **key) == before


@pytest.mark.parametrize("again", [
    [{"op": "copy", "from": "/list", "path": "/copy"}, {"op": "remove", "path": "/copy"}],
    [{"op": "copy", "from": "/list", "path": "/list"}],
    [{"op": "copy", "from": "/list", "path": "/a"}, {"op": "replace", "path": "/a", "value": 0}]])
def test_copies_weigh_no_more_together_than_a_document_may_also_where_none_stays(
        again: list[Any]) -> None:
    """Each costs time for each of its values: 1,000 of a large document took minutes."""
    document = json.dumps({"a": 1, "list": [0] * 100}, separators=(",", ":")).encode()
    enough = 1000 // len(json.dumps([0] * 100, separators=(",", ":")))
    apply_patch(document, json.dumps(again * enough).encode(), 1000)
    with pytest.raises(InvalidParams) as refused:
        apply_patch(document, json.dumps(again * (enough + 1)).encode(), 1000)
    (said,) = refused.value.data["fields"]["patch"]
    assert said == (f"copies more than 1000 bytes: operation {enough * len(again)} is one too many")


@settings(derandomize=True, max_examples=200)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "path", "from", "value", "a"]),
                                         inner | st.sampled_from(["add", "/a", "copy", "move"]),
                                         max_size=4), max_leaves=12))
def test_no_patch_whatever_is_a_fault_of_ours(patch: Any) -> None:
    try:
        apply_patch(b'{"a":{"b":[1,"x"]}}', json.dumps(patch).encode(), 10_000)
    except InvalidParams as refused:
        assert refused.data["fields"]
    except ValueError as refused:
        assert str(refused)


@pytest.mark.longest
@pytest.mark.long
def test_patches_of_one_node_by_many_at_once_lose_nothing(service: Service) -> None:
    key = make(service, {})

    def patch(worker: int) -> None:
        for count in range(1, 201):
            service.call("patch_node", **key, patch={f"key{worker}": count})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(patch, range(8)))
    node = service.call("get_node", **key)["node"]
    assert node["data"] == {f"key{worker}": 200 for worker in range(8)}
    assert node["version"] == 1601
