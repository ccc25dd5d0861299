"""What fails is told by its class, and what can be sent again is: everything is done once."""

from __future__ import annotations

import pickle
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import flexdb.client as fx
from flexdb.client.attempts import Attempts
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.nginx import MISSING, PROGRAM, Nginx
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

BAD_GATEWAY = b"<html><h1>502 Bad Gateway</h1></html>"


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """What is between a client and the service."""
    proxy = Proxy(urlsplit(url).port or 0)
    yield proxy
    proxy.close()


class Answering:
    """A server that answers the first requests as it is told, and says nothing to the others."""

    def __init__(self, *answers: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        self._answers, self._open = list(answers), list[socket.socket]()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self._open.append(client)
                with client.makefile("rb") as sent:
                    head = b"".join(iter(sent.readline, b"\r\n"))
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    self.asked.append(head + sent.read(int(length[1]) if length else 0))
                if self._answers:
                    client.sendall(self._answers.pop(0))
                    client.close()

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in [self._listener, *self._open]:
            one.close()


def http(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def answering() -> Iterator[type[Answering]]:
    made: list[Answering] = []

    class Made(Answering):
        def __init__(self, *answers: bytes) -> None:
            super().__init__(*answers)
            made.append(self)

    yield Made
    for one in made:
        one.close()


def losing(proxy: Proxy, times: int) -> threading.Thread:
    """Let a proxy lose so many answers from now on."""
    goal = proxy.lost + times
    proxy.losing.set()

    def watch() -> None:
        wait_until(lambda: proxy.lost >= goal)
        proxy.losing.clear()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.long
def test_an_answer_that_is_lost_is_asked_for_again_and_all_is_done_once(
        proxy: Proxy, acme: TenantClient) -> None:
    task = acme.type("Task")
    with fx.connect(f"http://127.0.0.1:{proxy.port}") as db:
        mine = db.tenant(acme.id)
        record = mine.create(task, {"n": 0})
        for lose in (lambda: mine.create(task), lambda: mine.get(record.id),
                     lambda: mine.load(task, [{}, {}, {}]),
                     lambda: mine.relate(record, "of", record),
                     lambda: record.patch({"n": 1})):
            thread = losing(proxy, 2)
            lose()
            thread.join()
        thread = losing(proxy, 2)
        with mine.transaction() as tx:
            tx.relate(tx.create(task), "of", record)
        thread.join()
    assert proxy.lost >= 12 and acme.nodes(task).count() == 6
    assert acme.get(record.id).version == 2 and acme.relationships().count() == 2


def test_what_is_there_already_is_told_where_that_is_not_what_was_just_created(
        acme: TenantClient) -> None:
    person = acme.type("Person", schema={"x-unique": [["email"]]})
    made = acme.create(person, {"email": "ann@example.com"})
    with pytest.raises(fx.AlreadyExists) as told:
        acme.create(person, {"email": "ann@example.com"})
    assert told.value.data["id"] == made.id
    with pytest.raises(fx.AlreadyExists):
        acme.create(person, id=made.id)


def test_a_write_without_a_key_is_not_sent_again_and_may_have_been_made(
        proxy: Proxy, acme: TenantClient) -> None:
    task = acme.type("Task")
    with fx.connect(f"http://127.0.0.1:{proxy.port}", once=False) as db:
        mine = db.tenant(acme.id)
        thread = losing(proxy, 1)
        with pytest.raises(fx.ConnectionFailed, match="was lost") as told:
            mine.create(task)
        thread.join()
        assert told.value.sent
        thread = losing(proxy, 1)
        assert mine.nodes(task).count() == 1
        thread.join()


def test_a_service_that_cannot_be_reached_is_told_at_once() -> None:
    with fx.connect(f"http://127.0.0.1:{free_port()}", timeout=60) as db:
        with pytest.raises(fx.ConnectionFailed, match="cannot be reached") as told:
            db.create_tenant(slug="x", name="X")
        assert not told.value.sent and isinstance(told.value, (ConnectionError, fx.Error))


@pytest.mark.long
def test_a_service_that_goes_is_waited_for_until_the_time_is_over(
        proxy: Proxy, acme: TenantClient) -> None:
    with fx.connect(f"http://127.0.0.1:{proxy.port}", timeout=1) as db:
        mine = db.tenant(acme.id)
        task = mine.type("Task")
        proxy.close()
        port, to = proxy.port, proxy._to
        with pytest.raises((fx.ConnectionFailed, fx.Timeout)), fx.connect(
                f"http://127.0.0.1:{port}", timeout=1) as other:
            other.answered = True
            other.get_caller()
        back: list[Proxy] = []
        later = threading.Timer(0.3, lambda: back.append(Proxy(to, address=("127.0.0.1", port))))
        later.start()
        with fx.connect(f"http://127.0.0.1:{port}", timeout=30) as third:
            third.answered = True
            assert third.tenant(acme.id).create(task).version == 1
        later.join()
        back[0].close()


def test_no_answer_in_time_is_told(answering: type[Answering]) -> None:
    server = answering()
    with fx.connect(server.url, timeout=0.2) as db:
        with pytest.raises(fx.Timeout, match="within 0.2 s; a change may have been made") as told:
            db.create_tenant(slug="x", name="X")
    assert isinstance(told.value, TimeoutError) and len(server.asked) == 1


def test_a_proxy_s_own_page_is_no_answer_and_is_passed_by(answering: type[Answering]) -> None:
    caller = b'{"jsonrpc": "2.0", "result": {"caller": {"name": "x"}}, "id": 1}'
    server = answering(http(BAD_GATEWAY, "502 Bad Gateway"), http(b"", "503 Busy"), http(caller))
    with fx.connect(server.url) as db:
        assert db.call("get_caller") == {"caller": {"name": "x"}}
    assert len(server.asked) == 3


@pytest.mark.parametrize("answer", [
    http(b"<html>", "404 Not Found"), http(b"{}"), http(b'{"id": 1}'), http(b"[1"), http(b"[]"),
    http(b'{"jsonrpc": "2.0"}'), http(b'{"jsonrpc": "2.0", "error": "x"}'),
    http(b'{"jsonrpc": "2.0", "error": {"code": "x", "message": "y"}}'),
    http(b"", "301 Moved", "Location: https://example.org/jsonrpc"), http(b"null")])
def test_what_is_no_service_is_told_and_not_followed(
        answering: type[Answering], answer: bytes) -> None:
    server = answering(answer, answer)
    with fx.connect(server.url, token="secret") as db:
        with pytest.raises(fx.ConnectionFailed, match="is this the address of flexdb?"):
            db.get_caller()
    assert len(server.asked) == 1


def test_what_is_no_http_is_told(answering: type[Answering]) -> None:
    with fx.connect(answering(b"SSH-2.0-OpenSSH\r\n").url) as db:
        with pytest.raises(fx.ConnectionFailed):
            db.get_caller()


def test_the_service_says_when_to_try_again_and_a_key_goes_with_each_attempt(
        answering: type[Answering]) -> None:
    busy = (b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32007, "message": "met", "data": '
            b'{"reason": "ABORTED", "retryable": true}}}')
    lost = busy.replace(b"ABORTED", b"COMMIT_UNKNOWN").replace(b"true", b"false")
    done = b'{"jsonrpc": "2.0", "result": {"tenant": {"id": "x"}}, "id": 1}'
    server = answering(http(busy), http(lost), http(done))
    with fx.connect(server.url) as db:
        assert db.create_tenant(slug="x", name="X")["id"] == "x"
    keys = {line for request in server.asked for line in request.split(b"\r\n")
            if line.lower().startswith(b"idempotency-key:")}
    assert len(server.asked) == 3 and len(keys) == 1
    server = answering(http(lost))
    with fx.connect(server.url, once=False) as db, pytest.raises(fx.CommitUnknown):
        db.create_tenant(slug="x", name="X")
    waits = answering(http(busy.replace(b'"retryable"', b'"retry_after": 7, "retryable"')))
    with fx.connect(waits.url, timeout=2) as db, pytest.raises(fx.Aborted) as told:
        db.create_tenant(slug="x", name="X")
    assert told.value.retry_after == 7 and len(waits.asked) == 1


def test_only_the_calls_of_a_batch_that_met_with_others_are_sent_again(
        answering: type[Answering]) -> None:
    answers = (b'[{"jsonrpc": "2.0", "id": 1, "error": {"code": -32007, "message": "met", "data": '
               b'{"reason": "ABORTED", "retryable": true}}}, '
               b'{"jsonrpc": "2.0", "id": 0, "result": {"caller": 1}}]',
               b'[{"jsonrpc": "2.0", "id": 1, "result": {"caller": 2}}]')
    server = answering(*map(http, answers))
    with fx.connect(server.url) as db:
        found = db.call_all([("get_caller", {}), ("create_tenant", {"slug": "x", "name": "x"})])
    assert found == [{"caller": 1}, {"caller": 2}]
    assert b"get_caller" not in server.asked[1] and b"create_tenant" in server.asked[1]


def test_a_batch_that_may_have_been_done_is_sent_again_as_it_was_and_with_its_key(
        answering: type[Answering]) -> None:
    def told(reason: bytes, retryable: bytes) -> bytes:
        return b"[%b]" % b", ".join(
            b'{"jsonrpc": "2.0", "id": %d, "error": {"code": -32005, "message": "lost", "data": '
            b'{"reason": "%b", "retryable": %b}}}' % (place, reason, retryable)
            for place in range(2))

    done = (b'[{"jsonrpc": "2.0", "id": 0, "result": {"caller": 1}}, '
            b'{"jsonrpc": "2.0", "id": 1, "result": {"caller": 2}}]')
    server = answering(*map(http, (told(b"UNAVAILABLE", b"true"), told(b"COMMIT_UNKNOWN", b"false"),
                                   done)))
    calls = [("create_user", {"email": f"{n}@example.com", "name": "x"}) for n in range(2)]
    with fx.connect(server.url) as db:
        assert db.call_all(calls) == [{"caller": 1}, {"caller": 2}]
    assert len({request for request in server.asked}) == 1 and len(server.asked) == 3
    assert b"idempotency-key:" in server.asked[0].lower()


@pytest.mark.parametrize("answer", [
    b'{"jsonrpc": "2.0", "result": 1}', b'[{"jsonrpc": "2.0", "result": 1}]',
    b'[{"jsonrpc": "2.0", "id": 0, "result": 1}]', b'[{"jsonrpc": "2.0", "id": 7, "result": 1}]'])
def test_an_answer_to_other_calls_is_told(answering: type[Answering], answer: bytes) -> None:
    with fx.connect(answering(http(answer)).url) as db:
        with pytest.raises(fx.Error, match="other calls"), db.batch() as batch:
            one, two = batch.list_users(), batch.list_users()
    for call in (one, two):
        with pytest.raises(fx.Error, match="other calls"):
            call.result()


def test_a_result_beside_an_error_that_is_null_is_a_result(answering: type[Answering]) -> None:
    server = answering(http(b'{"jsonrpc": "2.0", "id": 1, "error": null, "result": 7}'))
    with fx.connect(server.url) as db:
        assert db.call("get_caller") == 7


@pytest.mark.long
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_an_nginx_without_a_service_says_that_it_is_away(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, tmp_path / "none.sock")
    try:
        with fx.connect(f"http://127.0.0.1:{nginx.port}", timeout=1.5) as db:
            with pytest.raises(fx.Unavailable) as told:
                db.create_tenant(slug="x", name="X")
            assert told.value.request_id
    finally:
        nginx.close()


def test_a_client_that_is_closed_says_so(url: str) -> None:
    with fx.connect(url) as db:
        db.get_caller()
        assert "closed" not in repr(db)
    with pytest.raises(fx.Closed, match="connect anew"):
        db.get_caller()
    db.close()
    assert repr(db) == f"<Client of {url}/jsonrpc, closed>"


def test_a_token_is_sent_and_shown_nowhere(answering: type[Answering]) -> None:
    server = answering(http(b"{}", "404 Not Found"))
    db = fx.connect(server.url, token="a-secret")
    with pytest.raises(fx.ConnectionFailed) as told:
        db.get_caller()
    assert b"authorization: bearer a-secret" in server.asked[0].lower()
    assert "a-secret" not in f"{db!r} {told.value!r} {told.value.__cause__!r}"
    db.close()


def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(url: str) -> None:
    for token in ("a-secret\nX-Other: 1", "a-secrét", "a secret"):
        with pytest.raises(ValueError, match="visible characters") as told:
            fx.connect(url, token=token)
        assert "secr" not in str(told.value)


@pytest.mark.long
def test_one_client_serves_many_threads(url: str, acme: TenantClient) -> None:
    task = acme.type("Task")
    with fx.connect(url) as db, ThreadPoolExecutor(8) as threads:
        mine = db.tenant(acme.id)
        ids = set(threads.map(lambda n: mine.create(task, {"n": n}).id, range(40)))
    assert len(ids) == acme.nodes(task).count() == 40


def test_an_error_has_all_that_the_service_tells(acme: TenantClient, db: fx.Client) -> None:
    acme.type("Task", schema={"properties": {"title": {"type": "string"}}})
    with pytest.raises(fx.InvalidParams) as told:
        acme.create("Task", {"title": 7})
    error = told.value
    assert (error.code, error.reason) == (-32602, "INVALID_PARAMS") and error.request_id
    assert error.violations[0]["path"] == "/title" and list(error.fields) == ["data"]
    assert str(error) == error.message and error.version is None


@pytest.mark.parametrize("error", [
    fx.NotFound(-32001, "not found", {"reason": "NOT_FOUND"}, "id"), fx.Timeout("late"),
    fx.ConnectionFailed("lost", sent=True),
    fx.BatchFailed({1: fx.Closed("closed")}, ["get_node", "get_node"])])
def test_an_error_comes_through_to_another_process(error: fx.Error) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert repr(vars(again)) == repr(vars(error))


def test_pauses_grow_and_end_with_the_time() -> None:
    attempts = Attempts(1000)
    pauses = [attempts.pause() or 0 for _ in range(12)]
    assert pauses[0] <= 0.1 and 2.5 <= pauses[-1] <= 5 and attempts.pause(60) or 0 >= 60
    assert Attempts(1).pause(2) is None and Attempts(0).pause() is None
    with pytest.raises(ValueError, match="above 0"):
        fx.connect("http://localhost", timeout=0)
