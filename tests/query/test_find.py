"""Things are found by what people know of them: slugs, addresses, names, in every list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.plans import nodes_of, run_plan
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service
from tests.support.world import World

pytestmark = pytest.mark.both_doors

LISTS = {"list_tenants": "tenants", "list_users": "users", "list_tenant_users": "tenant_users",
         "list_node_types": "node_types", "list_keys": "keys", "list_roles": "roles",
         "list_invitations": "invitations", "list_user_tenants": "user_tenants"}


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """A tenant with three of everything, whose names are in no order."""
    world = World(service)
    tenant_id = world.tenant["id"]
    for name in ("Zoe", "ann", "Bob"):
        user = service.user(display_name=name, email=f"{name}-{uuid4().hex}@Example.org")
        service.call("add_user_to_tenant", tenant_id=tenant_id, user_id=user["id"], role=name)
        service.node_type(world.tenant, name=name, description=name if name == "ann" else None)
        service.call("create_key", tenant_id=tenant_id, name=name, attributes={"of": name})
        service.call("create_role", tenant_id=tenant_id, name=name, grants=[{}])
        service.call("create_invitation", tenant_id=tenant_id, email=f"{name}@example.net",
                     role=name)
        tenant = service.tenant(name=name)
        service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=world.user["id"],
                     role=name)
    return world


def listed(world: World, method: str, **query: Any) -> Any:
    """Return what a list gives for a query."""
    needs = {"list_tenants": [], "list_users": [], "list_user_tenants": ["user_id"]}
    given = {name: world.member[name] for name in needs.get(method, ["tenant_id"])}
    page = {"pagination": {"page_size": 1000}}
    return world.service.call(method, given | page | query)[LISTS[method]]


@pytest.mark.parametrize("method, path", [
    ("list_tenants", "name"), ("list_users", "display_name"), ("list_tenant_users", "display_name"),
    ("list_node_types", "name"), ("list_keys", "name"), ("list_roles", "name"),
    ("list_invitations", "role"), ("list_user_tenants", "name")])
def test_every_list_is_filtered_sorted_and_shortened(world: World, method: str, path: str) -> None:
    whole = listed(world, method)
    wanted = {path: {"$in": ["ann", "Bob", "Zoe"]}}
    since = {"$and": [wanted, {"created_at": {"$gte": world.tenant["created_at"]}}]}
    filter = since if "created_at" in whole[0] else wanted
    for sort, names in (([path], ["Bob", "Zoe", "ann"]), ([f"-{path}"], ["ann", "Zoe", "Bob"])):
        found = listed(world, method, filter=filter, sort=sort, fields=[path])
        assert found == [{path: name} for name in names]
    one = listed(world, method, filter={path: {"$istartswith": "AN"}})
    assert [row for row in one if row in whole] == one and len(one) == 1
    assert listed(world, method, filter={path: {"$regex": "^nobody$"}}) == []


@pytest.mark.parametrize("method, path", [
    ("list_node_types", "description"), ("list_keys", "last_used_at"), ("list_keys", "attributes"),
    ("list_tenant_users", "email"), ("list_user_tenants", "slug"), ("list_roles", "version")])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_walk_sees_each_row_once_whatever_is_not_set(
        world: World, method: str, path: str, sign: str) -> None:
    whole = listed(world, method)
    seen: list[Any] = []
    token = ""
    while token or not seen:
        given = {"pagination": {"page_size": 1, "page_token": token}, "sort": [sign + path]}
        key = "user_id" if method == "list_user_tenants" else "tenant_id"
        page = world.service.call(method, given | {key: world.member[key]})
        seen += page[LISTS[method]]
        token = page["pagination"]["next_page_token"]
    assert sorted(map(str, seen)) == sorted(map(str, whole))


@pytest.mark.parametrize("method, filter, found", [
    ("list_node_types", {"description": None, "name": {"$in": ["ann", "Bob"]}}, ["Bob"]),
    ("list_node_types", {"description": {"$exists": True}}, ["ann"]),
    ("list_node_types", {"description": {"$ne": "ann"}, "name": {"$in": ["ann", "Bob"]}}, ["Bob"]),
    ("list_keys", {"attributes.of": "Bob"}, ["Bob"]), ("list_keys", {"last_used_at": None,
                                                                    "name": "Zoe"}, ["Zoe"]),
    ("list_roles", {"based_on": "member", "name": {"$gt": "Z"}}, ["ann", "Zoe", "reader"])])
def test_a_filter_looks_at_each_kind_of_member(
        world: World, method: str, filter: Any, found: list[str]) -> None:
    assert sorted(row["name"] for row in listed(world, method, filter=filter)) == sorted(found)


@pytest.mark.parametrize("method, query, place", [
    ("list_keys", {"filter": {"operations": "read"}}, "filter.operations"),
    ("list_keys", {"sort": ["operations"]}, "sort.0"),
    ("list_roles", {"sort": ["grants"]}, "sort.0"),
    ("list_keys", {"filter": {"hash": "x"}}, "filter.hash"),
    ("list_tenants", {"filter": {"slug_claim": "x"}}, "filter.slug_claim"),
    ("list_tenants", {"filter": {"slug": None}}, "filter.slug"),
    ("list_tenant_users", {"sort": ["created_at"]}, "sort.0"),
    ("list_users", {"fields": ["password"]}, "fields.0")])
def test_what_no_list_is_asked_for_is_named(
        world: World, method: str, query: dict[str, Any], place: str) -> None:
    given = {} if method in ("list_tenants", "list_users") else {"tenant_id": world.tenant["id"]}
    assert list(refusal(world.service, method, given | query).fields) == [place]


def test_a_list_of_a_user_or_a_tenant_that_is_not_there_is_not_found(service: Service) -> None:
    for method, name in (("list_user_tenants", "user_id"), ("list_tenant_users", "tenant_id")):
        for query in ({}, {"filter": {"role": "x"}}):
            refused = refusal(service, method, {name: str(uuid4())} | query)
            assert (refused.reason, list(refused.fields)) == ("NOT_FOUND", [name])


def test_things_are_got_by_their_names(service: Service) -> None:
    tenant = service.tenant(slug=f"Ä-Corp {uuid4().hex}")
    slug = tenant["slug"]
    for spelling in (slug, slug.upper(), slug.lower(), slug.replace(" ", "  ")):
        assert service.call("get_tenant", slug=spelling) == {"tenant": tenant}
    user = service.user(email=f"Ann-{uuid4().hex}@Bücher.example")
    for spelling in (user["email"], user["email"].replace("Bücher", "BÜCHER").replace(
            "bücher", "BÜCHER"), user["email"].replace("bücher", "xn--bcher-kva")):
        assert service.call("get_user", email=spelling) == {"user": user}
    assert refusal(service, "get_user", email=user["email"].lower()).reason == "NOT_FOUND"
    node_type = service.node_type(tenant, name="Täsk")
    assert service.call("get_node_type", tenant_id=tenant["id"], name="Täsk") == {
        "node_type": node_type}
    for method, name, given in (("get_tenant", "slug", {}), ("get_user", "email", {}),
                                ("get_node_type", "name", {"tenant_id": tenant["id"]})):
        refused = refusal(service, method, given | {name: f"{uuid4().hex}@nobody.example"})
        assert (refused.reason, list(refused.fields)) == ("NOT_FOUND", [name])


@pytest.mark.parametrize("method, name", [
    ("get_tenant", "slug"), ("get_user", "email"), ("get_node_type", "name")])
def test_exactly_one_of_an_id_and_a_name_is_given(world: World, method: str, name: str) -> None:
    service, one = world.service, getattr(world, method.removeprefix("get_"))
    of = {"tenant_id": world.tenant["id"]} if method == "get_node_type" else {}
    for given in ({}, {"id": one["id"], name: one[name]}, {"id": "", name: ""}):
        refused = refusal(service, method, of | given)
        assert (refused.reason, set(refused.fields)) == ("INVALID_PARAMS", {"id", name})
    by_id, by_name = (service.call(method, of | given) for given in (
        {"id": one["id"], name: ""}, {"id": "", name: one[name]}))
    assert by_id == by_name


@pytest.fixture(scope="module")
def doors(new_database: Callable[..., Settings]) -> Any:
    settings = new_database()
    made = Service.of(settings), closed(settings)
    yield made
    for service in made:
        service.close()


def reason(caller: Service, method: str, **params: Any) -> str:
    """Return the reason of a refusal with its words, or ok."""
    try:
        caller.call(method, params)
        return "ok"
    except RpcError as error:
        return f"{error.reason} {error}"


def test_who_is_bound_to_a_tenant_finds_nothing_of_others_by_name(doors: Any) -> None:
    operator, service = doors
    own, other = World(operator), World(operator)
    key = operator.call("create_key", tenant_id=own.tenant["id"], name="k", role="owner")["key"]
    caller = with_key(service, key["secret"])
    assert caller.call("get_tenant", slug=own.tenant["slug"])["tenant"] == own.tenant
    assert caller.call("get_tenant", [])["tenant"] == own.tenant
    assert caller.call("get_user", email=own.user["email"])["user"] == own.user
    assert caller.call("get_node_type", name=own.node_type["name"])["node_type"] == own.node_type
    for method, name, theirs, nobody in (
            ("get_tenant", "slug", other.tenant["slug"], "nobody"),
            ("get_user", "email", other.user["email"], "nobody@example.org"),
            ("get_node_type", "name", other.node_type["name"], "Nothing")):
        answers = {reason(caller, method, **{name: value}) for value in (theirs, nobody)}
        assert len(answers) == 1 and answers.pop().startswith("NOT_FOUND"), method
    answers = {reason(caller, "list_user_tenants", user_id=id)
               for id in (own.user["id"], other.user["id"], str(uuid4()))}
    assert len(answers) == 1 and answers.pop().startswith("NOT_FOUND")


def test_a_name_is_looked_up_in_an_index(new_service: Callable[..., Service]) -> None:
    service = new_service()
    with connect(service.settings) as connection:
        connection.execute(
            "INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(), 't' || n, 'A' "
            "FROM generate_series(1, 3000) n")
        connection.execute(
            "INSERT INTO users (id, email, display_name) SELECT gen_random_uuid(), "
            "'u' || n || '@example.org', 'A' FROM generate_series(1, 3000) n")
        connection.execute("ANALYZE tenants, users")
    for method, given in (("get_tenant", {"slug": "t7"}), ("get_user", {"email": "u7@example.org"}),
                          ("list_users", {"filter": {"id": str(uuid4())}, "count": "none"})):
        for generic in (False, True):
            plan, _ = run_plan(service, method, given, generic)
            assert not [node for node in nodes_of(plan) if node["Node Type"] == "Seq Scan"], method
