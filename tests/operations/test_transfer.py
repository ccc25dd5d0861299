"""Export and import: a tenant leaves as lines of JSON and comes back the same, or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.db.copy import exporting
from flexdb.errors import FlexdbError
from flexdb.sql.loader import EXPORTS, IMPORTS
from flexdb.transfer.files import export_tenant, import_file
from flexdb.transfer.lines import KINDS
from tests.support.postgres import connect
from tests.support.service import Service
from tests.support.totals import differences
from tests.support.transfers import (
    TENANT,
    TYPE,
    USER,
    Lines,
    given_back,
    node_id,
    small,
    taken,
    total_rows,
    written,
)

Databases = Callable[..., Settings]


@pytest.fixture(scope="module")
def target(new_database: Databases) -> Settings:
    """A database for tests that leave nothing in it."""
    return new_database()


@pytest.fixture
def database(target: Settings) -> Iterator[Settings]:
    yield target
    with connect(target) as connection:
        connection.execute("DELETE FROM tenants")
        connection.execute("DELETE FROM users")
        assert differences(connection) == []


@pytest.fixture
def full(service: Service) -> Any:
    """A tenant with something of everything, changed since it was made."""
    tenant = service.tenant(name='T\t"é"\\N\\.')
    for role in ("admin", "member"):
        service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=service.user()["id"],
                     role=role)
    types = [service.node_type(tenant, description=given, schema=schema)
             for given, schema in ((None, None), ("", True), ("a\nb\\t", {"type": "object"}))]
    texts = ['{}', '{"a": 1.10, "b": 123456789012345678901234567890, "c": 1e-7, "d": -0.0}',
             '{"": "\\\\N", "t": "\\t\\n\\r\\b\\u0001\\u0002\\u007f\\"", "u": "\U0001f600\u2028"}']
    nodes = [service.node(kind, data=text) for kind in types for text in texts]
    service.relationship_type(tenant, name="a\\b\tc", cardinality="1:1", acyclic=True,
                              source_node_type_ids=[kind["id"] for kind in types],
                              schema={"type": "object"}, on_delete="restrict")
    service.relationship_type(tenant, description="any", unique_pair=True)
    for source, place in zip(nodes, nodes[1:]):
        service.relationship(source, place, relationship_type="a\\b\tc", data='{"w": 0.50}')
    key = {"tenant_id": tenant["id"], "id": nodes[0]["id"]}
    for _ in range(3):
        service.call("update_node", **key, data='{"big": 1e200}')
    return tenant


def test_a_tenant_comes_back_equal_to_the_byte(service: Service, full: Any, database: Settings,
                                               tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("1.ndjson", "2.ndjson", "3.ndjson.gz", "4.gz")]
    export_tenant(service.settings, full["slug"], names[0])
    import_file(database, names[0])
    export_tenant(database, full["slug"], names[1])
    export_tenant(database, full["id"].upper(), names[2])
    export_tenant(database, full["slug"], names[3])
    first, second, *zipped = [Path(name).read_bytes() for name in names]
    assert first == second == gzip.decompress(zipped[0]) and zipped[0] == zipped[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [Path(n).name for n in names]
    with connect(database) as connection:
        assert differences(connection) == []


def test_the_lines_are_the_objects_of_the_api_in_an_order_that_can_be_read_back(
        service: Service, full: Any) -> None:
    lines = [orjson.loads(line)
             for line in given_back(service.settings, full["slug"]).splitlines()]
    kinds = [kind for line in lines for kind in line]
    assert kinds == sorted(kinds, key=list(KINDS).index) and set(kinds) == set(KINDS)
    assert lines[0] == {"tenant": full}
    for kind in ("node_type", "relationship_type", "node", "relationship"):
        listed = service.call(f"list_{kind}s", tenant_id=full["id"],
                              pagination={"page_size": 1000})[f"{kind}s"]
        assert [line[kind] for line in lines if kind in line] == listed[::-1]


def test_the_members_of_a_line_are_the_columns_it_is_loaded_into() -> None:
    assert list(KINDS) == list(EXPORTS) == list(IMPORTS)
    for kind, statement in IMPORTS.items():
        columns = statement.decode().partition("(")[2].partition(")")[0]
        assert [name.strip() for name in columns.split(",")] == list(KINDS[kind]().fields)


def test_what_is_absent_in_a_line_is_as_a_call_would_make_it(database: Settings) -> None:
    assert taken(database, written(small())) == {
        "tenant": 1, "user": 1, "tenant_user": 1, "node_type": 1, "node": 3, "relationship": 2}
    made = Service.of(database)
    tenant = made.call("get_tenant", id=TENANT)["tenant"]
    assert tenant["status"] == "active" and tenant["created_at"] == tenant["updated_at"]
    edges = made.call("list_relationships", tenant_id=TENANT)
    assert edges["pagination"]["total_count"] == 2
    assert {(edge["version"], str(edge["data"])) for edge in edges["relationships"]} == {(1, "{}")}
    made.close()


def test_a_file_may_hold_several_tenants_and_blank_lines(database: Settings) -> None:
    again = written(small()).replace(TENANT.encode(), str(UUID(int=9)).encode())
    text = b"\n" + written(small()) + b" \r\n" + again.replace(b'"acme"', b'"other"')
    assert taken(database, text)["tenant"] == 2
    assert given_back(database, "acme").count(b"\n") == given_back(database, "other").count(b"\n")


def test_a_user_who_is_there_already_stays_as_is(database: Settings) -> None:
    taken(database, written([*small()[:3]]))
    other = str(UUID(int=9))
    lines = [{"tenant": {"id": other, "slug": "other", "name": "Other"}},
             {"user": small()[1]["user"] | {"display_name": "Another name"}},
             {"tenant_user": {"user_id": USER}}]
    taken(database, written(lines))
    assert b'"display_name":"Someone"' in given_back(database, "other")


def test_an_export_sees_one_moment(service: Service, full: Any) -> None:
    with exporting(service.settings, full["slug"]) as export:
        (node_type,) = service.call("list_node_types", tenant_id=full["id"],
                                    pagination={"page_size": 1})["node_types"]
        new = service.node(node_type)
        lines = [line for statement in EXPORTS.values() for line in export.lines(statement)]
        assert export.total() == len(lines)
    assert new["id"].encode() not in b"".join(lines)


def changed(place: int, **members: Any) -> Lines:
    lines = small()
    ((kind, given),) = lines[place].items()
    lines[place] = {kind: {name: value for name, value in (given | members).items()
                           if value != ...}}
    return lines


@pytest.mark.parametrize("lines, told", [
    (changed(4, data={"a": "\0"}), "line 5: node.data may not contain the character U+0000"),
    (changed(0, name=None), "line 1: tenant.name may not be null"),
    (changed(0, name=1), "line 1: tenant.name must be a string"),
    (changed(0, name="a\0"), "line 1: tenant.name may not contain the character U+0000"),
    (changed(4, node_type_id=...), "line 5: node.node_type_id is missing"),
    (changed(4, node_type_id=USER), "line 5: node.node_type_id names no node type on a line"),
    (changed(4, id="1"), "line 5: node.id must be a UUID"),
    (changed(4, id=1), "line 5: node.id must be a UUID"),
    (changed(4, version=1.5), "line 5: node.version must be a whole number"),
    (changed(4, version=True), "line 5: node.version must be a whole number"),
    (changed(4, data={"a": "x"}) + [{"node": {}, "json_null": "data"}], "line 10: node.node_type"),
    (small() + [small()[4] | {"json_null": "data"}], "line 10: json_null must name a JSON member"),
    (small() + [small()[3] | {"json_null": "name"}], "line 10: json_null must name a JSON member"),
    (small() + [small()[4] | {"json_null": 1}], "line 10: json_null must name a JSON member"),
    (small() + [{"json_null": "data"}], "line 10 must be a JSON object with one member"),
    (changed(4, version=2**63), "line 5: node: value \"9223372036854775808\" is out of range"),
    (changed(4, created_at="yesterday"), "line 5: node.created_at must be a time"),
    (changed(5, created_at="2026-02-30T00:00:00Z"), "line 6: node: date/time field value out of"),
    (changed(4, tenant_id=USER), f"line 5: node.tenant_id must be {TENANT}"),
    (changed(4, title="x"), "line 5: node has no member title"),
    (changed(5, id=node_id(0)), "line 6: node.id is taken"),
    (changed(8, target_node_id=USER), "line 9: relationship.target_node_id is not there"),
    (changed(7, source_node_id=USER), "line 8: relationship.source_node_id is not there"),
    (changed(2, user_id=TYPE), "line 3: tenant_user.user_id is not there"),
    (small()[1:], "line 2: tenant_user must follow the line of its tenant"),
    (small() + small()[:1], "line 10: tenant.id is taken"),
    (small() + changed(0, id=USER)[:1], "line 10: tenant.slug is taken"),
    (small() + small()[3:4], "line 10: node_type.name is taken"),
    (small() + [{"edge": {}}], "line 10 must be a JSON object with one member: tenant, user, "),
    (small() + [{"node": []}], "line 10: node must be a JSON object"),
    (small() + [{}], "line 10 must be a JSON object with one member"),
], ids=lambda value: value[:60] if isinstance(value, str) else "")
def test_a_wrong_line_is_named_and_nothing_is_loaded(database: Settings, lines: Lines, told: str
                                                     ) -> None:
    with pytest.raises(FlexdbError) as refused:
        taken(database, written(lines))
    assert str(refused.value).startswith(told)
    assert total_rows(database) == 0


@pytest.mark.parametrize("text, told", [
    (b'{"node": {}', "line 10 is not JSON: unexpected end of data at byte"),
    (b'{"node": {"version": 1e400, "node_type_id": "' + TYPE.encode() + b'"}}',
     "line 10: node.version must be a whole number"),
    (b'{"node": "\\ud800"}', "line 10 is not JSON"),
    (b'{"node": {"id": "\xff"}}', "line 10: node.id is no valid Unicode"),
    (b'{"node": {"data": "\xff", "node_type_id": "' + TYPE.encode() + b'"}}',
     "line 10: node.data is no valid Unicode"),
    (b'{"node": {"data": {"a": NaN}}}', "line 10 is not JSON: "), (b"\xff", "line 10 is not JSON"),
    (b"\xef\xbb\xbf{}", "line 10 is not JSON"), (b"[" * 2000, "line 10 is not JSON"),
    (b'{"node": {"data": {"a": "\\ud800"}}}', "line 10 is not JSON"),
    (b'{"node": {"id": "' + node_id(9).encode() + b'", "node_type_id": "' + TYPE.encode()
     + b'", "data": {"a": 1e-40000}}}', "line 10: node: "),
    (b'{"node": {"id": "' + node_id(9).encode() + b'", "node_type_id": "' + TYPE.encode()
     + b'", "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "line 10: node: stack depth"),
])
def test_a_line_that_is_not_json_is_named(database: Settings, text: bytes, told: str) -> None:
    with pytest.raises(FlexdbError) as refused:
        taken(database, written(small()) + text)
    assert str(refused.value).startswith(told)
    assert total_rows(database) == 0


@pytest.mark.long
@pytest.mark.parametrize("wrong, told", [
    ({"id": node_id(3)}, "line 12000: node.id is taken"),
    ({"version": "1"}, "line 12000: node.version must be a whole number"),
])
def test_a_wrong_line_far_on_is_named_and_nothing_is_loaded(
        database: Settings, wrong: dict[str, Any], told: str) -> None:
    lines = small(12050)[:12054]
    lines[11999]["node"] |= wrong
    with pytest.raises(FlexdbError, match=told):
        taken(database, written(lines))
    assert total_rows(database) == 0


@pytest.mark.long
def test_a_wrong_edge_far_on_is_named_and_others_are_counted(database: Settings) -> None:
    lines = small(10050)
    assert taken(database, written(lines))["relationship"] == 10049
    with connect(database) as connection:
        assert differences(connection) == []
        connection.execute("DELETE FROM tenants")
    lines[-10]["relationship"]["target_node_id"] = USER
    with pytest.raises(FlexdbError, match=f"line {len(lines) - 9}: relationship.target_node_id"):
        taken(database, written(lines))


@pytest.mark.long
def test_data_at_the_limits_of_a_call_comes_back(service: Service, database: Settings) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    ones = f'{{"a":[{",".join("1" * 500_000)}]}}'
    deep = '{"a":' * 99 + "{}" + "}" * 99
    wide = f'{{"a":[{",".join(["1e308"] * 3000)}]}}'
    for data in (ones, deep, wide):
        service.node(node_type, data=data)
    text = given_back(service.settings, tenant["slug"])
    taken(database, text)
    assert given_back(database, tenant["slug"]) == text


@pytest.mark.long
@settings(max_examples=10, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats(
        allow_nan=False, allow_infinity=False, allow_subnormal=False)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("ab\\"), inner, max_size=3), max_leaves=8),
    max_size=4), max_size=5))
def test_any_data_comes_back(database: Settings, given: list[dict[str, Any]]) -> None:
    lines = small()[:4] + [{"node": {"node_type_id": TYPE, "data": data}} for data in given]
    taken(database, written(lines))
    text = given_back(database)
    with connect(database) as connection:
        connection.execute("DELETE FROM tenants")
    taken(database, text)
    assert given_back(database) == text
    found = [json.loads(line)["node"]["data"] for line in text.splitlines()[4:]]
    assert sorted(map(repr, map(sorted_deep, found))) == sorted(map(repr, map(sorted_deep, given)))
    with connect(database) as connection:
        connection.execute("DELETE FROM tenants")


def sorted_deep(value: Any) -> Any:
    """Without what jsonb does not keep: the order of members, -0 and how a double is written."""
    if isinstance(value, dict):
        return [(name, sorted_deep(value[name])) for name in sorted(value)]
    if isinstance(value, list):
        return [sorted_deep(item) for item in value]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Fraction(Decimal(str(value))) if number else str(value)


@pytest.mark.long
@settings(max_examples=50, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 8), st.data())
def test_whatever_a_line_holds_is_loaded_or_refused_by_its_number(
        database: Settings, place: int, data: st.DataObject) -> None:
    texts = written(small()).splitlines(keepends=True)
    start = data.draw(st.integers(0, len(texts[place]) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(texts[place]) - 1)))
    put = data.draw(st.binary(max_size=4) | st.sampled_from(
        [b"null", b"{}", b"[]", b'""', b'"\\u0000"', b"1e999", b"-1", b"true", b'"\\', b"\n"]))
    texts[place] = texts[place][:start] + put + texts[place][end:]
    try:
        taken(database, b"".join(texts))
    except FlexdbError as error:
        assert str(error).startswith("line "), error
        assert total_rows(database) == 0
    else:
        with connect(database) as connection:
            connection.execute("DELETE FROM tenants")
            connection.execute("DELETE FROM users")
