"""Creations with an Idempotency-Key that wait at the same time: together, and each done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from werkzeug.test import TestResponse

from flexdb.config import Settings
from flexdb.db import groups, once, run
from flexdb.db.pool import Pool
from flexdb.db.walk import Walker
from flexdb.sql.loader import STATEMENTS
from tests.support import postgres
from tests.support.locks import locked, waiting
from tests.support.proxy import Proxy
from tests.support.service import Service, request
from tests.support.waiting import wait_until
from tests.support.ways import Way

pytestmark = pytest.mark.long

Answers = list[TestResponse]


class Ours:
    """The service behind a proxy before PostgreSQL, and a node type in it."""

    def __init__(self, settings: Settings, gatherings: list[groups.Gathering]) -> None:
        self.proxy = Proxy(settings.db_port)
        self.service = Service.of(replace(settings, db_port=self.proxy.port))
        self.direct = replace(self.service, settings=settings)
        (self._gathering,) = gatherings
        self.node_type = self.service.node_type(self.service.tenant())
        self.path = f"/tenants/{self.node_type['tenant_id']}/nodes"
        # Its schema is known by now, so that a creation is one statement.
        self.service.node(self.node_type)

    def send(self, key: str, data: Any = 1, path: str = "", headers: Any = None, **given: Any
             ) -> TestResponse:
        """Create a node with a key."""
        params = {"node_type_id": self.node_type["id"], "data": {"a": data}, **given}
        body: Any = params if not path else request(
            "create_node", params | {"tenant_id": self.node_type["tenant_id"]})
        return self.service.client().post(
            path or self.path, data=orjson.dumps(body), content_type="application/json",
            headers={"Idempotency-Key": key, **(headers or {})})

    def gathered(self, *calls: Callable[[], TestResponse], meanwhile: Callable[[], Any] = int
                 ) -> Answers:
        """Let calls wait for one before them, all at once, and return what they were answered.

        :param meanwhile: is done before they go
        """
        with ExitStack() as ends:
            threads = ends.enter_context(ThreadPoolExecutor(16))
            begun: list[Future[TestResponse]] = []
            with locked(self.direct, "node_types", self.node_type):
                threads.submit(self.send, str(uuid4()), "before")
                waiting(self.direct, 1)
                for call in calls:
                    begun.append(threads.submit(call))
                    wait_until(lambda: sum(map(len, self._gathering._waiting.values()))
                               == len(begun))
                meanwhile()
            return [one.result() for one in begun]

    def rows(self, query: str) -> list[Any]:
        with postgres.connect(self.direct.settings) as connection:
            return connection.execute(query.encode()).fetchall()

    def transactions(self, answers: Answers) -> list[str]:
        """Return by which transaction each node was made that answers tell of."""
        made = {str(id): xmin for id, xmin in self.rows("SELECT id, xmin::text FROM nodes")}
        return [made[orjson.loads(answer.data)["node"]["id"]] for answer in answers]

    def made(self) -> int:
        """Return how many nodes there are beside the first and the one that others wait for."""
        ((number,),) = self.rows("SELECT count(*) - 1 FROM nodes "
                                 "WHERE data->>'a' IS DISTINCT FROM 'before'")
        return int(number)

    @contextmanager
    def outside(self) -> Iterator[psycopg.Connection[Any]]:
        """Begin a transaction of somebody else."""
        with postgres.connect(self.direct.settings) as connection, connection.transaction():
            yield connection


@pytest.fixture
def gatherings(monkeypatch: pytest.MonkeyPatch) -> list[groups.Gathering]:
    """What services gather in, whose calls wait for each other however slow the machine is."""
    made: list[groups.Gathering] = []

    def gathering(pool: Pool, walker: Walker) -> groups.Gathering:
        made.append(groups.Gathering(pool, walker))
        return made[-1]

    monkeypatch.setattr(groups, "_PATIENCE", 60.0)
    monkeypatch.setattr(run, "Gathering", gathering)
    return made


@pytest.fixture
def ours(new_database: Callable[..., Settings], gatherings: list[groups.Gathering]
         ) -> Iterator[Ours]:
    ours = Ours(new_database(tenant_connections=8), gatherings)
    yield ours
    ours.service.close()
    ours.proxy.close()


def statuses(answers: Answers) -> list[int]:
    return [answer.status_code for answer in answers]


def are_repeated(answers: Answers) -> list[bool]:
    return ["Idempotency-Replayed" in answer.headers for answer in answers]


def assert_same(first: TestResponse, again: TestResponse) -> None:
    assert (first.status_code, first.data) == (again.status_code, again.data)
    for name in ("ETag", "Location", "Preference-Applied", "Content-Type"):
        assert first.headers.get(name) == again.headers.get(name)


def test_creations_that_wait_go_together_each_with_its_answer_which_it_gets_again(ours: Ours
                                                                                  ) -> None:
    keys = [str(uuid4()) for _ in range(4)]
    answers = ours.gathered(*[lambda key=key: ours.send(key) for key in keys])
    assert statuses(answers) == [201] * 4 and len(set(ours.transactions(answers))) == 1
    kept = ours.rows("SELECT DISTINCT xmin::text FROM flexdb_idempotency_keys k "
                     f"WHERE k.key = ANY (ARRAY{keys})")
    assert kept == [(ours.transactions(answers)[0],)]
    again = [ours.send(key) for key in keys]
    assert are_repeated(answers) == [False] * 4 and are_repeated(again) == [True] * 4
    for one, other in zip(answers, again):
        assert one.headers["Location"].endswith(orjson.loads(one.data)["node"]["id"])
        assert_same(one, other)
    assert ours.made() == 4


def test_each_is_answered_as_it_asks_whoever_runs_them(ours: Ours) -> None:
    # What comes of a path with a key is made while it is done, for all by the first of them.
    sent: list[Callable[[], TestResponse]] = [
        lambda: ours.send("a", path="/jsonrpc"), lambda: ours.send("b"),
        lambda: ours.send("c", headers={"Prefer": "json-fields=value"}),
        lambda: ours.send("d", path="/jsonrpc")]
    answers = ours.gathered(*sent)
    assert statuses(answers) == [200, 201, 201, 200]
    assert [answer.headers.get("Preference-Applied") for answer in answers] == [
        None, None, "json-fields=value", None]
    assert ["Location" in answer.headers for answer in answers] == [False, True, True, False]
    for one, call in zip(answers, sent):
        assert_same(one, call())
    assert len({xmin for xmin, in ours.rows(
        "SELECT xmin::text FROM flexdb_idempotency_keys k WHERE length(k.key) = 1")}) == 1


def test_of_two_with_one_key_the_second_gets_what_the_first_was_answered(ours: Ours) -> None:
    answers = ours.gathered(
        lambda: ours.send("a"), lambda: ours.send("b"), lambda: ours.send("b"),
        lambda: ours.send("a", 2), lambda: ours.send("c"))
    assert statuses(answers) == [201, 201, 201, 422, 201]
    assert orjson.loads(answers[3].data)["error"]["data"]["reason"] == "KEY_REUSED"
    assert are_repeated(answers) == [False, False, True, False, False]
    assert_same(answers[1], answers[2])
    # The others stayed together.
    assert len(set(ours.transactions(answers[:3] + answers[4:]))) == 1 and ours.made() == 3


def test_what_was_done_before_is_told_and_the_others_stay_together(ours: Ours) -> None:
    before = ours.send("a")
    answers = ours.gathered(lambda: ours.send("a"), lambda: ours.send("b"),
                            lambda: ours.send("a", 2), lambda: ours.send("c"))
    assert statuses(answers) == [201, 201, 422, 201]
    assert are_repeated(answers) == [True, False, False, False]
    assert_same(before, answers[0])
    assert len(set(ours.transactions(answers[1::2]))) == 1 and ours.made() == 3
    ours.gathered(lambda: ours.send("a"), lambda: ours.send("b"))
    # That some are sent again is no reason for others to go alone.
    assert not ours._gathering._alone


def test_what_is_too_old_is_done_again_and_kept_anew(ours: Ours) -> None:
    ours.send("a")
    ours.rows("UPDATE flexdb_idempotency_keys SET created_at = now() - interval '25 hours' "
              "RETURNING 1")
    answers = ours.gathered(lambda: ours.send("a"), lambda: ours.send("b"))
    assert statuses(answers) == [201] * 2 and are_repeated(answers) == [False] * 2
    assert are_repeated([ours.send("a")]) == [True] and ours.made() == 3


def test_where_one_fails_each_gets_what_it_would_get_alone_and_its_key_stays_free(ours: Ours
                                                                                  ) -> None:
    taken = ours.service.node(ours.node_type)["id"]
    answers = ours.gathered(lambda: ours.send("a"), lambda: ours.send("b", id=taken),
                            lambda: ours.send("c"))
    assert statuses(answers) == [201, 409, 201] and ours.made() == 3
    assert ours.rows("SELECT k.key FROM flexdb_idempotency_keys k WHERE length(k.key) = 1 "
                     "ORDER BY k.key") == [("a",), ("c",)]
    assert statuses([ours.send("b")]) == [201]
    assert are_repeated([ours.send(key) for key in "abc"][::2]) == [True] * 2


def test_a_schema_that_changed_meanwhile_holds_for_all_and_nothing_is_kept_of_the_refused(
        ours: Ours) -> None:
    def change() -> None:
        # Behind the one that waits for the lock, and before the group.
        changing.append(threads.submit(
            Service.of(ours.direct.settings).call, "update_node_type",
            tenant_id=ours.node_type["tenant_id"], id=ours.node_type["id"],
            schema={"properties": {"a": {"type": "string"}}}))
        waiting(ours.direct, 2)

    changing: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as threads:
        answers = ours.gathered(lambda: ours.send("a"), lambda: ours.send("b", "x"),
                                meanwhile=change)
        changing[0].result()
    # Each was looked at before or behind the change.
    assert statuses(answers) in ([400, 201], [201, 201])
    kept = ours.rows("SELECT count(*) FROM flexdb_idempotency_keys k WHERE length(k.key) = 1")
    assert kept == [(statuses(answers).count(201),)] and ours.made() == kept[0][0]


def test_whose_key_another_has_waits_for_it_alone_and_holds_nobody_up(ours: Ours) -> None:
    query = STATEMENTS["value"]["take_key"]
    named = {"tenant_id": ours.node_type["tenant_id"], "caller": "open", "key": "b"}
    with ThreadPoolExecutor(1) as threads:
        with ours.outside() as other:
            psycopg.RawCursor(other).execute(query.text, [named[name] for name in query.arguments])
            told = threads.submit(ours.gathered, lambda: ours.send("a"), lambda: ours.send("b"),
                                  lambda: ours.send("c"))
            wait_until(lambda: ours.made() == 2)
            waiting(ours.direct, 1)
        answers = told.result()
    assert statuses(answers) == [201] * 3 and are_repeated(answers) == [False] * 3
    assert len(set(ours.transactions(answers[::2]))) == 1 and ours.made() == 3


def test_what_another_kept_meanwhile_takes_back_what_was_done_and_is_told(
        ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    end = once.Keyed.end

    def keep_before(self: once.Keyed, row: Any) -> Any:
        if self.once.key.key == "b":
            ours.rows("INSERT INTO flexdb_idempotency_keys (tenant_id, caller, key, fingerprint, "
                      f"status, headers) VALUES ('{ours.node_type['tenant_id']}', 'open', 'b', "
                      "'another', 200, '[]') RETURNING 1")
        return end(self, row)

    monkeypatch.setattr(once.Keyed, "end", keep_before)
    answers = ours.gathered(*[lambda key=key: ours.send(key)
                              for key in "abc"])
    assert statuses(answers) == [201, 422, 201] and ours.made() == 2
    assert are_repeated([ours.send("a"), ours.send("c")]) == [True] * 2


@pytest.mark.parametrize("wanted", [b"COMMIT", b"INSERT 0 1", b"patience"])
def test_what_is_lost_is_found_by_the_keys_and_done_once(ours: Ours, wanted: bytes) -> None:
    def lose() -> None:
        ours.proxy.wanted = wanted
        ours.proxy.losing.set()

    def told(answer: TestResponse) -> str:
        if answer.status_code == 201:
            return "again" if are_repeated([answer]) == [True] else "made"
        return str(orjson.loads(answer.data)["error"]["data"]["reason"])

    answers = ours.gathered(*[lambda key=key: ours.send(key) for key in "abc"], meanwhile=lose)
    ours.proxy.losing.clear()
    again = [ours.send(key) for key in "abc"]
    if wanted == b"COMMIT":
        # The service found by itself that it was done.
        assert [told(answer) for answer in answers + again] == ["again"] * 6
    else:
        # Each attempt was lost.
        assert [told(answer) for answer in answers + again] == ["UNAVAILABLE"] * 3 + ["made"] * 3
    assert ours.made() == 3


def test_all_are_told_how_far_postgresql_was_behind_what_they_wrote(
        new_database: Callable[..., Settings], gatherings: list[groups.Gathering]) -> None:
    ours = Ours(replace(new_database(), db_replica_host="127.0.0.1"), gatherings)
    answers = ours.gathered(lambda: ours.send("a"), lambda: ours.send("b"))
    tokens = {answer.headers["Consistency-Token"] for answer in answers}
    assert statuses(answers) == [201] * 2 and len(tokens) == 1
    ours.service.close()


def test_many_at_once_are_each_done_once(way: Way) -> None:
    settings, node_type = way
    body = orjson.dumps({"node_type_id": node_type["id"], "data": {}})
    with closing(Service.of(settings)) as service, ThreadPoolExecutor(8) as threads:
        def work(worker: int) -> Counter[tuple[int, bool]]:
            told: Counter[tuple[int, bool]] = Counter()
            for number in range(30):
                # Each key is sent by two workers.
                answer = service.client().post(
                    f"/tenants/{node_type['tenant_id']}/nodes", data=body,
                    content_type="application/json",
                    headers={"Idempotency-Key": f"{worker // 2}-{number}"})
                told[answer.status_code, "Idempotency-Replayed" in answer.headers] += 1
            return told

        told = sum(threads.map(work, range(8)), Counter())
        assert told == {(201, False): 120, (201, True): 120}
        nodes = service.call("list_nodes", tenant_id=node_type["tenant_id"],
                             pagination={"page_size": 200})
        assert len(nodes["nodes"]) == 120


@pytest.mark.parametrize("name", ["get_reply", "take_free_keys"])
def test_keys_are_found_by_their_index_also_where_none_was_left_by_the_last_vacuum(
        new_database: Callable[..., Settings], name: str) -> None:
    query, begins = STATEMENTS["value"][name], ("take_key", "begin_keys")[name != "get_reply"]
    named: dict[str, Any] = {
        "tenant_id": str(uuid4()), "caller": "c", "key": "k", "hours": 1, "callers": "{c,d}",
        "keys": "{k,l}"}
    with postgres.connect(new_database()) as database:
        database.execute("VACUUM (ANALYZE) flexdb_idempotency_keys")
        database.execute("SET plan_cache_mode = force_generic_plan")
        with database.transaction():
            first = STATEMENTS["value"][begins]
            psycopg.RawCursor(database).execute(first.text, [
                named[argument] for argument in first.arguments])
            database.execute(b"PREPARE look AS " + query.text)
            given = ", ".join(f"'{named[argument]}'" for argument in query.arguments)
            plan = str(database.execute(f"EXPLAIN EXECUTE look ({given})".encode()).fetchall())
            assert "using flexdb_idempotency_keys_pkey" in plan and "key = " in plan
            database.execute(f"EXECUTE look ({given})".encode())
            assert database.execute("SHOW enable_seqscan").fetchone() == ("on",)
            assert database.execute("SHOW lock_timeout").fetchone() == (
                "0" if name == "get_reply" else "100ms",)
