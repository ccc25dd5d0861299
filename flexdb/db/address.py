"""Where PostgreSQL is, through PgBouncer and past it, and why it is not reached."""

from __future__ import annotations

import os
import re
import shlex
import ssl
from dataclasses import replace
from typing import NamedTuple

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from flexdb.config import ConfigError, Settings

# A server whose machine or network is gone cannot say farewell, and the kernel would wait for a
# quarter of an hour: it is given up when it is silent for so long, in seconds.
_SILENCE = 5
# Where another may be tried it is given up sooner; libpq takes no less than two seconds for one.
_IMPATIENCE = 2

# read_only_sql_transaction: the server is a standby by now, or was set so when it was connected.
READ_ONLY = "25006"

# What PostgreSQL and PgBouncer say to whom they will not let in until somebody changes something,
# and what that is. libpq keeps the SQLSTATE of a refused connection to itself; a server that
# speaks another language than English is tried on, with its own words in the log.
_REFUSED = {
    r'database ".*" does not exist|no such database':
        "has no database {name}: make it with `createdb {options} -U {user} {name}`, or set "
        "DB_NAME",
    r'role ".*" does not exist|no such user':
        "has no user {user}: set DB_USER, or make it with `createuser {options} {user}`",
    r"password authentication failed|no password supplied|SASL authentication failed":
        "does not know the user {user} with this password: set DB_USER and DB_PASSWORD",
    r"(Peer|Ident) authentication failed":
        "lets in only whom the operating system calls {user} too: set DB_USER to your own name, "
        "or DB_HOST to localhost",
}


class NotReachable(Exception):
    """PostgreSQL does not answer yet; the message says in one line why."""


class Server(NamedTuple):
    """A PostgreSQL that let flexdb in.

    :param version: its major version
    :param encrypted: whether what goes there and back is encrypted
    :param host: where it is, of several
    :param port: likewise
    :param is_standby: whether it follows another, and takes no writes
    """

    version: int
    encrypted: bool
    host: str = ""
    port: int = 0
    is_standby: bool = False


def conninfo(settings: Settings, statement_timeout: float | None = None) -> str:
    """Return the connection string for the calls.

    PgBouncer refuses ``options`` (https://www.pgbouncer.org/config.html), so behind it a role has
    its timeouts by ALTER ROLE.

    :param statement_timeout: in seconds; None for no limit
    """
    # Said even when empty, as PGOPTIONS would stand in for it.
    options = ""
    if not settings.db_pgbouncer:
        # Whoever sets no limit may also pause in a transaction.
        pause = 0 if statement_timeout is None else 60_000
        options = ("-c timezone=UTC -c datestyle=ISO"
                   # What waits for another must see what that left behind.
                   r" -c default_transaction_isolation=read\ committed"
                   f" -c statement_timeout={round((statement_timeout or 0) * 1000)}"
                   f" -c idle_in_transaction_session_timeout={pause}"
                   # Who does not name a tenant is told so, and is not shown a part of the rows.
                   f" -c row_security={'on' if settings.db_row_security and pause else 'off'}")
    # A server that is busy with a statement may leave what follows it in a pipeline unread.
    patience = 0 if statement_timeout is None else statement_timeout + _SILENCE
    if settings.db_ssl_root_cert == "system":
        _trust_what_the_system_trusts()
    hosts, ports = zip(*settings.db_addresses)
    return make_conninfo(
        host=",".join(hosts), port=",".join(map(str, ports)),
        target_session_attrs=wanted_server(settings), user=settings.db_user,
        password=settings.db_password, dbname=settings.db_name, sslmode=settings.db_ssl_mode,
        sslrootcert=settings.db_ssl_root_cert or None, sslcert=settings.db_ssl_cert or None,
        sslkey=settings.db_ssl_key or None,
        application_name="flexdb", client_encoding="utf8", options=options,
        connect_timeout=patience_of(settings), keepalives_idle=_SILENCE, keepalives_interval=1,
        keepalives_count=_SILENCE, tcp_user_timeout=round(patience * 1000))


def wanted_server(settings: Settings) -> str | None:
    """Return which of several servers is wanted, in libpq's words: the one that takes writes.

    None where there is one, and where an operator says it to libpq, by a variable of its own.
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
    """
    several = len(settings.db_addresses) > 1
    return "read-write" if several and not os.environ.get("PGTARGETSESSIONATTRS") else None


def patience_of(settings: Settings) -> int:
    """Return how long a server may take to let flexdb in, in seconds."""
    return _IMPATIENCE if len(settings.db_addresses) > 1 else _SILENCE


def place(settings: Settings) -> str:
    """Return where PostgreSQL is, as people read it."""
    return ", ".join(f"{host}:{port}" for host, port in settings.db_addresses)


def first(settings: Settings, address: tuple[str, int] | None) -> Settings:
    """Return the settings with one of several servers as that which is tried first.

    :param address: where it is; None for the order in which they are named
    """
    at = settings.db_addresses
    if len(at) == 1 or address not in at:
        return settings
    hosts, ports = zip(address, *(one for one in at if one != address))
    return replace(settings, db_host=",".join(hosts), db_port=",".join(map(str, ports)))


def direct(settings: Settings) -> Settings:
    """Return the settings with PostgreSQL's own address, where one is named beside PgBouncer's."""
    if not (settings.db_direct_host or settings.db_direct_port):
        return settings
    return replace(
        settings, db_host=settings.db_direct_host or settings.db_host,
        db_port=settings.db_direct_port or settings.db_port,
        db_direct_host="", db_direct_port=0, db_pgbouncer=False)


def reason(error: psycopg.Error) -> str:
    """Return in one line what an error says, and what would be right where that is known."""
    told = " ".join((error.diag.message_primary or str(error) or type(error).__name__).split())
    # Of several servers psycopg tells the last one's words, and then each one's.
    told = told.partition("All failures were: ")[2] or told
    if "unsupported startup parameter" in told:
        return f"{told}: this is PgBouncer, so set DB_PGBOUNCER=true"
    if "no pg_hba.conf entry" in told and told.endswith("no encryption"):
        return f"{told}: where it asks for TLS, set DB_SSL_MODE=require"
    if error.sqlstate == READ_ONLY:
        return f"{told}: it takes no writes, as a standby does until it is promoted"
    if "row-level security policy" in told:
        return (f"{told}: do it as a superuser, or as who owns the tables where row security is "
                "not forced on the owner")
    return told


def ends_connection(error: psycopg.Error) -> bool:
    """Tell whether an error is the end of a connection, and not of a statement alone.

    The server's farewell may arrive before the connection's end does; what libpq says itself has
    no SQLSTATE.
    https://www.postgresql.org/docs/current/protocol-error-fields.html (severity)
    """
    farewell = error.diag.severity_nonlocalized in ("FATAL", "PANIC")
    return farewell or isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def not_reached(error: psycopg.Error, settings: Settings) -> NotReachable | ConfigError:
    """Return what to raise for a connection that could not be made.

    Where nothing but another setting, or somebody who makes the database or the user, would help,
    that is a ConfigError that says so in one line.
    """
    told = reason(error)
    for words, advice in _REFUSED.items():
        if re.search(words, told):
            # PgBouncer makes no databases and no users.
            server = direct(settings)
            advice = advice.format(
                name=shlex.quote(settings.db_name), user=shlex.quote(settings.db_user),
                options=f"-h {shlex.quote(server.db_host)} -p {shlex.quote(str(server.db_port))}")
            return ConfigError(f"PostgreSQL at {place(settings)} {advice}")
    return NotReachable(told)


def answers(host: str, port: int | str) -> bool:
    """Tell whether a PostgreSQL answers at an address, whoever it may let in."""
    asked = make_conninfo(host=host, port=port, sslmode="disable", connect_timeout=1)
    return pq.PGconn.ping(asked.encode()) in (pq.Ping.OK, pq.Ping.REJECT)


def look_at_server(settings: Settings) -> Server:
    """Return which PostgreSQL is there, by a connection as the settings want it.

    :raises NotReachable: when it does not answer
    :raises ConfigError: when it does not let flexdb in
    """
    try:
        with psycopg.connect(conninfo(settings), autocommit=True) as connection:
            info = connection.info
            return Server(info.server_version // 10_000, bool(connection.pgconn.ssl_in_use),
                          info.host, info.port, info.parameter_status("in_hot_standby") == "on")
    except psycopg.Error as error:
        raise not_reached(error, settings) from error


def _trust_what_the_system_trusts() -> None:
    # The OpenSSL in psycopg's package has a place of its own for certificates, where none are.
    paths = ssl.get_default_verify_paths()
    for variable, path in (("SSL_CERT_FILE", paths.cafile), ("SSL_CERT_DIR", paths.capath)):
        if path:
            os.environ.setdefault(variable, path)
