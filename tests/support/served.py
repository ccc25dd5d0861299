"""flexdb as a process, as its user starts it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from flexdb.config import Settings
from tests.support.http import JSON
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.service import request
from tests.support.waiting import wait_until

_SETTINGS = {name.upper() for name in Settings.__dataclass_fields__}
# What is started; the package is the repository's own.
_STARTED = ("wsgi.py", "gunicorn.conf.py")


def variables_of(settings: Settings, **changed: object) -> dict[str, object]:
    """Return the variables that lead to the database of some settings, and others beside them."""
    names = ("db_host", "db_port", "db_user", "db_name")
    return {name.upper(): getattr(settings, name) for name in names} | changed


class Served:
    """The service in a folder, until ``close()`` or the end of a ``with`` block.

    :param folder: where it runs; what is started there is put into it unless it has it already
    :param variables: its settings and what else its environment has
    """

    # What it reads; a terminal is one at which a person sits.
    stdin: int = subprocess.DEVNULL

    def __init__(self, folder: Path, **variables: object) -> None:
        self.folder = folder
        self.port = int(str(variables.setdefault("JSONRPC_PORT", free_port())))
        clean = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
        # A process that most tests need not have beside.
        environment = {**clean, "DELIVER": "false", "PYTHONPATH": str(ROOT),
                       "JSONRPC_HOST": "127.0.0.1",
                       **{name: str(value) for name, value in variables.items()}}
        self._output = TemporaryFile("w+b")
        self._booted: set[int] = set()
        self.process = subprocess.Popen(
            self.command(), cwd=folder, env=environment, stdin=self.stdin,
            stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True)

    def command(self) -> list[str]:
        """Put what is started into the folder, and return the command that starts it."""
        for name in _STARTED:
            if not (self.folder / name).exists():
                shutil.copy(ROOT / name, self.folder)
        return [sys.executable, str(self.folder / "wsgi.py")]

    @property
    def said(self) -> str:
        """What it wrote so far."""
        descriptor = self._output.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()

    @property
    def workers(self) -> list[int]:
        """The processes of gunicorn's workers that live, and no other child of its master."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [int(pid) for pid in children if _command(pid) == _command(str(master))]

    @property
    def booted(self) -> set[int]:
        """The processes of all workers that there were since it answered."""
        told = re.findall(r"Booting worker with pid: (\d+)", self.said)
        # The first ones are not told. Later, what a reload asks looks like a worker for a moment.
        self._booted |= {*(() if self._booted else self.workers), *map(int, told)}
        return set(self._booted)

    def get(self, path: str, method: str = "GET", body: str | None = None) -> tuple[int, Any]:
        """Send a request and return the status and the JSON of the answer.

        :raises OSError: when there is none
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, JSON)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def call(self, method: str, **params: Any) -> Any:
        """Call a method over JSON-RPC and return the response object."""
        return self.get("/jsonrpc", "POST", json.dumps(request(method, params)))[1]

    def answers(self, path: str = "/health", status: int = 200) -> bool:
        """Tell whether a request is answered with a status, by a process that still runs."""
        assert self.process.poll() is None, self.said
        try:
            return self.get(path)[0] == status
        except OSError:
            return False

    def wait(self, path: str = "/health/ready") -> Served:
        """Return it as soon as it answers at a path with 200."""
        # Until it says that it listens, the workers of one that was killed may answer.
        wait_until(lambda: "Health check endpoint" in self.said and self.answers(path))
        assert self.booted
        return self

    def refused(self) -> str:
        """Wait for the end of a start that fails and return the one line that says why."""
        assert self.process.wait(30) != 0
        assert "Traceback" not in self.said, self.said
        (line,) = [line for line in self.said.splitlines()
                   if "ERROR" in line or line.startswith("flexdb: ")]
        return line

    def end(self, number: int = signal.SIGINT, patience: float = 30) -> int:
        """Send its master a signal and return the status with which that ends.

        :param patience: how long that may take, in seconds
        """
        self.process.send_signal(number)
        return self.process.wait(patience)

    def close(self) -> None:
        """End it if it runs; what does not end when it is told to is killed."""
        try:
            if self.process.poll() is None:
                self.end()
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self._output.close()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Installed(Served):
    """The service of an environment into which it was installed; its folder stays as it is.

    :param programs: the folder of the environment's programs
    """

    def __init__(self, programs: Path, folder: Path, **variables: object) -> None:
        self.programs = programs
        super().__init__(folder, PYTHONPATH="", **variables)

    def command(self) -> list[str]:
        """Return the command that starts it."""
        return [str(self.programs / "flexdb"), "serve"]


def _command(pid: str) -> bytes:
    """Return what a process was started by, and what it calls itself."""
    try:
        return b"".join(Path(f"/proc/{pid}/{file}").read_bytes() for file in ("cmdline", "comm"))
    except FileNotFoundError:
        return b""
