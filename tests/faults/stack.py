"""What stands in production: PostgreSQL, gunicorn and nginx, each with processes of its own."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tests.faults.database import Database
from tests.faults.load import Load
from tests.support.nginx import Nginx
from tests.support.served import Served


class Stack:
    """The service behind nginx on a database of its own.

    :param folder: where all of it is kept; its path is short, as a socket's must be
    :param database: the PostgreSQL, running or not
    :param variables: further settings
    """

    def __init__(self, folder: Path, database: Database, **variables: object) -> None:
        self.database = database
        home = folder / "service"
        home.mkdir()
        socket = folder / "http.sock"
        self._home, self._said = home, ""
        self.served: Served
        self.variables = {**database.variables, "JSONRPC_HOST": "127.0.0.1",
                          "JSONRPC_SOCKET": socket, "AUTH": "open", "DELIVER": "false",
                          **variables}
        self.serve()
        (folder / "nginx").mkdir()
        self.nginx = Nginx(folder / "nginx", socket)

    def serve(self) -> None:
        """Start the service, anew where it was stopped."""
        if "served" in vars(self):
            self._said = self.said
            self.served.close()
        self.served = Served(self._home, **self.variables)
        self.variables["JSONRPC_PORT"] = self.served.port

    @property
    def said(self) -> str:
        """Return the service's log."""
        return self._said + self.served.said

    @property
    def workers(self) -> list[int]:
        """Return the processes of gunicorn's workers."""
        return self.served.workers

    def memory(self) -> int:
        """Return what the workers hold in memory together, in bytes."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.workers)
        return pages * os.sysconf("SC_PAGE_SIZE")

    def load(self, clients: int = 6) -> Load:
        """Return a load on a new tenant."""
        tenant = self.served.call("create_tenant", slug=f"load-{time.monotonic_ns()}", name="Load")
        id = tenant["result"]["tenant"]["id"]
        made = self.served.call("create_node_type", tenant_id=id, name="Thing")
        return Load(self.nginx.port, (id, made["result"]["node_type"]["id"]), clients)

    def tracebacks(self) -> list[str]:
        """Return the ends of the tracebacks in the log."""
        return re.findall(r"Traceback \(most.*?\n(?=\d{4}-|\Z)", self.said, re.DOTALL)

    def close(self) -> None:
        """Stop all but the database."""
        self.nginx.close()
        self.served.close()
