"""What a run has standing: PostgreSQL, databases and servers, each made when asked for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench.data import Data, empty, fresh, prepare
from bench.kinto_records import copy_nodes, migrate_kinto
from bench.servers import EMPTY, FASTAPI, KINTO, SERVICE, Postgres, Server


class Stage:
    """Everything that runs, until it is closed.

    :param folder: where it is kept; the data stays for the next run
    :param rows: how many rows the large tables have
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        folder.mkdir(exist_ok=True)
        self._closing = ExitStack()
        self.postgres = Postgres(folder)
        self._closing.callback(self.postgres.stop)
        self._data: dict[tuple[int, int], Data] = {}
        self._writes: Data | None = None
        self._servers: dict[str, Server] = {}

    def data(self, tenants: int, nodes: int) -> Data:
        """Return a database with so many tenants and so many nodes in each."""
        key = (tenants, nodes)
        if key not in self._data:
            self._data[key] = prepare(self.postgres.settings, tenants, nodes)
        return self._data[key]

    def writes(self) -> Data:
        """Return the database that is written to, with one tenant and one node type."""
        if self._writes is None:
            self._writes = self._closing.enter_context(fresh(self.postgres.settings))
        return self._writes

    def service(self, data: Data, **options: str) -> Server:
        """Return the service on a database.

        :param options: settings that differ from the defaults
        """
        return self._server(SERVICE, data, options)

    def empty(self) -> Server:
        """Return the empty Flask view under the same gunicorn."""
        return self._server(EMPTY, self.writes(), {})

    def fastapi(self, data: Data, application: str = FASTAPI, **options: str) -> Server:
        """Return what a user would write instead, on a database."""
        return self._server(application, data, options)

    def kinto(self, data: Data) -> Server:
        """Return Kinto with the nodes of a database as its records."""
        settings = self._closing.enter_context(empty(self.postgres.settings, "bench_kinto"))
        migrate_kinto(settings)
        server = self._server(KINTO, Data(settings, 1, data.nodes), {})
        copy_nodes(data, settings, server)
        return server

    def _server(self, application: str, data: Data, options: dict[str, str]) -> Server:
        key = f"{application} {data.settings.db_name} {options}"
        if key not in self._servers:
            server = Server(application, data.settings, self.folder / "run", options)
            self._servers[key] = server
        return self._servers[key]

    def large(self) -> Data:
        """Return a database for large nodes, as :meth:`writes` gives one."""
        return self._closing.enter_context(fresh(self.postgres.settings, "bench_large"))

    def small(self, name: str, nodes: int = 1000, tenants: int = 1) -> Data:
        """Return a database of its own with few nodes to a tenant, as :meth:`writes` gives one."""
        return self._closing.enter_context(
            fresh(self.postgres.settings, f"bench_{name}", nodes, tenants))

    def stop_servers(self) -> None:
        """Stop the servers: many of them would need more connections than PostgreSQL has."""
        # All at once: each ends what it is at, which takes a while.
        for server in self._servers.values():
            server.end()
        while self._servers:
            self._servers.popitem()[1].stop()

    def close(self) -> None:
        """Stop what runs."""
        self.stop_servers()
        self._closing.close()
