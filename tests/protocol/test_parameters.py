"""Parameters are strict: what is wrong is refused, named field by field, and nothing changes."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from marshmallow import fields
from orjson import Fragment

from flexdb.contract.fields import Boolean, Choice, Id, Integer, Text, Time
from flexdb.contract.json_fields import JsonText
from flexdb.contract.named_objects import NamedObjects, NamedTexts
from flexdb.contract.names import Email, Slug, UniqueName
from flexdb.contract.objects import Items, JsonObject, Object, Objects
from flexdb.contract.operation import OPERATIONS, READS
from flexdb.contract.urls import Url
from flexdb.query.parameters import Paths
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import PAGED, SINGLE, RpcError, Service
from tests.support.world import World

pytestmark = pytest.mark.both_doors

# The API reference of the original: this is the order of positional parameters.
METHODS = {
    "create_tenant": "slug name", "get_tenant": "id? slug?",
    "update_tenant": "id slug? name? status?",
    "delete_tenant": "id", "list_tenants": "pagination?",
    "create_user": "email display_name", "get_user": "id? email?",
    "update_user": "id email? display_name?", "delete_user": "id", "list_users": "pagination?",
    "add_user_to_tenant": "tenant_id user_id role?",
    "remove_user_from_tenant": "tenant_id user_id", "list_tenant_users": "tenant_id pagination?",
    "create_node_type": "tenant_id name description? schema?",
    "get_node_type": "id? tenant_id name?",
    "update_node_type": "id tenant_id name? description? schema? version?",
    "delete_node_type": "id tenant_id version?", "list_node_types": "tenant_id pagination?",
    "create_node": "tenant_id node_type_id data?", "get_node": "id tenant_id",
    "update_node": "id tenant_id data? version? only_if?",
    "delete_node": "id tenant_id version? only_if?", "erase_node": "id tenant_id",
    "patch_node": "tenant_id id patch? version? update? only_if?",
    "list_nodes": "tenant_id node_type_id? pagination?",
    "create_relationship": "tenant_id source_node_id target_node_id relationship_type data?",
    "get_relationship": "id tenant_id",
    "update_relationship": "id tenant_id relationship_type? data? version? only_if?",
    "delete_relationship": "id tenant_id version? only_if?",
    "patch_relationship": "tenant_id id patch? version? update? only_if?",
    "create_nodes": "tenant_id nodes", "create_relationships": "tenant_id relationships",
    "transaction": "calls dry_run? refs?",
    "list_relationships":
        "tenant_id source_node_id? target_node_id? relationship_type? pagination?",
    # What the original does not have.
    "count_nodes": "tenant_id node_type_id?",
    "count_relationships":
        "tenant_id source_node_id? target_node_id? relationship_type?",
    "aggregate_nodes": "tenant_id node_type_id?",
    "aggregate_relationships":
        "tenant_id source_node_id? target_node_id? relationship_type?",
    "traverse": "tenant_id start direction? relationship_types? min_depth? max_depth?"
                " node_type_ids? limit?",
    "shortest_path": "tenant_id source_node_id target_node_id direction? relationship_types?"
                     " max_depth?",
    "check_node_type": "tenant_id id schema? pagination?",
    "upsert_node": "tenant_id node_type_id data id? key? mode?",
    "upsert_nodes": "tenant_id nodes key? mode? all_or_none?",
    "update_nodes": "tenant_id filter patch? max_affected? node_type_id? update?",
    "delete_nodes": "tenant_id filter max_affected?",
    "get_neighbors": "tenant_id id direction? relationship_types? pagination?",
    "list_changes": "tenant_id since? limit? kinds? ops? node_type_ids? relationship_types? ids?"
                    " filter? old? wait?",
    "get_node_history": "id tenant_id pagination? diff?",
    "get_relationship_history": "id tenant_id pagination? diff?",
    "restore_node": "id tenant_id version? with_relationships?",
    "restore_relationship": "id tenant_id version?",
    "list_deleted_nodes": "tenant_id node_type_ids? pagination?",
    "create_key":
        "tenant_id name role? operations? expires_at? replaces? overlap? attributes?",
    "list_keys": "tenant_id pagination?", "delete_key": "tenant_id id",
    "create_invitation": "tenant_id email role?", "list_invitations": "tenant_id pagination?",
    "delete_invitation": "tenant_id id",
    "list_events": "tenant_id? caller? operation? since? until? pagination?",
    "get_limits": "tenant_id",
    "get_usage": "tenant_id since?",
    "list_usage": "since? by? limit?",
    "update_limits": "tenant_id max_nodes? max_relationships? max_bytes? calls_per_second? burst?"
                     " reset?",
    "create_relationship_type": "tenant_id name description? source_node_type_ids?"
                                " target_node_type_ids? cardinality? unique_pair? acyclic?"
                                " on_delete? schema?",
    "get_relationship_type": "id tenant_id",
    "update_relationship_type": "id tenant_id name? description? source_node_type_ids?"
                                " target_node_type_ids? cardinality? unique_pair? acyclic?"
                                " on_delete? schema? version?",
    "delete_relationship_type": "id tenant_id version?",
    "list_relationship_types": "tenant_id pagination?",
    "list_user_tenants": "user_id pagination?",
    "create_role": "tenant_id name grants based_on?", "get_role": "id tenant_id",
    "update_role": "id tenant_id grants? based_on? version?",
    "delete_role": "id tenant_id version?", "list_roles": "tenant_id pagination?",
    "create_webhook": "tenant_id url events? node_type_ids? relationship_types? filter? ordering?"
                      " since?",
    "get_webhook": "id tenant_id", "delete_webhook": "id tenant_id version?",
    "update_webhook": "id tenant_id url? events? node_type_ids? relationship_types? filter?"
                      " ordering? status? version?",
    "list_webhooks": "tenant_id pagination?", "rotate_webhook_secret": "id tenant_id overlap?",
    "test_webhook": "tenant_id webhook_id",
    "count_deliveries": "tenant_id webhook_id",
    "list_operator_keys": "pagination?",
    "delete_operator_key": "id",
    "list_deliveries": "tenant_id webhook_id status? pagination?",
    "redeliver": "tenant_id webhook_id positions? since? until?",
}
CREATING = [name for name, operation in OPERATIONS.items()
            if name.startswith("create_") and not operation.gives.many]
FIELDS = [(method, name, field) for method, operation in OPERATIONS.items()
          for name, field in operation.fields.items()]
# Of these one is given, and then no other.
EITHER = {(method, name) for method, operation in OPERATIONS.items()
          for name in operation.params.either}
CLEARABLE = {(method, name) for method in ("create_node_type", "update_node_type")
             for name in ("description", "schema")} | {
    (method, name) for method in ("create_relationship_type", "update_relationship_type")
    for name in ("description", "schema", "source_node_type_ids", "target_node_type_ids")} | {
    (method, name) for method in ("create_webhook", "update_webhook")
    for name in ("events", "node_type_ids", "relationship_types", "filter")}
UUID = "0190163d-8694-739b-aea5-966c26f8ad91"
MALFORMED = [
    UUID[:-1], UUID + "0", f"{{{UUID}}}", f"urn:uuid:{UUID}", UUID.replace("-", ""), UUID + "\n",
    "\n" + UUID[1:], UUID.replace("0", "０"), UUID.replace("a", "g"), UUID[:8] + UUID[9:] + "-",
    UUID.replace("-", "_"), f" {UUID}", UUID[:-1] + "\0", "x", " "]
CASES: dict[type, list[Any]] = {
    Id: [1, True, [], {}, 1.5, [UUID], *MALFORMED],
    Text: [1, True, [], {}, "a\0b", "\0", "x" * 256, "😀" * 256],
    Slug: [1, [], "a\0b", " a", "a\n", "a\u200bb", "x" * 256, UUID],
    Email: [1, [], {}, "x", "a@", "@b", "a b@c", "a@b@c", "a@b\n", "a@\0b",
            f"{'x' * 250}@b.de", " a@b.de"],
    Url: [1, True, [], {}, "http://example.com/", "https://10.0.0.1/", "https://a/\0"],
    JsonText: [1, 1.5, "1", "null", "nope", "{", '"{}"', '{"a": "\\u0000"}', "\0"],
    Integer: [-1, 1.5, "x", True, [], {}, -1e300],
    Choice: [1, True, [], {}, "sideways", "OUT", "out\n", " "],
    Time: [1, True, [], {}, "now", " ", "2027-01-01", "2027-01-01T00:00:00",
           "2027-13-01T00:00:00Z", "2027-02-30T00:00:00Z"],
    Items: [1, True, {}, "x", [], ["x" * 256, "ok"] * 51],
    NamedTexts: [1, True, [], "x"],
    Paths: [1, True, {}, [], [1], ["id", None], ["id", ["id"]]],
    Objects: [1, True, {}, "x", "[]", []],
    NamedObjects: [1, True, [], "x", "[]", "{", {}, "{}", {str(n): {} for n in range(6)}],
    JsonObject: [1, True, [], "x", "[]", "{"],
    Boolean: [1, 0, "true", [], {}],
    Object: [1, True, [], "x", [{"page_size": 1}]],
}
IN_PAGINATION: dict[str, list[Any]] = {
    "page_size": [0, -1, 1.5, "10", True, None, [], {}, -1e300],
    "page_token": [1, True, None, [], {}, "garbage", "\0", " "],
    "surplus": [1, None, ""],
}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


@pytest.fixture(scope="module")
def observer(service: Service) -> Iterator[psycopg.Connection]:
    """A connection to look at the database from the outside."""
    with connect(service.settings) as connection:
        yield connection


@pytest.fixture
def unchanged(world: World, observer: psycopg.Connection) -> Iterator[World]:
    """Hold that a test changes nothing."""
    before = world.rows(observer)
    yield world
    assert world.rows(observer) == before


def assert_invalid(world: World, method: str, params: Any, *names: str) -> RpcError:
    """Hold that a call is refused for exactly these parameters."""
    refused = refusal(world.service, method, params)
    told = (method, params, refused.error)
    assert (refused.code, refused.reason) == (-32602, "INVALID_PARAMS"), told
    assert set(refused.fields) == set(names), told
    assert not refused.error["data"]["retryable"]
    for name, messages in list(refused.fields.items())[:5]:
        assert messages and all(f"{name} {message}" in str(refused) for message in messages), told
    return refused


def wrong(field: fields.Field[Any]) -> list[Any]:
    """Return values that are wrong for a field, whatever the method."""
    more: list[Any] = []
    if isinstance(field, JsonText):
        more += [] if "boolean" in field.kinds else [True, False, "true"]
        more += [] if "array" in field.kinds else [[], "[]"]
    elif isinstance(field, Text) and not field.blank:
        more = [" ", "\t\n", "\u3000"]
    return next(CASES[kind] for kind in type(field).__mro__ if kind in CASES) + more


def test_every_method_takes_the_original_s_parameters_in_the_original_s_order() -> None:
    for method, listed in METHODS.items():
        taken = [name + ("" if field.required else "?") for name, field in
                 OPERATIONS[method].fields.items()]
        assert taken[:len(listed.split())] == listed.split(), method
        assert (taken[-1] == "id?") is (method in CREATING), method


@pytest.mark.parametrize("method", OPERATIONS)
def test_parameters_are_taken_by_position_and_in_upper_case_ids(service: Service, method: str
                                                                ) -> None:
    world = World(service)
    by_name = world.params(method)
    upper = [value.upper() if name.endswith("id") else value for name, value in by_name.items()]
    result = service.call(method, upper)
    for thing in result.values() if method in SINGLE else ():
        given = {name: value for name, value in by_name.items() if name in thing and value != ""}
        assert thing | given == thing


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_wrong_value_is_named_by_position_too(unchanged: World, method: str) -> None:
    params = unchanged.params(method)
    for place, name in enumerate(params):
        values: list[Any] = list(params.values())
        values[place] = 1.5
        assert_invalid(unchanged, method, values[:place + 1],
                       name, *missing_after(method, place))


def missing_after(method: str, place: int) -> list[str]:
    declared = list(OPERATIONS[method].fields.items())
    return [name for name, field in declared[place + 1:] if field.required]


@pytest.mark.parametrize("method", OPERATIONS)
def test_what_is_surplus_is_refused(unchanged: World, method: str) -> None:
    params = unchanged.params(method)
    for name in ("surplus", "ID", "tenant-id", "pagination.page_size", "é"):
        for value in (1, "", None):
            assert_invalid(unchanged, method, params | {name: value}, name)
    refused = refusal(unchanged.service, method, [*params.values(), None, 1])
    assert (refused.code, set(refused.fields)) == (-32602, {str(len(params)), str(len(params) + 1)})
    assert all(name in str(refused) for name in params)


@pytest.mark.parametrize("name", ["_schema", ".a", "a.", "..", "", "0", "_schema.a"])
def test_a_surplus_parameter_is_named_as_it_came(unchanged: World, name: str) -> None:
    assert_invalid(unchanged, "get_node", unchanged.params("get_node") | {name: 1}, name)
    assert_invalid(unchanged, "list_nodes", unchanged.params("list_nodes")
                   | {"pagination": {name: 1}}, f"pagination.{name}")


@pytest.mark.parametrize("method", [
    name for name, listed in METHODS.items()
    if not all(param.endswith("?") for param in listed.split())])
def test_each_required_parameter_that_is_missing_is_named(unchanged: World, method: str) -> None:
    params = unchanged.params(method)
    required = [name for name in METHODS[method].split() if not name.endswith("?")]
    for name in required:
        without = {key: value for key, value in params.items() if key != name}
        assert "missing" in str(assert_invalid(unchanged, method, without, name))
        assert_invalid(unchanged, method, params | {name: ""}, name)
    either = OPERATIONS[method].params.either
    assert_invalid(unchanged, method, {}, *required, *either)
    assert_invalid(unchanged, method, [], *required, *either)


@pytest.mark.parametrize("method, name, field", FIELDS)
def test_null_is_refused_where_it_means_nothing(
        world: World, observer: psycopg.Connection, method: str, name: str, field: Any) -> None:
    if (method, name) in CLEARABLE:
        assert world.service.call(method, world.params(method) | {name: None})
    else:
        before = world.rows(observer)
        assert "null" in str(assert_invalid(world, method, world.params(method) | {name: None},
                                            name))
        assert world.rows(observer) == before


@pytest.mark.parametrize("method, name, field", FIELDS)
def test_a_wrong_value_is_refused_and_told_what_would_be_right(
        unchanged: World, method: str, name: str, field: Any) -> None:
    kinds: dict[type, str] = {Id: "UUID", JsonText: "JSON", Object: "an object",
                              Paths: "an array of paths", Integer: "must be", Items: "array",
                              Objects: "array of objects", JsonObject: "an object",
                              Boolean: "a boolean", Time: "a time", NamedTexts: ""}
    kind = next((kinds[kind] for kind in type(field).__mro__ if kind in kinds), "a string")
    params = unchanged.params(method)
    if (method, name) in EITHER:
        params |= dict.fromkeys(OPERATIONS[method].params.either, "")
    for value in wrong(field):
        if (method, name) in EITHER and isinstance(field, UniqueName) and (
                isinstance(value, str) and "\0" not in value):
            # There may be one from before there was a rule.
            assert refusal(unchanged.service, method, params | {name: value}).reason == "NOT_FOUND"
            continue
        refused = assert_invalid(unchanged, method, params | {name: value}, name)
        if not isinstance(value, str) and not isinstance(field, Integer) and value != []:
            assert kind in str(refused)


@pytest.mark.parametrize("method", PAGED)
@pytest.mark.parametrize("name", IN_PAGINATION)
def test_what_is_wrong_in_pagination_is_named_with_its_path(unchanged: World, method: str,
                                                            name: str) -> None:
    for value in IN_PAGINATION[name]:
        params = unchanged.params(method) | {"pagination": {name: value}}
        assert_invalid(unchanged, method, params, f"pagination.{name}")


@pytest.mark.parametrize("method, name", [(method, name) for method, name, field in FIELDS
                                          if not field.required and (method, name) not in EITHER])
def test_an_empty_string_for_an_optional_parameter_counts_as_absent(world: World, method: str,
                                                                    name: str) -> None:
    if method.startswith("delete_"):
        for params in (("",), ()):
            doomed = World(world.service).params(method)
            del doomed[name]
            doomed |= dict.fromkeys([name] * len(params), "")
            assert world.service.call(method, doomed) in ({}, {"deleted": 2})
        return
    # One of the two says what to change.
    beside = {"update": {"$set": {"a": [2]}}} if name == "patch" else {}
    empty, absent = world.params(method) | beside | {name: ""}, world.params(method) | beside
    del absent[name]
    results = [world.service.call(method, params) for params in (empty, absent)]
    assert results[0].keys() == results[1].keys()
    if method.startswith("upsert_"):
        # Each makes a node of its own.
        assert [str(result).count("'created'") for result in results] == [1, 1]
    elif name == "id":
        assert len({"", *(next(iter(result.values()))["id"] for result in results)}) == 3
    elif method == "update_nodes":
        # What the first changed fits the filter no more.
        assert results[1] == {"updated": 0}
    elif method not in SINGLE or name == "dry_run":
        assert results[0] == results[1]
    else:
        values = [next(iter(result.values())).get(name) for result in results]
        assert values[0] != ""
        assert values[0] == values[1] or name in ("version", "expires_at")


@pytest.mark.parametrize("method, name, field", [
    case for case in FIELDS if isinstance(case[2], Text) and not isinstance(case[2], Choice)
    # A search has words, and stands beside fewer parameters; a position is one that was given.
    and case[:2] not in EITHER and case[1] != "search"
    and case[1] != "since" and not isinstance(case[2], Url)])
def test_text_may_be_as_long_as_the_limit(service: Service, method: str, name: str, field: Any
                                          ) -> None:
    longest = uuid4().hex + "😀" * (field.length - 32)
    if isinstance(field, Email):
        assert field.length == 254
        longest = f"{uuid4().hex}@{'.'.join(['b' * 60] * 3)}.{'b' * 38}"
        assert len(longest) == 254
    params = World(service).params(method) | {name: longest}
    if (method, name) == ("create_key", "role"):
        service.call("create_role", tenant_id=params["tenant_id"], name=longest, grants=[{}])
    result = service.call(method, params)
    if OPERATIONS[method].effect is not READS:
        assert next(iter(result.values()))[name] == longest
    assert refusal(service, method, params | {name: longest + "x"}).fields.keys() == {name}


def test_everything_that_is_wrong_is_named_at_once(unchanged: World) -> None:
    assert_invalid(unchanged, "create_relationship",
                   {"tenant_id": "x", "source_node_id": None, "data": [], "surplus": 1},
                   "tenant_id", "source_node_id", "target_node_id", "relationship_type", "data",
                   "surplus")


@pytest.mark.parametrize("pagination", [{"page_size": 10.0}, {"page_size": 1e300},
                                        {"page_size": Fragment(b"1" * 40)}, {}, "",
                                        {"page_token": "", "page_size": ""}])
def test_pagination_that_says_nothing_wrong_is_taken(world: World, pagination: Any) -> None:
    listed = world.service.call("list_nodes", tenant_id=world.tenant["id"], pagination=pagination)
    size = (pagination or {}).get("page_size") or 10
    size = size if isinstance(size, (int, float)) else 1000
    assert len(listed["nodes"]) == min(size, listed["pagination"]["total_count"]) >= 2
