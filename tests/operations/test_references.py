"""References of a transaction: anywhere in parameters, where it says so and never by accident."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import Fragment

from flexdb.context import Context, Limits
from flexdb.contract.operation import OPERATIONS
from flexdb.errors import InvalidParams
from flexdb.operations.given import Given
from flexdb.operations.references import resolve
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors
P: Any = {"$result": "p.id"}


def call(method: str, name: str | None = None, /, **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "params": params}
    return made | {"as": name} if name else made


def make(service: Service) -> tuple[dict[str, str], dict[str, str]]:
    """Make a type, and return what names its tenant and what a new node needs."""
    node_type = service.node_type(service.tenant())
    of = {"tenant_id": node_type["tenant_id"]}
    return of, of | {"node_type_id": node_type["id"]}


def run(service: Service, *calls: Any, **more: Any) -> Any:
    return service.call("transaction", calls=[*calls], **({"refs": True} | more))["results"]


def test_a_reference_stands_for_any_value_anywhere(service: Service) -> None:
    of, new = make(service)
    p, copied, patched, updated, listed, claimed, gone = run(
        service, call("create_node", "p", **new, data={"title": "T", "a.b": [1, {"c": None}]}),
        call("create_node", "q", **new, data={
            "project": P, "deep": [{"in": {"$result": "p.data.title"}}],
            "whole": {"$result": "p.data"}, "null": {"$result": 'p.data."a.b".1.c'},
            "last": {"$result": 'p.data."a.b".-1'}, "made": {"$result": "p.created_at"}}),
        call("patch_node", **of, id=P, patch=[{"op": "add", "path": "/q",
                                               "value": {"$result": "q.id"}}]),
        call("patch_node", **of, id="$p.id", update={
            "$append": {"tags": {"$result": "q.data.deep"}}}),
        call("list_nodes", **of, filter={"data.project": P}),
        call("patch_node", **of, id={"$result": "q.id"}, patch={"done": True},
             only_if={"data.project": P}, version={"$result": "q.version"}),
        call("delete_nodes", **of, filter={"id": {"$in": [P, {"$result": "q.id"}]}}))
    p, q = p["node"], copied["node"]
    assert q["data"] == {"project": p["id"], "deep": [{"in": "T"}], "whole": p["data"],
                         "null": None, "last": {"c": None}, "made": p["created_at"]}
    assert patched["node"]["data"] == p["data"] | {"q": q["id"]}
    assert updated["node"]["data"]["tags"] == [[{"in": "T"}]]
    assert listed["nodes"] == [q] and claimed["node"]["data"]["done"] is True
    assert gone == {"deleted": 2}


def test_what_bulk_calls_and_lists_give_can_be_referred_to_and_their_items_refer(
        service: Service) -> None:
    of, new = make(service)
    item = {"node_type_id": new["node_type_id"]}
    p, made, edges, listed, found = run(
        service, call("create_node", "p", **new),
        call("create_nodes", "made", **of, nodes=[item | {"data": {"of": P, "n": n}}
                                                  for n in range(3)]),
        call("create_relationships", **of, relationships=[
            {"source_node_id": "$made.nodes.0.id", "relationship_type": "x",
             "target_node_id": {"$result": "made.nodes.-1.id"}, "data": {"n": {
                 "$result": "made.nodes.1.data.n"}}}]),
        call("list_nodes", "listed", **of, filter={"data.of": P}, sort=["data.n"]),
        call("get_node", **of, id="$listed.nodes.1.id"))
    ids = [node["id"] for node in made["nodes"]]
    assert [node["data"]["of"] for node in made["nodes"]] == [p["node"]["id"]] * 3
    (edge,) = edges["relationships"]
    assert (edge["source_node_id"], edge["target_node_id"], edge["data"]) == (
        ids[0], ids[2], {"n": 1})
    assert found["node"] == made["nodes"][1] == listed["nodes"][1]


def test_only_where_the_transaction_says_so(service: Service) -> None:
    _, new = make(service)
    for more in ({}, {"refs": False}):
        calls = [call("create_node", "p", **new), call("create_node", **new, data={"a": P})]
        made = service.call("transaction", calls=calls, **more)["results"][1]["node"]
        assert made["data"] == {"a": P}
    refused = refusal(service, "transaction", calls=[
        call("create_node", "p", **new), call("get_node", tenant_id=new["tenant_id"], id=P)])
    assert list(refused.fields) == ["calls.1.params.id"]


def test_a_literal_is_what_is_in_it_and_in_texts_nothing_is_looked_for(service: Service) -> None:
    _, new = make(service)
    data = {"a": {"$literal": {"b": P, "c": {"$literal": 1}}}, "t": '{"$result": "p.id"}',
            "$p.id": "$p.id", "price": "$5", "$other": {"$inc": 1}}
    p, q, copy = run(service, call("create_node", "p", **new, data={"a": {"$literal": P}}),
                     call("create_node", **new, data=data),
                     call("create_node", **new, data={"x": {"$result": "p.data.a"}}))
    assert p["node"]["data"] == {"a": P}
    assert q["node"]["data"] == data | {"a": {"b": P, "c": {"$literal": 1}}}
    # What was stored is no reference where it is put.
    assert copy["node"]["data"] == {"x": P}


def test_every_digit_and_every_escape_survives(service: Service) -> None:
    _, new = make(service)
    digits = b"0.12345678901234567890123456789012345678901234567890"
    *_, made = run(service, call("create_node", "p", **new, data=Fragment(b'{"n": %b}' % digits)),
                   call("create_node", **new, data=Fragment(
                       b'{"m": %b, "n": {"\\u0024r\\u0065sult": "p.data.n"}}' % digits)))
    with connect(service.settings) as ours:
        row = ours.execute("SELECT data::text FROM nodes WHERE id = %s",
                           (made["node"]["id"],)).fetchone()
    assert row and json.loads(row[0], parse_float=str) == dict.fromkeys("mn", digits.decode())


@pytest.mark.parametrize("data, place, told", [
    ({"a": {"$result": "q.id"}}, "data.a", "refers to q, which is no earlier call's name"),
    ({"a": [0, {"$result": "p.data.x"}]}, "data.a.1", "refers to data.x, which p has not"),
    ({"a": {"$result": "p.id.x"}}, "data.a", "refers to id.x, which p has not"),
    ({"a": {"$result": "p.data.list.7"}}, "data.a", "which p has not"),
    ({"a": {"$result": "p.data.list." + "9" * 5000}}, "data.a", "which p has not"),
    ({"a": {"$result": "p"}}, "data.a", "is no reference"),
    ({"a": {"$result": "p."}}, "data.a", "is no reference"),
    ({"a": {"$result": "p.data..x"}}, "data.a", "empty part"),
    ({"a": {"$result": "$p.id"}}, "data.a", "is no reference"),
    ({"a": {"$result": 1}}, "data.a", "must have a text as $result"),
    ({"a": {"$result": "p.id", "b": 1}}, "data.a", "no member beside"),
    ({"a": {"$literal": 1, "$result": "p.id"}}, "data.a", "no member beside"),
    ({"a": {"$result": "later.id"}}, "data.a", "which is no earlier call's name"),
    ({"$result": "p.id"}, "data", "must hold JSON text"),
    ({"a": {"$result": "p.data.deep"}}, "data", "may be nested at most 100 deep")])
def test_a_reference_that_names_nothing_is_told_and_never_stored(
        service: Service, data: Any, place: str, told: str) -> None:
    of, new = make(service)
    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    nested = data
    if "deep" in json.dumps(data):
        for _ in range(10):
            nested = {"a": nested}
    refused = refusal(service, "transaction", refs=True, calls=[
        call("create_node", "p", **new, data={"list": [], "deep": deep}),
        call("create_node", **new, data=nested), call("list_users", "later")])
    assert (refused.code, refused.error["data"]["index"]) == (-32602, 1)
    assert list(refused.fields) == [f"calls.1.params.{place}"]
    assert told in str(refused)
    assert service.call("list_nodes", **of)["nodes"] == []


def test_a_few_references_do_not_make_more_than_there_may_be(
        new_service: Callable[..., Service]) -> None:
    service = new_service(max_answer_bytes=1024 * 1024, max_page_bytes=100_000)
    of, new = make(service)
    item = {"node_type_id": new["node_type_id"], "data": {"x": {"$result": "p.data.x"}}}
    calls = [call("create_node", "p", **new, data={"x": "y" * 100_000}),
             call("create_nodes", **of, nodes=[item] * 11)]
    refused = refusal(service, "transaction", refs=True, calls=calls)
    assert list(refused.fields) == ["calls.1.params.nodes.10.data.x"]
    assert "may weigh at most 1,048,576 bytes" in str(refused)


def test_where_json_is_given_as_strings_references_lead_into_it_all_the_same(
        service: Service) -> None:
    _, new = make(service)
    answer = service.app.test_client().post("/transactions", headers={
        "Prefer": "json-fields=string"}, json={"refs": True, "calls": [
            call("create_node", "p", **new, data={"t": "T", "n": {"data": "{}"}}),
            call("create_node", **new, data={"t": {"$result": "p.data.t"},
                                             "n": {"$result": "p.data.n.data"},
                                             "d": {"$result": "p.data"}})]})
    reply: Any = answer.json
    assert json.loads(reply["results"][1]["node"]["data"]) == {
        "t": "T", "n": "{}", "d": {"t": "T", "n": {"data": "{}"}}}


def test_by_position_and_in_texts_of_parameters_too(service: Service) -> None:
    tenant, user, node_type = run(
        service, call("create_tenant", "t", slug=uuid4().hex, name="A"),
        {"method": "create_user", "params": [f"{uuid4().hex}@example.org", {"$result": "t.name"}]},
        {"method": "create_node_type", "params": [{"$result": "t.id"}, {"$result": "t.slug"}]})
    assert user["user"]["display_name"] == "A"
    assert node_type["node_type"]["name"] == tenant["tenant"]["slug"]


# A model: what is parsed, with the references in it replaced.
ROOT: Any = {"id": "x", "n": 1, "list": [1, {"a": "b"}], "of": {"": [], "a.b": {"$result": 1}}}
PATHS = {"id": "x", "n": 1, "list": ROOT["list"], "list.1.a": "b", "list.-2": 1, 'of.""': [],
         'of."a.b"': {"$result": 1}, "of": ROOT["of"]}
LEAVES = (st.none() | st.integers() | st.text(max_size=5)
          | st.sampled_from(sorted(PATHS)).map(lambda path: {"$result": f"p.{path}"}))
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=3), inner, max_size=3) | st.fixed_dictionaries({"$literal": inner}),
    max_leaves=10)


def model(value: Any) -> Any:
    if isinstance(value, list):
        return [model(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$literal"}:
        return value["$literal"]
    if value.keys() == {"$result"}:
        return PATHS[value["$result"].removeprefix("p.")]
    return {name: model(one) for name, one in value.items()}


@settings(derandomize=True, max_examples=100)
@given(st.dictionaries(st.text(max_size=3), DOCUMENTS, max_size=4), st.booleans())
def test_references_are_what_the_model_says(data: Any, escaped: bool) -> None:
    given_ = Given(Context(), True)
    given_.keep("p", OPERATIONS["get_node"], json.dumps({"node": ROOT}).encode())
    text = json.dumps({"data": data}, ensure_ascii=escaped).encode()
    parsed, put = resolve(text, OPERATIONS["create_node"], given_)
    assert parsed == json.loads(put) == {"data": model({"": data})[""]}


def test_what_is_large_and_put_is_counted_and_ids_are_not() -> None:
    given_ = Given(Context(limits=Limits(max_answer_bytes=200)), True)
    given_.keep("p", OPERATIONS["get_node"], b'{"node":{"a":"%b","b":"%b"}}' % (
        b"x" * 98, b"x" * 36))
    ids = json.dumps({"data": [{"$result": "p.b"}] * 1000}).encode()
    assert resolve(ids, OPERATIONS["create_node"], given_)
    text = b'{"data":[{"$result":"p.a"},{"$result":"p.a"}]}'
    assert resolve(text, OPERATIONS["create_node"], given_)
    with pytest.raises(InvalidParams, match="at most 200 bytes"):
        resolve(text, OPERATIONS["create_node"], given_)


def test_what_is_looked_through_and_taken_apart_is_bounded() -> None:
    given_ = Given(Context(), True)
    for name in ("p", "q"):
        given_.keep(name, OPERATIONS["get_node"], b'{"node":{"a":[%b1]}}' % (b"1," * 150_000))
    once = b'{"data":[{"$result":"p.a.0"},{"$result":"p.a.149999"}]}'
    parsed, _ = resolve(once, OPERATIONS["create_node"], given_)
    assert parsed == {"data": [1, 1]}
    with pytest.raises(InvalidParams, match="at most 200,000 members"):
        resolve(b'{"data":[{"$result":"q.a.0"}]}', OPERATIONS["create_node"], given_)
    given_ = Given(Context(), True)
    given_.keep("p", OPERATIONS["get_node"], b'{"node":{"a":[1]}}')
    for size, depth, told in ((1_000_000, 10, ""), (1000, 90, ""), (1_000_000, 30, "too deep")):
        text = b'{"data":%b"%b",{"$result":"p.a.0"}%b}' % (
            b"[" * depth, b"x" * size, b"]" * depth)
        try:
            resolve(text, OPERATIONS["create_node"], given_)
            assert not told
        except InvalidParams as error:
            assert told and told in str(error)
