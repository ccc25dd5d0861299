"""Whether a server has ended a connection that lay idle, or said so."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import Diagnostic


class Farewell:
    """Hears what a server says when it ends a connection.

    :param connection: outside of a pipeline, and of a statement
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pgconn = connection.pgconn
        self._is_said = False
        connection.add_notice_handler(self._hear)

    def _hear(self, said: Diagnostic) -> None:
        if said.severity_nonlocalized in ("FATAL", "PANIC"):
            self._is_said = True

    def is_said(self) -> bool:
        """Tell whether the connection has ended or is about to.

        A write that is never sent need not be doubted. Looking is one system call that does not
        wait, for which Python's lock is kept: who lets go of it may wait to have it back.
        """
        try:
            self._pgconn.consume_input()
            # Reads what came; an error that follows on nothing is heard as a notice.
            self._pgconn.is_busy()
        except psycopg.OperationalError:
            return True
        return self._is_said
