"""What is stored can be read, patched and sent again, whatever it is and however it came there."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flexdb.config import MIB
from flexdb.documents.sizes import check_stored, fits, stored_size
from flexdb.documents.text import parse_each, parse_stored
from tests.support.odd_data import NO_OBJECTS, ODD
from tests.support.postgres import connect
from tests.support.service import RpcError, Service, request


@pytest.fixture(scope="module")
def node_type(service: Service) -> Any:
    return service.node_type(service.tenant())


@pytest.fixture(scope="module")
def connection(service: Service) -> Any:
    with connect(service.settings) as connection:
        yield connection


def store(service: Service, connection: psycopg.Connection, node_type: Any, text: str | None
          ) -> dict[str, dict[str, str]]:
    """Put data that no call would take into a node and a relationship; return their keys."""
    node = service.node(node_type)
    edge = service.relationship(node, node)
    for table, row in (("nodes", node), ("relationships", edge)):
        connection.execute(f"UPDATE {table} SET data = %s WHERE id = %s".encode(),
                           [text, row["id"]])
    return {thing: {"tenant_id": row["tenant_id"], "id": row["id"]}
            for thing, row in (("node", node), ("relationship", edge))}


def stored(connection: psycopg.Connection, thing: str, key: dict[str, str]) -> str:
    row = connection.execute(f"SELECT data::text FROM {thing}s WHERE id = %s".encode(),
                             [key["id"]]).fetchone()
    assert row
    return str(row[0])


class Spelt(str):
    """JSON text that is to stand in a request as it is."""


def said(service: Service, method: str, **params: Any) -> bytes:
    """Call a method and return its reply as text: no parser goes so deep."""
    body = orjson.dumps(request(method, params), option=orjson.OPT_PASSTHROUGH_SUBCLASS,
                        default=lambda text: orjson.Fragment(str(text)))
    reply: bytes = service.post(body).data
    assert b'"error"' not in reply[:100], reply[:1000]
    return reply


@pytest.mark.long
@pytest.mark.parametrize("name", [*ODD, *NO_OBJECTS])
def test_whatever_is_stored_is_got_listed_and_walked_to(
        service: Service, connection: psycopg.Connection, name: str) -> None:
    node_type = service.node_type(service.tenant())
    keys = store(service, connection, node_type, (ODD | NO_OBJECTS)[name])
    of_tenant = {"tenant_id": node_type["tenant_id"]}
    for thing, key in keys.items():
        wanted = b'"data":' + stored(connection, thing, key).encode()
        assert wanted in said(service, f"get_{thing}", **key)
        assert wanted in said(service, f"list_{thing}s", **of_tenant)
        start = keys["node"]["id"]
        assert wanted in said(service, "get_neighbors", **of_tenant, id=start)
    ends = {"source_node_id": start, "target_node_id": start}
    assert wanted in said(service, "traverse", **of_tenant, start=start, min_depth=0)
    assert wanted in said(service, "shortest_path", **of_tenant, **ends)


@pytest.mark.long
@pytest.mark.parametrize("name", ODD)
@pytest.mark.longest
def test_whatever_is_stored_can_be_patched(
        service: Service, connection: psycopg.Connection, node_type: Any, name: str) -> None:
    for thing, key in store(service, connection, node_type, ODD[name]).items():
        before = stored(connection, thing, key)
        # What is added stands on its own side of the limits, so the whole may not grow.
        for patch in ({"b": 1, "a": None}, [{"op": "add", "path": "/c", "value": 2}]):
            said(service, f"patch_{thing}", **key, patch=patch)
        assert json.loads(stored(connection, thing, key)) == {"b": 1, "c": 2}
        connection.execute(f"UPDATE {thing}s SET data = %s WHERE id = %s".encode(),
                           [before, key["id"]])
        said(service, f"patch_{thing}", **key, patch={"none": None})
        assert stored(connection, thing, key) == before


@pytest.mark.parametrize("name", [name for name in ODD if " MB" not in name])
def test_a_patch_may_add_to_what_is_as_large_as_may_be_stored_now(
        service: Service, connection: psycopg.Connection, node_type: Any, name: str) -> None:
    for thing, key in store(service, connection, node_type, ODD[name]).items():
        before = stored(connection, thing, key)
        said(service, f"patch_{thing}", **key, patch={"added": {"n": 1e300}})
        rows = connection.execute(
            f"SELECT data - 'added' = %s::jsonb, data #>> '{{added,n}}' FROM {thing}s"
            " WHERE id = %s".encode(), [before, key["id"]]).fetchone()
        assert rows == (True, f"1{'0' * 300}")


@pytest.mark.parametrize("name", NO_OBJECTS)
def test_data_that_is_no_object_can_be_patched_and_becomes_one_or_stays_what_it_was(
        service: Service, connection: psycopg.Connection, node_type: Any, name: str) -> None:
    for thing, key in store(service, connection, node_type, NO_OBJECTS[name]).items():
        before = parse_stored(NO_OBJECTS[name].encode())
        same = [{"op": "test", "path": "", "value": {} if before is None else before}]
        if name != "a large number":
            said(service, f"patch_{thing}", **key, patch=same)
        if isinstance(before, list):
            said(service, f"patch_{thing}", **key, patch=[{"op": "add", "path": "/-", "value": 3}])
            assert json.loads(stored(connection, thing, key)) == [*before, 3]
        with pytest.raises(RpcError, match="makes something else than a JSON object"):
            service.call(f"patch_{thing}", **key,
                         patch=[{"op": "replace", "path": "",
                                 "value": {} if before == {} else None}])
        said(service, f"patch_{thing}", **key, patch={"a": {"b": 1}})
        assert json.loads(stored(connection, thing, key)) == {"a": {"b": 1}}


def test_unset_data_is_patched_as_an_empty_object_is(
        service: Service, connection: psycopg.Connection, node_type: Any) -> None:
    for text in (None, "null"):
        for patch in ({"a": 1}, [{"op": "add", "path": "/a", "value": 1}]):
            for thing, key in store(service, connection, node_type, text).items():
                patched = service.call(f"patch_{thing}", **key, patch=patch)[thing]
                assert patched["data"] == {"a": 1}


LARGE, DEEP = {"a": "x" * 3_000_000}, '{"a":' * 150 + "1" + "}" * 150


@pytest.mark.long
@pytest.mark.parametrize("data, larger", [
    (LARGE, {"a": "x" * 3_000_001}), (DEEP, f'{{"a":{DEEP}}}'),
    ('{\n "a": "%s"}' % (r"\u00e4" * 800_000), {"a": "ä" * 800_001})],
    ids=["large", "deep", "escaped"])
def test_what_is_too_large_may_be_replaced_by_what_is_not_larger(
        service: Service, connection: psycopg.Connection, node_type: Any, data: Any, larger: Any
        ) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    for thing, key in store(service, connection, node_type, text).items():
        kept = stored(connection, thing, key)
        made = service.call(f"update_{thing}", **key, data=data)[thing]
        assert made["version"] == 3 and stored(connection, thing, key) == kept
        with pytest.raises(RpcError) as refused:
            service.call(f"update_{thing}", **key, data=larger)
        assert list(refused.value.fields) == ["data"]
        with pytest.raises(RpcError):
            service.call(f"update_{thing}", **key, data={"a": 1}, version=2)
        growing: Any = {"a": {"a": json.loads(DEEP)["a"]}} if data is DEEP else {"more": 1}
        for patch in (json.dumps(growing), [{"op": "copy", "from": "/a", "path": "/a/b"}]):
            with pytest.raises(RpcError) as refused:
                service.call(f"patch_{thing}", **key, patch=patch)
            assert list(refused.value.fields) == ["patch"]
        assert stored(connection, thing, key) == kept
        service.call(f"update_{thing}", **key, data={"a": 1})
        with pytest.raises(RpcError):
            service.call(f"update_{thing}", **key, data=data)
        with pytest.raises(RpcError, match="-32001 "):
            service.call(f"update_{thing}", **key | {"id": str(uuid4())}, data=data)


@pytest.mark.long
def test_a_check_against_a_schema_reads_whatever_is_stored(
        service: Service, connection: psycopg.Connection) -> None:
    node_type = service.node_type(service.tenant())
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    names = {store(service, connection, node_type, text)["node"]["id"]: name
             for name, text in (ODD | NO_OBJECTS | {"unset": None}).items() if " MB" not in name}
    schema = {"type": "object", "properties": {
        "a": {"type": ["object", "number", "array"], "minimum": 1}, "b": {"type": "integer"}}}
    for form in ("value", "string"):
        reply = parse_stored(service.post(request("check_node_type", {**key, "schema": schema}),
                                          headers={"Prefer": f"json-fields={form}"}).data)
        assert reply["result"]["checked"] == len(names)
        # 1.5e5000 is a whole number.
        assert {names[refused["node"]["id"]] for refused in reply["result"]["refused"]} == {
            *NO_OBJECTS, "unset", "1e-400"}


@pytest.mark.long
@pytest.mark.parametrize("name", [*ODD, *NO_OBJECTS])
def test_a_transaction_goes_on_from_whatever_is_stored(
        service: Service, connection: psycopg.Connection, node_type: Any, name: str) -> None:
    for thing, key in store(service, connection, node_type, (ODD | NO_OBJECTS)[name]).items():
        said(service, "transaction", calls=[
            {"method": f"get_{thing}", "as": "found", "params": key},
            {"method": f"update_{thing}", "params": key | {"id": "$found.id"}, "as": "changed"},
            {"method": f"get_{thing}", "params": key | {"id": "$changed.id"}}])


@pytest.mark.parametrize("sort", [["data.a"], ["-data.a", "data.b", "-data.c"]])
def test_a_list_that_is_sorted_by_any_number_can_be_walked(
        service: Service, connection: psycopg.Connection, sort: list[str]) -> None:
    node_type = service.node_type(service.tenant())
    numbers = ["-1e5000", "-1e400", "0", "1e-400", "1.5e308", "1e5000", "1e5000"]
    nodes = [store(service, connection, node_type, f'{{"a":{n},"b":{n},"c":{n}}}')["node"]["id"]
             for n in numbers]
    walk: list[str] = []
    token = ""
    while token or not walk:
        reply = parse_stored(said(
            service, "list_nodes", tenant_id=node_type["tenant_id"], sort=sort,
            pagination={"page_size": 1, "page_token": token}))["result"]
        walk += [node["id"] for node in reply["nodes"]]
        token = reply["pagination"]["next_page_token"]
    assert sorted(walk) == sorted(nodes)
    # Among those beyond a double's range the order is that of their ids.
    turned = sort[0].startswith("-")
    assert set(walk[:2]) == set(nodes[-2:] if turned else nodes[:2])
    assert walk[2 if turned else 4] == nodes[4]


@pytest.mark.long
@pytest.mark.parametrize("depth", [150, 1500, 6000])
def test_a_stored_schema_however_deep_is_a_schema_or_none(
        service: Service, connection: psycopg.Connection, depth: int) -> None:
    node_type = service.node_type(service.tenant())
    connection.execute("UPDATE node_types SET schema = %s WHERE id = %s",
                       ['{"not":' * depth + "true" + "}" * depth, node_type["id"]])
    key = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}
    try:
        assert service.node(node_type)["data"] == {} and depth % 2 == 0 and depth < 1000
    except RpcError as refused:
        assert refused.code == -32602
    assert said(service, "get_node_type", tenant_id=key["tenant_id"], id=key["node_type_id"])


# Texts of which PostgreSQL makes much more, or less, than came.
GROWING = ["1e9", "-1E+9", "1e-9", "1.5e300", "1e-300", "0e300", "0e-300", "-0", "-0.0e5", "1E2",
           "123.456e-2", "0.05e1", "100e-2", "1e+005", "9.99e99"]


def array_of(number: str, limit: int) -> bytes:
    """Return the largest array of one number whose text is within a limit, in an object."""
    count = (limit - 6) // (len(number) + 1)
    return b'{"a":[%b]}' % b",".join([number.encode()] * count)


@pytest.mark.long
@pytest.mark.parametrize("number", ["1", *GROWING])
def test_what_a_create_takes_every_later_call_takes(
        new_service: Any, number: str) -> None:
    """At the limit: as given, as given back in either form, and written by any writer of JSON."""
    service = new_service(max_json_bytes=3000)
    with connect(service.settings) as connection:
        text, node_type = array_of(number, 3000), service.node_type(service.tenant())
        while not fits(text, 3000, 100):
            text = text.replace(number.encode() + b",", b"", 1)
        node = service.node(node_type, data=text.decode())
        key = {"tenant_id": node["tenant_id"], "id": node["id"]}
        given_back = stored(connection, "node", key)
        for data in (given_back, given_back.replace(", ", ",").replace(": ", ":"),
                     given_back.replace(", ", ",\n        ")):
            for form in (data, Spelt(data)):
                said(service, "update_node", **key, data=form)
                said(service, "create_node", tenant_id=key["tenant_id"],
                     node_type_id=node_type["id"], data=form)
        said(service, "patch_node", **key, patch={"none": None})
        assert stored(connection, "node", key) == given_back
        longer = text.replace(b"[", b"[" + b",".join([number.encode()] * 3000) + b",")
        for method, more in (("create_node", {"node_type_id": node_type["id"]}),
                             ("update_node", {"id": node["id"]})):
            with pytest.raises(RpcError, match="may have at most 3000 bytes as compact JSON text"):
                service.call(method, tenant_id=node["tenant_id"], data=longer.decode(), **more)


NUMBERS = st.sampled_from(GROWING) | st.from_regex(
    r"\A-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?([eE][+-]?0{0,2}([0-9]{1,2}|[1-3][0-9]{2}))?\Z")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@st.composite
def json_texts(draw: Any) -> str:
    """JSON text in any spelling: blanks, escapes and exponents where they may stand."""
    blank = st.sampled_from(["", " ", "\n\t "])

    def string() -> str:
        text = draw(TEXTS)
        spelt = draw(st.sampled_from(["ascii", "plain", "escaped"]))
        if spelt == "escaped":
            return '"' + "".join(f"\\u{int.from_bytes(unit, 'big'):04X}" for character in text
                                 for unit in units(character)) + '"'
        return json.dumps(text, ensure_ascii=spelt == "ascii").replace(
            "/", draw(st.sampled_from(["/", r"\/"])))

    def value(depth: int) -> str:
        kind = draw(st.sampled_from(["number", "number", "string", "word", "array", "object"]))
        if kind == "number":
            return str(draw(NUMBERS))
        if kind == "string":
            return string()
        if kind == "word" or depth > 3:
            return str(draw(st.sampled_from(["true", "false", "null"])))
        around, between = draw(blank), draw(blank)
        if kind == "array":
            parts = [value(depth + 1) for _ in range(draw(st.integers(0, 3)))]
            return f"[{around}{f'{between},'.join(parts)}{around}]"
        # Of members with one name only the last is kept.
        names = {json.loads(name): name for name in (string() for _ in range(3))}
        parts = [f"{name}{around}:{between}{value(depth + 1)}" for name in names.values()]
        return f"{{{f'{between},{around}'.join(parts)}}}"

    return f"{draw(blank)}{value(0)}{draw(blank)}"


def units(character: str) -> list[bytes]:
    """Return the UTF-16 code units of a character."""
    text = character.encode("utf-16-be")
    return [text[place:place + 2] for place in range(0, len(text), 2)]


@settings(max_examples=300, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@example('{"a":' + "[" * 500 + "]" * 500 + "}")
@given(json_texts())
def test_the_measure_of_what_came_is_that_of_what_postgresql_writes(
        connection: psycopg.Connection, text: str) -> None:
    try:
        check_stored(text.encode(), 10**6)
    except ValueError as refused:
        assert "range of a double" in str(refused)
        assert any(map(beyond, parse_numbers(text)))
        return
    row = connection.execute("SELECT %s::jsonb::text", [text]).fetchone()
    assert row
    written = row[0].encode()
    compact = len(written) - len(blanks(written))
    size = stored_size(written)
    assert size == compact and fits(written, size, 600) and not fits(written, size - 1, 600)
    check_stored(written, size)
    # Forms that PostgreSQL shortens count as they came.
    shorter = sum(max(0, len(number) - len(out(connection, number)))
                  for number in parse_numbers(text))
    assert stored_size(text.encode()) == size + shorter


def parse_numbers(text: str) -> list[str]:
    found: list[str] = []
    json.loads(text, parse_int=found.append, parse_float=found.append)
    return found


def beyond(number: str) -> bool:
    value = Decimal(number)
    return value != 0 and (float(value) == 0 or math.isinf(float(value)))


def out(connection: psycopg.Connection, number: str) -> str:
    row = connection.execute("SELECT %s::jsonb::text", [number]).fetchone()
    assert row
    return str(row[0])


def blanks(written: bytes) -> bytes:
    """Return the blanks that PostgreSQL puts between the parts."""
    found, inside, escaped = b"", False, False
    for byte in written.decode():
        if inside:
            escaped, inside = byte == "\\" and not escaped, byte != '"' or escaped
        elif byte == '"':
            inside = True
        elif byte == " ":
            found += b" "
    return found


def test_texts_that_are_parsed_together_are_what_each_is_by_itself() -> None:
    texts = [b'{"n":%d}' % number for number in range(350)]
    texts[120] = b"[%d]" % 10**30
    texts[230] = b"[" * 2000 + b"]" * 2000
    parsed = list(parse_each(texts))
    assert parsed[120] == [10**30] and parsed[349] == {"n": 349}
    assert list(map(json_depth, parsed)) == [json_depth(parse_stored(text)) for text in texts]
    assert list(parse_each([])) == []


def json_depth(value: Any) -> int:
    deep = 0
    while value and isinstance(value, list):
        value, deep = value[0], deep + 1
    return deep


def test_ordinary_data_is_measured_without_being_taken_apart() -> None:
    text = orjson.dumps({"text": "a 3e9 b", "n": [1.5] * 50_000})
    assert len(text) < MIB / 4 and stored_size(text) == len(text)
