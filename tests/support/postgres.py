"""A PostgreSQL for the tests, from the programs that the embedded one uses."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.server.embedded import binaries, unprivileged

# The embedded one is built without TLS.
WITH_TLS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


def start(folder: Path, version: str | None = None, arguments: str = "",
          programs: Path | None = None, base: Path | None = None) -> Postgresql:
    """Start a server that ends with ``stop()``.

    :param folder: where it is kept
    :param version: the major version; TEST_POSTGRES or the newest at hand when absent
    :param arguments: further arguments of ``postgres``
    :param programs: where its programs are, if not those of the embedded one
    :param base: where its data is kept, if not in the folder
    """
    programs = programs or binaries(version or os.environ.get("TEST_POSTGRES"))
    base = base or folder / "base"
    base.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return Postgresql(
        base_dir=str(base),
        initdb=_wrapper(folder, programs / "initdb", base),
        postgres=_wrapper(folder, programs / "postgres", base),
        initdb_args="-U postgres -A trust --locale=C --encoding=UTF8",
        postgres_args=f"-h 127.0.0.1 -F -c logging_collector=off {arguments}",
    )


def _wrapper(folder: Path, program: Path, base: Path) -> str:
    """PostgreSQL refuses to run as root, so there the folders are handed to nobody first."""
    wrapper = folder / program.name
    give = f"chown -R nobody {shlex.quote(str(base))}\n" if os.geteuid() == 0 else ""
    wrapper.write_text(f'#!/bin/sh\n{give}exec {shlex.join(unprivileged([str(program)]))} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


def settings_of(server: Postgresql, database: str, **options: object) -> Settings:
    """Return settings that lead to a database of a server."""
    return Settings(db_host="127.0.0.1", db_port=server.dsn()["port"], db_name=database,
                    **options)  # type: ignore[arg-type]


def connect(settings: Settings) -> psycopg.Connection:
    """Connect to look at the database, or to change it, from the outside."""
    port = settings.db_direct_port or settings.db_port
    return psycopg.connect(host=settings.db_host, port=port, user=settings.db_user,
                           password=settings.db_password, dbname=settings.db_name,
                           autocommit=True)


def create_database(server: Postgresql, name: str, template: str | None = None) -> None:
    """Create a database, as a copy of another where one is named."""
    # Going through the log of changes, as it does by itself, takes three times as long.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
        sql.Identifier(name), sql.Identifier(template or "template0"))
    with connect(settings_of(server, "postgres")) as connection:
        connection.execute(statement)


def drop_database(settings: Settings) -> None:
    """Drop a database, and end the connections to it."""
    with connect(replace(settings, db_name="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(
            sql.Identifier(settings.db_name)))
