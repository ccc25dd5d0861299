"""Invitations: by an e-mail address people become members, and a tenant learns of nobody."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.operations.invitations import MOST_INVITATIONS
from tests.support.callers import secrets_of, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service, request
from tests.support.waiting import wait_until


@pytest.fixture
def tenant(operator: Service) -> Any:
    return operator.tenant()


@pytest.fixture
def callers(operator: Service, settings: Settings, tenant: Any) -> dict[str, Service]:
    """The service as the tenant's keys of each role reach it."""
    secrets = secrets_of(settings, tenant)
    return {role: with_key(operator, secret) for role, secret in secrets.items()}


@pytest.fixture
def admin(callers: dict[str, Service]) -> Service:
    return callers["admin"]


def address() -> str:
    return f"{uuid4().hex}@example.org"


def members(caller: Service) -> dict[str, str]:
    return {one["user_id"]: one["role"]
            for one in caller.call("list_tenant_users")["tenant_users"]}


def open_ones(caller: Service) -> list[Any]:
    found: list[Any] = caller.call("list_invitations")["invitations"]
    return found


def test_who_has_an_account_is_a_member_at_once_and_else_as_soon_as_there_is_one(
        operator: Service, admin: Service) -> None:
    there, later = operator.user(), address()
    admin.call("create_invitation", email=there["email"], role="viewer")
    assert members(admin) == {there["id"]: "viewer"} and open_ones(admin) == []
    invitation = admin.call("create_invitation", email=later, role="admin")["invitation"]
    assert open_ones(admin) == [invitation]
    user = operator.user(email=later)
    assert members(admin) == {there["id"]: "viewer", user["id"]: "admin"}
    assert open_ones(admin) == []


def test_the_answers_and_the_statements_are_the_same_for_a_user_and_for_nobody(
        operator: Service, admin: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    fetch = Connection.fetch

    def noting(self: Connection, statement: Any) -> Any:
        sent.append(statement.query.name)
        return fetch(self, statement)

    elsewhere, member = operator.user(), operator.user()
    admin.call("create_invitation", email=member["email"])
    admin.call("get_caller")
    monkeypatch.setattr(Connection, "fetch", noting)
    told = []
    for email in (elsewhere["email"], member["email"], address()):
        sent.clear()
        answer = admin.post(request("create_invitation", {"email": email})).json["result"]
        made = answer["invitation"]
        assert made.pop("email") == email and len(made.pop("id")) == 36
        for name in ("created_at", "expires_at"):
            assert len(made.pop(name)) == 32
        told.append((answer, [name for name in sent if name not in ("find_key", "note_key")]))
    assert told[0] == told[1] == told[2]
    # An id that is taken is so for all alike.
    (first,) = (one for one in open_ones(admin))
    for email in (elsewhere["email"], address()):
        with pytest.raises(RpcError) as refused:
            admin.call("create_invitation", email=email, id=first["id"])
        assert (refused.value.reason, refused.value.fields) == (
            "ALREADY_EXISTS", {"id": ["is taken"]})


@pytest.mark.parametrize("invited, created", [
    ("john@Example.ORG", "john@example.org"), ("jo@bücher.de", "jo@xn--bcher-kva.de"),
    ('"ann"@example.net', "ann@EXAMPLE.net")])
def test_an_address_is_the_same_in_each_of_its_spellings(
        operator: Service, admin: Service, invited: str, created: str) -> None:
    admin.call("create_invitation", email=invited)
    user = operator.user(email=created)
    assert members(admin) == {user["id"]: "member"}
    other = operator.tenant()
    operator.call("create_invitation", tenant_id=other["id"], email=invited)
    assert [one["user_id"] for one in operator.call("list_tenant_users", tenant_id=other["id"])[
        "tenant_users"]] == [user["id"]]


def test_another_address_is_another_person(operator: Service, admin: Service) -> None:
    local = uuid4().hex
    admin.call("create_invitation", email=f"{local}@example.org")
    for email in (f"{local.upper()}x@example.org", f"x{local}@example.org",
                  f"{local}@example.org.evil.example", f"{local.swapcase()}@example.org"):
        operator.user(email=email)
    assert members(admin) == {} and len(open_ones(admin)) == 1


def test_an_invitation_changes_no_member(operator: Service, callers: dict[str, Service],
                                         tenant: Any) -> None:
    owner = operator.user()
    operator.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=owner["id"], role="owner")
    callers["admin"].call("create_invitation", email=owner["email"], role="viewer")
    assert members(callers["admin"]) == {owner["id"]: "owner"}


def test_nobody_gives_or_takes_a_role_above_the_own(callers: dict[str, Service]) -> None:
    admin, owner, email = callers["admin"], callers["owner"], address()
    for role in ("owner", "operator"):
        with pytest.raises(RpcError, match=f"gives no role {role}"):
            admin.call("create_invitation", email=email, role=role)
    made = owner.call("create_invitation", email=email, role="owner")["invitation"]
    for method, params in (("create_invitation", {"email": email, "role": "viewer"}),
                           ("delete_invitation", {"id": made["id"]})):
        with pytest.raises(RpcError, match="has a role above the caller's"):
            admin.call(method, params)
    assert open_ones(admin) == [made]
    owner.call("delete_invitation", id=made["id"])
    assert open_ones(admin) == []
    for role in ("viewer", "member"):
        with pytest.raises(RpcError, match="needs the role admin"):
            callers[role].call("list_invitations")


def test_inviting_again_begins_anew(admin: Service) -> None:
    email = address()
    first = admin.call("create_invitation", email=email, role="viewer")["invitation"]
    again = admin.call("create_invitation", email=email, role="member")["invitation"]
    assert open_ones(admin) == [again] and again["id"] != first["id"]
    with pytest.raises(RpcError, match="there is no such invitation"):
        admin.call("delete_invitation", id=first["id"])


def test_what_is_taken_back_or_has_ended_makes_no_member(
        operator: Service, admin: Service, settings: Settings) -> None:
    taken, ended = address(), address()
    admin.call("delete_invitation", id=admin.call(
        "create_invitation", email=taken)["invitation"]["id"])
    admin.call("create_invitation", email=ended)
    with connect(settings) as database:
        database.execute("UPDATE flexdb_invitations SET expires_at = clock_timestamp()"
                         " WHERE email = %s", [ended])
    assert open_ones(admin) == []
    for email in (taken, ended):
        operator.user(email=email)
    assert members(admin) == {}


def test_another_tenant_s_invitation_is_as_good_as_none(operator: Service, admin: Service) -> None:
    other = operator.tenant()
    theirs = operator.call("create_invitation", tenant_id=other["id"],
                           email=address())["invitation"]
    told = []
    for id in (theirs["id"], str(uuid4())):
        with pytest.raises(RpcError) as refused:
            admin.call("delete_invitation", id=id)
        told.append(refused.value.error)
    assert told[0] == told[1]
    # The same id may be had in both.
    assert admin.call("create_invitation", email=address(), id=theirs["id"])
    assert operator.call("list_invitations", tenant_id=other["id"])["invitations"] == [theirs]


def test_a_tenant_has_so_many_open_and_those_that_ended_make_room(
        operator: Service, admin: Service, tenant: Any, settings: Settings) -> None:
    with connect(settings) as database:
        database.execute(
            "INSERT INTO flexdb_invitations (tenant_id, id, email, role, created_by, expires_at)"
            " SELECT %s, gen_random_uuid(), n || '@example.com', 'member', 'x',"
            " clock_timestamp() + interval '1 day' FROM generate_series(1, %s) n",
            [tenant["id"], MOST_INVITATIONS])
        # With a user it is the same.
        for email in (address(), operator.user()["email"]):
            with pytest.raises(RpcError, match="1000 invitations are open"):
                admin.call("create_invitation", email=email)
        assert members(admin) == {}
        assert admin.call("create_invitation", email="7@example.com", role="viewer")
        database.execute("UPDATE flexdb_invitations SET expires_at = clock_timestamp()"
                         " WHERE email = '8@example.com'")
        assert admin.call("create_invitation", email=address())


def test_invited_into_several_tenants_one_is_a_member_of_each(operator: Service) -> None:
    email, tenants = address(), [operator.tenant() for _ in range(3)]
    for tenant in tenants:
        operator.call("create_invitation", tenant_id=tenant["id"], email=email)
    user = operator.user(email=email)
    for tenant in tenants:
        (member,) = operator.call("list_tenant_users", tenant_id=tenant["id"])["tenant_users"]
        assert member["user_id"] == user["id"]
    with pytest.raises(RpcError, match="there is no such tenant"):
        operator.call("create_invitation", tenant_id=str(uuid4()), email=address())


def test_the_tenant_s_end_is_the_end_of_its_invitations(operator: Service) -> None:
    tenant, email = operator.tenant(), address()
    operator.call("create_invitation", tenant_id=tenant["id"], email=email)
    operator.call("delete_tenant", id=tenant["id"])
    assert operator.user(email=email)


def test_who_is_created_while_being_invited_is_a_member(
        operator: Service, admin: Service, settings: Settings) -> None:
    for invites_first in (True, False):
        email = address()
        with connect(settings) as database, connect(settings) as observer:
            database.autocommit = False
            calls = {"create_user": {"email": email, "display_name": "A user"}}
            if invites_first:
                _invite(database, admin, email)
            else:
                database.execute("INSERT INTO users (id, email, display_name)"
                                 " VALUES (gen_random_uuid(), %s, 'A')", [email])
                calls = {"create_invitation": {"email": email}}
            ((method, params),) = calls.items()
            caller = operator if invites_first else admin
            other = threading.Thread(target=caller.call, args=(method, params))
            other.start()
            wait_until(lambda: observer.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND cardinality(pg_blocking_pids(pid)) > 0").fetchall())
            database.commit()
            other.join()
            (joined,) = database.execute(
                "SELECT count(*) FROM tenant_users tu JOIN users u ON u.id = tu.user_id"
                " WHERE u.email = %s", [email]).fetchone() or ()
        assert joined == 1 and open_ones(admin) == [], invites_first


def _invite(database: psycopg.Connection, admin: Service, email: str) -> None:
    """Do what an invitation does, without the end of its transaction."""
    tenant_id = admin.call("get_caller")["caller"]["tenant"]
    database.execute("SELECT pg_advisory_xact_lock(hashtextextended("
                     "'invited ' || flexdb_email_key(%s), 0))", [email])
    database.execute(
        "INSERT INTO flexdb_invitations (tenant_id, id, email, role, created_by, expires_at)"
        " VALUES (%s, gen_random_uuid(), %s, 'member', 'x', clock_timestamp() + interval '1 day')",
        [tenant_id, email])


def test_many_users_at_once_become_members_too(
        operator: Service, admin: Service, settings: Settings) -> None:
    tag = uuid4().hex
    for number in (1, 150, 300):
        admin.call("create_invitation", email=f"{number}-{tag}@example.org")
    with connect(settings) as database:
        database.execute("INSERT INTO users (id, email, display_name) SELECT gen_random_uuid(),"
                         " n || '-' || %s || '@example.org', 'A' FROM generate_series(1, 300) n",
                         [tag])
    assert len(members(admin)) == 3 and open_ones(admin) == []


def test_no_event_holds_the_address(operator: Service, admin: Service) -> None:
    email = address()
    made = admin.call("create_invitation", email=email)["invitation"]
    event = admin.call("list_events")["events"][0]
    assert (event["operation"], event["about"]) == ("create_invitation", made["id"])
    assert "email" in event["changed"] and email not in str(event)
