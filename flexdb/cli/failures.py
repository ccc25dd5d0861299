"""How a command gets at its database, and tells in one line why it cannot do its work."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flexdb.config import Settings


class Failure(click.ClickException):
    """What goes wrong, told in one line.

    :param status: with which the command ends
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error."""
        click.echo(f"flexdb: {self.message}", file=file, err=True)


@contextmanager
def failures() -> Iterator[None]:
    """Tell in one line why a command cannot do its work.

    :raises Failure: in the place of the error
    """
    from flexdb.config import ConfigError
    from flexdb.db.address import NotReachable
    from flexdb.db.migrate import MigrationError
    from flexdb.db.row_security import RowSecurityError
    from flexdb.errors import FlexdbError
    from flexdb.server.embedded import EmbeddedError
    from flexdb.server.listening import StartError
    from flexdb.server.programs import ProgramError
    try:
        yield
    except NotReachable as error:
        raise Failure(f"PostgreSQL does not answer: {error}") from error
    except (ConfigError, EmbeddedError, MigrationError, ProgramError, RowSecurityError, StartError,
            FlexdbError) as error:
        raise Failure(str(error)) from error
    except BrokenPipeError:
        # Whoever read the export has enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(1) from None
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.filename:
            raise Failure(f"{error.filename}: {error.strerror}") from error
        raise Failure(f"the file cannot be read or written: {error}") from error


@contextmanager
def database() -> Iterator[Settings]:
    """Give the settings that hold in this folder, with their database, to a command.

    :raises Failure: when the command cannot do its work
    """
    with failures():
        from flexdb.server.database import database
        from flexdb.telemetry import logs
        with database(Path.cwd()) as settings:
            logs.configure(settings)
            yield settings
