"""One POST to a stranger: to an address that was looked at, within a time, and nothing kept.

There are no redirects, no proxies, no cookies and no kept connections.
"""

from __future__ import annotations

import io
import math
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from string import punctuation
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from flexdb.changes.addresses import NotPublic, Resolve, addresses_of, resolve
from flexdb.config import Networks, Settings, networks
from flexdb.contract.urls import PORTS
from flexdb.version import __version__

# Of an answer no more is read, in bytes: of its body, for the receiver's sake, and of all.
_BODY, _ALL = 4096, 65_536
_PIECE = 65_536
_TELLING = 200


class Reaction(NamedTuple):
    """What came of a POST.

    :param status: the answer's; 0 where there was none
    :param error: why it did not succeed, without what the body said; "" where it did
    :param retry_after: for how long the receiver wants to be left alone, in seconds; None where it
        does not say
    """

    status: int
    error: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Sender:
    """Sends to strangers.

    :param timeout: how long a POST may take in all, in seconds
    :param allowed: networks that need not be public
    :param http: whether http and any port will do
    :param context: by what the receivers' certificates are verified
    :param look_up: in the place of the system's resolver
    """

    timeout: float
    allowed: Networks
    http: bool
    context: ssl.SSLContext
    look_up: Resolve = resolve

    @classmethod
    def of(cls, settings: Settings) -> Sender:
        """Return the one that settings say."""
        return cls(settings.webhook_timeout, networks("WEBHOOK_ALLOW", settings.webhook_allow),
                   settings.webhook_http, ssl.create_default_context())

    def post(self, url: str, headers: Mapping[str, str], body: bytes, until: float = math.inf
             ) -> Reaction:
        """Send a body of JSON, and say what came of it; an answer of 200 to 299 is success.

        :param until: when it is over at the latest, on the monotonic clock
        """
        try:
            return self._post(min(until, time.monotonic() + self.timeout), url, headers, body)
        except TimeoutError:
            return Reaction(0, f"there was no answer within {self.timeout:g} s")
        except ssl.SSLError as error:
            return Reaction(0, f"TLS failed: {_printable(_reason(error))}")
        except NotPublic as error:
            return Reaction(0, str(error))
        except OSError as error:
            return Reaction(0, f"there is no connection: {error.strerror or type(error).__name__}")
        except (HTTPException, ValueError) as error:
            # What it says may quote the answer.
            return Reaction(0, f"there was no answer of HTTP: {type(error).__name__}")

    def _post(self, until: float, url: str, headers: Mapping[str, str], body: bytes) -> Reaction:
        parts = urlsplit(url)
        secure, host = parts.scheme == "https", parts.hostname or ""
        if not secure and not (self.http and parts.scheme == "http"):
            return Reaction(0, "its URL is not one of https")
        if parts.username is not None or parts.password is not None:
            return Reaction(0, "its URL has a user's name in it")
        port = parts.port or (443 if secure else 80)
        if port not in PORTS and not (self.http or self.allowed):
            return Reaction(0, "its URL has another port than 443 and 8443")
        addresses = addresses_of(host, port, self.allowed, self.look_up)
        with _connected(addresses, port, until) as plain:
            plain.settimeout(_left(until))
            stream = (self.context.wrap_socket(plain, server_hostname=host) if secure else plain)
            with stream:
                connection = HTTPConnection(host, port)
                # As of http.client's own HTTPSConnection, its port is then not said.
                connection.default_port = 443 if secure else 80
                connection.sock = _Wire(stream, until)
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", quote(target, punctuation), body, {
                    "Content-Type": "application/json", "User-Agent": f"flexdb/{__version__}",
                    "Connection": "close", **headers})
                response = connection.getresponse()
                answer = _answer(response.status, response.getheader("Retry-After"))
                try:
                    response.read(_BODY)
                except (OSError, HTTPException):
                    # It has said what it did.
                    pass
                return answer


def _connected(addresses: list[str], port: int, until: float) -> socket.socket:
    """Connect to the first of some addresses that answers; each has its share of the time."""
    failed = OSError("no address")
    for place, address in enumerate(addresses):
        share = _left(until) / (len(addresses) - place)
        try:
            return socket.create_connection((address, port), share)
        except OSError as error:
            # It may be one of IPv6, of which this system knows nothing.
            failed = error
    raise failed


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Wire:
    """A connection that gives up at a moment, however little at a time comes or goes."""

    def __init__(self, stream: socket.socket, until: float) -> None:
        self._stream, self._until = stream, until

    def sendall(self, data: bytes) -> None:
        """Send data."""
        for start in range(0, len(data), _PIECE):
            self._stream.settimeout(_left(self._until))
            self._stream.sendall(data[start:start + _PIECE])

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return what is read from."""
        return io.BufferedReader(_Incoming(self._stream, self._until))

    def close(self) -> None:
        """Leave it to who opened it."""


class _Incoming(io.RawIOBase):
    """What comes in, until a moment and up to a size."""

    def __init__(self, stream: socket.socket, until: float) -> None:
        self._stream, self._until, self._room = stream, until, _ALL

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # 0 would have it read as much as there is.
        if not self._room:
            raise HTTPException("the answer is too long")
        self._stream.settimeout(_left(self._until))
        count = self._stream.recv_into(buffer, min(len(buffer), self._room))
        self._room -= count
        return count


def _answer(status: int, retry_after: str | None) -> Reaction:
    if 200 <= status < 300:
        return Reaction(status)
    return Reaction(status, f"it answered with {status}", _seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0)
    except (TypeError, ValueError, OverflowError):
        return None


def _reason(error: ssl.SSLError) -> str:
    return str(getattr(error, "verify_message", "") or error.reason or type(error).__name__)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:_TELLING]
