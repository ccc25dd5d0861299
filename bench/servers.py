"""The servers that are measured: PostgreSQL, the service as shipped, and what stands beside it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import orjson

from bench import processes
from flexdb.config import DATABASE_VARIABLES, Settings
from flexdb.server.database import embedded_settings
from flexdb.server.embedded import Embedded

ROOT = Path(__file__).resolve().parents[1]
SERVICE, EMPTY, KINTO = "wsgi:app", "bench.empty:app", "bench.kinto_service:app"
FASTAPI, FASTAPI_PAGE, FASTAPI_STREAMS = (
    "bench.fastapi_service:app", "bench.fastapi_page:app", "bench.fastapi_streams:app")
# It wants other versions of packages than we do.
KINTO_PYTHON = Path(sys.prefix, "kinto", "bin", "python")
_GUNICORN = (sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"))
# https://www.uvicorn.org/settings/
_UVICORN = (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers",
            "{workers}", "--loop", "uvloop", "--http", "httptools")
# https://docs.kinto-storage.org/en/stable/configuration/production.html
_KINTO = (str(KINTO_PYTHON), "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers",
          "{workers}", "--threads", str(Settings().threads), "--keep-alive", "75")
_COMMANDS = {SERVICE: _GUNICORN, EMPTY: _GUNICORN, KINTO: _KINTO, FASTAPI: _UVICORN,
             FASTAPI_PAGE: _UVICORN, FASTAPI_STREAMS: _UVICORN}


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables that lead to a database."""
    return {name: str(getattr(settings, name.lower())) for name in DATABASE_VARIABLES}


class Postgres:
    """A PostgreSQL of the benchmark's own, as the embedded one starts: with fsync and all else.

    :param folder: where its data is kept between runs
    """

    def __init__(self, folder: Path) -> None:
        self._embedded = Embedded(folder)
        self._embedded.claim()
        self.settings = embedded_settings(Settings(), self._embedded.start())
        pid_file = self._embedded.data / "postmaster.pid"
        self.pid = int(pid_file.read_text().splitlines()[0])

    def cpu(self) -> float:
        """Return the CPU time of all its processes so far, in seconds."""
        return processes.cpu(self.pid)

    def stop(self) -> None:
        """Stop it."""
        self._embedded.stop()


class Server:
    """An application with default settings on a free port of 127.0.0.1.

    :param application: one of those above; the service and the empty view run under gunicorn with
        ``gunicorn.conf.py``
    :param settings: where the database is
    :param folder: where it runs and keeps its log
    :param options: variables that differ from the defaults
    """

    def __init__(self, application: str, settings: Settings, folder: Path,
                 options: Mapping[str, str] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        folder.mkdir(exist_ok=True)
        environment = {**os.environ, **variables(settings), "PYTHONPATH": str(ROOT),
                       "JSONRPC_HOST": "127.0.0.1", "JSONRPC_PORT": str(self.port),
                       **(options or {})}
        # Each has equally many processes that answer.
        workers = environment.get("WORKERS") or str(Settings().workers)
        self._is_ending = False
        self.log = folder / f"{application.partition(':')[0]}-{self.port}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*(part.format(port=self.port, workers=workers)
                   for part in _COMMANDS[application]), application],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def url(self, path: str) -> str:
        """Return where a path is."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def workers(self) -> list[int]:
        """Return the worker processes."""
        return processes.children(self._process.pid)

    def cpu(self) -> float:
        """Return the CPU time of master and workers so far, in seconds."""
        return processes.cpu(self._process.pid)

    def post(self, body: bytes) -> bytes:
        """Send one body and return the reply.

        :raises RuntimeError: when it holds an error
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request("POST", "/jsonrpc", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            reply = response.read()
        calls = orjson.loads(reply)
        for call in calls if isinstance(calls, list) else [calls]:
            if response.status != 200 or "error" in call:
                raise RuntimeError(f"{body[:200]!r} was answered with {call}")
        return reply

    def stop(self) -> None:
        """Stop it, as an operator would."""
        self.end()
        self._process.wait(60)

    def end(self) -> None:
        """Tell it to stop, and do not wait for that."""
        if not self._is_ending and self._process.poll() is None:
            self._is_ending = True
            self._process.send_signal(signal.SIGTERM)

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"it did not start: see {self.log}")


def changed_settings() -> dict[str, str]:
    """Return the settings that the environment gives and that therefore are no defaults."""
    names = [setting.name.upper() for setting in fields(Settings)]
    return {name: os.environ[name] for name in names if os.environ.get(name)
            and name not in (*DATABASE_VARIABLES, "JSONRPC_HOST", "JSONRPC_PORT")}
