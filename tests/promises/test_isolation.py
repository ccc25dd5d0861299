"""Another tenant's id is as good as none: for every method and every id that it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb import create_app
from flexdb.config import Settings
from flexdb.contract.fields import Id
from flexdb.contract.operation import OPERATIONS
from tests.support import postgres
from tests.support.callers import operator_key, with_key
from tests.support.row_security import switched_on
from tests.support.service import SINGLE, RpcError, Service, request

TABLES = ("tenants", "users", "tenant_users", "node_types", "nodes", "relationships",
          "flexdb_keys", "flexdb_events", "flexdb_limits", "flexdb_roles",
          "flexdb_invitations", "flexdb_relationship_types", "flexdb_webhooks",
          "flexdb_deliveries", "flexdb_idempotency_keys")
FIELDS = {name: operation.fields for name, operation in OPERATIONS.items()}
IDS = [(name, param) for name, fields in FIELDS.items()
       for param, field in fields.items() if isinstance(field, Id)]
OF_A_TENANT = [name for name, fields in FIELDS.items() if "tenant_id" in fields]
# An id that is to be given must only be free; users belong to no tenant.
FREE = [(name, param) for name, param in IDS
        if name.startswith(("create_", "upsert_")) and param == "id"]
GLOBAL = [("add_user_to_tenant", "user_id")]
# A tenant's id is another tenant's only beside something that belongs to the own one.
BELONGING = {name for name, param in IDS if name in OF_A_TENANT
             and param != "tenant_id" and (name, param) not in FREE + GLOBAL}
FOREIGN = [(name, param) for name, param in IDS
           if name in BELONGING and param != "tenant_id" and (name, param) not in FREE + GLOBAL]
# What these give holds no object when all is well.
COUNTING = {"check_node_type", "update_nodes", "delete_nodes", "count_deliveries", "count_nodes",
            "count_relationships", "aggregate_nodes", "aggregate_relationships", "list_changes",
            "redeliver"}
URL = "https://example.com/"
A_UUID = "0190b2c4-7e1d-7c3a-9f42-5a3b8e6d1c07"
MALFORMED: list[Any] = [
    None, 1, 1.5, True, [], {}, [A_UUID], "x", " ", A_UUID[:-1], A_UUID + "0", A_UUID + "\n",
    " " + A_UUID, A_UUID.replace("-", ""), f"{{{A_UUID}}}", f"urn:uuid:{A_UUID}",
    A_UUID[:-1] + "g", A_UUID[:-1] + "\uff11", A_UUID[:-1] + "\0", "%", "' OR true --",
]
World = dict[str, Any]
Dump = Callable[..., dict[str, list[str]]]


@pytest.fixture(scope="module", params=[
    pytest.param(False, id=""), pytest.param(True, id="row security", marks=pytest.mark.long)])
def service(request: pytest.FixtureRequest, new_database: Callable[..., Settings]
            ) -> Iterator[Service]:
    """The service on a database of this file, so that all of it can be compared.

    Once more with PostgreSQL's own fence; then who compares is held by none.
    """
    settings = new_database()
    service = Service(create_app(switched_on(settings) if request.param else settings), settings)
    yield service
    service.close()


@pytest.fixture(scope="module")
def dump(service: Service) -> Iterator[Dump]:
    """Give all rows of all tables, as text."""
    all_rows = " UNION ALL ".join(f"SELECT '{table}', row_to_json(t)::text FROM {table} t"
                                  for table in TABLES)
    with postgres.connect(service.settings) as connection:
        def read(tenant_id: str = "") -> dict[str, list[str]]:
            made: dict[str, list[str]] = {table: [] for table in TABLES}
            for table, row in connection.execute(f"{all_rows} ORDER BY 1, 2".encode()):
                if tenant_id in row:
                    made[table].append(row)
            return made

        yield read


@pytest.fixture(scope="module")
def own(service: Service) -> World:
    return world(service) | {"operator_key": operator_key(service)}


@pytest.fixture(scope="module")
def other(service: Service) -> World:
    return world(service) | {"operator_key": operator_key(service)}


@pytest.fixture(scope="module")
def owner(service: Service, own: World) -> Service:
    """The service as a key of the own tenant reaches it, that it was used already."""
    key = service.call("create_key", tenant_id=own["tenant"]["id"], name="k", role="owner")["key"]
    caller = with_key(service, key["secret"])
    caller.call("get_caller")
    return caller


def world(service: Service, twin: World | None = None) -> World:
    """Make a tenant with one of everything.

    :param twin: another tenant, whose node type, nodes and relationship have the same ids
    """
    def given(kind: str) -> dict[str, Any]:
        return {"id": twin[kind]["id"]} if twin else {}

    tenant, user = service.tenant(), service.user()
    service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"])
    node_type = service.node_type(tenant, **given("node_type"))
    source, target = (service.node(node_type, **given(kind)) for kind in ("node", "target"))
    edge = service.relationship(source, target, **given("relationship"))
    for kind, thing in (("node", source), ("relationship", edge)):
        service.call(f"update_{kind}", tenant_id=tenant["id"], id=thing["id"], data={"a": 1})
    service.call("delete_node", tenant_id=tenant["id"], id=service.node(node_type)["id"])
    contract = service.relationship_type(tenant, name="part_of", cardinality="n:1",
                                         source_node_type_ids=[node_type["id"]],
                                         **given("relationship_type"))
    webhook = service.call("create_webhook", tenant_id=tenant["id"], url=URL)["webhook"]
    for _ in range(2):
        service.call("test_webhook", tenant_id=tenant["id"], webhook_id=webhook["id"])
    return {"tenant": tenant, "user": user, "node_type": node_type, "node": source,
            "target": target, "relationship": edge, "relationship_type": contract,
            "key": service.call("create_key", tenant_id=tenant["id"], name="A key")["key"],
            "role": service.call("create_role", tenant_id=tenant["id"], name="reader",
                                 grants=[{}])["role"],
            "invitation": service.call("create_invitation", tenant_id=tenant["id"],
                                       email=f"{uuid4().hex}@example.org")["invitation"],
            "webhook": webhook}


def value(world: World, method: str, param: str) -> Any:
    """Return what a world has for a parameter of a method."""
    thing = method.partition("_")[2] if param == "id" else param.removesuffix("_id")
    kind = {"source_node": "node", "target_node": "target", "start": "node",
            "neighbors": "node", "replaces": "key", "webhook_secret": "webhook"}.get(
                thing, thing.removesuffix("_history"))
    return str(uuid4()) if (method, param) in FREE else world[kind]["id"]


def params(world: World, method: str, **given: Any) -> dict[str, Any]:
    """Return parameters with which a method works: every id, and whatever else is required."""
    made: dict[str, Any] = {}
    for param, field in FIELDS[method].items():
        if isinstance(field, Id):
            made[param] = value(world, method, param)
        elif field.required or param == "patch":
            made[param] = {
                "email": f"{uuid4().hex}@example.org", "patch": {}, "url": URL,
                "grants": [{"node_type_id": world["node_type"]["id"], "read": True,
                            "write": False}],
                "filter": {"version": {"$gt": 1000}},
                "nodes": [{"node_type_id": world["node_type"]["id"], "data": {}}], "data": {},
                "relationships": [{"source_node_id": world["node"]["id"], "relationship_type": "r",
                                   "target_node_id": world["target"]["id"]}],
                "calls": [{"method": "list_tenants"}]}.get(param, uuid4().hex)
    return made | given


def tenants_in(result: Any) -> set[str]:
    """Return the tenants that the objects of a result belong to."""
    if isinstance(result, dict):
        own = {result["tenant_id"]} if "tenant_id" in result else set()
        return own.union(*map(tenants_in, result.values()))
    return set().union(*map(tenants_in, result)) if isinstance(result, list) else set()


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_method_works_with_ids_of_the_own_tenant(
        service: Service, other: World, dump: Dump, method: str) -> None:
    if method == "list_usage":
        pytest.skip("tells an operator of all tenants")
    untouched = dump(other["tenant"]["id"])
    own = world(service) | {"operator_key": operator_key(service)}
    asked = params(own, method)
    result = service.call(method, **asked)
    operation = OPERATIONS[method]
    if operation.gives.schema:
        found = tenants_in(result)
        assert bool(found) is (method in OF_A_TENANT and method not in COUNTING
                               or method == "list_user_tenants")
        assert found <= {own["tenant"]["id"]}
        thing = result[operation.gives.wrapper] if method in SINGLE else {}
        assert {name: thing[name] for name in asked.keys() & thing.keys()}.items() <= asked.items()
        assert not operation.gives.wrapper or result[operation.gives.wrapper]
    else:
        assert result == {}
    assert dump(other["tenant"]["id"]) == untouched


@pytest.mark.parametrize("method, param", FOREIGN)
def test_the_reply_to_an_id_of_another_tenant_is_that_to_an_absent_one(
        service: Service, own: World, other: World, dump: Dump, method: str, param: str) -> None:
    rows, asked = dump(), params(own, method)
    foreign, absent = (service.post(request(method, asked | {param: id}))
                       for id in (value(other, method, param), str(uuid4())))
    assert foreign.data == absent.data
    for reply in (foreign, absent):
        for own_to_each in ("X-Request-ID", "Server-Timing"):
            del reply.headers[own_to_each]
    assert (foreign.status, foreign.headers) == (absent.status, absent.headers)
    assert dump() == rows


@pytest.mark.parametrize("method", OF_A_TENANT)
def test_the_reply_to_a_key_that_names_another_tenant_is_that_to_one_that_names_none(
        owner: Service, own: World, other: World, dump: Dump, method: str) -> None:
    rows, asked = dump(), params(own, method)
    foreign, absent = (owner.post(request(method, asked | {"tenant_id": id})).data
                       for id in (other["tenant"]["id"], str(uuid4())))
    assert foreign == absent and b'"error"' in absent
    assert dump() == rows


@pytest.mark.parametrize("method, param", [
    case for case in IDS if case[0].startswith("list_")
    and not FIELDS[case[0]][case[1]].required])
def test_a_filter_by_an_absent_id_gives_an_empty_page(
        service: Service, own: World, method: str, param: str) -> None:
    result = service.call(method, params(own, method, **{param: str(uuid4())}))
    assert result == {OPERATIONS[method].gives.wrapper: [],
                      "pagination": {"next_page_token": "", "total_count": 0}}


@pytest.mark.parametrize("method, param", [
    case for case in IDS if FIELDS[case[0]][case[1]].required or case[1] == "replaces"])
def test_an_absent_id_is_not_found(
        service: Service, own: World, dump: Dump, method: str, param: str) -> None:
    rows = dump()
    with pytest.raises(RpcError) as refused:
        service.call(method, params(own, method, **{param: str(uuid4())}))
    assert (refused.value.code, refused.value.reason) == (-32001, "NOT_FOUND")
    # An item's fields are told with its path.
    (named,) = {field.partition(".")[0] for field in refused.value.fields}
    assert named in FIELDS[method]
    assert dump() == rows


@pytest.mark.parametrize("method, param", IDS)
def test_a_malformed_id_is_an_invalid_parameter(
        service: Service, own: World, dump: Dump, method: str, param: str) -> None:
    values = MALFORMED + [""] * FIELDS[method][param].required
    rows = dump()
    replies = service.batch([request(method, params(own, method, **{param: wrong}))
                             for wrong in values])
    assert [(reply["error"]["code"], [*reply["error"]["data"]["fields"]]) for reply in replies] == [
        (-32602, [param])] * len(values)
    assert dump() == rows


@pytest.mark.parametrize("method", OF_A_TENANT)
def test_two_tenants_with_the_same_ids_do_not_see_each_other(
        service: Service, dump: Dump, method: str) -> None:
    own = world(service)
    twin = world(service, own)
    gets = [request(f"get_{kind}", {"tenant_id": twin["tenant"]["id"], "id": twin[kind]["id"]})
            for kind in ("node_type", "node", "relationship", "relationship_type")]
    rows, found = dump(twin["tenant"]["id"]), service.batch(gets)
    assert all(reply["result"] for reply in found)
    result = service.call(method, params(own, method))
    assert twin["tenant"]["id"] not in str(result)
    assert service.batch(gets) == found and dump(twin["tenant"]["id"]) == rows


@pytest.mark.parametrize("kind", ["node_type", "node", "relationship", "relationship_type",
                                  "role", "webhook"])
def test_an_id_of_another_tenant_is_free(
        service: Service, other: World, dump: Dump, kind: str) -> None:
    rows, own = dump(other["tenant"]["id"]), world(service)
    method, taken = f"create_{kind}", other[kind]["id"]
    made = service.call(method, params(own, method, id=taken))[kind]
    assert (made["id"], made["tenant_id"]) == (taken, own["tenant"]["id"])
    with pytest.raises(RpcError) as refused:
        service.call(method, params(own, method, id=taken))
    assert refused.value.code == -32002 and [*refused.value.fields] == ["id"]
    assert dump(other["tenant"]["id"]) == rows


@pytest.mark.parametrize("method", [name for name in OF_A_TENANT if name.startswith("list_")
                                    and "pagination" in FIELDS[name]])
def test_a_page_token_is_of_no_use_in_another_tenant(
        service: Service, own: World, other: World, method: str) -> None:
    mine = world(service)
    user = service.user()
    service.call("add_user_to_tenant", tenant_id=mine["tenant"]["id"], user_id=user["id"])
    service.node_type(mine["tenant"])
    service.relationship_type(mine["tenant"])
    service.call("create_key", tenant_id=mine["tenant"]["id"], name="Another")
    service.call("create_role", tenant_id=mine["tenant"]["id"], name="writer", grants=[{}])
    service.call("create_invitation", tenant_id=mine["tenant"]["id"], email="ann@example.com")
    service.relationship(mine["node"], mine["target"])
    service.call("create_webhook", tenant_id=mine["tenant"]["id"], url=URL)
    service.call("delete_node", tenant_id=mine["tenant"]["id"], id=service.node(
        mine["node_type"])["id"])
    page = {"page_size": 1}
    more = {"webhook_id": mine["webhook"]["id"]} if "webhook_id" in FIELDS[method] else {}
    first = service.call(method, tenant_id=mine["tenant"]["id"], pagination=page, **more)
    page |= {"page_token": first["pagination"]["next_page_token"]}
    assert service.call(method, tenant_id=mine["tenant"]["id"], pagination=page, **more)
    replies = {service.post(request(method, {"tenant_id": id, "pagination": page} | more)).data
               for id in (other["tenant"]["id"], str(uuid4()))}
    assert len(replies) == 1 and b'"code":-32602' in replies.pop()


@pytest.mark.parametrize("constraint, statement", [
    ("nodes_node_type_id_fkey",
     "INSERT INTO nodes (tenant_id, id, node_type_id) VALUES (%(own)s, %(new)s, %(node_type)s)"),
    ("nodes_node_type_id_fkey",
     "UPDATE nodes SET node_type_id = %(node_type)s WHERE tenant_id = %(own)s"),
    *((f"relationships_{side}_fkey",
       "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, relationship_type"
       f") SELECT tenant_id, %(new)s, {columns}, 'r' FROM relationships WHERE tenant_id = %(own)s")
      for side, columns in (("source_node_id", "%(node)s, target_node_id"),
                            ("target_node_id", "source_node_id, %(node)s"))),
    *((f"relationships_{side}_fkey",
       f"UPDATE relationships SET {side} = %(node)s WHERE tenant_id = %(own)s")
      for side in ("source_node_id", "target_node_id")),
    *((constraint, f"UPDATE {table} SET tenant_id = %(own)s WHERE tenant_id = %(tenant)s")
      # Where two are violated, the order of their triggers is that of their oids as text.
      for constraint, table in (("relationships_(source|target)_node_id_fkey", "nodes"),
                                ("nodes_node_type_id_fkey", "node_types"),
                                ("relationships_(source|target)_node_id_fkey", "relationships"))),
])
def test_the_database_itself_refuses_what_points_into_another_tenant(
        service: Service, own: World, other: World, dump: Dump, constraint: str,
        statement: str) -> None:
    rows = dump()
    names = {kind: thing["id"] for kind, thing in other.items()}
    arguments = names | {"own": own["tenant"]["id"], "new": uuid4()}
    with postgres.connect(service.settings) as owner:
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
            owner.execute(statement.encode(), arguments)
    assert re.fullmatch(constraint, refused.value.diag.constraint_name or "")
    assert dump() == rows
