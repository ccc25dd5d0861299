"""A client of a stream of changes, which reads its bytes as they come."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import psycopg

from tests.support.served import Served


class Event(NamedTuple):
    """An event as it came.

    :param id: the position
    :param name: ``change``, ``position`` or ``gone``
    """

    id: str
    name: str
    data: Any


def is_change(event: Event) -> bool:
    """Tell whether an event is a change."""
    return event.name == "change"


class Streamed:
    """An open stream, until the end of a ``with`` block.

    :param port: where the service, or what stands before it, listens on this machine
    :param tenant: the id of the tenant
    :param since: the id of the last event that is known, sent as a client does that comes back
    :param key: what the client shows of itself, if anything
    :param buffer: how much the system takes that was not read, in bytes; 0 for as it likes
    :param cut: after how many bytes of the body the connection is at its end
    :param asked: further parameters
    """

    def __init__(self, port: int, tenant: str, since: str = "", key: str = "", buffer: int = 0,
                 cut: int = 2**62, version: str = "1.1", **asked: object) -> None:
        self._left = 2**62
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        headers = [f"GET /tenants/{tenant}/changes/stream?{urlencode(asked, doseq=True)} "
                   f"HTTP/{version}", "Host: localhost", "Accept: text/event-stream"]
        headers += [f"Last-Event-ID: {since}"] if since else []
        headers += [f"Authorization: Bearer {key}"] if key else []
        self.socket.sendall("\r\n".join([*headers, "", ""]).encode())
        self._buffer = b""
        self.head = self._until(b"\r\n\r\n").decode()
        self.status = int(self.head.split()[1])
        self._is_chunked = "chunked" in self.head
        self._left = cut
        self._text = b""
        # Whether the server said that this is all, in place of going away.
        self.is_complete = False

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._receive(65536)
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _receive(self, most: int) -> None:
        more = self.socket.recv(min(most, self._left))
        if not more:
            raise EOFError
        self._left -= len(more)
        self._buffer += more

    def _chunk(self) -> bytes:
        size = int(self._until(b"\r\n"), 16)
        while len(self._buffer) < size + 2:
            self._receive(65536)
        data, self._buffer = self._buffer[:size], self._buffer[size + 2:]
        return data

    def __iter__(self) -> Iterator[Event]:
        """Give the events until the server closes."""
        while True:
            while b"\n\n" in self._text:
                text, _, self._text = self._text.partition(b"\n\n")
                fields = dict(line.split(": ", 1) for line in text.decode().split("\n"))
                if "event" in fields:
                    yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            try:
                if self._is_chunked:
                    more = self._chunk()
                else:
                    self._receive(65536)
                    more, self._buffer = self._buffer, b""
            except (EOFError, ConnectionError):
                return
            if not more:
                self.is_complete = True
                return
            self._text += more

    def until(self, wanted: Callable[[Event], bool]) -> list[Event]:
        """Return the events up to the first that is wanted."""
        found = []
        for event in self:
            found.append(event)
            if wanted(event):
                return found
        raise AssertionError(f"the stream ended behind {found[-3:]}")

    def changes(self, count: int) -> list[Event]:
        """Return the next changes."""
        found: list[Event] = []
        while len(found) < count:
            found += self.until(is_change)[-1:]
        return found

    def error(self) -> Any:
        """Return the error that a refusal holds."""
        (length,) = (int(line.split(":")[1]) for line in self.head.lower().split("\r\n")
                     if line.startswith("content-length"))
        while len(self._buffer) < length:
            self._receive(65536)
        return json.loads(self._buffer)["error"]

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def __enter__(self) -> Streamed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Watched(NamedTuple):
    """A tenant whose changes are looked at.

    :param id: the tenant's id
    :param type: the id of a node type
    """

    served: Served
    id: str
    type: str

    @classmethod
    def of(cls, served: Served) -> Watched:
        """Make a tenant with a node type."""
        tenant = served.call("create_tenant", slug=f"streamed-{uuid4().hex}", name="Streamed")
        id = tenant["result"]["tenant"]["id"]
        kind = served.call("create_node_type", tenant_id=id, name="Thing")
        return cls(served, id, kind["result"]["node_type"]["id"])

    def node(self, **data: object) -> str:
        """Make a node and return its id."""
        made = self.served.call("create_node", tenant_id=self.id, node_type_id=self.type, data=data)
        id: str = made["result"]["node"]["id"]
        return id

    def position(self) -> str:
        """Return the position of now."""
        position: str = self.served.call("list_changes", tenant_id=self.id)["result"]["position"]
        return position

    def walk(self, since: str) -> list[str]:
        """Return the positions of all changes behind one."""
        found: list[str] = []
        while True:
            page = self.served.call("list_changes", tenant_id=self.id, since=since,
                                    limit=1000)["result"]
            found += [change["position"] for change in page["changes"]]
            since = page["position"]
            if not page["more"]:
                return found

    def open(self, **options: Any) -> Streamed:
        """Open a stream."""
        return Streamed(self.served.port, self.id, **options)


@contextmanager
def writing(connect: Callable[[], psycopg.Connection], node: str) -> Iterator[None]:
    """Change a node again and again, whatever becomes of the service."""
    ended = threading.Event()

    def write() -> None:
        with connect() as database:
            number = 0
            while not ended.wait(0.002):
                number += 1
                database.execute("UPDATE nodes SET data = jsonb_build_object('n', %s::int) "
                                 "WHERE id = %s", [number, node])

    with ThreadPoolExecutor(1) as threads:
        writes = threads.submit(write)
        try:
            yield
        finally:
            ended.set()
            writes.result()
