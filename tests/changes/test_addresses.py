"""Where deliveries are never sent: nothing of this machine or network hears of them."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from flexdb.changes.addresses import Resolve, resolve
from flexdb.changes.posts import Sender
from flexdb.contract.urls import is_public
from tests.support.receivers import Receiver, Reply

_connects: list[object] = []
_listening = [False]


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _listening[0] and event == "socket.connect":
        _connects.append(arguments[1])


@pytest.fixture
def connects() -> Iterator[list[object]]:
    """The addresses that this process connects to, as the interpreter itself tells."""
    _connects.clear()
    _listening[:] = [True]
    yield _connects
    _listening[:] = [False]


# It stays as long as the process does.
sys.addaudithook(_note)

NOT_PUBLIC = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.9.10", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "100::1", "2001::7f00:1",
    "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1", "ff02::1", "ff0e::1"]
# As the resolver itself reads them, whatever the name looks like.
NAMES = ["localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0",
         "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]",
         "[::ffff:7f00:1]", "[fe80::1%25lo]", "LOCALHOST", "%31%32%37.0.0.1", "nosuchhost.invalid"]


def sender(*allowed: str, look_up: Resolve = resolve) -> Sender:
    return Sender(30, tuple(map(ip_network, allowed)), True, ssl.create_default_context(), look_up)


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_the_internet_s_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111",
                                  "2a00:1450:4001::1"])
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("host", [
    *(f"[{text}]" if ":" in text else text for text in NOT_PUBLIC), *NAMES])
def test_nothing_is_connected_to_where_a_host_is_not_public(
        connects: list[object], host: str) -> None:
    with Receiver() as receiver:
        answer = sender().post(receiver.url(host=host), {}, b"{}")
        assert answer.status == 0 and "not public" in answer.error
        assert not receiver.received and connects == []


def test_the_audit_sees_what_is_connected_to(connects: list[object]) -> None:
    with Receiver() as receiver:
        assert sender("127.0.0.1").post(receiver.url(), {}, b"{}").status == 204
        assert connects == [("127.0.0.1", receiver.port)]


def test_a_name_that_also_leads_inside_is_not_connected_to(connects: list[object]) -> None:
    def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with Receiver(host="127.0.0.2") as receiver:
        answer = sender("127.0.0.2", look_up=two).post(receiver.url(host="two.test"), {}, b"{}")
        assert answer.status == 0 and connects == []


def test_a_name_is_looked_up_once_an_attempt_and_connected_to_is_what_was_looked_at(
        connects: list[object]) -> None:
    led = iter(["127.0.0.2", "127.0.0.1", "127.0.0.2"])
    with Receiver(host="127.0.0.2") as receiver:
        changing = sender("127.0.0.2", look_up=lambda host, port: [next(led)])
        url = receiver.url(host="changing.test")
        assert [changing.post(url, {}, b"{}").status for _ in range(3)] == [204, 0, 204]
        assert connects == [("127.0.0.2", receiver.port)] * 2
        assert {one.headers["host"] for one in receiver.received} == {
            f"changing.test:{receiver.port}"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(connects: list[object], status: int) -> None:
    with Receiver() as inside:
        def away(_: object) -> Reply:
            return Reply(status, {"Location": inside.url()})

        with Receiver(away, "127.0.0.2") as receiver:
            answer = sender("127.0.0.2").post(receiver.url(), {}, b"{}")
            assert answer.status == status and answer.error
            assert not inside.received and connects == [("127.0.0.2", receiver.port)]


def test_no_proxy_of_the_environment_is_used(
        connects: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy, Receiver(host="127.0.0.2") as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert sender("127.0.0.2").post(receiver.url(), {}, b"{}").status == 204
        assert not proxy.received and connects == [("127.0.0.2", receiver.port)]


def test_an_address_that_answers_not_gives_way_to_the_next() -> None:
    with socket.create_server(("127.0.0.3", 0)) as taken, Receiver(host="127.0.0.2") as receiver:
        taken.close()
        both = sender("127.0.0.0/8", look_up=lambda host, port: ["127.0.0.3", "127.0.0.2"])
        assert both.post(receiver.url(host="two.test"), {}, b"{}").status == 204


def test_a_system_without_ipv6_sends_to_the_address_of_ipv4(
        monkeypatch: pytest.MonkeyPatch) -> None:
    class Older(socket.socket):
        """As a socket is where Linux was started with ``ipv6.disable=1``."""

        def __init__(self, family: int = -1, *rest: Any, **named: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
            super().__init__(family, *rest, **named)

    monkeypatch.setattr(socket, "socket", Older)
    with Receiver(host="127.0.0.2") as receiver:
        both = sender("::1", "127.0.0.2", look_up=lambda host, port: ["::1", "127.0.0.2"])
        assert both.post(receiver.url(host="two.test"), {}, b"{}").status == 204
        alone = sender("::1", look_up=lambda host, port: ["::1"])
        assert alone.post(receiver.url(host="one.test"), {}, b"{}").error == (
            f"there is no connection: {os.strerror(errno.EAFNOSUPPORT)}")


@pytest.mark.parametrize("url, told", [
    ("http://example.org/", "https"), ("ftp://example.org/", "https"),
    ("file:///etc/passwd", "https"), ("gopher://example.org/", "https"),
    ("//example.org/", "https"), ("https://a@example.org/", "user"),
    ("https://a:b@example.org/", "user"), ("https://example.org:22/", "port"),
    ("https://example.org:80/", "port"), ("https://example.org:99999/", "HTTP"),
    ("https:///path", "not public"), ("https://[::1/", "HTTP"), ("https://a b/", "not public")])
def test_without_leave_only_https_at_its_ports_is_sent_to(
        connects: list[object], url: str, told: str) -> None:
    strict = Sender(30, (), False, ssl.create_default_context())
    answer = strict.post(url, {}, b"{}")
    assert answer.status == 0 and told in answer.error and connects == []
