"""The set of keys: where it is read, when, and what is not gone after."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from secrets import randbits
from typing import Any
from uuid import uuid4

import pytest

from flexdb.access import keysets
from flexdb.access.keysets import FITTING
from flexdb.config import JWT_ALGORITHMS, ConfigError, Settings
from flexdb.config.reading import read_settings
from tests.support.callers import closed, with_key
from tests.support.ports import free_port
from tests.support.served import Served, variables_of
from tests.support.service import Service
from tests.support.tokens import (
    AUDIENCE,
    ISSUER,
    OTHER_RSA,
    RSA,
    JwksServer,
    claims_of,
    jwks,
    sign,
    token_of,
    with_tokens,
)
from tests.support.waiting import wait_until

USER = str(uuid4())


@pytest.fixture
def reach(settings: Settings) -> Iterator[Callable[[str], Service]]:
    """Return what gives the service that reads its keys at a place."""
    made: list[Service] = []

    def give(source: str) -> Service:
        made.append(closed(with_tokens(settings, source)))
        return made[-1]

    yield give
    for service in made:
        service.close()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a set be read anew whenever there is a reason."""
    monkeypatch.setattr(keysets, "_PAUSE", 0.0)


def outcome(service: Service, token: str) -> str:
    """Return the reason of a refusal, or ok."""
    client = with_key(service, token).client()
    # An address may guess only a few.
    client.environ_base["REMOTE_ADDR"] = str(ip_address(randbits(32)))
    reply = json.loads(client.get("/caller").data)
    return str(reply["error"]["data"]["reason"]) if "error" in reply else "ok"


def test_the_names_of_algorithms_are_those_that_keys_are_found_for() -> None:
    assert set(JWT_ALGORITHMS) == FITTING.keys()


def test_a_set_is_read_once_for_many_tokens(reach: Callable[[str], Service]) -> None:
    with JwksServer() as server:
        service = reach(server.url)
        assert server.asked == 0
        for kid in ("rsa", "ec", "ed"):
            assert outcome(service, token_of(str(uuid4()), kid)) == "ok"
        assert server.asked == 1


@pytest.mark.parametrize("named", ["jku", "x5u", "kid", "jwk"])
def test_no_address_in_a_token_is_gone_after(reach: Callable[[str], Service], named: str) -> None:
    with JwksServer() as server, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        service = reach(server.url)
        link = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        value = {"jwk": {"kty": "RSA", "jku": link, "x5u": link}}.get(named, link)
        for key in (RSA, OTHER_RSA):
            header = {"alg": "RS256", "kid": "rsa"} | {named: value}
            assert outcome(service, sign(header, claims_of(USER), key)) == "UNAUTHENTICATED"
        assert outcome(service, token_of(USER)) == "ok"
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_for_unknown_keys_a_set_is_read_once_in_a_while(reach: Callable[[str], Service]) -> None:
    with JwksServer() as server:
        service = reach(server.url)
        assert outcome(service, token_of(USER)) == "ok"
        for _ in range(20):
            header = {"alg": "RS256", "kid": str(uuid4())}
            assert outcome(service, sign(header, claims_of(USER))) == "UNAUTHENTICATED"
        assert server.asked == 2


def _redirect(to: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_redirect_is_not_followed(reach: Callable[[str], Service],
                                    caplog: pytest.LogCaptureFixture) -> None:
    with JwksServer() as other, JwksServer(_redirect(other.url)) as server:
        assert outcome(reach(server.url), token_of(USER)) == "UNAVAILABLE"
        assert (server.asked, other.asked) == (1, 0)
    assert "answered with the status 302" in caplog.text


def _body(text: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        # Who has read enough hangs up.
        try:
            handler.wfile.write(text)
        except OSError:
            pass

    return answer


@pytest.mark.parametrize("text, status, why", [
    (jwks() + b" " * 2 * 1024 * 1024, 200, "more than 1048576 bytes"),
    (b"<html>", 200, "cannot be read"), (b"[]", 200, "no JSON object"), (b"", 200, "cannot be"),
    (b'{"keys": {}}', 200, "no JSON object"), (b'{"keys": []}', 200, "has no key for"),
    (b"[" * 100_000, 200, "cannot be read"), (jwks(), 500, "the status 500"),
    (b'{"keys": [%s]}' % b",".join([b"{}"] * 101), 200, "more than 100 keys"),
    (b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "rsa"}]}', 200, "has no key for")])
def test_what_is_no_set_counts_for_none_and_the_log_says_why(
        reach: Callable[[str], Service], caplog: pytest.LogCaptureFixture, text: bytes,
        status: int, why: str) -> None:
    with JwksServer(_body(text, status)) as server:
        service = reach(server.url)
        assert outcome(service, token_of(USER)) == "UNAVAILABLE"
    assert why in caplog.text and "no token can be verified" in caplog.text


@pytest.mark.longest
@pytest.mark.long
@pytest.mark.parametrize("in_headers", [False, True])
def test_a_set_that_never_ends_is_given_up(reach: Callable[[str], Service], in_headers: bool,
                                           caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if in_headers else b"\r\n"))
            while not ended.wait(0.05):
                handler.wfile.write(b"x")
        except OSError:
            ended.set()

    with JwksServer(drip) as server:
        service = reach(server.url)
        assert outcome(service, token_of(USER)) == "UNAVAILABLE"
        # It is hung up on, and the thread that read it ends.
        wait_until(lambda: "took longer than 5 s" in caplog.text, 30)
        assert ended.wait(30)


def test_what_is_down_at_the_start_is_asked_again(reach: Callable[[str], Service],
                                                  no_pause: None) -> None:
    port = free_port()
    service = reach(f"http://127.0.0.1:{port}/jwks.json")
    for _ in range(2):
        assert outcome(service, token_of(USER)) == "UNAVAILABLE"
    with JwksServer(port=port):
        wait_until(lambda: outcome(service, token_of(USER)) == "ok")


def test_the_last_good_set_stays_in_use(reach: Callable[[str], Service], no_pause: None,
                                        caplog: pytest.LogCaptureFixture) -> None:
    with JwksServer() as server:
        service = reach(server.url)
        assert outcome(service, token_of(USER)) == "ok"
    for _ in range(3):
        assert outcome(service, sign({"alg": "RS256", "kid": "n"}, {})) == "UNAUTHENTICATED"
        assert outcome(service, token_of(str(uuid4()))) == "ok"
    assert "the keys that were read before stay in use" in caplog.text


def test_a_key_that_is_taken_back_is_good_no_more(settings: Settings, no_pause: None,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    with JwksServer() as server:
        service = closed(with_tokens(settings, server.url, jwt_refresh=0.1))
        token = token_of(USER, "ec")
        assert outcome(service, token) == "ok"
        server.text = jwks("rsa")
        wait_until(lambda: outcome(service, token) == "UNAUTHENTICATED")
        assert outcome(service, token_of(USER, "rsa")) == "ok"
        service.close()


@pytest.mark.long
def test_keys_change_under_load_and_no_good_token_is_refused(
        reach: Callable[[str], Service], no_pause: None) -> None:
    with JwksServer() as server:
        server.text = jwks("rsa")
        service = reach(server.url)
        assert outcome(service, token_of(USER)) == "ok"
        ended, told = threading.Event(), []

        def ask(kid: str, count: int) -> None:
            while not ended.is_set() and count:
                told.append((kid, outcome(service, token_of(str(uuid4()), kid))))
                count -= 1

        old = [threading.Thread(target=ask, args=("rsa", -1)) for _ in range(2)]
        for thread in old:
            thread.start()
        # A key is published before anything is signed by it.
        for kid in ("ec", "ed"):
            server.text = jwks("rsa", kid)
            new = [threading.Thread(target=ask, args=(kid, 10)) for _ in range(4)]
            for thread in new:
                thread.start()
            for thread in new:
                thread.join()
        ended.set()
        for thread in old:
            thread.join()
    assert {one for _, one in told} == {"ok"} and {kid for kid, _ in told} == {"rsa", "ec", "ed"}


def test_what_does_not_go_together_is_refused_at_the_start(tmp_path: Path) -> None:
    whole = {"JWT_KEYS": "https://login.example.org/jwks", "JWT_ISSUER": ISSUER,
             "JWT_AUDIENCE": AUDIENCE}
    assert read_settings(whole).jwt_algorithm_names == ["RS256", "ES256", "Ed25519"]
    for name in whole:
        for some in ({name: whole[name]}, {key: whole[key] for key in whole if key != name}):
            with pytest.raises(ConfigError, match="JWT_KEYS, JWT_ISSUER, JWT_AUDIENCE go together"):
                read_settings(some)
    for changed, why in (
            ({"JWT_TENANT_CLAIM": "tenants"}, "needs JWT_ROLE_CLAIM"),
            ({"JWT_ROLE_CLAIM": "role"}, "needs JWT_TENANT_CLAIM"),
            ({"JWT_KEYS": "http://login.example.org/jwks"}, "must begin with https://"),
            ({"JWT_KEYS": "http://127.0.0.1.example.org/jwks"}, "must begin with https://"),
            ({"JWT_KEYS": "https://me:secret@login.example.org/"}, "may hold no password"),
            ({"JWT_KEYS": "https://["}, "is no place of keys"),
            ({"JWT_KEYS": "https://login.example.org:x/"}, "is no place of keys"),
            ({"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS='none' may name"),
            ({"JWT_ALGORITHMS": ","}, "may name RS256"),
            ({"JWT_ALGORITHMS": "RS256,rs512"}, "may name RS256"),
            ({"JWT_LEEWAY": "301"}, "is not between 0 and 300")):
        with pytest.raises(ConfigError, match=why):
            read_settings(whole | changed)
    assert read_settings(whole | {"JWT_KEYS": "http://localhost:8080/jwks"}).jwt_keys


@pytest.mark.long
def test_the_service_starts_without_its_keys_and_says_so(settings: Settings, tmp_path: Path
                                                         ) -> None:
    port = free_port()
    there: dict[str, Any] = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    with Served(tmp_path, **variables_of(settings, JWT_KEYS=f"http://127.0.0.1:{port}/jwks",
                                         **there)) as served:
        served.wait("/health")
        assert "No token can be verified yet" in served.said
        with JwksServer(port=port):
            assert served.call("list_tenants")["result"]
    folder = tmp_path / "file"
    folder.mkdir()
    with Served(folder, **variables_of(settings, JWT_KEYS=str(folder / "no"), **there)) as served:
        assert "no cannot be read: No such file" in served.refused()


def test_a_set_in_a_file_is_read_anew_for_a_new_key(reach: Callable[[str], Service],
                                                    tmp_path: Path) -> None:
    source = tmp_path / "jwks.json"
    source.write_bytes(jwks("rsa"))
    service = reach(str(source))
    assert outcome(service, token_of(USER)) == "ok"
    source.write_bytes(jwks("rsa", "ec"))
    assert outcome(service, token_of(USER, "ec")) == "ok"


def test_what_is_refused_costs_no_line_in_the_log_each(reach: Callable[[str], Service],
                                                       caplog: pytest.LogCaptureFixture) -> None:
    with JwksServer() as server:
        service = reach(server.url)
        for _ in range(3):
            assert outcome(service, sign({"alg": "none"}, {})) == "UNAUTHENTICATED"
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
