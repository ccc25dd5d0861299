"""Who a token's user is: the tenants and roles that the database has, or that the token names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from flexdb.api import callers
from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service, request
from tests.support.tokens import jwks, token_of, with_tokens
from tests.support.waiting import wait_until


class People(NamedTuple):
    """A user who is a viewer in one tenant, an admin in another, and nobody in a third."""

    operator: Service
    user: dict[str, Any]
    viewed: dict[str, Any]
    run: dict[str, Any]
    other: dict[str, Any]

    def caller(self, **claims: Any) -> Service:
        """Return the service as the user reaches it."""
        return with_key(self.operator, token_of(self.user["id"], **claims))


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
             ) -> Settings:
    source = tmp_path_factory.mktemp("keys") / "jwks.json"
    source.write_bytes(jwks())
    return with_tokens(new_database(), source)


@pytest.fixture
def people(operator: Service) -> People:
    made = People(operator, operator.user(), *(operator.tenant() for _ in range(3)))
    for tenant, role in ((made.viewed, "viewer"), (made.run, "admin")):
        join(operator, tenant, made.user, role)
    return made


def join(caller: Service, tenant: dict[str, Any], user: dict[str, Any], role: str) -> None:
    caller.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"], role=role)


def reason(caller: Service, method: str, **params: Any) -> str:
    """Return the reason of a refusal, or ok."""
    try:
        caller.call(method, params)
        return "ok"
    except RpcError as error:
        return error.reason


def me(caller: Service) -> Any:
    return caller.call("get_caller")["caller"]


def test_a_user_is_in_each_tenant_what_the_membership_says(people: People) -> None:
    caller = people.caller()
    for tenant, role in ((people.viewed, False), (people.run, True)):
        assert reason(caller, "list_nodes", tenant_id=tenant["id"]) == "ok"
        assert reason(caller, "create_node_type", tenant_id=tenant["id"], name="T") == (
            "ok" if role else "PERMISSION_DENIED")
    replies = caller.batch([
        request("create_node_type", {"tenant_id": tenant["id"], "name": "In a batch"}, n)
        for n, tenant in enumerate((people.run, people.viewed, people.other))])
    assert ["ok" if "result" in one else one["error"]["data"]["reason"] for one in replies] == [
        "ok", "PERMISSION_DENIED", "NOT_FOUND"]
    key = caller.call("create_key", tenant_id=people.run["id"], name="k")["key"]
    assert key["created_by"] == f"user:{people.user['id']}"


def test_get_caller_tells_a_user_s_memberships(people: People) -> None:
    told = me(people.caller())
    assert (told["name"], told["role"], told["tenant"]) == (f"user:{people.user['id']}", "", "")
    assert {one["tenant_id"]: one["role"] for one in told["memberships"]} == {
        people.viewed["id"]: "viewer", people.run["id"]: "admin"}
    people.operator.call("remove_user_from_tenant", tenant_id=people.viewed["id"],
                         user_id=people.user["id"])
    told = me(people.caller(jti="fresh"))
    assert (told["role"], told["tenant"]) == ("admin", people.run["id"])
    assert people.caller(jti="fresh").call("get_tenant", [])["tenant"]["id"] == people.run["id"]


def test_a_transaction_in_two_tenants_is_checked_in_each_before_it_begins(people: People) -> None:
    caller = people.caller()

    def calls(*tenants: dict[str, Any]) -> str:
        return reason(caller, "transaction", calls=[
            {"method": "create_node_type", "params": {"tenant_id": tenant["id"], "name": "New"}}
            for tenant in tenants])

    assert calls(people.run, people.viewed) == "PERMISSION_DENIED"
    assert calls(people.run, people.other) == "NOT_FOUND"
    assert caller.call("list_node_types", tenant_id=people.run["id"])["node_types"] == []
    join(people.operator, people.other, people.user, "owner")
    caller = people.caller(jti="in three")
    assert calls(people.run, people.other) == "ok"


def test_what_a_membership_becomes_is_so_soon(people: People) -> None:
    caller, tenant_id = people.caller(), people.run["id"]
    member = {"tenant_id": tenant_id, "user_id": people.user["id"]}

    def told(method: str = "list_keys") -> str:
        return reason(caller, method, tenant_id=tenant_id)

    assert told() == "ok"
    people.operator.call("add_user_to_tenant", member | {"role": "member"})
    wait_until(lambda: told() == "PERMISSION_DENIED")
    people.operator.call("remove_user_from_tenant", member)
    wait_until(lambda: told() == "NOT_FOUND")
    people.operator.call("delete_user", id=people.user["id"])
    wait_until(lambda: me(caller)["memberships"] == [])
    assert reason(caller, "list_tenants") == reason(caller, "create_user", email="a@b.org",
                                                    display_name="A") == "PERMISSION_DENIED"


def test_only_an_active_membership_counts_and_a_suspended_tenant_stops_its_own(
        people: People, settings: Settings) -> None:
    with connect(settings) as database:
        database.execute("UPDATE tenant_users SET status = 'invited' WHERE tenant_id = %s",
                         [people.viewed["id"]])
    caller = people.caller()
    assert [one["tenant_id"] for one in me(caller)["memberships"]] == [people.run["id"]]
    join(people.operator, people.other, people.user, "owner")
    people.operator.call("update_tenant", id=people.run["id"], status="suspended")
    caller = people.caller(jti="suspended")
    with pytest.raises(RpcError, match="the tenant is suspended"):
        caller.call("list_nodes", tenant_id=people.run["id"])
    assert reason(caller, "list_nodes", tenant_id=people.other["id"]) == "ok"


def test_a_user_finds_the_members_of_the_tenants_where_people_are_seen(people: People) -> None:
    caller, operator = people.caller(), people.operator
    seen, hidden, stranger = (operator.user() for _ in range(3))
    join(operator, people.run, seen, "viewer")
    join(operator, people.viewed, hidden, "viewer")
    assert caller.call("get_user", id=seen["id"])["user"] == seen
    # A viewer sees no people.
    for user in (hidden, stranger, {"id": str(uuid4())}):
        assert reason(caller, "get_user", id=user["id"]) == "NOT_FOUND"


def test_no_membership_makes_an_operator(people: People, settings: Settings) -> None:
    with connect(settings) as database:
        database.execute("UPDATE tenant_users SET role = 'operator' WHERE user_id = %s",
                         [people.user["id"]])
    caller = people.caller()
    for method in ("list_tenants", "list_users", "list_nodes", "list_keys"):
        assert reason(caller, method, **(
            {} if method.endswith(("tenants", "users")) else {"tenant_id": people.run["id"]}
        )) == "PERMISSION_DENIED"
    assert caller.client().get("/metrics").status_code == 403


def test_of_very_many_memberships_the_first_thousand_count(people: People, settings: Settings
                                                           ) -> None:
    with connect(settings) as database:
        database.execute(
            "WITH made AS (INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(),"
            " 'many-' || n, 'x' FROM generate_series(1, 1200) n RETURNING id)"
            " INSERT INTO tenant_users (tenant_id, user_id, role)"
            " SELECT made.id, %s, 'member' FROM made", [people.user["id"]])
    assert len(me(people.caller())["memberships"]) == 1000


@pytest.fixture
def by_claims(settings: Settings) -> Iterator[Service]:
    service = closed(replace_claims(settings))
    yield service
    service.close()


def replace_claims(settings: Settings) -> Settings:
    return with_tokens(settings, settings.jwt_keys, jwt_tenant_claim="flexdb.tenants",
                       jwt_role_claim="https://example.org/roles", jwt_user_claim="uid")


@pytest.mark.parametrize("told, role", [
    ("member", "member"), (["viewer", "admin", "x"], "admin"), (["a", "b"], "a"), (None, ""),
    ("operator", ""), (["operator", "viewer"], "viewer"), (7, ""), ([], ""), (["Owner"], "Owner"),
    # What is no name of a role is passed over: no database would take half a character.
    ("\ud800", ""), (["\0", "a"], "a"), ("x" * 65, "")])
def test_a_token_may_say_the_tenants_and_the_role(people: People, by_claims: Service, told: Any,
                                                  role: str) -> None:
    caller = with_key(by_claims, token_of(
        "", sub=None, uid="auth0|57", flexdb={"tenants": people.other["id"]},
        **{"https://example.org/roles": told}))
    found = me(caller)
    assert (found["name"], found["role"], found["tenant"]) == (
        "user:auth0|57", role, people.other["id"])
    assert reason(caller, "list_nodes") == (
        "ok" if role in ("viewer", "member", "admin") else "PERMISSION_DENIED")
    assert reason(caller, "list_nodes", tenant_id=people.run["id"]) == "NOT_FOUND"


def test_a_token_names_tenants_that_there_are(people: People, by_claims: Service) -> None:
    def token(tenants: Any) -> Service:
        return with_key(by_claims, token_of(
            "", uid=people.user["id"], flexdb={"tenants": tenants},
            **{"https://example.org/roles": "admin"}))

    ids = [people.run["id"], people.other["id"].upper(), str(uuid4())]
    assert {one["tenant_id"] for one in me(token(ids))["memberships"]} == {
        people.run["id"], people.other["id"]}
    # What the database says of the user is not asked.
    for nothing in ("[]", "null"):
        assert me(token(json.loads(nothing)))["memberships"] == []
    for wrong in ("acme", 7, {"id": ids[0]}, [ids[0], "acme"], [[ids[0]]]):
        with pytest.raises(RpcError, match="holds what is no id of a tenant"):
            me(token(wrong))
    people.operator.call("update_tenant", id=people.run["id"], status="suspended")
    with pytest.raises(RpcError, match="the tenant is suspended"):
        token([people.run["id"]]).call("list_nodes")


@pytest.mark.parametrize("uid", ["", "a b", "a\nb", "ä", "x" * 256, None, 7, ["a"]])
def test_a_user_s_name_is_one_that_a_log_line_may_hold(by_claims: Service, uid: Any) -> None:
    with pytest.raises(RpcError, match="uid is no user"):
        me(with_key(by_claims, token_of("", uid=uid)))


def test_while_postgresql_is_away_no_token_is_called_wrong(
        settings: Settings, people: People, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
        ) -> None:
    away = closed(with_tokens(settings, settings.jwt_keys, db_port=1,
                              db_pool_timeout=1))
    assert reason(with_key(away, people.caller().secret), "get_caller") == "UNAVAILABLE"
    away.close()
    # What was known a moment ago counts on for a while.
    monkeypatch.setattr(callers, "_GOOD", 0.0)
    monkeypatch.setattr(callers, "_GOOD_ALONE", 1000.0)
    service = closed(settings)
    caller = with_key(service, people.caller().secret)
    assert reason(caller, "get_caller") == "ok"
    service.app.extensions["flexdb"].close()
    assert reason(caller, "get_caller") == "ok"
    service.close()
