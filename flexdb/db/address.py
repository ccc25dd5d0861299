"""Where PostgreSQL is: the connection strings, through PgBouncer and past it."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace

import psycopg
from psycopg.conninfo import make_conninfo

from flexdb.config import Settings

# A server whose machine or network is gone cannot say farewell, and the kernel would wait for a
# quarter of an hour: it is given up when it is silent for so long, in seconds.
_SILENCE = 5


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
                   f" -c statement_timeout={round((statement_timeout or 0) * 1000)}"
                   f" -c idle_in_transaction_session_timeout={pause}")
    # A server that is busy with a statement may leave what follows it in a pipeline unread.
    patience = 0 if statement_timeout is None else statement_timeout + _SILENCE
    if settings.db_ssl_root_cert == "system":
        _trust_what_the_system_trusts()
    return make_conninfo(
        host=settings.db_host, port=settings.db_port, user=settings.db_user,
        password=settings.db_password, dbname=settings.db_name, sslmode=settings.db_ssl_mode,
        sslrootcert=settings.db_ssl_root_cert or None, sslcert=settings.db_ssl_cert or None,
        sslkey=settings.db_ssl_key or None,
        application_name="flexdb", client_encoding="utf8", options=options,
        connect_timeout=_SILENCE, keepalives_idle=_SILENCE, keepalives_interval=1,
        keepalives_count=_SILENCE, tcp_user_timeout=round(patience * 1000))


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
    if "unsupported startup parameter" in told:
        return f"{told}: this is PgBouncer, so set DB_PGBOUNCER=true"
    return told


def _trust_what_the_system_trusts() -> None:
    # The OpenSSL in psycopg's package has a place of its own for certificates, where none are.
    paths = ssl.get_default_verify_paths()
    for variable, path in (("SSL_CERT_FILE", paths.cafile), ("SSL_CERT_DIR", paths.capath)):
        if path:
            os.environ.setdefault(variable, path)
