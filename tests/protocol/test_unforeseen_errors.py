"""Errors that nobody foresaw: told by an id, logged whole, and never echoed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from uuid import uuid4

import orjson
import pytest
from flask import Flask

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.api import http, jsonrpc
from flexdb.api.callers import Callers
from flexdb.api.limits import KnownLimits
from flexdb.api.listening import Listening
from flexdb.api.rates import Rates
from flexdb.changes.hub import Hub
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.gives import NOTHING
from flexdb.contract.operation import OPERATIONS, READS, SERVICE, Operation
from flexdb.contract.params import Params
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.documents.schemas import SchemaCache
from flexdb.plan import Statement
from flexdb.sql.loader import make_query
from tests.support.replies import answered, assert_refused, notification
from tests.support.service import Service, request

SECRET = "kilroy was here"


def fail(*_: Any) -> NoReturn:
    raise ValueError(SECRET)


def select(sql: str, read: Callable[[Any], Any] = lambda row: row[0]) -> Callable[..., Statement]:
    return lambda *_: Statement(make_query("select", sql), {}, read)


def named(name: str, function: Callable[..., Any]) -> Operation:
    def call(context: Context, params: Any) -> Any:
        return function(context, params)

    call.__name__ = name
    return Operation(call, Params, NOTHING, READS, SERVICE, Access.ANY, Heed.FREE)


UNFORESEEN: dict[str, Callable[..., Any]] = {
    "fail_before_sql": fail,
    "fail_in_sql": select("SELECT 'kilroy was here' FROM here WHERE"),
    "fail_for_want_of_an_argument": select("SELECT %(kilroy)s"),
    "fail_after_sql": select("SELECT 1", fail),
    "give_no_statement": lambda *_: None,
    "give_a_tuple": lambda *_: (b'"kilroy was here"', 418),
    "give_no_json": select("SELECT 1", lambda row: {SECRET}),
}


@pytest.fixture(scope="module")
def faulty(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """JSON-RPC alone, with operations that have bugs beside the real ones."""
    settings = new_database()
    app, pool = Flask("faulty"), Pool(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, function in UNFORESEEN.items():
            patch.setitem(OPERATIONS, name, named(name, function))
        http.init_app(app)
        runner = Runner(pool, 10, 300)
        callers = Callers(settings, runner)
        hub = Hub(settings, pool.metrics, lambda tenants: {})
        listening = Listening(settings, runner, callers, hub)
        contexts = http.Contexts(settings, SchemaCache(), callers,
                                 Rates(settings, KnownLimits(runner), runner))
        jsonrpc.init_app(app, settings, contexts, runner, listening)
    yield Service(app, settings)
    pool.close()


@pytest.mark.parametrize("method", UNFORESEEN)
@pytest.mark.parametrize("debug", [False, True], ids=["", "DEBUG"])
@pytest.mark.parametrize("form", ["alone", "batch", "notification"])
def test_an_unforeseen_error_is_told_by_its_id_and_logged_whole(
    faulty: Service, caplog: pytest.LogCaptureFixture, method: str, debug: bool, form: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(faulty.app.config, "DEBUG", debug)
    call, tenant = request(method), request("create_tenant", [uuid4().hex, "A tenant"], "good")
    if form == "notification":
        assert faulty.post(notification(call)).status_code == 204
    else:
        sent = answered(faulty.post([tenant, call, tenant] if form == "batch" else [call]))
        if form == "batch":
            # the first and the third want the same slug
            assert "tenant" in sent[0]["result"] and sent[2]["error"]["code"] == -32002
        data = assert_refused(sent[len(sent) // 2], -32603, 1)
        assert data.keys() == {"reason", "retryable", "error_id"}
        assert SECRET not in orjson.dumps(sent).decode() and data["error_id"] in caplog.text
    assert "error_id" in caplog.text and "Traceback (most recent call last)" in caplog.text


def test_a_parse_error_is_neither_echoed_nor_logged(
    service: Service, caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    response = service.post(b'{"jsonrpc": "2.0", "method": "%b"' % SECRET.encode())
    assert_refused(answered(response), -32700, None)
    assert SECRET.encode() not in response.data and SECRET not in caplog.text
