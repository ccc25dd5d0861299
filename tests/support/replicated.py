"""A service with a primary and two replicas, and what became of its reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests.support import metrics, postgres
from tests.support.service import RpcError, Service, request
from tests.support.standbys import Standby

TOKEN = "Consistency-Token"
# The figures of reads, those that waited among them.
_FIGURES = ("flexdb_replica_reads_total", "flexdb_replica_fallbacks_total",
            "flexdb_replica_wait_seconds_count")


class Replicated:
    """A primary and two standbys that are a little behind, until ``close()``.

    :param folder: where they are kept
    """

    def __init__(self, folder: Path) -> None:
        self.server: Postgresql = postgres.start(folder)
        self.standbys: list[Standby] = []
        try:
            postgres.create_database(self.server, "replicated")
            self.primary = postgres.settings_of(self.server, "replicated", auth="open")
            migrate(self.primary)
            for number, delay in enumerate((2, 20)):
                self.standbys.append(Standby(folder / f"standby-{number}", self.primary, delay))
        except BaseException:
            self.close()
            raise

    def settings(self, *standbys: Standby, **options: Any) -> Settings:
        """Return the settings of a service with some standbys; all when none are named."""
        ports = ",".join(str(one.port) for one in standbys or self.standbys)
        hosts = ",".join("127.0.0.1" for _ in standbys or self.standbys)
        return replace(self.primary, db_replica_host=hosts, db_replica_port=ports, **options)

    def close(self) -> None:
        """End the servers."""
        for standby in self.standbys:
            standby.close()
        self.server.stop()


@dataclass
class Reader:
    """A client that carries the greatest token that it got.

    :param service: whom it calls
    :param token: what it sends with each call; nothing when it is empty
    """

    service: Service
    token: str = ""

    def send(self, body: Any) -> Any:
        """Send a body to JSON-RPC and return the response, whose token counts from now on."""
        response = self.service.post(body, headers={TOKEN: self.token} if self.token else {})
        self.token = max(self.token, response.headers.get(TOKEN, ""))
        return response

    def call(self, method: str, /, **params: Any) -> Any:
        """Call a method and return its result.

        :raises RpcError: when it answers with an error
        """
        reply = orjson.loads(self.send(request(method, params)).data)
        if "error" in reply:
            raise RpcError(reply["error"])
        return reply["result"]

    def figures(self) -> dict[str, float]:
        """Return what is more than nothing: how many reads each target answered, and why the
        primary did, and how many waited.
        """
        text = self.service.app.extensions["flexdb"].metrics.text("")[0].decode()
        return {(name[1:] or ("waits",))[0]: value for name, value in metrics.read(text).items()
                if name[0] in _FIGURES and value}
