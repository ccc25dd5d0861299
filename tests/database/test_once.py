"""What is done once is done once, whatever is lost or killed on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.proxy import Proxy
from tests.support.repeats import Answer, check, fight
from tests.support.row_security import switched_on
from tests.support.service import Service, request
from tests.support.waiting import wait_until


class Ours:
    """The service behind a proxy before PostgreSQL, and a node type in it."""

    def __init__(self, new_database: Callable[..., Settings]) -> None:
        self.settings = new_database()
        self.proxy = Proxy(self.settings.db_port)
        through = {**vars(self.settings), "db_port": self.proxy.port}
        self.service = Service.of(Settings(**through))
        self.node_type = self.service.node_type(self.service.tenant())
        # Its schema is known by now, so that a creation is one statement.
        self.service.node(self.node_type)

    def send(self, body: bytes, key: str) -> Answer | None:
        """Create a node with a key."""
        path = f"/tenants/{self.node_type['tenant_id']}/nodes"
        answer = self.service.client().post(
            path, data=body, content_type="application/json",
            headers={"Idempotency-Key": f'"{key}"'})
        return Answer(answer.status_code, answer.data, "Idempotency-Replayed" in answer.headers)

    def body(self, data: Any) -> bytes:
        return orjson.dumps({"node_type_id": self.node_type["id"], "data": {"a": data}})

    def rows(self, query: str) -> list[Any]:
        with postgres.connect(self.settings) as connection:
            return connection.execute(query.encode()).fetchall()

    def made(self) -> int:
        """Return how many nodes there are beside the first."""
        ((number,),) = self.rows("SELECT count(*) - 1 FROM nodes")
        return int(number)


@pytest.fixture
def ours(new_database: Callable[..., Settings]) -> Iterator[Ours]:
    ours = Ours(new_database)
    yield ours
    ours.service.close()
    ours.proxy.close()
    postgres.drop_database(ours.settings)


def test_a_commit_whose_answer_is_lost_is_found_by_the_key_and_not_done_again(ours: Ours) -> None:
    ours.proxy.wanted = b"COMMIT"
    ours.proxy.losing.set()
    key = str(uuid4())
    first = ours.send(ours.body(1), key)
    assert first and first.status == 201 and first.is_again and ours.proxy.lost == 1
    ours.proxy.losing.clear()
    assert ours.send(ours.body(1), key) == first and ours.made() == 1


def test_without_a_key_nobody_knows_what_became_of_it(ours: Ours) -> None:
    call = request("transaction", {"calls": [{"method": "create_node", "params": orjson.loads(
        ours.body(1)) | {"tenant_id": ours.node_type["tenant_id"]}}]})
    ours.proxy.wanted = b"COMMIT"
    ours.proxy.losing.set()
    reply = orjson.loads(ours.service.post(call).data)
    assert reply["error"]["data"] | {"retry_after": 1} == {
        "reason": "COMMIT_UNKNOWN", "retryable": False, "retry_after": 1}
    assert ours.made() == 1


def test_a_batch_whose_commit_is_lost_is_not_done_again(ours: Ours) -> None:
    call = request("create_node", orjson.loads(ours.body(1)) | {
        "tenant_id": ours.node_type["tenant_id"]})
    ours.proxy.wanted = b"COMMIT"
    ours.proxy.losing.set()
    answer = ours.service.post([call, call, request("nothing"), call],
                               headers={"Idempotency-Key": '"k"'})
    assert answer.headers["Idempotency-Replayed"] == "true" and ours.proxy.lost == 1
    assert ["result" in reply for reply in orjson.loads(answer.data)] == [True, True, False, True]
    assert ours.made() == 3


def test_where_the_connection_is_always_lost_the_same_may_be_sent_again(ours: Ours) -> None:
    ours.proxy.wanted = b"BEGIN"
    ours.proxy.losing.set()
    key = str(uuid4())
    refused = ours.send(ours.body(1), key)
    assert refused and refused.status == 503 and not refused.is_again
    assert orjson.loads(refused.body)["error"]["data"] == {
        "reason": "UNAVAILABLE", "retryable": True, "retry_after": 1}
    ours.proxy.losing.clear()
    again = ours.send(ours.body(1), key)
    assert again and (again.status, again.is_again) == (201, False) and ours.made() == 1


@pytest.mark.long
def test_many_clients_with_the_same_keys_do_each_once_while_backends_are_killed(ours: Ours) -> None:
    ended, killed = threading.Event(), []

    def kill() -> None:
        with postgres.connect(ours.settings) as connection:
            while not ended.wait(0.05):
                killed.extend(connection.execute(
                    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a "
                    "WHERE a.datname = current_database() AND a.application_name = 'flexdb' "
                    "AND a.state <> 'idle' LIMIT 1").fetchall())

    killer = threading.Thread(target=kill)
    killer.start()
    keys, bodies = [uuid4().hex for _ in range(12)], [ours.body(1), ours.body(2)]
    try:
        answers = fight(ours.send, 6, keys, bodies)
        wait_until(lambda: killed or ours.send(ours.body(3), uuid4().hex) is None)
    finally:
        ended.set()
        killer.join()
    told = check(answers, clients=6)
    assert told["422"] == 72 and told["again"] + told["201"] == 72 and killed
    ((kept, nodes),) = ours.rows(
        "SELECT (SELECT count(*) FROM flexdb_idempotency_keys k WHERE length(k.key) = 32), "
        "(SELECT count(*) FROM nodes n WHERE n.data->>'a' IN ('1', '2'))")
    assert nodes == 12 and kept >= 12


@pytest.mark.long
def test_where_postgresql_keeps_tenants_apart_a_batch_over_two_is_done_once(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    plain = Service.of(settings)
    types = [plain.node_type(plain.tenant()) for _ in range(2)]
    taken = plain.node(types[0])["id"]
    plain.close()
    service = Service.of(switched_on(settings))
    calls = [request("create_node", {"tenant_id": one["tenant_id"], "node_type_id": one["id"]})
             for one in types * 2]
    # With one that fails in the database each is taken back by itself.
    calls.insert(1, request("create_node", calls[0]["params"] | {"id": taken}))
    first, again = (service.post(calls, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.data == again.data and again.headers["Idempotency-Replayed"] == "true"
    assert ["result" in reply for reply in orjson.loads(first.data)] == [
        True, False, True, True, True]
    service.close()
