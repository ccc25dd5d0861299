"""What happens once, before the workers: the embedded PostgreSQL, the port, the migrations."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from flexdb.access.buckets import share
from flexdb.api.failures import trusted
from flexdb.config import DATABASE_VARIABLES, ConfigError, Settings
from flexdb.config.reading import environment, read_settings, variables_of, wants_embedded
from flexdb.db import row_security
from flexdb.db.address import NotReachable, direct, place
from flexdb.db.capacity import TooFewConnections, check_capacity
from flexdb.db.migrate import MigrationError
from flexdb.db.row_security import RowSecurityError
from flexdb.server.certificates import check_certificates
from flexdb.server.database import embedded_settings, migrate_and_tell, tell_of_another
from flexdb.server.delivery import end_beside, start_beside
from flexdb.server.embedded import Embedded
from flexdb.server.keys import tell_missing_key
from flexdb.server.listening import StartError, check_port, check_socket
from flexdb.server.memory import share_application
from flexdb.server.tokens import check_keys
from flexdb.telemetry.metrics import Folder

logger = logging.getLogger(__name__)

# Of what lies between flexdb and a PostgreSQL that is not embedded.
_ELSEWHERE = ("DB_PGBOUNCER", "DB_DIRECT_HOST", "DB_DIRECT_PORT")


class Startup:
    """The master process's part of the service.

    :param folder: where the ``.env`` files and ``.flexdb/`` are
    """

    def __init__(self, folder: Path) -> None:
        self.variables, self.files = environment(folder)
        self.settings = read_settings(self.variables)
        check_certificates(self.settings)
        trusted(self.settings)
        self.embedded = Embedded(folder / ".flexdb") if wants_embedded(self.variables) else None
        self.metrics = Folder()
        self._waiter: subprocess.Popen[bytes] | None = None
        self._deliverer: int | None = None

    def start(self) -> None:
        """Start the database where it is ours and migrate.

        When PostgreSQL does not answer yet, a process of its own goes on trying.

        :raises StartError: when the port or the socket is taken or cannot be had, or PostgreSQL
            has too few connections
        :raises EmbeddedError: when the folder is taken, or its PostgreSQL does not start
        :raises ConfigError: when PostgreSQL does not let flexdb in
        :raises MigrationError: when a migration fails
        """
        for name in self.files:
            logger.info("Loading environment from %s", name)
        if self.embedded:
            self.embedded.claim()
        check_port(self.settings.jsonrpc_host, self.settings.jsonrpc_port)
        if self.settings.jsonrpc_socket:
            check_socket(Path(self.settings.jsonrpc_socket))
        self.metrics.make()
        check_keys(self.settings)
        share()
        if self.embedded:
            tell_of_another()
            logger.info("Starting the embedded PostgreSQL in %s", self.embedded.folder)
            load = partial(share_application, self.settings)
            self.settings = embedded_settings(self.settings, self.embedded.start(meanwhile=load))
            # The workers, and whoever else this process starts, read their settings anew.
            variables = variables_of(self.settings)
            os.environ.update({name: variables[name] for name in DATABASE_VARIABLES + _ELSEWHERE})
        share_application(self.settings)
        logger.info("Connecting to database...")
        try:
            prepare(self.settings)
        except NotReachable as error:
            _tell_not_reachable(self.settings, error)
            self._waiter = subprocess.Popen(
                [sys.executable, "-m", "flexdb", "migrate", "--wait"], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, start_new_session=True)
        if self.settings.deliver:
            self._deliverer = start_beside(self.settings, self.leave_to_parent)
        host = self.settings.jsonrpc_host
        logger.info("Starting JSON-RPC server on %s:%d...", host, self.settings.jsonrpc_port)

    def leave_to_parent(self) -> None:
        """Let go, in a process that was forked, of what is the master's."""
        if self.embedded:
            self.embedded.release()

    def stop(self) -> bool:
        """Stop what was started; return False when the migrations that were waited for failed."""
        self.metrics.remove()
        if self._deliverer:
            end_beside(self._deliverer)
        failed = b""
        if self._waiter and self._waiter.stdout:
            if self._waiter.poll() is None:
                self._waiter.terminate()
            failed = self._waiter.stdout.read()
        if self.embedded and self.embedded.claimed:
            self.embedded.stop()
            logger.info("Stopped the embedded PostgreSQL")
        return not failed


def _tell_not_reachable(settings: Settings, error: NotReachable) -> None:
    logger.warning("PostgreSQL does not answer at %s yet, trying on (start it, or set DB_HOST "
                   "and DB_PORT): %s", place(direct(settings)), error)


def prepare(settings: Settings) -> None:
    """Bring the database up to date, and look whether it is as the settings want it.

    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: when a migration fails
    :raises StartError: when it has too few connections, or would show flexdb no rows
    """
    migrate_and_tell(settings)
    try:
        check_capacity(settings)
    except TooFewConnections as error:
        raise StartError(str(error)) from None
    try:
        row_security.check(settings)
    except RowSecurityError as error:
        raise StartError(str(error)) from None
    if settings.auth_mode == "required":
        tell_missing_key(settings)


def migrate_when_reachable(settings: Settings, parent: int) -> int:
    """Migrate as soon as PostgreSQL answers, and return the exit status of a process of its own.

    When a migration fails, the log has why, and the parent is stopped. It is told by a word on
    standard output, as gunicorn takes the exit statuses of all its children to itself.

    :param parent: the process that waits for it; when that has ended there is nothing to do
    """
    told: str | None = None
    while os.getppid() == parent:
        try:
            prepare(settings)
            break
        except NotReachable as error:
            # The first reason the parent has told.
            if told not in (None, str(error)):
                _tell_not_reachable(settings, error)
            told = str(error)
            time.sleep(0.2)
        except (ConfigError, MigrationError, StartError) as error:
            logger.error("%s", error)
            print("failed", flush=True)
            os.kill(parent, signal.SIGTERM)
            return 1
    return 0
