"""PostgreSQL under Patroni: members that agree who takes writes, on one machine."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from flexdb.server.embedded import binaries, unprivileged
from tests.faults.database import NAME, PASSWORD, USER, Database
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_until

# The least that Patroni takes, in seconds; loop_wait + 2 * retry_timeout must not be more.
TTL, LOOP, RETRY = 20, 5, 5


def install(folder: Path) -> Path:
    """Install Patroni in an environment of its own and return its program; skip where that fails.
    """
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [str(folder / "bin/python"), "-m", "pip", "install", "-q", "-r",
                     str(ROOT / "requirements-failover.txt")]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"Patroni cannot be installed: {done.stderr.strip()[-300:]}")
    return folder / "bin/patroni"


class Member(Database):
    """A PostgreSQL that Patroni starts, promotes and follows with.

    :param program: Patroni's
    :param raft: the ports at which the members agree, its own first
    """

    def __init__(self, folder: Path, program: Path, raft: list[int]) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port, self.name, self._api = free_port(), f"member{raft[0]}", free_port()
        self._programs = binaries(os.environ.get("TEST_POSTGRES"))
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.configuration = folder / "patroni.json"
        # What is JSON is YAML too.
        self.configuration.write_text(json.dumps(self._settings(raft), indent=1))
        if os.geteuid() == 0:
            for path in (folder, self.configuration):
                shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
        self.start()

    def _settings(self, raft: list[int]) -> dict[str, Any]:
        own, *others = (f"127.0.0.1:{port}" for port in raft)
        superuser = {"username": "postgres", "password": PASSWORD}
        return {
            "scope": "flexdb", "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self._api}",
                        "connect_address": f"127.0.0.1:{self._api}"},
            # Without bind_addr it would listen to everybody.
            "raft": {"data_dir": str(self.folder / "raft"), "self_addr": own, "bind_addr": own,
                     "partner_addrs": others},
            "bootstrap": {
                "dcs": {"ttl": TTL, "loop_wait": LOOP, "retry_timeout": RETRY,
                        "synchronous_mode": True,
                        "postgresql": {"use_pg_rewind": True, "parameters": {
                            "wal_log_hints": "on", "max_connections": 60}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}]},
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data), "bin_dir": str(self._programs),
                # A spread checkpoint would let the copy wait for minutes.
                "basebackup": [{"checkpoint": "fast"}],
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {"superuser": superuser, "replication": {"username": "replicator",
                                                   "password": PASSWORD},
                                   "rewind": superuser},
                "parameters": {"unix_socket_directories": str(self.folder),
                               "logging_collector": "off"},
                "pg_hba": ["local all postgres trust", "host all all 127.0.0.1/32 scram-sha-256",
                           "host replication all 127.0.0.1/32 scram-sha-256"]}}

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                unprivileged([str(self._program), str(self.configuration)]), env=clean, cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop(self, mode: str = "fast") -> None:
        """Stop Patroni and its server."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        self.kill()

    def kill(self) -> None:
        """End all its processes, as the loss of its machine would."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._runs():
            super().kill()

    def asked(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        """Ask Patroni, and return the status and what it says; 0 where it does not answer."""
        connection = HTTPConnection("127.0.0.1", self._api, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body else None)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    @property
    def leads(self) -> bool:
        """Tell whether it takes the writes."""
        return self.asked("/primary")[0] == 200

    @property
    def is_in_step(self) -> bool:
        """Tell whether it has each write before that is acknowledged."""
        return self.asked("/sync")[0] == 200


class Patroni:
    """Three members, until ``close()``.

    :param folders: where they are kept
    :param program: Patroni's
    """

    def __init__(self, folders: list[Path], program: Path) -> None:
        ports = [free_port() for _ in folders]
        self.members: list[Member] = []
        try:
            for number, folder in enumerate(folders):
                self.members.append(Member(folder, program, ports[number:] + ports[:number]))
            leader = wait_until(self.leader)
            leader.do(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", "postgres")
            leader.do(f"CREATE DATABASE {NAME} OWNER {USER}", "postgres")
            wait_until(self.is_whole)
        except BaseException:
            self.close()
            raise

    @property
    def variables(self) -> dict[str, object]:
        """Return the service's settings that name all members."""
        return {"DB_HOST": ",".join("127.0.0.1" for _ in self.members),
                "DB_PORT": ",".join(str(member.port) for member in self.members)}

    def leader(self) -> Member | None:
        """Return the member that takes the writes."""
        return next((member for member in self.members if member.leads), None)

    def successor(self) -> Member | None:
        """Return a member that has all writes."""
        return next((member for member in self.members if member.is_in_step), None)

    def is_whole(self) -> bool:
        """Tell whether all members run, and one may take over without a loss."""
        return bool(self.successor()) and all(
            member.asked("/health")[0] == 200 for member in self.members)

    def switch_over(self) -> None:
        """Have another member take the writes."""
        leader, successor = self.leader(), self.successor()
        assert leader and successor
        status, said = leader.asked("/switchover", "POST", {
            "leader": leader.name, "candidate": successor.name})
        assert status == 200, said

    def close(self) -> None:
        """End them."""
        for member in self.members:
            member.kill()
