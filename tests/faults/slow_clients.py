"""Clients that send and read a little at a time, in one thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Between two pieces, in seconds.
PAUSE = 0.1


class _Slow:
    """One slow client: all it sends but its last bytes goes out at once.

    :param request: what it sends
    :param held_back: how many bytes of it go out one by one
    """

    def __init__(self, port: int, request: bytes, held_back: int) -> None:
        self.socket = socket.socket()
        # A small window keeps the answer from waiting here.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(request[:len(request) - held_back])
        self.socket.setblocking(False)
        self._rest = request[len(request) - held_back:]

    def move(self) -> None:
        """Send one byte, or read a few."""
        with suppress(OSError):
            if self._rest:
                self.socket.send(self._rest[:1])
                self._rest = self._rest[1:]
            else:
                self.socket.recv(2048)


@contextmanager
def slow_clients(port: int, count: int, reading: bytes, writing: bytes) -> Iterator[None]:
    """Let half of the clients read slowly and half of them write slowly.

    :param reading: a JSON-RPC call with a large answer
    :param writing: one whose body is long
    """
    ended = threading.Event()
    clients = []
    for number in range(count):
        clients.append(_Slow(port, _http(reading), 0) if number % 2
                       else _Slow(port, _http(writing), len(writing) - 100))
        # As many answers at once would be more than the pool has places.
        time.sleep(0.02)

    def run() -> None:
        while not ended.wait(PAUSE):
            for client in clients:
                client.move()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for client in clients:
            client.socket.close()


def _http(body: bytes) -> bytes:
    return (b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
