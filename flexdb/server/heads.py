"""The requests of one connection, and the answers to them, with what is the same made once.

A client that keeps its connection sends the same head again and again. Parsing it and making WSGI's
environment of it took a quarter of a call; both are gunicorn's own here, and remembered.
"""

from __future__ import annotations

import io
from functools import lru_cache
from time import time
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request

_END = b"\r\n\r\n"
# Up to how many bytes a body is sent in one piece with its head.
_JOINED = 65536
# What of an environment is one request's: its body, and a call for early hints, which is left out.
_OWN = ("wsgi.input", "wsgi.early_hints")
# Headers that most answers have and no others: their names need not be looked at each time.
_USUAL = frozenset(("Content-Type", "Content-Length", "X-Request-ID", "Server-Timing"))


class Whole(io.BytesIO):
    """The body of a request that came with its head, of which nothing is left to be received."""


def is_read(body: Any) -> bool:
    """Tell whether nothing of a body is left on its connection."""
    return type(body) is Whole or (type(body.reader) is LengthReader and not body.reader.length
                                   and not body.buf.tell())


class Heads:
    """Parses a connection's requests; a head that came just before is not parsed anew."""

    def __init__(self) -> None:
        self._head = b""
        # What was parsed of it, with the length of the body, and the environment made of that.
        self._parsed: dict[str, Any] = {}
        self._length = -1
        self._environ: dict[str, Any] = {}

    def request(self, cfg: Any, unreader: Any, peer: Any, number: int) -> Any:
        """Return the next request, of which the body is still to be read.

        The parameters are those of gunicorn's class, in whose place it stands.

        :raises StopIteration: when nothing more comes
        """
        data = unreader.read()
        if not data:
            raise StopIteration
        if self._head and data.startswith(self._head):
            body = data[len(self._head):]
            request = Request.__new__(Request)
            request.__dict__.update(self._parsed, req_number=number)
            if len(body) == self._length:
                request.body = Whole(body)
            else:
                unreader.unread(body)
                request.set_body_reader()
            return request
        self._head, self._environ = b"", {}
        unreader.unread(data)
        request = Request(cfg, unreader, peer, number)
        head, end, rest = data.partition(_END)
        # What only the first of a connection may say, and what is answered before its body, is not
        # remembered; nor a head that came in pieces.
        if (end and unreader.buf.getvalue() == rest and not request.proxy_protocol_info
                and not request._expected_100_continue):
            self._head, self._parsed = head + end, {**request.__dict__}
            reader = request.body.reader
            self._length = reader.length if type(reader) is LengthReader else -1
        return request

    def create(self, request: Any, connection: Any, cfg: Any) -> tuple[Response, dict[str, Any]]:
        """Return the answer to a request, to be filled, and WSGI's environment for it."""
        if self._environ:
            return (Response(request, connection.sock, cfg),
                    {**self._environ, "wsgi.input": request.body})
        response, environ = wsgi.create(request, connection.sock, connection.client,
                                        connection.server, cfg, response_class=Response)
        environ["wsgi.multithread"] = True
        if self._head:
            self._environ = {name: value for name, value in environ.items() if name not in _OWN}
        return response, environ


class Response(wsgi.Response):  # type: ignore[misc]
    """An answer that goes out at once: a client that is woken by its head waits for its body."""

    headers_sent: bool

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take headers, all of which may be sent; gunicorn's own looks at each by itself."""
        if not (_USUAL.issuperset([name for name, _ in headers])
                and wsgi.HEADER_VALUE_RE.fullmatch("".join([value for _, value in headers]))):
            super().process_headers(headers)
            return
        self.headers += headers
        for name, value in headers:
            if name == "Content-Length":
                self.response_length = int(value)

    def default_headers(self) -> list[str]:
        """Return the lines that every answer begins with."""
        connection = ("upgrade" if self.upgrade else
                      "close" if self.should_close() else "keep-alive")
        major, minor = self.req.version
        lines = [f"HTTP/{major}.{minor} {self.status}\r\nServer: {self.version}\r\n"
                 f"Date: {_date(int(time()))}\r\nConnection: {connection}\r\n"]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines

    def write(self, arg: Any) -> None:
        """Send a piece of the body, and the head before the first."""
        if (self.headers_sent or self._omits_body or type(arg) is not bytes
                or self.response_length != len(arg) or len(arg) > _JOINED):
            super().write(arg)
            return
        head = "".join([*self.default_headers(),
                        *[f"{name}: {value}\r\n" for name, value in self.headers], "\r\n"])
        util.write(self.sock, head.encode("latin-1") + arg)
        self.headers_sent = True
        self.sent = len(arg)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    date: str = util.http_date(second)
    return date
