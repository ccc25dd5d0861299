"""No setting gets to where it may be shown: not by a statement, a log line or a traceback."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from flexdb.api.callers import Callers
from flexdb.api.http import Contexts
from flexdb.api.limits import KnownLimits
from flexdb.api.rates import Rates
from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.documents.schemas import SchemaCache
from flexdb.plan import Statement
from tests.support.service import Service
from tests.support.world import World

SECRET = "hunter2-never-shown"


@pytest.fixture(scope="module")
def world(new_database: Callable[..., Settings]) -> Iterator[World]:
    service = Service.of(new_database(db_password=SECRET, jsonrpc_socket=f"/{SECRET}", auth="open"))
    yield World(service)
    service.close()


def parts(thing: Any) -> Iterator[Any]:
    """Give whatever hangs on a thing: what an eager debugger would print of it."""
    yield thing
    if is_dataclass(thing) and not isinstance(thing, type):
        for member in fields(thing):
            yield from parts(getattr(thing, member.name))
    elif isinstance(thing, (dict, list, tuple)):
        for inner in thing.values() if isinstance(thing, dict) else thing:
            yield from parts(inner)
    for cell in getattr(thing, "__closure__", None) or ():
        if not callable(cell.cell_contents):
            yield from parts(cell.cell_contents)
    yield from map(repr, (*getattr(thing, "args", ()), getattr(thing, "keywords", "")))


@pytest.mark.parametrize("method", OPERATIONS)
def test_nothing_that_hangs_on_a_statement_holds_a_setting(world: World, method: str) -> None:
    settings = world.service.settings
    runner = Runner(Pool(settings), 10, 300)
    context = Contexts(settings, SchemaCache(), Callers(settings, runner),
                       Rates(settings, KnownLimits(runner), runner))
    params = world.params(method)
    with world.service.app.test_request_context():
        plan = OPERATIONS[method].plan(context.current(), params,
                                       lambda: json.dumps(params).encode())
    for part in parts(plan):
        assert SECRET not in repr(part)
    # Nor what the caller sent, which no log may quote.
    ids = [value for value in params.values() if isinstance(value, str) and len(value) == 36]
    assert all(id not in repr(plan) for id in ids)
    assert not isinstance(plan, Statement) or repr(plan).startswith("Statement(query=Query(")


# Who calls is known without PostgreSQL.
@pytest.mark.parametrize("method", sorted(OPERATIONS.keys() - {"get_caller"}))
def test_no_log_line_or_traceback_of_a_call_that_fails_holds_a_setting(
        world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
        method: str) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(f"{_}")

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("flexdb.db.connection.Connection.fetch", fail)
    reply = world.service.post({"jsonrpc": "2.0", "id": 1, "method": method,
                                "params": world.params(method)}).get_json()
    assert reply["error"]["code"] == -32603
    assert reply["error"]["data"]["error_id"] in caplog.text and "RuntimeError" in caplog.text
    assert SECRET not in caplog.text + json.dumps(reply)
