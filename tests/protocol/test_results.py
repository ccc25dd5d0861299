"""Results: every real reply is exactly what its declared schema says, member by member."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marshmallow import INCLUDE, Schema, fields
from orjson import Fragment

from flexdb.contract.fields import Boolean, Choice, Id, Integer, Text, Time
from flexdb.contract.json_fields import JsonText
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import OPERATIONS
from tests.support.postgres import connect
from tests.support.service import PAGED, Service, request
from tests.support.world import World

pytestmark = pytest.mark.both_doors

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
LOWER_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KINDS: dict[type, Callable[[Any], Any]] = {
    Id: lambda value: LOWER_UUID.fullmatch(value),
    Text: lambda value: isinstance(value, str),
    Integer: lambda value: type(value) is int,
    Choice: lambda value: isinstance(value, str),
    Boolean: lambda value: type(value) is bool,
    JsonText: lambda value: isinstance(value, (dict, bool)),
    Time: lambda value: TIME.fullmatch(value),
}


def always(schema: Schema) -> dict[str, fields.Field[Any]]:
    """Return the members that an object has whatever was asked for."""
    asked_for = getattr(schema, "asked_for", ())
    return {name: field for name, field in schema.fields.items() if name not in asked_for}


def fits(field: fields.Field[Any], value: Any) -> bool:
    """Tell whether a value is one of a field's, or null where that may be."""
    if value is None:
        return field.allow_none
    if isinstance(field, Items):
        return isinstance(value, list) and all(fits(field.item, item) for item in value)
    if isinstance(field, Object):
        members = always(field.schema)
        if field.schema.unknown == INCLUDE:
            return isinstance(value, dict)
        return list(value) == list(members) and all(
            fits(member, value[name]) for name, member in members.items())
    kind = next(kind for kind in type(field).__mro__ if kind in KINDS)
    return bool(KINDS[kind](value)) and (not isinstance(field, Integer) or value >= field.least)


@pytest.mark.parametrize("full", [True, False], ids=["everything given", "only what is required"])
@pytest.mark.parametrize("method", OPERATIONS)
def test_a_reply_has_exactly_the_members_of_its_schema_in_their_order(
        service: Service, method: str, full: bool) -> None:
    operation, world = OPERATIONS[method], World(service)
    params = world.params(method)
    # They ask for less than what is always there, or for more: other tests look at that.
    for name in ("fields", "expand"):
        params.pop(name, None)
    if not full:
        params = {name: value for name, value in params.items()
                  if operation.fields[name].required
                  or name in ("patch", *operation.params.either[:1])}
    result = service.call(method, params)
    if operation.gives.schema is None:
        assert result == {}
        return
    members = always(operation.gives.schema())
    if not operation.gives.wrapper:
        objects = [result]
    elif method in PAGED:
        assert list(result) == [operation.gives.wrapper, "pagination"]
        assert list(result["pagination"]) == ["next_page_token", "total_count"]
        assert isinstance(result["pagination"]["next_page_token"], str)
        assert result["pagination"]["total_count"] >= len(result[operation.gives.wrapper]) >= 1
        objects = result[operation.gives.wrapper]
    else:
        assert list(result) == [operation.gives.wrapper]
        objects = result[operation.gives.wrapper] if operation.gives.many else [*result.values()]
    if method == "transaction":
        assert [list(one) for one in objects] == [["users", "pagination"]]
        return
    for thing in objects:
        if method in ("create_webhook", "rotate_webhook_secret"):
            # It is told there alone.
            assert thing.pop("secret").startswith("whsec_")
        # The object of a change has the name of its kind.
        further = (thing.get("kind"), "old", "diff")
        assert [name for name in thing if name not in further] == list(members)
        assert [name for name, field in members.items() if not fits(field, thing[name])] == []


@pytest.mark.parametrize("thing", ["tenant", "user", "node_type", "node", "relationship"])
def test_ids_are_uuids_of_version_7_and_increase(service: Service, thing: str) -> None:
    world = World(service)
    ids = []
    for _ in range(20):
        params = world.params(f"create_{thing}") | {"id": ""}
        ids.append(service.call(f"create_{thing}", params)[thing]["id"])
    assert {(UUID(id).version, UUID(id).variant) for id in ids} == {(7, UUID(ids[0]).variant)}
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("stored, told", [
    ("2024-01-01 12:00:00+02", "2024-01-01T10:00:00.000000+00:00"),
    ("2024-06-30 23:59:59.5-01:30", "2024-07-01T01:29:59.500000+00:00"),
    ("0001-01-01 00:00:00.000001+00", "0001-01-01T00:00:00.000001+00:00"),
    ("9999-12-31 23:59:59.999999+00", "9999-12-31T23:59:59.999999+00:00")])
def test_a_time_has_six_digits_and_an_offset_whatever_was_stored(service: Service, stored: str,
                                                                 told: str) -> None:
    tenant = service.tenant()
    with connect(service.settings) as connection:
        connection.execute("UPDATE tenants SET created_at = %s WHERE id = %s",
                           [stored, tenant["id"]])
    assert service.call("get_tenant", id=tenant["id"])["tenant"]["created_at"] == told


def test_times_and_walks_do_not_depend_on_the_server_s_settings(
        new_service: Callable[..., Service]) -> None:
    service = new_service()
    with connect(service.settings) as connection:
        for setting in ("TimeZone = 'Asia/Tokyo'", "DateStyle = 'German, DMY'",
                        "IntervalStyle = 'sql_standard'"):
            connection.execute(f"ALTER DATABASE {service.settings.db_name} SET {setting}")
    tenants = [service.tenant() for _ in range(3)][::-1]
    assert all(TIME.fullmatch(tenant["created_at"]) for tenant in tenants)
    token, walk = "", []
    for _ in tenants:
        page = service.call("list_tenants", pagination={"page_size": 1, "page_token": token})
        token = page["pagination"]["next_page_token"]
        walk += page["tenants"]
    assert walk == tenants


@pytest.fixture(scope="module")
def as_text(new_database: Callable[..., Any]) -> Any:
    """A node type at a service that gives JSON back as text, where every digit can be seen."""
    service = Service.of(new_database(json_fields="string"))
    yield service, service.node_type(service.tenant())
    service.close()


NUMBERS = (st.integers(-10**40, 10**40).map(str)
           | st.decimals(-10**20, 10**20, places=30).map(lambda number: f"{number:f}")
           | st.floats(allow_nan=False, allow_infinity=False).map(repr))


@given(NUMBERS)
@example("1.10")
@example("1e308")
@example("5e-324")
@example("0.1" + "0" * 400)
@example("9" * 308)
@settings(derandomize=True, max_examples=60,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_number_keeps_every_digit(as_text: tuple[Service, Any], number: str) -> None:
    service, node_type = as_text
    text = f'{{"n": {number}}}'
    for data in (text, Fragment(text)):
        node = service.node(node_type, data=data)
        kept = re.fullmatch(r'\{"n": (.+)\}', node["data"])
        assert kept and Decimal(kept[1]) == Decimal(number)
        if "e" not in number and Decimal(number):
            assert kept[1] == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**53, 2**53)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
        inner, max_size=4), max_leaves=12)


@given(st.dictionaries(st.sampled_from(["a", "é", "", "\\", '"', "data"]), JSON))
@settings(derandomize=True, max_examples=30,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_comes_back_as_it_was_given(service: Service, as_text: tuple[Service, Any],
                                             data: dict[str, Any]) -> None:
    texts, node_type = as_text
    for form in (data, json.dumps(data)):
        assert json.loads(texts.node(node_type, data=form)["data"]) == data
    as_value = service.node_type(service.tenant(), schema=data)
    assert as_value["schema"] == data == service.node(as_value, data=data)["data"]


def test_with_json_fields_as_string_what_is_unset_is_empty_wherever_it_is_given(
        as_text: tuple[Service, Any]) -> None:
    service, node_type = as_text
    unset = {"description": "", "schema": ""}
    assert node_type | unset == node_type
    tenant = {"tenant_id": node_type["tenant_id"]}
    bare = service.node_type({"id": tenant["tenant_id"]})
    full = service.node_type({"id": tenant["tenant_id"]}, description="Text", schema=True)
    assert (full["description"], full["schema"]) == ("Text", "true")
    changed = service.call("update_node_type", tenant | {
        "id": full["id"], "description": None, "schema": None})["node_type"]
    assert changed | unset == changed
    listed = service.call("list_node_types", tenant)["node_types"]
    assert listed[:2] == [changed, bare]
    source, target = (service.node(bare) for _ in range(2))
    edge = service.relationship(source, target)
    assert (source["data"], edge["data"]) == ("{}", "{}")
    # As an adopted database may have it.
    with connect(service.settings) as connection:
        for table in ("nodes", "relationships"):
            connection.execute(f"UPDATE {table} SET data = NULL WHERE tenant_id = %s".encode(),
                               [tenant["tenant_id"]])
    given = [
        service.call("get_node", tenant | {"id": source["id"]})["node"],
        service.call("list_nodes", tenant | {"node_type_id": bare["id"]})["nodes"][0],
        service.call("list_nodes", tenant | {"fields": ["data"]})["nodes"][0],
        service.call("list_relationships", tenant)["relationships"][0],
        service.call("traverse", tenant | {"start": source["id"]})["visits"][0]["node"],
        *service.call("get_neighbors", tenant | {"id": source["id"]})["neighbors"][0].values(),
        *service.call("shortest_path", tenant | {
            "source_node_id": source["id"], "target_node_id": target["id"]})["path"]["nodes"]]
    assert [one["data"] for one in given] == [""] * len(given)
    checked = service.call("check_node_type", tenant | {"id": bare["id"],
                                                        "schema": {"type": "object"}})
    assert [one["node"]["data"] for one in checked["refused"]] == ["", ""]


def test_with_json_fields_as_value_what_is_unset_is_null(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    assert (node_type["description"], node_type["schema"]) == (None, None)
    response = service.post(
        request("get_node_type", {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}),
        headers={"Prefer": "json-fields=string"})
    assert response.json["result"]["node_type"] == node_type | {"description": "", "schema": ""}
