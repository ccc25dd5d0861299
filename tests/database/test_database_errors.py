"""What PostgreSQL refuses, raised by real SQL, and what the caller is told of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.errors import lookup

from flexdb import errors
from flexdb.config import Settings
from flexdb.contract.ids import new_id
from flexdb.db import run
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.db.sqlstate import _FOREIGN, _STATES, _UNIQUE, _UNIQUE_INDEXES, to_error
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Result, Room, Row, Statement, Steps, Walk
from flexdb.sql.loader import make_query
from tests.support import postgres
from tests.support.service import RpcError, Service

SECRET = "whatever the server says"


def sql(text: str, long: bool = False, lasting: bool = True, **arguments: Any) -> Statement:
    def read(row: Row | None) -> Result:
        return Result(b"%d" % row[0] if row and row[0] is not None else b"none")

    query = make_query("own", text, "read" if text.startswith("SELECT") else "write",
                       lasting=lasting)
    return Statement(query, arguments, read, long)


def raising(state: str, constraint: str = "") -> Statement:
    """A statement that fails as the server would, saying more than a caller may know."""
    return sql(f"DO $$ BEGIN RAISE EXCEPTION '{SECRET}' USING ERRCODE = '{state}', "
               f"CONSTRAINT = '{constraint}', DETAIL = '{SECRET}', TABLE = '{SECRET}'; END $$")


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    settings = new_database(statement_timeout=0.4, long_timeout=30.0)
    with postgres.connect(settings) as connection:
        connection.execute("""
            CREATE SEQUENCE tried;
            CREATE TABLE pair (id int PRIMARY KEY,
                               number int NOT NULL DEFAULT 0 CHECK (number < 9));
            INSERT INTO pair VALUES (1), (2);
            CREATE FUNCTION in_turn(first int, second int) RETURNS bigint LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM nextval('tried');
                UPDATE pair SET number = 1 WHERE id = first;
                PERFORM pg_sleep(0.05);
                UPDATE pair SET number = 1 WHERE id = second;
                RETURN first;
            END $$;
            CREATE FUNCTION fail(state text, times int) RETURNS bigint LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('tried') <= times THEN
                    RAISE EXCEPTION USING ERRCODE = state;
                END IF;
                RETURN currval('tried');
            END $$;
            DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 20', current_database());
            END $$;
        """)
    return settings


@pytest.fixture(scope="module")
def runner(settings: Settings) -> Iterator[Runner]:
    pool = Pool(settings)
    yield Runner(pool, settings.statement_timeout, settings.long_timeout)
    pool.close()


@pytest.fixture(autouse=True)
def nothing_tried(settings: Settings) -> None:
    with postgres.connect(settings) as connection:
        connection.execute("ALTER SEQUENCE tried RESTART")
        connection.execute("UPDATE pair SET number = 0")


def every(runner: Runner, *statements: Statement) -> list[bytes | FlexdbError]:
    return [outcome.text if isinstance(outcome, Result) else outcome
            for outcome in runner.run(statements, Budget(10**9), None)]


def one(runner: Runner, statement: Statement) -> bytes | FlexdbError:
    return every(runner, statement)[0]


def told(runner: Runner, statement: Statement) -> FlexdbError:
    outcome = one(runner, statement)
    assert isinstance(outcome, FlexdbError), outcome
    wire = orjson.dumps(outcome.to_json()).decode()
    assert not any(word in wire for word in (SECRET, "pair", "own", "SELECT", "tenants", "_pkey"))
    return outcome


@pytest.mark.parametrize("constraint, field", _UNIQUE.items())
def test_a_taken_value_names_its_field(runner: Runner, constraint: str, field: str) -> None:
    error = told(runner, raising("23505", constraint))
    assert type(error) is errors.AlreadyExists and error.data["fields"] == {field: ["is taken"]}


@pytest.mark.parametrize("constraint, field", _FOREIGN.items())
def test_a_reference_to_nothing_names_its_field(
        runner: Runner, constraint: str, field: str) -> None:
    error = told(runner, raising("23503", constraint))
    assert type(error) is errors.NotFound and list(error.data["fields"]) == [field]


@pytest.mark.parametrize("number", ["", "_102009"])
@pytest.mark.parametrize("constraint, field", [*_UNIQUE.items(), *_UNIQUE_INDEXES.items(),
                                               *_FOREIGN.items()])
def test_a_constraint_that_the_message_alone_names_says_the_same(
        runner: Runner, constraint: str, field: str, number: str) -> None:
    """So a coordinator of Citus tells what one of its workers refused."""
    is_foreign = constraint in _FOREIGN
    words = (f'insert or update on table "x{number}" violates foreign key constraint'
             if is_foreign else "duplicate key value violates unique constraint")
    error = told(runner, sql(
        f"DO $$ BEGIN RAISE EXCEPTION '{words} \"{constraint}{number}\"' USING ERRCODE = "
        f"'{'23503' if is_foreign else '23505'}', DETAIL = '{SECRET}'; END $$"))
    assert type(error) is (errors.NotFound if is_foreign else errors.AlreadyExists)
    assert [*error.data["fields"]] == [field]


def test_every_constraint_that_is_told_apart_is_in_the_database_and_the_other_way_round(
        settings: Settings) -> None:
    with postgres.connect(settings) as connection:
        found = connection.execute("""
            SELECT c.conname FROM pg_constraint c
            WHERE c.contype IN ('p', 'u', 'f') AND c.conrelid::regclass::text IN (
                'tenants', 'users', 'tenant_users', 'node_types', 'nodes', 'relationships',
                'flexdb_keys', 'flexdb_events', 'flexdb_roles',
                'flexdb_invitations', 'flexdb_relationship_types',
                'flexdb_webhooks')
        """).fetchall()
    # ON CONFLICT makes an update of a second membership, and of a second invitation.
        indexes = connection.execute("""
            SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indisunique AND i.indpred IS NOT NULL AND c.relname LIKE 'flexdb%'
              -- Triggers alone write there, past what is there already.
              AND i.indrelid <> 'flexdb_relationship_keys'::regclass
        """).fetchall()
    # Nor does anyone draw one number of 256 bits twice.
    assert {name for name, in found} - {
            "tenant_users_pkey", "flexdb_keys_hash", "flexdb_invitations_email"} == {
        *_UNIQUE, *_FOREIGN}
    assert {name for name, in indexes} == {*_UNIQUE_INDEXES}


@pytest.mark.parametrize("state, kind", [
    *((state if len(state) == 5 else f"{state}000", kind) for state, kind in _STATES.items()),
    ("53300", errors.Overloaded), ("53200", errors.Overloaded), ("54000", errors.InvalidParams),
    ("57P03", errors.Unavailable), ("08006", errors.Unavailable), ("22P05", errors.InvalidParams),
])
def test_every_state_of_the_table_is_told_as_its_error(
        runner: Runner, state: str, kind: type[FlexdbError]) -> None:
    error = told(runner, raising(state))
    assert type(error) is kind and str(error) == kind.message
    assert error.data["reason"] == kind.reason and error.data["retryable"] is kind.retryable
    assert error.data.get("retry_after") == getattr(kind, "retry_after", None)


@pytest.mark.parametrize("text, kind", [
    ("SELECT 1 FROM nothing_of_the_kind", errors.Unavailable),
    ("SELECT nothing_of_the_kind()", errors.Unavailable),
    ("SELECT id FROM nowhere.pair", errors.Unavailable),
    ("SELECT nothing FROM pair", errors.Unavailable),
    ("SELECT '\\u0000'::jsonb", errors.InvalidParams),
    ("SELECT 'x'::int", errors.InvalidParams),
    ("SELECT 99999999999999999999::int", errors.InvalidParams),
    ("SELECT repeat('[', 100000)::jsonb", errors.InvalidParams),
    ("SELECT pg_sleep(5)", errors.DeadlineExceeded),
    ("SELECT pg_terminate_backend(pg_backend_pid())", errors.Unavailable),
])
def test_what_postgresql_itself_raises_is_told_as_its_error(
        runner: Runner, text: str, kind: type[FlexdbError]) -> None:
    assert type(told(runner, sql(text))) is kind


@pytest.mark.parametrize("text", [
    "SELEKT", "UPDATE pair SET number = 9", "UPDATE pair SET number = NULL",
    "INSERT INTO pair VALUES (1)", "SELECT %(missing)s", "SELECT 1; SELECT %(x)s",
    "DO $$ BEGIN RAISE 'ours'; END $$",
    "SELECT 1 FROM pair HAVING id = 1", "CREATE DATABASE x TABLESPACE nothing_of_the_kind",
    "SELECT 'text'", "COPY pair TO STDOUT",
])
def test_a_mistake_of_ours_is_internal_and_its_whole_story_is_in_the_log(
        runner: Runner, text: str, caplog: pytest.LogCaptureFixture) -> None:
    error = told(runner, sql(text, x=1))
    assert type(error) is errors.Internal and str(error) == errors.Internal.message
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert error.data["error_id"] in record.getMessage() and record.exc_info
    assert set(error.data) == {"reason", "retryable", "error_id"}


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize("times", range(run.ATTEMPTS + 1))
def test_a_conflict_is_tried_again_and_then_told(runner: Runner, state: str, times: int) -> None:
    statement = sql("SELECT fail(%(state)s, %(times)s::int)", state=state, times=times)
    if times < run.ATTEMPTS:
        assert one(runner, statement) == b"%d" % (times + 1)
    else:
        assert type(told(runner, statement)) is errors.Aborted
        assert one(runner, sql("SELECT nextval('tried')")) == b"%d" % (run.ATTEMPTS + 1)


def test_no_further_attempt_is_made_when_a_call_has_had_its_time(runner: Runner) -> None:
    # Two such attempts take longer than the 0.4 seconds of a statement.
    statement = sql("SELECT fail('40001', 9) FROM pg_sleep(0.25)")
    assert type(told(runner, statement)) is errors.Aborted
    # On a slow machine already the first one takes as long.
    assert one(runner, sql("SELECT nextval('tried')")) in (b"2", b"3")


@pytest.mark.parametrize("last", [
    raising("53100"), sql("SELECT fail('40001', 9)"),
    # One that may go with others.
    Statement(make_query("get_node", "SELECT 1 / (%(id)s::int - 1)"), {"id": 1})])
def test_what_a_batch_has_found_keeps_its_room_where_a_later_call_fails(
        runner: Runner, last: Statement) -> None:
    room = Room(10_000)
    budget = Budget(10_000, room)
    large = replace(sql("SELECT 1"), read=lambda row: Result(b"x" * 5000))
    found, failed = runner.run([large, last], budget, None)
    assert isinstance(found, Result) and isinstance(failed, FlexdbError)
    assert room.left <= 5000 + 10_000 // 32


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("tells_position", [False, True])
def test_a_refusal_is_told_also_where_the_connection_is_lost_before_all_is_taken_back(
        settings: Settings, writes: bool, tells_position: bool) -> None:
    refusal = errors.InvalidParams(fields={"patch": ["takes too long"]})

    def start() -> Walk:
        if writes:
            yield sql("UPDATE pair SET number = 7 WHERE id = 1 RETURNING id")
        row = yield sql("SELECT pg_backend_pid()")
        with postgres.connect(settings) as other:
            other.execute("SELECT pg_terminate_backend(%s, 30000)", row)
        raise refusal

    pool = Pool(replace(settings, db_replica_host=settings.db_host if tells_position else ""))
    try:
        outcomes = Runner(pool, settings.statement_timeout, settings.long_timeout).run(
            [Steps("steps", start)], Budget(10**9), None)
    finally:
        pool.close()
    assert outcomes == [refusal]
    with postgres.connect(settings) as connection:
        assert connection.execute("SELECT number FROM pair WHERE id = 1").fetchone() == (0,)


@pytest.mark.parametrize("batch", [False, True])
def test_two_that_lock_each_other_out_both_come_to_their_end(runner: Runner, batch: bool) -> None:
    def work(first: int, second: int) -> list[bytes | FlexdbError]:
        start.wait()
        statement = sql("WITH done AS (SELECT in_turn(%(a)s, %(b)s) AS b) SELECT b FROM done",
                        a=first, b=second)
        return every(runner, *[statement] * (1 + batch))

    def tried() -> int:
        number = one(runner, sql("SELECT nextval('tried')"))
        assert isinstance(number, bytes)
        return int(number)

    # On a slow machine one may be done before the other begins.
    for _ in range(50):
        start, before = threading.Barrier(2), tried()
        with ThreadPoolExecutor(2) as threads:
            outcomes = [*chain(*threads.map(work, (1, 2), (2, 1)))]
        assert sorted(map(str, outcomes)) == sorted(map(str, [b"1", b"2"] * (1 + batch)))
        if tried() - before > 3 + 2 * batch:
            break
    else:
        raise AssertionError("none had to be tried again")


@pytest.mark.long
def test_large_work_may_take_longer_and_what_travels_with_it_may_not(runner: Runner) -> None:
    slow = "SELECT count(*) FROM pg_sleep(0.5)"
    outcomes = every(runner, sql(slow, long=True), sql(slow), sql("SELECT 2"))
    assert outcomes[0] == b"1" and outcomes[2] == b"2"
    assert isinstance(outcomes[1], errors.DeadlineExceeded)
    assert type(told(runner, sql(slow))) is errors.DeadlineExceeded


def test_a_batch_tells_each_of_its_errors_and_what_went_well(runner: Runner) -> None:
    outcomes = every(runner, sql("SELECT 1"), raising("53100"), sql("SELEKT"),
                     sql("SELECT count(*) FROM pair"))
    assert [type(outcome) for outcome in outcomes] == [
        bytes, errors.StorageFull, errors.Internal, bytes]
    assert (outcomes[0], outcomes[3]) == (b"1", b"2")


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("batch", [False, True])
def test_a_changed_table_never_reaches_a_caller(
        runner: Runner, settings: Settings, batch: bool, lasting: bool) -> None:
    read = sql("SELECT * FROM pair ORDER BY id LIMIT 1", lasting=lasting)
    write = sql("UPDATE pair SET number = 1 WHERE id = 1 RETURNING *")
    statements = [read, write] if batch else [read]
    for _ in range(10):
        assert set(every(runner, *statements)) == {b"1"}
    for change in ("ADD COLUMN IF NOT EXISTS more int", "DROP COLUMN more"):
        with postgres.connect(settings) as connection:
            connection.execute(f"ALTER TABLE pair {change}".encode())
        for _ in range(10):
            assert set(every(runner, *statements)) == {b"1"}


def test_a_feature_that_is_not_there_is_our_fault_and_is_logged(
        runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    error = told(runner, raising("0A000"))
    assert type(error) is errors.Internal and error.data["error_id"] in caplog.text


@pytest.mark.parametrize("lasting", [False, True])
def test_prepared_statements_that_are_gone_never_reach_a_caller(
        runner: Runner, lasting: bool) -> None:
    for _ in range(10):
        assert one(runner, sql("SELECT 41 + 1", lasting=lasting)) == b"42"
    one(runner, sql("DEALLOCATE ALL", lasting=False))
    for _ in range(10):
        assert one(runner, sql("SELECT 41 + 1", lasting=lasting)) == b"42"


@pytest.fixture
def writing(new_service: Callable[..., Service]) -> Callable[[str], RpcError]:
    """Make a tenant after the database was told something by its owner; return the refusal."""
    def refused(told: str) -> RpcError:
        service = new_service(db_pool_size=1)
        with postgres.connect(service.settings) as connection:
            connection.execute(told.encode().replace(b"{}", service.settings.db_name.encode()))
        with pytest.raises(RpcError) as refused:
            service.tenant()
        assert service.app.test_client().get("/health").status_code == 200
        return refused.value

    return refused


@pytest.mark.parametrize("order, code, reason", [
    ("ALTER DATABASE {} SET default_transaction_read_only = on", -32005, "UNAVAILABLE"),
    ("ALTER TABLE tenants RENAME TO gone", -32005, "UNAVAILABLE"),
    ("ALTER TABLE tenants ADD CHECK (name <> 'A tenant')", -32603, "INTERNAL"),
    ("CREATE UNIQUE INDEX own_index ON tenants ((1)); INSERT INTO tenants (id, slug, name) "
     "VALUES (gen_random_uuid(), 's', 'n')", -32603, "INTERNAL"),
])
def test_a_database_that_does_not_take_a_write_is_told_as_that(
        writing: Callable[[str], RpcError], order: str, code: int, reason: str) -> None:
    error = writing(order)
    assert (error.code, error.reason) == (code, reason)
    assert "tenants" not in str(error.error) and "own_index" not in str(error.error)


@pytest.mark.parametrize("taken", [
    ("tenant", "slug"), ("tenant", "id"), ("user", "email"), ("user", "id"),
    ("node_type", "name"), ("node_type", "id"), ("node", "id"), ("relationship", "id")])
def test_what_is_taken_is_told_by_its_name_and_no_row_is_quoted(
        service: Service, taken: tuple[str, str]) -> None:
    thing, field = taken
    node_type = service.node_type(tenant := service.tenant())
    node = service.node(node_type)
    over: dict[str, list[Any]] = {"tenant": [], "user": [], "node_type": [tenant],
                                  "node": [node_type], "relationship": [node, node]}
    given = {"id": str(new_id())}
    made = getattr(service, thing)(*over[thing], **given)
    with pytest.raises(RpcError) as refused:
        getattr(service, thing)(*over[thing], **{field: made[field]})
    assert (refused.value.code, list(refused.value.fields)) == (-32002, [field])
    assert made[field] not in str(refused.value.error)


def test_an_error_without_a_state_is_ours() -> None:
    assert to_error(psycopg.DataError("NUL")) is None
    assert all(lookup(state) for state in _STATES if len(state) == 5)
