"""No schema and no data cost a worker more than little: what may cost much is checked apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexdb.documents.apart import Apart
from flexdb.documents.costs import Costs, TooComplex, Unknown
from flexdb.documents.schemas import KEPT_BYTES, UNTOLD, SchemaCache, compile_schema
from flexdb.documents.text import parse_stored
from flexdb.documents.validators import (
    MOST_CHARACTERS,
    MOST_VIOLATIONS,
    validator_of,
    violations_of,
)
from flexdb.errors import InvalidParams
from tests.support.paths import ROOT
from tests.support.service import RpcError, Service

NAME = r"^[\p{L} .'-]{1,100}$"
RECURSIVE = {"anyOf": [
    {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"properties": {"a": {"$ref": "#"}}, "minProperties": 1}, {"type": "integer"}]}
TREE = {"type": "object", "properties": {"v": {"type": "integer"},
                                         "kids": {"type": "array", "items": {"$ref": "#"}}}}
# Each of its own text, since jsonschema-rs keeps what it compiled.
COUNTED = {"properties": {f"p{n}": {"pattern": rf"\p{{L}}{{100}}N{n}"} for n in range(700)}}


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def twice(levels: int, keyword: str = "allOf", **beside: Any) -> dict[str, Any]:
    """Return a schema that refers twice to the next, so many levels deep."""
    defs: dict[str, Any] = {
        f"d{level}": {keyword: [{"$ref": f"#/$defs/d{level + 1}"}] * 2, **beside}
        for level in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": defs | {f"d{levels}": {"type": "object"}}}


def nested(levels: int, keyword: str) -> Any:
    return {keyword: [nested(levels - 1, keyword)] * 2} if levels else {"type": "integer"}


HOSTILE: dict[str, tuple[Any, Any]] = {
    "60 counted classes": (COUNTED | {"properties": dict(
        list(COUNTED["properties"].items())[:60])}, {"p1": "é"}),
    "700 counted classes": (COUNTED, {"p1": "é"}),
    "counted counts": ({"pattern": "(((a{100}){100}){100})"}, "a"),
    "escapes": ({"pattern": r"\w" * 16_000}, "a"),
    "references, 16 levels": (twice(16), 1),
    "references, 22 levels": (twice(22), {}),
    "references, 27 levels": (twice(27), {}),
    "references without end": (twice(3) | {"allOf": [{"$ref": "#"}]}, {}),
    "unevaluated": (twice(16, "oneOf", unevaluatedItems=False), [1, 2]),
    "unevaluated members": (twice(12, "anyOf", unevaluatedProperties=False), {"x": 1}),
    "overlapping arms": (RECURSIVE, json.loads('{"a":' * 30 + '"x"' + "}" * 30)),
    "overlapping items": (
        {"$defs": {f"a{n}": {"anyOf": [{"items": {"$ref": f"#/$defs/a{n + 1}"}}] * 2}
                   for n in range(10)} | {"a10": {"type": "integer"}}, "$ref": "#/$defs/a0"},
        json.loads("[" * 10 + "1," * 500 + '"x"' + "]" * 10)),
    "arms in arms": (nested(9, "anyOf"), "x"),
    "a regular expression as data": ({"format": "regex"}, "(((a{100}){100}){100})"),
    "many states": ({"pattern": "^(a|b)*a(a|b){200}$"}, "ab" * 400_000),
    "many patterns": ({"patternProperties": {f"(a|b)*x{n}": {} for n in range(100)}},
                      {f"abababab{n}": 1 for n in range(5000)}),
    "much that is missing": ({"items": {"required": [f"a{n}" for n in range(500)]}}, [{}] * 5000),
    "many constants": ({"items": {"enum": [["x" * 10, n] for n in range(1500)]}},
                       [["x" * 10, -1]] * 5000),
    "a constant in each message": ({"items": {"const": {"a": ["x"] * 5000}}}, [0] * 5000),
    "long divisions": ({"items": {"multipleOf": 0.0001}}, [1.00000000000000012] * 100_000),
    "all unique": ({"uniqueItems": True}, [{"a": n} for n in range(60_000)]),
    "contained thrice": ({"contains": {"contains": {"contains": {"const": 5}}}},
                         [[[1] * 40] * 40] * 40),
    "a large schema": ({"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}, {}),
}


def worked(action: Callable[[], Any]) -> float:
    """Return the seconds of this process's CPU that something takes."""
    begun = time.process_time()
    action()
    return time.process_time() - begun


@pytest.fixture(scope="module")
def second() -> float:
    """Return what counts as a second of CPU, on whatever machine: 20 million additions."""
    return min(worked(lambda: sum(range(20_000_000))) for _ in range(3)) * 2


@pytest.mark.longest
@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_no_schema_and_no_data_cost_a_worker_much(name: str, second: float) -> None:
    schema, data = (text(value) for value in HOSTILE[name])

    def both() -> None:
        try:
            compile_schema(schema).violations(data)
        except InvalidParams as error:
            assert any(why in str(error) for why in ("is too complex", "makes a check", "weighs"))

    assert worked(both) < second / 2


@pytest.mark.long
@pytest.mark.longest
def test_the_keyword_that_takes_too_long_is_named() -> None:
    for schema, place in ((COUNTED, "/properties/p"), (twice(27), "/$ref"),
                          ({"pattern": r"\w" * 16_000}, "/pattern")):
        with pytest.raises(InvalidParams) as refused:
            compile_schema(text(schema))
        (wrong,) = refused.value.data["fields"]["schema"]
        assert wrong.startswith(f"is too complex: {place}") and "takes more than" in wrong


ORDINARY: dict[str, tuple[Any, Any, Any]] = {
    "a name": ({"properties": {"n": {"pattern": NAME}}}, {"n": "Zoë"}, {"n": "Zoë1"}),
    "20 names": ({"properties": {f"n{n}": {"pattern": NAME.replace("100", str(80 + n))}
                                 for n in range(20)}}, {"n1": "Zoë"}, {"n1": ""}),
    "a tree": (TREE, json.loads('{"v":1,"kids":[' * 20 + '{"v":2}' + "]}" * 20),
               json.loads('{"v":1,"kids":[' * 20 + '{"v":"2"}' + "]}" * 20)),
    "500 properties": (
        {"properties": {f"p{n}": {"type": "string", "maxLength": 100} for n in range(500)}},
        {f"p{n}": "x" for n in range(500)}, {f"p{n}": n for n in range(500)}),
    "10,000 properties": (
        {"properties": {f"p{n}": {"type": "string", "maxLength": 100} for n in range(10_000)}},
        {"p1": "x"}, {"p1": 1}),
    "resources": (
        {"$defs": {f"R{n}": {"type": "object", "required": ["kind"], "properties": {
            "kind": {"const": f"R{n}"}, "name": {"pattern": "^[A-Za-z0-9 ]{1,64}$"},
            "contained": {"type": "array", "items": {"$ref": "#/$defs/Any"}}}} for n in range(140)}
         | {"Any": {"oneOf": [{"$ref": f"#/$defs/R{n}"} for n in range(140)]}},
         "$ref": "#/$defs/Any"},
        {"kind": "R1", "contained": [{"kind": "R2", "contained": [{"kind": "R3"}]}]},
        {"kind": "none"}),
}


@pytest.mark.long
@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_schema_is_taken_and_says_what_it_would_anywhere(name: str) -> None:
    schema, good, bad = (text(value) for value in ORDINARY[name])
    compiled = compile_schema(schema)
    assert compiled.violations(good) == []
    assert compiled.violations(bad) == violations_of(validator_of(schema), parse_stored(bad))


names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab1", max_size=4))
documents = st.recursive(scalars, lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=3)), max_leaves=40)


def _keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(names, inner, max_size=3)
    return st.fixed_dictionaries({}, optional={
        "allOf": several, "anyOf": several, "oneOf": several, "not": inner, "if": inner,
        "then": inner, "else": inner, "properties": named, "patternProperties": named,
        "additionalProperties": inner, "unevaluatedProperties": inner, "propertyNames": inner,
        "items": inner, "prefixItems": several, "contains": inner, "unevaluatedItems": inner,
        "dependentSchemas": named})


schemas = st.recursive(
    st.one_of(
        st.booleans(), st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/$defs/c"]).map(
            lambda to: {"$ref": to}),
        st.sampled_from([
            {"type": "integer"}, {"type": "object"}, {"required": ["a"]}, {"minLength": 2},
            {"pattern": r"^\p{L}{1,100}$"}, {"pattern": "(a|b)*a(a|b){50}"}, {"enum": [1, "a"]},
            {"format": "date"}, {"multipleOf": 3}, {"uniqueItems": True}, {"minProperties": 2}])),
    _keywords, max_leaves=30)


@pytest.mark.long
@settings(max_examples=60)
@given(st.fixed_dictionaries({"a": schemas, "b": schemas, "c": schemas}), documents, documents)
@pytest.mark.longest
def test_no_schema_that_refers_however_costs_a_worker_much(
        second: float, defs: Any, one: Any, other: Any) -> None:
    schema = text({"$defs": defs, "$ref": "#/$defs/a"})

    def both() -> None:
        try:
            compiled = compile_schema(schema)
            for data in (one, other):
                compiled.violations(text(data))
        except InvalidParams as error:
            assert "schema" in str(error)

    assert worked(both) < second / 2


@pytest.mark.long
@settings(max_examples=50)
@given(schemas.filter(lambda schema: "$ref" not in json.dumps(schema)), documents)
@pytest.mark.longest
def test_a_check_apart_finds_what_one_here_does(schema: Any, data: Any) -> None:
    validator = validator_of(text(schema))
    answer = APART.check(text(schema), [text(data)], MOST_VIOLATIONS)
    value = parse_stored(text(data))
    here = [] if validator.is_valid(value) else violations_of(validator, value)
    assert answer == ([0] if here else [], [here] if here else [])


APART = Apart()


@pytest.mark.long
def test_of_many_documents_no_more_is_gathered_than_is_told(second: float) -> None:
    compiled = compile_schema(text({"items": {"type": "integer"}}))
    data = [text(["x"] * 1000)] * 400
    found: dict[int, Any] = {}

    def check() -> None:
        found.update(compiled.all_violations(data))

    assert worked(check) < second / 2
    assert len(found) == 400 and sum(map(len, found.values())) == MOST_VIOLATIONS


@pytest.mark.long
def test_more_than_can_be_told_in_time_is_refused_all_the_same() -> None:
    for schema, data in (HOSTILE["references, 22 levels"][0], 1), HOSTILE["many constants"]:
        violations = compile_schema(text(schema)).violations(text(data))
        assert violations == [UNTOLD] or len(violations) == MOST_VIOLATIONS


def test_the_text_of_a_violation_is_cut() -> None:
    compiled = compile_schema(text({"const": "x" * 50_000}))
    (violation,) = compiled.violations(b"1")
    assert len(violation["message"]) == MOST_CHARACTERS and violation["message"].endswith("…")


def test_what_a_kept_schema_weighs_covers_what_it_takes() -> None:
    """Kept are as many as fit, whose regular expressions are what takes most."""
    program = """
import json, resource
from flexdb.documents.schemas import SchemaCache
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
cache = SchemaCache()
cache.put(("first",), "1", b"{}")
before = resident()
for n in range(300):
    cache.put((str(n),), "1", json.dumps({"properties": {
        f"p{n}-{m}": {"pattern": f"^[a-z]{{1,100}}{n}x{m}$"} for m in range(20)}}).encode())
print(resident() - before)
"""
    grown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                           text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    assert int(grown) < 4 * KEPT_BYTES


def test_a_schema_that_is_checked_apart_is_kept_as_its_text() -> None:
    cache, schema = SchemaCache(), text({"pattern": NAME})
    kept = cache.put(("a",), "1", schema)
    assert kept.validator is None and cache.get(("a",)) is kept
    assert kept.weight < 10_000


def test_what_is_not_told_by_the_text_is_unknown() -> None:
    for schema in ({"$dynamicRef": "#x"}, {"items": {"$id": "x"}}, {"$ref": "other"},
                   {"$ref": "#anchor"}, {"format": "regex"}, {"allOf": [{"$ref": "#"}]}):
        with pytest.raises(Unknown):
            Costs(schema)
    with pytest.raises(TooComplex):
        Costs(twice(40))


@settings(max_examples=300)
@given(documents)
def test_of_whatever_is_no_schema_the_cost_is_told_or_unknown(value: Any) -> None:
    for name in ("properties", "items", "allOf", "$ref", "pattern", "patternProperties", "enum"):
        try:
            Costs({name: value})
        except Unknown:
            pass


@pytest.mark.longest
@pytest.mark.long
@pytest.mark.parametrize("schema", [
    {"properties": {"a": {"maximum": 1}}}, {"properties": {"a": {"pattern": "^a"}}},
    {"properties": {"a": {"$ref": "#"}}}], ids=["by value", "by character", "recursive"])
def test_several_documents_cost_what_each_does(schema: Any) -> None:
    costs = Costs(schema)
    texts = [b'{"a":{"a":[1,2]}}', b"{}", b'{"a":"b","c":{}}']
    assert costs.of(texts) == sum(costs.of([text]) for text in texts) > 0


def test_a_schema_of_before_that_takes_too_long_does_not_outlive_its_change(
        service: Service) -> None:
    """As in another worker, which knows the schema of before until a call tells it better."""
    heavy, data = twice(13, "anyOf", unevaluatedProperties=False), {"x": 1}
    heavy["$defs"]["d13"] = {"properties": {"x": {}}}
    node_type = service.node_type(service.tenant(), schema=heavy)
    key = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"], "data": data}
    with pytest.raises(RpcError, match="makes a check against the schema that takes more than"):
        service.call("create_node", **key)
    service.call("update_node_type", tenant_id=key["tenant_id"], id=key["node_type_id"],
                 schema={"type": "object"})
    assert service.call("create_node", **key)["node"]["data"] == data
