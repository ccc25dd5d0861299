"""A PostgreSQL that can be hurt: it writes to a disk, and its data outlives its processes."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from flexdb.server.embedded import binaries, unprivileged
from tests.support.ports import free_port

USER, PASSWORD, NAME = "flexdb", "a password", "dbaas"
_OPTIONS = ("-c listen_addresses=127.0.0.1 -c unix_socket_permissions=0700 -c logging_collector=off"
            " -c deadlock_timeout=50ms -c max_connections=60 -c restart_after_crash=on"
            " -c max_wal_size=64MB -c min_wal_size=32MB -c wal_log_hints=on")


class Database:
    """A server with fsync on, reached over TCP with a password, as in production.

    The service's role is no superuser. Superusers get in by the socket, without a password.

    :param folder: where its socket and its log are kept
    :param data: where its data is kept, when not in the folder
    :param wal: where its log of changes is kept, when not with the data
    :param follows: whose standby it is, when it is one
    """

    def __init__(self, folder: Path, data: Path | None = None, wal: Path | None = None,
                 follows: Database | None = None) -> None:
        self.folder, self.data = folder, data or folder / "data"
        self.port = free_port()
        self._options = f"{_OPTIONS} -p {self.port} -k {folder}"
        self._programs = binaries(os.environ.get("TEST_POSTGRES"))
        folder.mkdir(exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            for path in filter(None, (folder, self.data, wal)):
                shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
        if follows:
            self._run("pg_basebackup", "-D", str(self.data), "-h", str(follows.folder), "-p",
                      str(follows.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast",
                      "--no-sync")
            self.start()
            return
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth-local=trust",
                  "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
                  *([f"--waldir={wal}"] if wal else []))
        self.start()
        self.do(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        self.do(f"CREATE DATABASE {NAME} OWNER {USER}", "postgres")

    @property
    def variables(self) -> dict[str, object]:
        """Return the service's settings."""
        return {"DB_HOST": "127.0.0.1", "DB_PORT": self.port, "DB_USER": USER,
                "DB_PASSWORD": PASSWORD, "DB_NAME": NAME}

    def connect(self, database: str = NAME) -> psycopg.Connection:
        """Connect as a superuser."""
        return psycopg.connect(host=str(self.folder), port=self.port, user="postgres",
                               dbname=database, autocommit=True, connect_timeout=5)

    def do(self, text: str, database: str = NAME) -> list[tuple[Any, ...]]:
        """Run a statement as a superuser and return its rows."""
        with self.connect(database) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def dump(self) -> bytes:
        """Return the service's database as SQL."""
        return subprocess.run([self._programs / "pg_dump", "-h", self.folder, "-p", str(self.port),
                               "-U", "postgres", NAME], check=True, capture_output=True).stdout

    def load(self, dump: bytes) -> None:
        """Run SQL, as that of a dump, in the service's database."""
        subprocess.run([self._programs / "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h",
                        self.folder, "-p", str(self.port), "-U", "postgres", NAME], input=dump,
                       check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start the server."""
        self._run("pg_ctl", "start", "-w", "-D", str(self.data), "-o", self._options,
                  "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, if it runs."""
        if self._runs():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def kill(self) -> None:
        """End all its processes, as the loss of its machine would."""
        own = self._pid()
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for pid in (own, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while self._runs():
            time.sleep(0.004)
        # Of a process for which nobody waits the id stays taken.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def follow(self, primary: Database) -> None:
        """Take back what the primary never had, and start as its standby."""
        self._run("pg_rewind", "-D", str(self.data), "-R", "--no-sync", "--source-server",
                  f"host={primary.folder} port={primary.port} user=postgres dbname=postgres")
        self.start()

    def _pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def _runs(self) -> bool:
        """Tell whether the server runs; one that gave up leaves its file behind."""
        try:
            pid = self._pid()
        except (FileNotFoundError, IndexError):
            return False
        try:
            # One that nobody waited for is still listed.
            return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False

    @property
    def said(self) -> str:
        """Return the server's log."""
        return (self.folder / "log").read_text()

    def begin_restart(self, mode: str) -> subprocess.Popen[bytes]:
        """Restart the server, without waiting for it."""
        command = self._command("pg_ctl", "restart", "-w", "-D", str(self.data), "-m", mode,
                                "-o", self._options, "-l", str(self.folder / "log"))
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)

    def accepts(self) -> bool:
        """Tell whether a client gets in."""
        try:
            self.do("SELECT 1")
            return True
        except psycopg.Error:
            return False

    def wait(self, patience: float = 60) -> float:
        """Return the time when the server accepts clients, to within a few milliseconds."""
        until = time.monotonic() + patience
        while not self.accepts():
            assert time.monotonic() < until, self.said[-2000:]
            time.sleep(0.004)
        return time.monotonic()

    def backends(self, state: str = "") -> list[int]:
        """Return the processes that serve the service's connections."""
        return [pid for pid, in self.do(
            f"SELECT pid FROM pg_stat_activity WHERE usename = '{USER}'"
            + (f" AND state = '{state}'" if state else ""))]

    def promote(self) -> None:
        """Make a standby accept writes."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def settle(self) -> None:
        """Wait until no statement of the service is under way."""
        quiet = 0
        while quiet < 5:
            quiet = 0 if self.do(f"SELECT 1 FROM pg_stat_activity WHERE usename = '{USER}' "
                                 "AND state <> 'idle'") else quiet + 1
            time.sleep(0.05)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return unprivileged([str(self._programs / program), *arguments])

    def _run(self, program: str, *arguments: str) -> None:
        # The server keeps the standard streams, so a pipe would never end.
        with (self.folder / "control").open("w+") as output:
            done = subprocess.run(self._command(program, *arguments), stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, cwd="/",
                                  start_new_session=True)
            output.seek(0)
            assert done.returncode == 0, f"{program}: {output.read()[-2000:]}"
