"""A TCP proxy that loses what it is told to lose."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Proxy:
    """Pass connections on to a server on this machine.

    While ``losing`` is set, an answer with ``wanted`` in it is lost, and the connection as well.

    :param to: the server's port, or the path of its socket
    :param linger: how long the client's end stays open after the server's has ended, in seconds
    :param address: where to listen
    """

    def __init__(self, to: int | str, linger: float = 0, address: tuple[str, int] = ("127.0.0.1", 0)
                 ) -> None:
        self.losing = threading.Event()
        self.wanted = b""
        self.lost = 0
        self._to, self._linger = to, linger
        self._listener = socket.create_server(address)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no further connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = self._connect()
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._to, int):
            return socket.create_connection(("127.0.0.1", self._to))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._to)
        return server

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while sent := client.recv(65536):
                server.sendall(sent)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        """Pass the answers on; while ``losing`` is set, cut the connection at a wanted one."""
        with suppress(OSError):
            while said := server.recv(65536):
                if self.losing.is_set() and self.wanted in said:
                    self.lost += 1
                    _end(server)
                    break
                client.sendall(said)
            else:
                time.sleep(self._linger)
        _end(client)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()
