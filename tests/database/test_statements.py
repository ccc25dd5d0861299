"""The statements: what each says of itself is what PostgreSQL makes of it."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg.pq import ExecStatus

import flexdb.operations  # noqa: F401 (fills the registry)
from flexdb.contract.operation import OPERATIONS, READS
from flexdb.plan import Query
from flexdb.sql import loader
from flexdb.sql.loader import NAMES, STATEMENTS, filled
from tests.support.statements import statements

ALL = [*statements()]
NAMED = [name for name in OPERATIONS if name in NAMES]


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.name)
def test_a_statement_gives_the_columns_and_takes_the_arguments_that_it_declares(
        connection: psycopg.Connection, query: Query) -> None:
    assert connection.pgconn.prepare(b"", query.text).status == ExecStatus.COMMAND_OK
    told = connection.pgconn.describe_prepared(b"")
    assert tuple((told.fname(place) or b"").decode() for place in range(told.nfields)
                 ) == query.columns
    assert told.nparams == len(query.arguments)


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.name)
def test_only_what_declares_that_it_writes_can_write(
        connection: psycopg.Connection, query: Query) -> None:
    """PostgreSQL's own judgement: what writes or locks is refused in a read-only transaction."""
    nothing: list[bytes | None] = [None] * len(query.arguments)
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        result = connection.pgconn.exec_params(query.text, nothing)
        state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
        refused = state == b"25006"
        assert refused is (query.kind in ("lock", "write")), result.error_message
        assert refused or result.status == ExecStatus.TUPLES_OK


@pytest.mark.parametrize("name", NAMED)
def test_an_operation_and_its_statement_declare_the_same(name: str) -> None:
    query = STATEMENTS["value"].get(name) or filled(name, "value", "TRUE")
    assert (OPERATIONS[name].effect is READS) is (query.kind == "read")


def test_a_frame_and_a_statement_with_a_slot_never_stand_ready() -> None:
    assert not STATEMENTS["value"].keys() & {"page", "step", "visit", "delete_nodes", "traverse"}
    assert not any(re.search(rb"\{\w+\}", query.text) for query in ALL)


def test_a_slot_that_is_not_filled_is_refused() -> None:
    section = loader._STATEMENTS["delete_nodes"]
    with pytest.raises(TypeError, match="delete_nodes: condition"):
        loader._query(section, "value", False)
