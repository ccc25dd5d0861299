"""Keys: their form, their end, what they are narrowed to, and where their secrets never are."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb.access.keys import is_secret, make_secret
from flexdb.config import Settings
from flexdb.errors import NotFound
from flexdb.server import keys
from tests.support.callers import closed, secrets_of, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service
from tests.support.waiting import wait_until

FORM = re.compile(r"\bfdb_[ot]_[0-9A-Za-z]{49}\b")


@pytest.fixture(scope="module")
def service(operator: Service) -> Service:
    return operator


@pytest.fixture
def database(settings: Settings) -> Iterator[psycopg.Connection]:
    with connect(settings) as connection:
        yield connection


def in_days(days: float) -> str:
    end = datetime.now(timezone.utc) + timedelta(days=days)
    return end.isoformat(timespec="microseconds")


def make(caller: Service, tenant: dict[str, Any], **given: Any) -> Any:
    return caller.call("create_key", {"tenant_id": tenant["id"], "name": "A key"} | given)["key"]


def reason(caller: Service, method: str = "get_caller", **params: Any) -> str:
    """Return the reason of a refusal, or ok."""
    try:
        caller.call(method, params)
        return "ok"
    except RpcError as error:
        return error.reason


@pytest.mark.parametrize("of_tenant", [True, False])
def test_a_secret_has_a_form_that_scanners_find_and_a_checksum(of_tenant: bool) -> None:
    secret = make_secret(of_tenant)
    assert FORM.fullmatch(secret) and is_secret(secret) and make_secret(of_tenant) != secret
    other = {"0": "1"}
    for place in range(len(secret)):
        wrong = secret[:place] + other.get(secret[place], "0") + secret[place + 1:]
        assert not is_secret(wrong), place
    for wrong in (secret.swapcase(), secret + "0", secret[:-1], f" {secret}", secret + "\n", ""):
        assert not is_secret(wrong)


def test_a_key_is_told_once_and_kept_as_a_hash(
        service: Service, database: psycopg.Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tenant = service.tenant()
    key = make(service, tenant, name="shop", role="admin")
    assert key["secret"].startswith(key["hint"]) and key["role"] == "admin"
    (listed,) = service.call("list_keys", tenant_id=tenant["id"])["keys"]
    assert listed == {name: value for name, value in key.items() if name != "secret"}
    admin = with_key(service, key["secret"])
    assert admin.call("get_caller")["caller"] == {
        "name": f"key:{key['id']}", "role": "admin", "tenant": tenant["id"], "operations": None,
        "memberships": None}
    for text in (caplog.text, *map(str, database.execute("SELECT k::text FROM flexdb_keys k"))):
        assert key["secret"] not in text and key["secret"][10:] not in text
    assert f"caller=key:{key['id']}" in caplog.text and f"tenant={tenant['id']}" in caplog.text


def test_a_key_ends(service: Service, database: psycopg.Connection) -> None:
    tenant = service.tenant()
    key = make(service, tenant)
    days = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert days.days in (89, 90)
    database.execute("UPDATE flexdb_keys SET expires_at = clock_timestamp() WHERE id = %s",
                     [key["id"]])
    with pytest.raises(RpcError, match="the key has expired"):
        with_key(service, key["secret"]).call("get_caller")
    for end in (in_days(-1), in_days(3660)):
        with pytest.raises(RpcError, match="must lie ahead"):
            make(service, tenant, expires_at=end)
    assert make(service, tenant, expires_at=in_days(3600))


def test_an_id_is_given_once(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    id = make(service, tenant)["id"]
    for one in (tenant, other):
        with pytest.raises(RpcError) as refused:
            make(service, one, id=id)
        assert (refused.value.reason, refused.value.fields) == (
            "ALREADY_EXISTS", {"id": ["is taken"]})


def test_no_id_of_a_key_tells_of_another_tenants(service: Service, settings: Settings) -> None:
    tenant, other = service.tenant(), service.tenant()
    owner = with_key(service, secrets_of(settings, tenant)["owner"])
    for id in (make(service, other)["id"], str(uuid4())):
        assert _fields(owner, tenant, id=id) == {"id": ["is chosen by operators alone"]}


@pytest.mark.long
def test_a_deleted_key_is_good_nowhere_soon(service: Service, settings: Settings) -> None:
    tenant, elsewhere = service.tenant(), closed(settings)
    for _ in range(3):
        key = make(service, tenant)
        here, there = (with_key(one, key["secret"]) for one in (service, elsewhere))
        assert (reason(here), reason(there)) == ("ok", "ok")
        service.call("delete_key", tenant_id=tenant["id"], id=key["id"])
        wait_until(lambda: (reason(here), reason(there)) == ("UNAUTHENTICATED",) * 2, 10)
    elsewhere.close()


def test_a_key_takes_the_place_of_another_which_goes_on_for_a_while(
        service: Service, database: psycopg.Connection) -> None:
    tenant = service.tenant()
    old = make(service, tenant)
    new = make(service, tenant, replaces=old["id"], overlap=3600)
    assert [reason(with_key(service, key["secret"])) for key in (old, new)] == ["ok", "ok"]
    (left,) = database.execute("SELECT expires_at < now() + interval '61 minutes'"
                               " FROM flexdb_keys WHERE id = %s", [old["id"]]).fetchone() or ()
    assert left
    other = service.tenant()
    assert _fields(service, other, replaces=new["id"]) == {"replaces": ["names no key"]}
    assert service.call("list_keys", tenant_id=other["id"])["keys"] == []


def test_a_key_is_good_for_what_it_is_narrowed_to(service: Service) -> None:
    tenant = service.tenant()
    reader = with_key(service, make(service, tenant, role="admin", operations=[
        "read", "create_key", "list_keys"])["secret"])
    assert reason(reader, "list_nodes") == reason(reader, "list_keys") == "ok"
    assert reason(reader, "create_node_type", name="T") == "PERMISSION_DENIED"
    # What it makes is let do no more.
    assert make(reader, tenant, role="viewer")["operations"] == ["create_key", "list_keys", "read"]
    one = make(reader, tenant, role="viewer", operations=["get_node"])
    assert one["operations"] == ["get_node"]
    for more in (["write"], ["create_node"], ["read", "delete_key"], ["manage"]):
        with pytest.raises(RpcError, match="is not let"):
            make(reader, tenant, operations=more)
    with pytest.raises(RpcError) as wrong:
        make(service, tenant, operations=["read", "fly"])
    assert list(wrong.value.fields) == ["operations.1"]


def test_nobody_makes_or_deletes_a_key_above_the_own_role(service: Service, settings: Settings
                                                          ) -> None:
    tenant = service.tenant()
    admin = with_key(service, secrets_of(settings, tenant)["admin"])
    owners = make(service, tenant, role="owner")
    with pytest.raises(RpcError, match="makes no key with the role owner"):
        make(admin, tenant, role="owner")
    assert reason(admin, "delete_key", id=owners["id"]) == "PERMISSION_DENIED"
    assert reason(with_key(service, owners["secret"])) == "ok"
    assert "replaces" in _fields(admin, tenant, replaces=owners["id"])
    with pytest.raises(RpcError, match="must be viewer, member, admin or owner"):
        make(service, tenant, role="operator")


def _fields(caller: Service, tenant: dict[str, Any], **given: Any) -> dict[str, list[str]]:
    with pytest.raises(RpcError) as refused:
        make(caller, tenant, **given)
    return refused.value.fields


def test_when_it_was_used_is_noted_once_an_hour(service: Service, database: psycopg.Connection
                                                ) -> None:
    tenant = service.tenant()
    key = make(service, tenant)

    def used() -> Any:
        (listed,) = service.call("list_keys", tenant_id=tenant["id"])["keys"]
        return listed["last_used_at"]

    assert used() is None
    assert reason(with_key(service, key["secret"])) == "ok"
    first = used()
    assert first is not None
    fresh = closed(service.settings)
    assert reason(with_key(fresh, key["secret"])) == "ok" and used() == first
    database.execute("UPDATE flexdb_keys SET last_used_at = now() - interval '2 hours'"
                     " WHERE id = %s", [key["id"]])
    again = closed(service.settings)
    assert reason(with_key(again, key["secret"])) == "ok" and used() > first
    fresh.close()
    again.close()


def test_the_commands_make_list_and_delete_keys(service: Service, settings: Settings) -> None:
    tenant = service.tenant()
    secret = keys.create_key(settings, tenant["slug"], "viewer", "shop", 7, ("read",))
    assert with_key(service, secret).call("get_caller")["caller"]["operations"] == ["read"]
    (key,) = keys.list_keys(settings, tenant["id"])
    assert key["name"] == "shop" and key["created_by"] == "command"
    with pytest.raises(NotFound, match="there is no key nonsense"):
        keys.delete_key(settings, tenant["id"], "nonsense")
    keys.delete_key(settings, tenant["id"], key["id"])
    assert keys.list_keys(settings, tenant["slug"]) == []
    assert "first" in [key["name"] for key in keys.list_keys(settings, None)]
