"""A primary with a standby, and services on both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests.support import postgres
from tests.support.service import Service
from tests.support.standbys import Standby


class Pair:
    """A primary and a standby, until ``close()``.

    :param folder: where they are kept
    """

    def __init__(self, folder: Path) -> None:
        self._services: list[Service] = []
        self.server: Postgresql = postgres.start(folder)
        try:
            postgres.create_database(self.server, "flexdb")
            self.primary = postgres.settings_of(self.server, "flexdb", auth="open")
            migrate(self.primary)
            self.standby = Standby(folder / "standby", self.primary)
        except BaseException:
            self.server.stop()
            raise

    def both(self, **options: object) -> Settings:
        """Return settings that name both, the standby first."""
        return replace(self.primary, db_host="127.0.0.1,127.0.0.1",
                       db_port=f"{self.standby.port},{self.primary.db_port}",
                       **options)  # type: ignore[arg-type]

    def serve(self, settings: Settings) -> Service:
        """Return a service whose connections are closed with the servers."""
        self._services.append(Service.of(settings))
        return self._services[-1]

    def close(self) -> None:
        """End both."""
        for service in self._services:
            service.app.extensions["flexdb"].close()
        self.standby.close()
        self.server.stop()
