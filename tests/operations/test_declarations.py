"""What schemas declare is understood the same by the service and by the database, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flexdb.documents.declarations import Declarations, declarations_of
from flexdb.transfer.files import check_file
from tests.support import postgres, transfers
from tests.support.service import RpcError, Service

UNIQUE = {"x-unique": True}


def at(path: list[str], schema: Any) -> Any:
    """Return a schema in which another stands for a member."""
    for name in reversed(path):
        schema = {"properties": {name: schema}}
    return schema


LONG = ["n" * 150]
DECLARED: list[tuple[Any, dict[str, set[Any]]]] = [
    (at(["a"], UNIQUE), {"unique": {(("a",),)}}),
    (at(["a", "b.c", '"'], UNIQUE), {"unique": {(("a", "b.c", '"'),)}}),
    (at(LONG, UNIQUE), {"unique": {(tuple(LONG),)}}),
    (at(["é" * 100, "\U0001f600" * 100], UNIQUE),
     {"unique": {(("é" * 100, "\U0001f600" * 100),)}}),
    (at([str(n) for n in range(20)], UNIQUE), {"unique": {(tuple(map(str, range(20))),)}}),
    (at(["x-unique"], {"x-unique": False}), {}),
    ({"properties": {"x-unique": {"type": "string"}}}, {}),
    ({"properties": {"properties": UNIQUE}}, {"unique": {(("properties",),)}}),
    ({"x-unique": [["a", "b.c"], ['"b.c"', '""']]},
     {"unique": {(("a",), ("b", "c")), (("b.c",), ("",))}}),
    ({"x-unique": [["a"]]}, {"unique": {(("a",),)}}),
    ({"x-unique": [['"\\u00e9\\n".b']]}, {"unique": {(("é\n", "b"),)}}),
    ({"x-unique": [], "x-other": 5, "properties": {"a": {"x-mine": {"x": 1}}}}, {}),
    ({"properties": {"a": {"x-search": True, "x-index": False}, "b": {"x-search": True}}},
     {"search": {(("a",),), (("b",),)}}),
    ({"properties": {"a": {"x-index": True, "properties": {"b.c": {"x-index": True}}}}},
     {"index": {(("a",),), (("a", "b.c"),)}}),
    # What is a value is no schema.
    ({"default": {"properties": {"a": UNIQUE}}, "enum": [UNIQUE], "const": UNIQUE}, {}),
    (True, {}), ({}, {})]


@pytest.mark.parametrize(("schema", "rules"), DECLARED, ids=range(len(DECLARED)))
def test_the_database_reads_what_the_service_reads(
        service: Service, schema: Any, rules: dict[str, set[Any]]) -> None:
    declared = declarations_of(schema)
    assert {"unique": set(declared.unique), "search": {(one,) for one in declared.searched},
            "index": {(one,) for one in declared.indexed}
            } == {"unique": set(), "search": set(), "index": set()} | rules
    service.node_type(service.tenant(), schema=schema)
    with postgres.connect(service.settings) as connection:
        found: dict[str, set[Any]] = {}
        for kind, rule in connection.execute(
                "SELECT d.kind, d.rule FROM flexdb_declared(%s::jsonb) d", [json.dumps(schema)]):
            found.setdefault(kind, set()).add(tuple(map(tuple, json.loads(rule))))
    assert found == rules


@pytest.mark.parametrize(("schema", "wrong"), [
    (at(["a"], {"x-unique": "yes"}), "/properties/a/x-unique must be true or false"),
    (at(["a"], {"x-unique": [["b"]]}), "/properties/a/x-unique must be true or false"),
    (at(["a"], {"x-index": 1}), "/properties/a/x-index must be true or false"),
    ({"x-index": [["a"]]}, "/x-index must be true or false"),
    ({"x-index": True}, "/x-index names no member"),
    ({"properties": {str(n): {"x-index": True} for n in range(5)}},
     "x-index may stand 4 times, not 5"),
    ({"x-search": True}, "/x-search names no member"),
    ({"x-unique": True}, "/x-unique must be an array of arrays of paths"),
    ({"x-unique": {"a": 1}}, "/x-unique must be an array of arrays of paths"),
    ({"x-unique": ["a"]}, "/x-unique/0 must be an array of paths"),
    ({"x-unique": [["a", 1]]}, "/x-unique/0 must be an array of paths"),
    ({"x-unique": [["a"], []]}, "/x-unique/1 must have 1 to 8 paths, not 0"),
    ({"x-unique": [["a..b"]]}, "/x-unique/0: a path has an empty part"),
    ({"x-unique": [['"a']]}, "/x-unique/0: a path has a quote that is not closed"),
    ({"x-unique": [["a", "a"]]}, "/x-unique/0 has a path twice"),
    ({"x-unique": [["a", "b"], ["b", "a"]]}, "x-unique says the same twice"),
    ({"x-unique": [["a"]], **at(["a"], UNIQUE)}, "x-unique says the same twice"),
    (at(["a"], {"items": UNIQUE}), "/properties/a/items/x-unique names no member"),
    (at(["a"], {"items": at(["b"], UNIQUE)}),
     "/properties/a/items/properties/b/x-unique names no member"),
    ({"allOf": [at(["a"], UNIQUE)]}, "/allOf/0/properties/a/x-unique names no member"),
    ({"$defs": {"t": UNIQUE}, "properties": {"a": {"$ref": "#/$defs/t"}}},
     "/$defs/t/x-unique names no member"),
    ({"patternProperties": {"^a/": UNIQUE}}, "/patternProperties/^a~1/x-unique names no member"),
    ({"additionalProperties": {"x-search": True}}, "/additionalProperties/x-search names no"),
    ({"x-defaults": "yes"}, "/x-defaults must be true or false"),
    (at([str(n) for n in range(21)], UNIQUE), "x-unique: a member may be at most 20 deep"),
    (at(["n" * 201], UNIQUE), "x-unique: the names of a rule may have at most 200 characters"),
    ({"properties": {str(n): UNIQUE for n in range(9)}}, "x-unique may stand 8 times, not 9"),
], ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_not_understood_is_refused_wherever_a_schema_is_given(
        service: Service, schema: Any, wrong: str, tmp_path: Any,
        capsys: pytest.CaptureFixture[str]) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    key = {"tenant_id": tenant["id"], "id": node_type["id"]}
    for method, params in (("create_node_type", {"tenant_id": tenant["id"], "name": "T"}),
                           ("update_node_type", key), ("check_node_type", key)):
        with pytest.raises(RpcError) as error:
            service.call(method, **params, schema=schema)
        told = error.value.fields["schema"][0]
        assert told.startswith("declares what cannot be held: ") and wrong in told
    lines = transfers.small(0)
    lines[3]["node_type"] |= {"schema": schema}
    (tmp_path / "file").write_bytes(transfers.written(lines))
    with pytest.raises(Exception, match="1 of"):
        check_file(service.settings, str(tmp_path / "file"))
    assert wrong in capsys.readouterr().out


ODD: list[Any] = [
    {"x-unique": True}, {"x-unique": [1, "a", [], [1], ["a..b"], ['"a'], ['"\\ud800"'], ['"\\x"']]},
    {"properties": []}, {"properties": {"a": 1, "b": {"x-unique": "true"}}}, "x-", ['"x-unique'],
    {"properties": {str(n): UNIQUE for n in range(200)}}, at(["n" * 5000], UNIQUE),
    at([str(n) for n in range(60)], UNIQUE), {"x-search-language": 7, "x-unique-x": None}]


@pytest.mark.parametrize("schema", ODD, ids=range(len(ODD)))
def test_what_another_program_stored_never_makes_a_write_of_its_own_fail(
        service: Service, schema: Any) -> None:
    node_type = service.node_type(service.tenant())
    with postgres.connect(service.settings) as connection:
        connection.execute("UPDATE node_types SET schema = %s::jsonb WHERE id = %s",
                           [json.dumps(schema), node_type["id"]])
        for _ in range(2):
            connection.execute("INSERT INTO nodes (id, tenant_id, node_type_id) VALUES"
                               " (gen_random_uuid(), %s, %s)",
                               [node_type["tenant_id"], node_type["id"]])
        found = connection.execute("SELECT count(*) FROM flexdb_declarations d"
                                   " WHERE d.node_type_id = %s", [node_type["id"]]).fetchone()
    assert found and found[0] <= 64
    service.call("delete_node_type", tenant_id=node_type["tenant_id"], id=node_type["id"])


def test_who_declares_nothing_is_read_as_nothing() -> None:
    assert declarations_of({"properties": {"a": {"type": "string"}}}) == Declarations()
