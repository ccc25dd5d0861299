"""A PostgreSQL that is not there yet."""

from __future__ import annotations

from testing.postgresql import Postgresql

from tests.support.ports import free_port
from tests.support.proxy import Proxy


class Away:
    """A port at which a server does not answer, until it does."""

    def __init__(self, server: Postgresql) -> None:
        self.port = free_port()
        self._server = server
        self._proxy: Proxy | None = None

    def come(self) -> None:
        """Let it answer from now on."""
        self._proxy = Proxy(self._server.dsn()["port"], address=("127.0.0.1", self.port))

    def go(self) -> None:
        """Take no further connections."""
        if self._proxy:
            self._proxy.close()
