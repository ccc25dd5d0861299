"""A PgBouncer before the tests' PostgreSQL, with the configuration that deploy/ ships."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SHIPPED = ROOT / "deploy/pgbouncer.ini"
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needed = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")


class PgBouncer:
    """A running PgBouncer; it ends with ``stop()``.

    :param folder: where its files are kept; it may be used once
    :param behind: the port of PostgreSQL on this machine
    :param changed: what its configuration has else than the shipped one
    """

    def __init__(self, folder: Path, behind: int | str, **changed: object) -> None:
        self.port, self.behind, self.folder = free_port(), behind, folder
        folder.chmod(0o755)
        self._users = folder / "userlist.txt"
        self._users.write_text('"postgres" "postgres"\n')
        self._users.chmod(0o644)
        text = re.sub(r"^dbaas = .*$", f"* = host=127.0.0.1 port={behind}", SHIPPED.read_text(),
                      count=1, flags=re.MULTILINE)
        changed = {"listen_port": self.port, "auth_file": self._users, "unix_socket_dir": "",
                   **changed}
        for name, value in changed.items():
            text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
            text += f"{name} = {value}\n"
        (folder / "pgbouncer.ini").write_text(text)
        self.start()

    def start(self) -> None:
        """Start it, or start it again, and wait until it takes connections."""
        assert PROGRAM
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, *user, self.folder / "pgbouncer.ini"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._answers)
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.said
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def said(self) -> str:
        """What its log has."""
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        """End it at once, with the connections that it has."""
        # From 1.23 on this is its immediate shutdown, and SIGTERM waits for its clients; before, it
        # just ends by it.
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(90)

    def settings(self, settings: Settings, **options: object) -> Settings:
        """Return settings that lead through it to where the given ones lead."""
        return replace(settings, db_port=self.port, db_pgbouncer=True, db_direct_port=self.behind,
                       **options)  # type: ignore[arg-type]
