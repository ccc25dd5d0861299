"""No secret of a key, and nothing that is kept of it, is told again: by no answer, log or event."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.db.connection import Connection
from flexdb.server import keys
from tests.support.callers import closed, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service, request
from tests.support.world import World


@pytest.fixture(scope="module")
def operator(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service where everyone needs a key, as an operator reaches it."""
    settings = new_database()
    service = closed(settings)
    yield with_key(service, keys.create_key(settings, None, "", "first", 1, ()))
    service.close()


@pytest.fixture
def database(operator: Service) -> Iterator[psycopg.Connection]:
    with connect(operator.settings) as connection:
        yield connection


def answer(caller: Service, method: str, params: dict[str, Any]) -> str:
    try:
        return str(caller.call(method, params))
    except RpcError as error:
        return str(error.error)


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_a_secret_is_in_one_answer_and_nowhere_else(
        operator: Service, database: psycopg.Connection, caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(operator)
    made = operator.call("create_key", tenant_id=world.tenant["id"], name="k", role="owner")["key"]
    replaced = operator.call("create_key", tenant_id=world.tenant["id"], name="k", role="owner",
                             replaces=made["id"])["key"]
    secrets = [key["secret"] for key in (made, replaced, world.key)] + [operator.secret]
    told = []
    for caller in (operator, with_key(operator, replaced["secret"])):
        caller = with_key(caller, caller.secret, door)
        told += [answer(caller, method, world.params(method)) for method in OPERATIONS
                 if method not in ("create_key", "delete_tenant")]
        told.append(answer(caller, "list_events", {}))
    # And where all goes wrong: what an unforeseen error's traceback quotes.
    told.append(answer(with_key(operator, made["secret"][:-1] + "x"), "get_caller", {}))
    broken = with_key(operator, made["secret"], door)
    answer(broken, "get_caller", {})

    def fail(*_: Any) -> None:
        raise RuntimeError(f"{_}")

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "fetch", fail)
        told.append(answer(broken, "list_keys", {}))
    assert "RuntimeError" in caplog.text
    stored = [str(row) for table in ("flexdb_events", "tenants", "users", "nodes")
              for row in database.execute(f"SELECT t::text FROM {table} t".encode())]
    for text in (*told, *stored, caplog.text):
        for secret in secrets:
            # What a list tells of a secret is how it begins.
            assert secret[10:] not in text
            assert hashlib.sha256(secret.encode()).hexdigest() not in text


def test_a_header_with_two_keys_or_with_more_than_a_key_is_no_key(operator: Service) -> None:
    secret = operator.secret
    for sent in (f"Bearer {secret}, Bearer {secret}", f"Bearer {secret},{secret}",
                 f"Bearer {secret}=", f"Bearer {secret} x", f"Bearer Bearer {secret}",
                 f"Bearer {secret.swapcase()}", f"Token {secret}", f"Bearer\x00{secret}"):
        response = operator.app.test_client().post(
            "/jsonrpc", json=request("list_tenants"), headers=[("Authorization", sent)])
        assert response.status_code == 401, sent
    for name in ("X-API-Key", "Api-Key", "Proxy-Authorization", "X-Authorization", "Cookie"):
        assert operator.app.test_client().get(
            "/tenants", headers={name: f"Bearer {secret}"}).status_code == 401
