"""Standbys of a PostgreSQL: servers that follow another, as replicas do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from flexdb.config import Settings
from flexdb.server.embedded import binaries, unprivileged
from tests.support import postgres
from tests.support.ports import free_port
from tests.support.waiting import wait_until


class Standby:
    """A standby, until ``close()``.

    :param folder: where it is kept; made for it
    :param primary: leads to the server that it follows
    :param delay: how long it waits until it replays what was committed, in ms
    :param options: further parameters of the server
    """

    def __init__(self, folder: Path, primary: Settings, delay: int = 0, **options: object
                 ) -> None:
        self.primary = primary
        self.port = free_port()
        self._folder, self._programs = folder, binaries(os.environ.get("TEST_POSTGRES"))
        self._process: subprocess.Popen[bytes] | None = None
        with postgres.connect(primary) as connection:
            # What a standby has not taken yet would go with the next checkpoint.
            connection.execute("ALTER SYSTEM SET wal_keep_size = '1GB'")
            connection.execute("SELECT pg_reload_conf()")
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        subprocess.run(unprivileged([
            str(self._programs / "pg_basebackup"), "--host=127.0.0.1",
            f"--port={primary.db_port}", "--username=postgres", f"--pgdata={folder / 'data'}",
            "--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"]),
            check=True, stdin=subprocess.DEVNULL)
        self._command = unprivileged([
            str(self._programs / "postgres"), "-D", str(folder / "data"), "-p", str(self.port),
            "-h", "127.0.0.1", "-k", str(folder), "-F", "-c", "logging_collector=off",
            "-c", f"recovery_min_apply_delay={delay}ms",
            *(f"--{name}={value}" for name, value in options.items())])
        self.start()

    @property
    def settings(self) -> Settings:
        """The settings that lead to it."""
        return replace(self.primary, db_port=self.port)

    def start(self) -> None:
        """Start it, and return when it lets somebody read."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers)

    def ask(self, query: str) -> Any:
        """Return the first column of the first row that a query gives."""
        with postgres.connect(self.settings) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None

    def pause(self) -> None:
        """Let it replay nothing more; it goes on to answer."""
        self.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        """Let it replay again."""
        self.ask("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        """Make it a primary."""
        assert self.ask("SELECT pg_promote()")

    def freeze(self, frozen: bool = True) -> None:
        """Let none of its processes do anything, so that it takes connections and says nothing."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def catch_up(self) -> None:
        """Return when it has replayed what is written by now."""
        with postgres.connect(self.primary) as connection:
            row = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert row
        wait_until(lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'"))

    def kill(self) -> None:
        """End it as the loss of its machine would."""
        if self._process and self._process.poll() is None:
            for pid in self._pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End it."""
        if self._process and self._process.poll() is None:
            self.freeze(False)
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            finally:
                self.kill()

    def _pids(self) -> list[int]:
        assert self._process
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (
            self._folder / "log").read_text(errors="replace")
        try:
            return self.ask("SELECT pg_is_in_recovery()") is not None
        except psycopg.OperationalError:
            return False
