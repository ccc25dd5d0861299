"""What it costs that changes are logged, and to read them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import orjson

from bench.data import Data, connect
from bench.load import Sample, Subject, Work, call, load, measured, timed
from bench.measure import Claim, Round, Row
from bench.rows import postgres, row
from bench.servers import Server
from bench.stage import Stage
from bench.statements import Script, statement_of
from bench.yardsticks import pgbench, psql
from flexdb.db.migrate import FOLDER as MIGRATIONS
from flexdb.plan import Statement
from flexdb.sql.loader import STATEMENTS

_SCRIPTS, _MANY, _CLIENTS = 100, 1000, 4
_NUMBERED, _TENANTS = 10_000, 1000
_PAUSE = 0.01
# As it was before there was a log: each trigger by itself, and those that log are off.
_APART = sorted((file for file in MIGRATIONS.glob("*.rollback.sql") if file.name > "0024"),
                reverse=True)
_UNLOG = """SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)
FROM pg_trigger t WHERE t.tgname LIKE 'flexdb\\_log\\_%'"""
# What somebody would write who keeps a log: its rows in order, and what each of them is of now.
_LOGGED = """SELECT p.position, c.op, c.object_id, c.version, c.at, c.actor, n.node_type_id, n.data,
n.created_at, n.updated_at
FROM flexdb_change_positions p
JOIN flexdb_changes c ON c.tenant_id = p.tenant_id AND c.seq = p.seq
LEFT JOIN nodes n ON n.tenant_id = c.tenant_id AND n.id = c.object_id
WHERE p.tenant_id = '{}' AND p.position > 0 ORDER BY p.position LIMIT 1000;"""
_INSERT = """INSERT INTO nodes (tenant_id, id, node_type_id)
SELECT nt.tenant_id, gen_random_uuid(), nt.id FROM node_types nt, generate_series(1, %s)
WHERE nt.tenant_id = %s"""


@row("the same without the log")
def changes(stage: Stage) -> Row:
    """The same writes where changes are logged and where the triggers that do it are off."""
    subjects: dict[str, Subject] = {}
    for how, data in _logged_and_not(stage, "changes"):
        create = Script(statement_of(data.settings, data.creates(1)[0]), "v", {"id": "uuidv7()"})
        updates = [Script(statement_of(data.settings, call(
            "update_node", get["params"] | {"data": data.new_node(place)["data"]})), f"v{place}")
            for place, get in enumerate(data.gets(_SCRIPTS))]
        subjects |= {f"create, {how}": pgbench(stage.postgres, data.settings, [create], 1),
                     f"update, {how}": pgbench(stage.postgres, data.settings, updates, 1)}
    return Row(
        "Writes, logged and not", subjects,
        [Claim("PostgreSQL CPU of a create, times that unlogged", _times("create"), 1.08),
         Claim("PostgreSQL CPU of an update, µs more than unlogged", lambda turn: (
             turn["update, logged"].postgres - turn["update, not logged"].postgres), 55)],
        "pgbench on one connection, with the statements of the service. Where it is not logged the "
        "triggers are those that there were before the log; who calls is named all the same.")


@row("the same without the log")
def bulk_changes(stage: Stage) -> Row:
    """A thousand nodes in one call, logged and not."""
    body = f"create {_MANY:,}"
    subjects = {
        f"{body}, {how}": load(stage.service(data), stage.postgres, [call(
            "create_nodes", data.tenant() | {
                "nodes": [data.new_node(number) for number in range(_MANY)]})], _MANY, _CLIENTS)
        for how, data in _logged_and_not(stage, "bulk")}
    return Row(f"`create_nodes`, {_MANY:,} in a call, logged and not", subjects,
               [Claim("PostgreSQL CPU of a node, times that unlogged", _times(body), 1.25,
                      smoke=2.5)], "Figures are for each node.")


def _logged_and_not(stage: Stage, name: str) -> Iterator[tuple[str, Data]]:
    """Give a database as it is, and one that logs nothing."""
    yield "logged", stage.small(f"{name}_logged")
    data = stage.small(f"{name}_not_logged")
    with connect(data.settings) as connection:
        for back in _APART:
            connection.execute(back.read_bytes())
        for (statement,) in connection.execute(_UNLOG.encode()).fetchall():
            connection.execute(statement.encode())
    yield "not logged", data


def _times(what: str) -> Callable[[Round], float]:
    return lambda turn: turn[f"{what}, logged"].postgres / turn[f"{what}, not logged"].postgres


@row("the rows of the log and their nodes, joined in psql", "what-the-log-of-changes-is-made-of")
def feed(stage: Stage) -> Row:
    """Positions for what was written, pages of it, and how soon it is told."""
    data, apart = stage.small("feed", nodes=10_000), stage.small("written")
    server, writes = stage.service(data), stage.service(apart)
    now = position(server, data)
    feed, _, _ = now.rpartition(".")
    subjects = {
        f"page of {rows:,}": load(server, stage.postgres, [call(
            "list_changes", data.tenant() | {"since": f"{feed}.0", "limit": rows})])
        for rows in (1, 100, 1000)}
    subjects["page of nothing new"] = load(server, stage.postgres, [call(
        "list_changes", data.tenant() | {"since": now})])

    def numbering(seconds: float) -> Sample:
        tenant = apart.tenant()["tenant_id"]
        with connect(apart.settings) as connection:
            connection.execute(_INSERT, (_NUMBERED, tenant))
            return measured(timed(lambda: connection.execute(
                "SELECT flexdb_number_changes(%s, %s)", (tenant, _NUMBERED)), _NUMBERED),
                stage.postgres)(seconds)

    bare = "psql, page of 1,000"
    subjects[bare] = psql(stage.postgres, data.settings,
                          [_LOGGED.format(data.tenant()["tenant_id"])])
    many = stage.data(_TENANTS, 10)
    with connect(many.settings) as connection:
        tenants = [id for (id,) in connection.execute("SELECT t.id::text FROM tenants t")]
        # Each in a transaction of its own, or their floors would stay where they are.
        for tenant in (*tenants, *tenants):
            connection.execute("SELECT flexdb_number_changes(%s, 100)", (tenant,))
    look = Script(Statement(STATEMENTS["value"]["look_at_changes"], {
        "tenants": list(tenants), "is_blind": False}), "v")
    return Row(
        "The feed of changes",
        {**subjects, f"a look at {_TENANTS:,} tenants": pgbench(
            stage.postgres, many.settings, [look], 1), "a position": numbering,
         "told beside a long transaction": measured(
             lambda seconds: _tell(writes, apart, seconds), stage.postgres, writes)},
        [Claim("PostgreSQL CPU of a page of 1,000, ms",
               lambda turn: turn["page of 1,000"].postgres / 1000, 15),
         postgres("of a page of 1,000, times that of its rows in psql", "page of 1,000", bare),
         Claim(f"PostgreSQL CPU of a look at {_TENANTS:,} tenants, ms", lambda turn: (
             turn[f"a look at {_TENANTS:,} tenants"].postgres / 1000), 3),
         Claim("PostgreSQL CPU of a position in bulk, µs",
               lambda turn: turn["a position"].postgres, 36),
         Claim("p99 from a commit to its change, ms",
               lambda turn: turn["told beside a long transaction"].p99 or 0, 1000)],
        "Beside it: psql, with the rows of the log and the nodes that they are of, joined, and not "
        f"yet JSON. Positions are given to {_NUMBERED:,} at once. The last is a reader who asks "
        "every 10 ms, while a transaction of another tenant that has written is open all the time; "
        "calls are changes, which one writer makes every 10 ms.")


def position(server: Server, data: Data) -> str:
    """Return the position of now, with all that was written before it."""
    body = orjson.dumps(call("list_changes", data.tenant()))
    more = True
    while more:
        answer = orjson.loads(server.post(body))["result"]
        more = answer["more"]
    found: str = answer["position"]
    return found


def _tell(server: Server, data: Data, seconds: float) -> Work:
    """Write and read for so long, and return how long each change took to be told."""
    written: dict[str, float] = {}
    told: dict[str, float] = {}
    since = position(server, data)
    with _long_transaction(data), _writing(data, written) as ended:
        start = time.monotonic()
        while not ended.is_set() or written.keys() - told.keys():
            if time.monotonic() > start + seconds:
                ended.set()
            body = call("list_changes", data.tenant() | {"since": since, "limit": 1000})
            answer = orjson.loads(server.post(orjson.dumps(body)))["result"]
            since, now = answer["position"], time.monotonic()
            told |= {change["id"]: now for change in answer["changes"]}
            time.sleep(_PAUSE)
        taken = time.monotonic() - start
    lags = sorted(1000 * (told[id] - at) for id, at in written.items())
    return Work(len(lags), taken, lags[len(lags) // 2], lags[len(lags) * 99 // 100])


@contextmanager
def _long_transaction(data: Data) -> Iterator[None]:
    with connect(data.settings) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'Other')",
                           (uuid4(), uuid4().hex))
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _writing(data: Data, written: dict[str, float]) -> Iterator[threading.Event]:
    """Write one node after the other, until the event is set; note when each was committed."""
    ended = threading.Event()
    tenant = data.tenant()["tenant_id"]

    def write() -> None:
        with connect(data.settings) as connection:
            while not ended.is_set():
                (id,), = connection.execute(_INSERT.encode() + b" RETURNING nodes.id::text",
                                            (1, tenant)).fetchall()
                written[id] = time.monotonic()
                time.sleep(_PAUSE)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield ended
    finally:
        ended.set()
        thread.join()
