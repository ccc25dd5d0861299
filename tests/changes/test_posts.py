"""One POST: what is success, and that nobody can hold it longer or feed it more than it takes."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest

from flexdb.changes.posts import Sender
from flexdb.config import ConfigError, Settings
from tests.support import certificates
from tests.support.certificates import Authority
from tests.support.receivers import Receiver, Reply

LOCAL = (ip_network("127.0.0.0/8"),)
BODY = orjson.dumps({"type": "node.created"})


def sender(timeout: float = 30) -> Sender:
    return Sender(timeout, LOCAL, True, ssl.create_default_context())


@contextmanager
def talking(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Listen, and have a function talk to whoever connects until the block ends."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    talk(connection, over)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        over.set()
        thread.join()


def answer(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, _: threading.Event) -> None:
        with connection.makefile("rb") as request:
            while request.readline().strip():
                pass
            request.read(len(BODY))
        connection.sendall(text)

    return talk


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_an_answer_from_200_to_299_is_success(status: int) -> None:
    with Receiver(lambda _: Reply(status)) as receiver:
        assert sender().post(receiver.url("/a?b=c"), {"x-y": "z"}, BODY) == (status, "", None)
        (got,) = receiver.received
    assert (got.path, got.body) == ("/a?b=c", BODY)
    assert got.headers["content-type"] == "application/json" and got.headers["x-y"] == "z"
    assert got.headers["content-length"] == str(len(BODY))
    assert got.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 500, 503, 599])
def test_another_answer_is_none_and_its_body_is_not_told(status: int) -> None:
    with Receiver(lambda _: Reply(status, {}, b"" if status == 304 else b"hidden")) as receiver:
        told = sender().post(receiver.url(), {}, BODY)
    assert told == (status, f"it answered with {status}", None)


@pytest.mark.parametrize("said, seconds", [
    ("7", 7), (" 0 ", 0), ("99999999999999999999", 999999999), ("-1", None), ("soon", None),
    ("1.5", None), ("", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("٧", None)])
def test_retry_after_is_read_as_seconds_or_as_a_date(said: str, seconds: float | None) -> None:
    with talking(answer(f"HTTP/1.1 429 Slow\r\nRetry-After: {said}\r\n\r\n".encode())) as url:
        assert sender().post(url, {}, BODY).retry_after == seconds


def test_a_path_with_letters_of_other_languages_is_sent_encoded() -> None:
    with Receiver() as receiver:
        assert sender().post(receiver.url("/ä?ü=%C3%A4"), {}, BODY).status == 204
        assert receiver.received[0].path == "/%C3%A4?%C3%BC=%C3%A4"


def hang(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def drip_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.02):
        connection.sendall(b"x")


def drip_status(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.02):
        connection.sendall(b"H")


def continue_for_ever(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.02):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("talk", [hang, drip_headers, drip_status, continue_for_ever])
def test_whoever_takes_too_long_in_all_is_left(
        talk: Callable[[socket.socket, threading.Event], None]) -> None:
    with talking(talk) as url:
        assert sender(0.4).post(url, {}, BODY) == (0, "there was no answer within 0.4 s", None)


def test_nothing_is_sent_when_it_is_to_be_over_already() -> None:
    with Receiver() as receiver:
        assert sender().post(receiver.url(), {}, BODY, time.monotonic()).status == 0
        assert not receiver.received


def test_a_handshake_that_never_ends_is_left() -> None:
    with talking(hang) as url:
        told = sender(0.4).post(url.replace("http:", "https:"), {}, BODY)
    assert told == (0, "there was no answer within 0.4 s", None)


def test_whoever_reads_nothing_is_left() -> None:
    with talking(hang) as url:
        assert sender(0.4).post(url, {}, b"x" * 2**25).status == 0


def send_headers_for_ever(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        connection.sendall(b"a: " + b"b" * 1000 + b"\r\n")


def send_one_long_line(connection: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        connection.sendall(b"a" * 10_000)


@pytest.mark.parametrize("talk", [
    send_headers_for_ever, send_one_long_line,
    answer(b"SSH-2.0-OpenSSH_9.9\r\n"), answer(b"HTTP/1.1 99999 Odd\r\n\r\n"), answer(b"")])
def test_what_is_no_answer_of_http_is_told_as_that_and_not_quoted(
        talk: Callable[[socket.socket, threading.Event], None]) -> None:
    with talking(talk) as url:
        told = sender().post(url, {}, BODY)
    assert told.status == 0 and told.error.startswith(("there was no answer of HTTP: ",
                                                       "there is no connection: "))
    assert "SSH" not in told.error and "999" not in told.error


@certificates.needed
def test_headers_without_end_are_left_over_tls_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("hooks.test", "DNS:hooks.test"))
    trusting = ssl.create_default_context(cafile=str(authority.certificate))

    def put_off_for_ever(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            while not over.is_set():
                secure.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    with talking(put_off_for_ever) as url:
        ours = Sender(10, LOCAL, True, trusting, lambda host, port: ["127.0.0.1"])
        told = ours.post(url.replace("http://127.0.0.1", "https://hooks.test"), {}, BODY)
    assert told.status == 0 and told.error.startswith("there was no answer of HTTP: ")


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    sent = [0]

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        while not over.is_set():
            sent[0] += connection.send(b"\0" * 65_536)

    with talking(flood) as url:
        assert sender().post(url, {}, BODY).status == 200


def test_nobody_who_listens_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    told = sender().post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert told == (0, f"there is no connection: {os.strerror(111)}", None)


@certificates.needed
def test_a_certificate_is_verified_by_the_name_and_not_by_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("hooks.test", "DNS:hooks.test"))
    names: list[str] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    trusting = ssl.create_default_context(cafile=str(authority.certificate))

    def lead(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with Receiver(context=context) as receiver:
        ours = Sender(30, LOCAL, False, trusting, lead)
        good = receiver.url(host="hooks.test", scheme="https")
        assert ours.post(good, {}, BODY).status == 204
        assert names == ["hooks.test"]
        other = ours.post(receiver.url(host="other.test", scheme="https"), {}, BODY)
        assert other.status == 0 and "TLS failed: Hostname mismatch" in other.error
        stranger = Sender(30, LOCAL, False, ssl.create_default_context(), lead)
        assert "TLS failed" in stranger.post(good, {}, BODY).error
        assert len(receiver.received) == 1


@pytest.mark.parametrize("text", ["10.0.0.0/33", "localhost", "10.0.0.1/8", "1,,x"])
def test_what_is_allowed_has_to_be_networks(text: str) -> None:
    with pytest.raises(ConfigError, match="^WEBHOOK_ALLOW="):
        Settings(webhook_allow=text)


def test_a_sender_is_what_the_settings_say() -> None:
    made = Sender.of(Settings(webhook_allow="10.0.0.0/8, ::1", webhook_timeout=3))
    assert made.allowed == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert (made.timeout, made.http) == (3, False)
    assert made.context.check_hostname and made.context.verify_mode is ssl.CERT_REQUIRED
