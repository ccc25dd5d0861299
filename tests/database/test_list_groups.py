"""First pages of a list that wait at the same time: together, as long as each is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import orjson
import pytest

from flexdb.access.callers import Caller
from flexdb.access.rules import Rules
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db import groups
from flexdb.errors import FlexdbError
from flexdb.plan import Result, Row, Statement
from flexdb.sql.loader import make_query
from tests.support.runner import Behind
from tests.support.service import Service
from tests.support.waiting import wait_until

ID = "0190163d-8694-739b-aea5-966c26f8ad91"
# What it gives names its transaction, and tells how large its page may be.
PAGE = make_query("list_nodes", """
    SELECT concat(virtualtransaction, ' ', %(page_bytes)s::bigint) FROM pg_locks
    WHERE pid = pg_backend_pid() AND %(tenant_id)s::text <> '' LIMIT 1""", "read")


def page(tenant_id: str = "t", short: bool = True, most: int = 64) -> Statement:
    def read(row: Row | None) -> Result:
        return Result(row[0].encode() if row else b"")

    return Statement(PAGE, {"tenant_id": tenant_id, "page_bytes": most}, read, short=short)


@pytest.mark.parametrize("params, goes", [
    ({}, True), ({"node_type_id": ID}, True),
    ({"pagination": {"page_size": 100}}, True), ({"pagination": {"page_size": 101}}, False),
    ({"filter": {"data.a": 1}}, False), ({"sort": ["updated_at"]}, False),
    ({"expand": {"near": {}}}, False), ({"search": "a"}, False),
    ({"related_to": {"node": ID}}, False)])
def test_first_pages_go_together_that_an_index_gives(params: dict[str, Any], goes: bool) -> None:
    params = {"tenant_id": ID, **params}
    plan = OPERATIONS["list_nodes"].plan(Context(), params, partial(orjson.dumps, params))
    assert groups.goes_together(plan) is goes


def test_under_rules_of_which_any_number_of_nodes_may_be_hidden_each_goes_alone() -> None:
    grants = orjson.dumps([
        {"node_type_id": None, "read": {"data.a": 1}, "write": False}]).decode()
    caller = Caller("key:k", "member", ID, rules=Rules("r", grants, "k", "{}"))
    params: dict[str, Any] = {"tenant_id": ID}
    plan = OPERATIONS["list_nodes"].plan(
        Context(caller=caller), params, partial(orjson.dumps, params))
    assert isinstance(plan, Statement) and b"jsonb" in plan.query.text
    assert not groups.goes_together(plan)


@pytest.fixture
def one(new_database: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
        ) -> Iterator[Behind]:
    monkeypatch.setattr(groups, "_PATIENCE", 60.0)
    one = Behind(new_database(tenant_connections=8, max_page_bytes=64))
    yield one
    one.pool.close()


def gathered(one: Behind, *statements: Statement) -> list[tuple[str, int]]:
    """Let pages wait for one before them; return of each its transaction and how large it may be.
    """
    gathering = one.runner._gathering
    before = gathering.enter(statements[0], None)
    begun: list[Future[bytes | FlexdbError]] = []
    with ThreadPoolExecutor(20) as threads:
        try:
            for statement in statements:
                begun.append(threads.submit(one.one, statement))
                wait_until(lambda: begun[-1].done() or sum(
                    map(len, gathering._waiting.values())) == len(begun))
        finally:
            gathering.leave(before)
    found = []
    for outcome in begun:
        told = outcome.result()
        assert isinstance(told, bytes)
        transaction, size = told.decode().split()
        found.append((transaction, int(size)))
    return found


@pytest.mark.long
def test_pages_of_a_tenant_that_wait_go_together_and_share_what_one_may_weigh(one: Behind) -> None:
    assert len(set(gathered(one, *[page()] * 4))) == 1
    assert {size for _, size in gathered(one, *[page()] * 4)} == {16}
    # Never less than a page has beside many others.
    assert {size for _, size in gathered(one, *[page()] * 20)} == {4}
    # And all of it when they are gone.
    assert one.runner._gathering._walker._pages.left == 2 * 64
    assert {size for _, size in gathered(one, page())} == {64}


@pytest.mark.long
@pytest.mark.parametrize("other", [page("u"), page(short=False)], ids=["tenant", "long"])
def test_a_page_of_another_tenant_or_that_may_take_long_waits_for_nobody(
        one: Behind, other: Statement) -> None:
    before = one.runner._gathering.enter(page(), None)
    with ThreadPoolExecutor(1) as threads:
        try:
            assert isinstance(threads.submit(one.one, other).result(30), bytes)
        finally:
            one.runner._gathering.leave(before)


@pytest.mark.long
def test_many_at_once_get_the_pages_that_they_would_get_alone(
        new_database: Callable[..., Settings]) -> None:
    with closing(Service.of(new_database())) as service, ThreadPoolExecutor(8) as threads:
        types = [service.node_type(service.tenant()) for _ in range(2)]
        for number in range(20):
            service.node(types[number % 2], data={"n": number})

        def first(number: int) -> Any:
            return service.call("list_nodes", tenant_id=types[number % 2]["tenant_id"],
                                pagination={"page_size": 3 + number % 3})

        alone = [first(number) for number in range(6)]
        for number, found in enumerate(threads.map(first, range(300))):
            assert found == alone[number % 6]
