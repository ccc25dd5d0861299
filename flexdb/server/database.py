"""The database of a folder, as the service and the commands have it: found, started, migrated."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flexdb.config import Settings
from flexdb.config.reading import environment, read_settings, wants_embedded
from flexdb.db.address import answers
from flexdb.db.citus.cluster import check_whole
from flexdb.db.feed import rename_feed
from flexdb.db.migrate import migrate
from flexdb.server.certificates import check_certificates
from flexdb.server.embedded import DATABASE, USER, Embedded

logger = logging.getLogger(__name__)


def embedded_settings(settings: Settings, folder: str) -> Settings:
    """Return the settings with the embedded PostgreSQL's address in them."""
    return replace(settings, db_host=folder, db_port=5432, db_user=USER, db_name=DATABASE,
                   db_ssl_mode="disable", db_pgbouncer=False, db_direct_host="",
                   db_direct_port=0)


@contextmanager
def database(folder: Path) -> Iterator[Settings]:
    """Give the settings for a command; an embedded PostgreSQL runs at least that long."""
    variables, _ = environment(folder)
    settings = read_settings(variables)
    check_certificates(settings)
    if not wants_embedded(variables):
        yield settings
        return
    embedded = Embedded(folder / ".flexdb")
    if running := embedded.socket():
        yield embedded_settings(settings, running)
        return
    tell_of_another()
    embedded.claim()
    try:
        yield embedded_settings(settings, embedded.start())
    finally:
        embedded.stop()


def migrate_and_tell(settings: Settings) -> None:
    """Apply the migrations, with the log lines that an operator looks for.

    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: when a migration fails, or a part of the tables alone is distributed
    """
    applied = migrate(settings, on_connected=_tell_connected)
    for name in applied:
        logger.info("Applied migration %s", name)
    check_whole(settings)
    if applied:
        # With all that checks documents, for which a command has no other use.
        from flexdb.server.adoption import tell_unusable_schemas
        tell_unusable_schemas(settings)
    if named := rename_feed(settings):
        logger.info("The database is a copy: positions of changes begin with %s now", named)
    logger.info("Migrations completed successfully")


def tell_of_another() -> None:
    """Warn of a PostgreSQL where the defaults lead, as Docker may have started it for flexdb."""
    usual = Settings()
    if answers(usual.db_host, usual.db_port):
        logger.warning("A PostgreSQL answers at %s:%d and is not used, since no DB_* variable is "
                       "set: to use it, set DB_HOST=%s in the environment or in .env.local",
                       usual.db_host, usual.db_port, usual.db_host)


def _tell_connected() -> None:
    logger.info("Connected to database successfully")
    logger.info("Running database migrations...")
