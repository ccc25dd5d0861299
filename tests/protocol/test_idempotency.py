"""Requests with an Idempotency-Key: done once, and answered alike however often they are sent."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from werkzeug.test import TestResponse

from flexdb.api.idempotency import MOST_KEPT
from flexdb.api.routes import routes
from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.server import keys
from flexdb.sql.loader import STATEMENTS
from tests.support import postgres
from tests.support.callers import closed, with_key
from tests.support.locks import locked, waiting
from tests.support.pages import blocks
from tests.support.proxy import Proxy
from tests.support.replies import notification
from tests.support.service import Service, request
from tests.support.waiting import wait_until

Row = dict[str, Any]


@pytest.fixture
def node_type(service: Service) -> Row:
    return dict(service.node_type(service.tenant()))


@pytest.fixture
def database(service: Service) -> Iterator[psycopg.Connection]:
    with postgres.connect(service.settings) as connection:
        yield connection


def send(service: Service, method: str, path: str, body: Any = None, key: str = "",
         **headers: str) -> TestResponse:
    """Send a request with a key of its own, or the one that is given."""
    sent = {"Idempotency-Key": key or f'"{uuid4()}"',
            **{name.replace("_", "-"): value for name, value in headers.items()}}
    return service.client().open(path, method=method, headers=sent, data=orjson.dumps(body),
                                 content_type="application/json")


def rpc(service: Service, body: Any, key: str) -> TestResponse:
    return send(service, "POST", "/jsonrpc", body, key)


def create(node_type: Row, **given: Any) -> Row:
    return {"node_type_id": node_type["id"], "data": {"a": 1}} | given


def of(node_type: Row, tail: str = "") -> str:
    return f"/tenants/{node_type['tenant_id']}/nodes{tail}"


def count(database: psycopg.Connection, node_type: Row) -> int:
    row = database.execute("SELECT count(*) FROM nodes WHERE node_type_id = %s",
                           [node_type["id"]]).fetchone()
    assert row
    return int(row[0])


def kept(database: psycopg.Connection, key: str) -> list[Any]:
    return database.execute("SELECT tenant_id::text, caller, status, reply FROM "
                            "flexdb_idempotency_keys WHERE key = %s", [key.strip('"')]).fetchall()


def told(response: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    """Return all of an answer but what each request is told anew."""
    headers = dict(response.headers)
    for name in ("X-Request-ID", "Server-Timing", "Idempotency-Replayed"):
        headers.pop(name, None)
    return response.status_code, response.data, headers


def assert_repeated(first: TestResponse, again: TestResponse) -> None:
    assert told(first) == told(again)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def reason(response: TestResponse) -> str:
    return str(orjson.loads(response.data)["error"]["data"]["reason"])


def test_every_verb_that_writes_is_answered_as_before_and_done_once(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key = str(uuid4())
    made = send(service, "POST", of(node_type), create(node_type), key)
    assert made.status_code == 201 and made.headers["Location"] and made.headers["ETag"]
    assert_repeated(made, send(service, "POST", of(node_type), create(node_type), key))
    node = orjson.loads(made.data)["node"]
    place = of(node_type, f"/{node['id']}")
    for verb, body in (("PUT", {"data": {"a": 2}}), ("PATCH", {"a": 3}), ("DELETE", None)):
        key = str(uuid4())
        first = send(service, verb, place, body, key)
        assert first.status_code == (204 if verb == "DELETE" else 200)
        assert_repeated(first, send(service, verb, place, body, key))
    assert count(database, node_type) == 0
    # The last of them changed the node that the one before had left.
    assert orjson.loads(send(service, "POST", of(node_type), create(node_type)).data)


def test_over_jsonrpc_a_call_is_answered_as_before_and_done_once(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    call = request("create_node", create(node_type, tenant_id=node_type["tenant_id"]), 1.50)
    key = str(uuid4())
    first = rpc(service, call, key)
    assert_repeated(first, rpc(service, call, key))
    assert count(database, node_type) == 1
    assert kept(database, key) == [(node_type["tenant_id"], "open", 200, first.data)]


@pytest.mark.parametrize("sent", ['"{}"', "{}"])
def test_a_key_is_the_same_quoted_and_bare(service: Service, node_type: Row, sent: str) -> None:
    key = uuid4().hex
    send(service, "POST", of(node_type), create(node_type), f'"{key}"')
    again = send(service, "POST", of(node_type), create(node_type), sent.format(key))
    assert "Idempotency-Replayed" in again.headers


def test_a_quoted_key_may_hold_quotes_and_backslashes(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    send(service, "POST", of(node_type), create(node_type), r'"a\"b\\c"')
    assert kept(database, r'a"b\c')


@pytest.mark.parametrize("key", [
    " ", '""', '"a b"', "a b", "ä", "x" * 256, '"a', 'a"b" c', '"a";b=1', '"a", "b"', r'"a\b"'])
@pytest.mark.parametrize("path", ["/jsonrpc", "rest"])
def test_what_is_no_key_is_refused_and_nothing_is_done(
        service: Service, node_type: Row, database: psycopg.Connection, key: str, path: str
        ) -> None:
    params = create(node_type, tenant_id=node_type["tenant_id"])
    refused = (rpc(service, request("create_node", params), key) if path == "/jsonrpc" else
               send(service, "POST", of(node_type), create(node_type), key))
    assert (refused.status_code, reason(refused)) == (400, "INVALID_REQUEST")
    assert b"Idempotency-Key must hold 1 to 255" in refused.data
    assert count(database, node_type) == 0


def test_another_request_with_the_same_key_is_refused(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key, place = str(uuid4()), of(node_type)
    node = orjson.loads(send(service, "POST", place, create(node_type), key).data)["node"]
    others = [send(service, "POST", place, create(node_type, data={"a": 2}), key),
              send(service, "PUT", f"{place}/{node['id']}", {"data": {}}, key),
              send(service, "POST", place, create(node_type), key, Prefer="json-fields=string"),
              send(service, "POST", place, create(node_type), key, If_Match="*"),
              send(service, "POST", f"{place}?x=1", create(node_type), key),
              rpc(service, request("create_node", create(node_type) | {
                  "tenant_id": node_type["tenant_id"]}), key)]
    # What is wrong with a request that was not done before, it is told all the same.
    assert [reason(other) for other in others] == ["KEY_REUSED"] * 4 + [
        "INVALID_PARAMS", "KEY_REUSED"]
    assert {other.status_code for other in others} == {422, 400}
    assert b'"id":null' in others[-1].data and count(database, node_type) == 1


def test_reads_pass_the_key_by(service: Service, node_type: Row, database: psycopg.Connection
                               ) -> None:
    tenant = node_type["tenant_id"]
    for key in (str(uuid4()), "no key, and none is asked for"):
        for answer in (send(service, "GET", of(node_type), key=key),
                       send(service, "POST", of(node_type, "/query"), {}, key),
                       rpc(service, [request("list_nodes", {"tenant_id": tenant}),
                                     request("rpc.discover")], key)):
            assert answer.status_code == 200 and "Idempotency-Replayed" not in answer.headers
        assert kept(database, key) == []


def test_an_error_leaves_no_key(service: Service, node_type: Row, database: psycopg.Connection
                                ) -> None:
    key, place = str(uuid4()), of(node_type)
    node = service.node(node_type)
    refusals = [create(node_type, data=1), create({"id": str(uuid4())}),
                create(node_type, id=node["id"]), {}]
    statuses = [send(service, "POST", place, body, key).status_code for body in refusals]
    assert statuses == [400, 404, 409, 400]
    assert send(service, "DELETE", f"{place}/{uuid4()}", None, key).status_code == 404
    dry = {"calls": [{"method": "create_node", "params": create(
        node_type, tenant_id=node_type["tenant_id"])}], "dry_run": True}
    assert send(service, "POST", "/transactions", dry, key).status_code == 200
    assert kept(database, key) == []
    assert send(service, "POST", place, create(node_type), key).status_code == 201


def test_a_batch_is_answered_as_before_and_its_good_calls_are_done_once(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    tenant, taken = node_type["tenant_id"], service.node(node_type)["id"]
    good = request("create_node", create(node_type, tenant_id=tenant))
    bad = request("create_node", create(node_type, tenant_id=tenant, id=taken), "bad")
    batch = [good, bad, good, request("get_nod", {}, "none"), notification(good), good]
    key = str(uuid4())
    first = rpc(service, batch, key)
    assert [reply.get("error", {}).get("data", {}).get("reason") for reply in
            orjson.loads(first.data)] == [None, "ALREADY_EXISTS", None, "METHOD_NOT_FOUND", None]
    assert_repeated(first, rpc(service, batch, key))
    assert count(database, node_type) == 5


def test_of_a_batch_in_which_nothing_was_done_no_key_is_left(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    tenant, key = node_type["tenant_id"], str(uuid4())
    rpc(service, [request("list_nodes", {"tenant_id": tenant}), request("delete_node", {
        "tenant_id": tenant, "id": str(uuid4())}), request("create_node", {})], key)
    assert kept(database, key) == []


def test_notifications_alone_are_done_once_and_never_answered(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    call = notification(request("create_node", create(
        node_type, tenant_id=node_type["tenant_id"])))
    for body in (call, [call, call]):
        key = str(uuid4())
        first, again = rpc(service, body, key), rpc(service, body, key)
        assert (first.status_code, first.data) == (again.status_code, again.data) == (204, b"")
        assert again.headers["Idempotency-Replayed"] == "true"
    assert count(database, node_type) == 3


def test_a_transaction_is_done_once(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    calls = {"calls": [{"method": "create_node", "as": "n", "params": create(
        node_type, tenant_id=node_type["tenant_id"])}]}
    for path, body in (("/transactions", calls), ("/jsonrpc", request("transaction", calls))):
        key = str(uuid4())
        assert_repeated(send(service, "POST", path, body, key),
                        send(service, "POST", path, body, key))
        ((tenant, *_),) = kept(database, key)
        assert tenant == node_type["tenant_id"]
    assert count(database, node_type) == 2


def test_what_was_done_is_told_though_it_would_be_refused_by_now(
        service: Service, database: psycopg.Connection) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    key, params = str(uuid4()), create(node_type, tenant_id=tenant["id"])
    batch = [request("create_node", params), request("create_node", params)]
    first = send(service, "POST", of(node_type), create(node_type), key)
    both = rpc(service, batch, f"{key}-batch")
    service.call("update_node_type", tenant_id=tenant["id"], id=node_type["id"],
                 schema={"required": ["b"]})
    # It is known by now, so that data is refused before it is sent.
    assert send(service, "POST", of(node_type), create(node_type)).status_code == 400
    assert_repeated(first, send(service, "POST", of(node_type), create(node_type), key))
    assert_repeated(both, rpc(service, batch, f"{key}-batch"))


def test_a_large_answer_is_known_to_be_done_and_not_told_again(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    nodes = {"nodes": [create(node_type, data={"a": "x" * (MOST_KEPT // 4)})] * 5}
    key = str(uuid4())
    first = send(service, "POST", of(node_type, "/batch"), nodes, key)
    assert first.status_code == 201 and len(first.data) > MOST_KEPT
    again = send(service, "POST", of(node_type, "/batch"), nodes, key)
    assert (again.status_code, reason(again)) == (422, "KEY_REUSED")
    assert orjson.loads(again.data)["error"]["data"]["done"] is True
    assert count(database, node_type) == 5 and kept(database, key)[0][2:] == (201, None)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("method, params", [
    ("create_key", {"name": "k"}), ("create_webhook", {"url": "https://example.org/hook"})])
def test_an_answer_with_a_secret_is_not_kept(
        service: Service, node_type: Row, database: psycopg.Connection, method: str, params: Row,
        inner: bool) -> None:
    params = params | {"tenant_id": node_type["tenant_id"]}
    call = request(method, params)
    if inner:
        call = request("transaction", {"calls": [{"method": method, "params": params}]})
    key = str(uuid4())
    first = rpc(service, [request("list_tenants"), call], key)
    assert b'"secret":"' in first.data
    again = rpc(service, [request("list_tenants"), call], key)
    assert (again.status_code, orjson.loads(again.data)["error"]["data"]["done"]) == (422, True)
    assert [row[2:] for row in kept(database, key)] == [(200, None)]


def test_a_key_is_good_for_its_time_and_no_longer(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key = str(uuid4())
    for hours, is_again in ((0, False), (23, True), (25, False)):
        database.execute("UPDATE flexdb_idempotency_keys SET created_at = now() - "
                         "make_interval(hours => %s) WHERE key = %s", [hours, key])
        answer = send(service, "POST", of(node_type), create(node_type), key)
        assert answer.status_code == 201
        assert ("Idempotency-Replayed" in answer.headers) is is_again
    assert count(database, node_type) == 2 and len(kept(database, key)) == 1


def test_what_is_too_old_goes_in_small_numbers_with_some_of_the_others(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    database.execute("""
        INSERT INTO flexdb_idempotency_keys
            (tenant_id, caller, key, fingerprint, status, headers, created_at)
        SELECT flexdb_nil(), 'old', g::text, '', 200, '[]', now() - interval '25 hours'
        FROM generate_series(1, 450) g""")

    def left() -> int:
        row = database.execute(
            "SELECT count(*) FROM flexdb_idempotency_keys k WHERE k.caller = 'old'").fetchone()
        assert row
        return int(row[0])

    seen = [left()]
    # Which request takes them along, its digest says.
    for number in range(500):
        send(service, "POST", of(node_type), create(node_type, data={"a": number}))
        if left() != seen[-1]:
            seen.append(left())
        if len(seen) == 3:
            break
    assert seen == [450, 250, 50]
    row = database.execute("SELECT flexdb_forget_keys(24, 1000)").fetchone()
    assert row and row[0] >= 50 and left() == 0


def test_the_oldest_are_found_by_an_index(database: psycopg.Connection) -> None:
    with database.transaction(force_rollback=True):
        database.execute("SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = "
                         "force_generic_plan")
        database.execute("PREPARE oldest AS SELECT o.key FROM flexdb_idempotency_keys o WHERE "
                         "o.created_at < $1::timestamptz ORDER BY o.created_at LIMIT $2")
        plan = str(database.execute("EXPLAIN EXECUTE oldest (now(), 10)").fetchall())
    assert "Index Scan using flexdb_idempotency_keys_age" in plan and "Index Cond" in plan


def test_the_answers_go_with_the_tenant_but_for_that_of_its_deletion(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    tenant, keys_of = f"/tenants/{node_type['tenant_id']}", [str(uuid4()) for _ in range(2)]
    send(service, "POST", of(node_type), create(node_type), keys_of[0])
    gone = send(service, "DELETE", tenant, None, keys_of[1])
    assert kept(database, keys_of[0]) == []
    assert_repeated(gone, send(service, "DELETE", tenant, None, keys_of[1]))
    assert gone.status_code == 204


def test_the_answer_of_what_made_a_tenant_goes_with_it(service: Service) -> None:
    made = request("transaction", {"calls": [
        {"method": "create_tenant", "params": {"slug": f"t-{uuid4()}", "name": "T"}, "as": "t"},
        {"method": "create_node_type", "params": {"tenant_id": "$t.id", "name": "of it"}}]})
    key = str(uuid4())
    first = rpc(service, made, key)
    tenant = orjson.loads(first.data)["result"]["results"][0]["tenant"]
    service.call("delete_tenant", id=tenant["id"])
    again = rpc(service, made, key)
    assert reason(again) == "KEY_REUSED"


def test_answers_can_be_forgotten_that_hold_an_object(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    tenant, other = node_type["tenant_id"], service.node_type(service.tenant())
    key, both, apart = (str(uuid4()) for _ in range(3))
    made = send(service, "POST", of(node_type), create(node_type), key)
    id = orjson.loads(made.data)["node"]["id"]
    mixed = [request("update_node", {"tenant_id": tenant, "id": id, "data": {"a": "secret"}}),
             request("create_node", create(other, tenant_id=other["tenant_id"]))]
    rpc(service, mixed, both)
    rpc(service, mixed[1:], apart)
    database.execute("SELECT flexdb_forget_replies(%s, %s)", [tenant, id])
    assert [bool(kept(database, one)[0][3]) for one in (key, both, apart)] == [False, False, True]
    assert reason(send(service, "POST", of(node_type), create(node_type), key)) == "KEY_REUSED"


def test_two_at_once_are_done_once_and_the_second_gets_the_answer_of_the_first(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key = str(uuid4())

    def post() -> TestResponse:
        return send(service, "POST", of(node_type), create(node_type), key)

    with ThreadPoolExecutor(2) as threads:
        with locked(service, "node_types", node_type):
            both = [threads.submit(post) for _ in range(2)]
            waiting(service, 2)
        answers = [one.result() for one in both]
    assert len({answer.data for answer in answers}) == 1
    assert sorted("Idempotency-Replayed" in answer.headers for answer in answers) == [False, True]
    assert count(database, node_type) == 1


def test_what_another_kept_meanwhile_takes_back_what_was_done(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key = str(uuid4())

    def post() -> TestResponse:
        return send(service, "POST", of(node_type), create(node_type), key)

    with ThreadPoolExecutor(1) as threads:
        with locked(service, "node_types", node_type):
            late = threads.submit(post)
            waiting(service, 1)
            database.execute(
                "INSERT INTO flexdb_idempotency_keys (tenant_id, caller, key, fingerprint, status,"
                " headers) VALUES (%s, 'open', %s, 'another', 200, '[]')",
                [node_type["tenant_id"], key])
        assert late.result().status_code == 409
    assert count(database, node_type) == 0


def take(database: psycopg.Connection, tenant_id: str, key: str) -> None:
    """Take a key, as the service does."""
    query = STATEMENTS["value"]["take_key"]
    named = {"tenant_id": tenant_id, "caller": "open", "key": key}
    psycopg.RawCursor(database).execute(query.text, [named[name] for name in query.arguments])


@pytest.mark.longest
@pytest.mark.long
def test_who_waits_too_long_for_another_is_told_to_try_again(
        service: Service, node_type: Row, database: psycopg.Connection) -> None:
    key = str(uuid4())
    params = create(node_type, tenant_id=node_type["tenant_id"])
    call = request("create_node", params)
    with database.transaction():
        take(database, node_type["tenant_id"], key)
        late = rpc(service, [call, call], key)
    assert {(reply["error"]["data"]["reason"], reply["error"]["data"]["retryable"])
            for reply in orjson.loads(late.data)} == {("ABORTED", True)}
    assert count(database, node_type) == 0
    assert rpc(service, [call, call], key).status_code == 200
    assert count(database, node_type) == 2


def test_what_holds_of_locks_holds_on_behind_the_key(
        service: Service, database: psycopg.Connection) -> None:
    with database.transaction():
        before = database.execute("SHOW lock_timeout").fetchone()
        take(database, str(uuid4()), "k")
        assert database.execute("SHOW lock_timeout").fetchone() == before == ("0",)


def test_without_a_key_the_same_is_sent_as_ever(
        service: Service, node_type: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    fetch, fetch_all = Connection.fetch, Connection.fetch_all

    def noted(self: Connection, statement: Any) -> Any:
        sent.append(statement.name)
        return fetch(self, statement)

    def noted_all(self: Connection, statements: Any) -> Any:
        sent.append(" ".join(statement.name for statement in statements))
        return fetch_all(self, statements)

    service.node(node_type)
    monkeypatch.setattr(Connection, "fetch", noted)
    monkeypatch.setattr(Connection, "fetch_all", noted_all)
    body = orjson.dumps(create(node_type))
    service.client().post(of(node_type), data=body, content_type="application/json")
    assert [name for name in sent if name != "add_usage"] == ["create_node"]
    del sent[:]
    send(service, "POST", of(node_type), create(node_type))
    assert [name for name in sent if name != "add_usage"] == [
        "begin take_key get_reply", "create_node", "keep_reply commit"]


def test_browsers_may_send_the_key_and_see_that_it_was_known(
        new_service: Callable[..., Service]) -> None:
    client = new_service(cors_origins="https://a.example").app.test_client()
    asked = client.options("/tenants", headers={
        "Origin": "https://a.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key"})
    assert asked.headers["Access-Control-Allow-Headers"] == "idempotency-key"
    answer = client.get("/tenants", headers={"Origin": "https://a.example"})
    assert "Idempotency-Replayed" in answer.headers["Access-Control-Expose-Headers"]


def test_the_documents_tell_of_the_key_where_there_is_something_to_write(service: Service) -> None:
    paths = service.client().get("/openapi.json").get_json()["paths"]
    takes = {(verb, url) for url, verbs in paths.items() for verb, told in verbs.items()
             for one in told.get("parameters", []) if one["name"] == "Idempotency-Key"}
    writes = {(route.verb.lower(), route.url) for route in routes() if route.writes}
    assert takes == writes | {("post", "/jsonrpc")} and len(writes) > 20
    assert all("422" in paths[url][verb]["responses"] for verb, url in takes)


@pytest.mark.long
def test_the_client_of_the_documentation_makes_one_call_of_lost_answers(address: str) -> None:
    ((_, example),) = blocks("docs/how-to/repeat-safely.md", "python")
    proxy = Proxy(int(address.rpartition(":")[2]))
    proxy.losing.set()
    proxy.wanted = b"HTTP/1.1 200"

    def lose_two() -> None:
        wait_until(lambda: proxy.lost == 2)
        proxy.losing.clear()

    ended = threading.Thread(target=lose_two)
    ended.start()
    with redirect_stdout(io.StringIO()) as printed:
        exec(example.replace("localhost:5000", f"localhost:{proxy.port}"), {})
    ended.join()
    proxy.close()
    assert printed.getvalue() == "once\n"


@pytest.fixture(scope="module")
def guarded(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service where everyone needs a key, as an operator reaches it."""
    settings = new_database()
    service = closed(settings)
    yield with_key(service, keys.create_key(settings, None, "", "first", 1, ()))
    service.close()


def test_a_key_counts_for_each_caller_and_tenant_by_itself(guarded: Service) -> None:
    key = str(uuid4())
    made = []
    for _ in range(2):
        tenant = guarded.tenant()
        node_type = guarded.node_type(tenant)
        callers = [guarded, *(with_key(guarded, guarded.call(
            "create_key", tenant_id=tenant["id"], name="k", role="member")["key"]["secret"])
            for _ in range(2))]
        made += [send(caller, "POST", of(node_type), create(node_type), key) for caller in callers]
    assert [one.status_code for one in made] == [201] * 6
    assert len({one.data for one in made}) == 6


def test_who_may_no_longer_do_it_is_not_told_what_was_done(guarded: Service) -> None:
    tenant, key = guarded.tenant(), str(uuid4())
    node_type = guarded.node_type(tenant)
    own = guarded.call("create_key", tenant_id=tenant["id"], name="k", role="member")["key"]
    batch = [request("create_node", create(node_type)) for _ in range(2)]

    def asked() -> tuple[TestResponse, TestResponse]:
        # Of another worker, since what one knows of a key is good for a second.
        caller = with_key(closed(guarded.settings), own["secret"])
        answers = (send(caller, "POST", of(node_type), create(node_type), key),
                   rpc(caller, batch, f"{key}-batch"))
        caller.close()
        return answers

    first, both = asked()
    assert first.status_code == 201 and b"error" not in both.data
    guarded.call("update_tenant", id=tenant["id"], status="suspended")
    first, both = asked()
    assert (first.status_code, reason(first)) == (403, "PERMISSION_DENIED")
    assert [reply["error"]["data"]["reason"] for reply in orjson.loads(both.data)
            ] == ["PERMISSION_DENIED"] * 2
    guarded.call("update_tenant", id=tenant["id"], status="active")
    assert all("Idempotency-Replayed" in answer.headers for answer in asked())
    guarded.call("delete_key", tenant_id=tenant["id"], id=own["id"])
    assert [answer.status_code for answer in asked()] == [401, 401]


@pytest.mark.parametrize("kind", ["forbidden", "of another tenant"])
def test_of_a_batch_that_the_caller_may_not_make_whole_nothing_is_done(
        guarded: Service, kind: str) -> None:
    tenant = guarded.tenant()
    node_type = guarded.node_type(tenant)
    own = guarded.call("create_key", tenant_id=tenant["id"], name="k", role="member")["key"]
    caller = with_key(guarded, own["secret"])
    wrong = (request("delete_node_type", {"id": node_type["id"]}) if kind == "forbidden" else
             request("list_nodes", {"tenant_id": guarded.tenant()["id"]}))
    calls = [request("create_node", create(node_type)), wrong]
    inner = [{"method": call["method"], "params": call["params"]} for call in calls]
    for body in (calls, [calls[0], request("transaction", {"calls": inner})]):
        replies = orjson.loads(rpc(caller, body, str(uuid4())).data)
        assert {reply["error"]["data"]["reason"] for reply in replies} == {
            "PERMISSION_DENIED" if kind == "forbidden" else "NOT_FOUND"}
    assert caller.call("list_nodes")["nodes"] == []
