"""What the service is measured against: pgbench with its own SQL, bare SQL, INSERT and COPY."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

from bench.load import CONNECTIONS, Subject, Work, measured
from bench.servers import Postgres
from bench.statements import Script
from flexdb.config import Settings
from flexdb.server.embedded import binaries

# Of every hundred transactions these many are written down one by one.
_LOGGED = 5
# How often psql runs each statement before it is started again.
_TURNS = 20


def program(name: str, settings: Settings, arguments: Sequence[str]) -> str:
    """Run a program of PostgreSQL's on a database and return what it says.

    :raises RuntimeError: with the end of its errors when it fails
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment["PGOPTIONS"] = "-c timezone=UTC -c datestyle=ISO"
    command = [str(binaries() / name), "-h", settings.db_host, "-p", str(settings.db_port),
               "-U", settings.db_user, *arguments, settings.db_name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def pgbench(postgres: Postgres, settings: Settings, scripts: Sequence[Script],
            connections: int = CONNECTIONS) -> Subject:
    """Return the load of scripts, chosen at random, each one prepared statement.

    :param scripts: at most 128
    """
    def work(seconds: float) -> Work:
        with TemporaryDirectory() as folder:
            arguments = ["-n", "-M", "prepared", "-j", "1", f"-c{connections}",
                         f"-T{max(1, round(seconds))}", "--log", f"--log-prefix={folder}/log",
                         f"--sampling-rate={_LOGGED / 100}"]
            for place, script in enumerate(scripts):
                file = Path(folder, f"{place}.sql")
                file.write_text(script.text)
                arguments += ["-f", str(file)]
                for name, value in script.variables.items():
                    arguments += ["-D", f"{name}={value}"]
            told = program("pgbench", settings, arguments)
            # https://www.postgresql.org/docs/current/pgbench.html (Per-Transaction Logging)
            times = sorted(int(line.split()[2]) for file in Path(folder).glob("log*")
                           for line in file.read_text().splitlines())
        done = re.search(r"actually processed: (\d+)", told)
        rate = re.search(r"tps = ([\d.]+)", told)
        failed = re.search(r"failed transactions: (\d+)", told)
        if not done or not rate or (failed and failed[1] != "0"):
            raise RuntimeError(f"pgbench failed: {told}")
        p50, p99 = ((times[len(times) * part // 100] / 1000 for part in (50, 99))
                    if times else (None, None))
        return Work(int(done[1]), int(done[1]) / float(rate[1]), p50, p99)

    return measured(work, postgres)


def psql(postgres: Postgres, settings: Settings, statements: Sequence[str], each: int = 1
         ) -> Subject:
    """Return the load of SQL as it stands, in one psql, each time planned anew.

    :param each: how many calls, or nodes, a statement counts for
    """
    def work(seconds: float) -> Work:
        done = 0
        with NamedTemporaryFile("w", suffix=".sql") as file:
            file.write("\n".join(statements) * _TURNS)
            file.flush()
            start = time.monotonic()
            # Less than a tick of the processor's clock would count as nothing.
            while time.monotonic() < start + seconds:
                program("psql", settings, ["-q", "-X", "-v", "ON_ERROR_STOP=1", "-o", os.devnull,
                                           "-f", file.name])
                done += _TURNS * len(statements) * each
        return Work(done, time.monotonic() - start)

    return measured(work, postgres)
