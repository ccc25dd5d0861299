"""The commands: ``flexdb``, or ``python -m flexdb``.

What a command needs is imported when it runs, so that help and version are there at once.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from flexdb.version import __version__

if TYPE_CHECKING:
    from flexdb.config import Settings


class Failure(click.ClickException):
    """What goes wrong, told in one line; the command's exit status is then 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error."""
        click.echo(f"flexdb: {self.message}", file=file, err=True)


@contextmanager
def _failures() -> Iterator[None]:
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
    try:
        yield
    except NotReachable as error:
        raise Failure(f"PostgreSQL does not answer: {error}") from error
    except (ConfigError, EmbeddedError, MigrationError, RowSecurityError, StartError,
            FlexdbError) as error:
        raise Failure(str(error)) from error
    except BrokenPipeError:
        # Whoever read the export has enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(1) from None
    except (OSError, EOFError, zlib.error) as error:
        raise Failure(f"the file cannot be read or written: {error}") from error
    except KeyboardInterrupt:
        raise Failure("interrupted") from None


@contextmanager
def _database() -> Iterator[Settings]:
    """Give the settings that hold in this folder, with their database, to a command.

    :raises Failure: when the command cannot do its work
    """
    with _failures():
        from flexdb.server.startup import database
        from flexdb.telemetry import logs
        with database(Path.cwd()) as settings:
            logs.configure(settings)
            yield settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="flexdb %(version)s")
def commands() -> None:
    """Flexible JSON records of many tenants, in PostgreSQL, over JSON-RPC and REST.

    Settings come from the environment, then from .env.local and .env in this folder. Where none of
    the DB_* variables is set, a PostgreSQL of its own keeps its data in .flexdb here.
    """


@commands.command()
def run() -> None:
    """Serve, until told to end."""
    # gunicorn's arguments must be the process's own: it reads them again at a reload.
    os.execv(sys.executable, [
        sys.executable, "-m", "gunicorn",
        "--config", str(Path(__file__).parent / "server" / "configuration.py"),
        "flexdb:create_app()"])


@commands.command()
@click.option("--wait", is_flag=True,
              help="Try on until PostgreSQL answers, as long as the parent lives.")
def migrate(wait: bool) -> int:
    """Bring the database's schema up to date."""
    parent = os.getppid()
    with _database() as settings:
        from flexdb.server.startup import migrate_and_tell, migrate_when_reachable
        if wait:
            return migrate_when_reachable(settings, parent)
        migrate_and_tell(settings)
    return 0


@commands.command()
def rollback() -> None:
    """Take the newest migration back; never drops a row."""
    with _database() as settings:
        from flexdb.db.migrate import rollback
        click.echo(f"rolled back {rollback(settings) or 'nothing: no migration is applied'}")


@commands.command("export")
@click.option("--tenant", help="Its id or slug; an id where both would fit.")
@click.option("--all", "everything", is_flag=True, help="All tenants and all users.")
@click.option("--output", help="The file's name, gzipped when it ends in .gz; standard output when "
                               "absent.")
def export(tenant: str | None, everything: bool, output: str | None) -> None:
    """Write a tenant and all that it has, or the whole database, as NDJSON."""
    if everything and tenant is not None:
        raise click.UsageError("'--tenant' and '--all' exclude each other.")
    if not everything and tenant is None:
        raise click.UsageError("Missing option '--tenant', or '--all' in its place.")
    with _database() as settings:
        from flexdb.transfer.files import export_all, export_tenant
        if tenant is None:
            export_all(settings, output)
        else:
            export_tenant(settings, tenant, output)


@commands.command("import")
@click.option("--check", is_flag=True,
              help="Load nothing: list the lines that calls would refuse by the settings of "
                   "today. The status is 1 when there are any. No database is needed.")
@click.argument("file", required=False)
def import_file(check: bool, file: str | None) -> None:
    """Load the tenants of an export, all or none.

    FILE is plain or gzipped; standard input when absent. Whatever the tables can hold is taken as
    it is, limits and schemas of today or not.
    """
    if check:
        _check_file(file)
        return
    with _database() as settings:
        from flexdb.server.startup import migrate_and_tell
        from flexdb.transfer.files import import_file
        migrate_and_tell(settings)
        import_file(settings, file)


def _check_file(file: str | None) -> None:
    with _failures():
        from flexdb.config import environment, read_settings
        from flexdb.telemetry import logs
        from flexdb.transfer.files import check_file
        variables, _ = environment(Path.cwd())
        settings = read_settings(variables)
        logs.configure(settings)
        check_file(settings, file)


_TENANT = click.option("--tenant", help="The slug or id of the tenant whose it is; an operator's "
                                        "when absent.")


@commands.command()
@_TENANT
@click.option("--role", default="member", show_default=True,
              help="What a tenant's key is let do: viewer, member, admin, owner, or a role that "
                   "the tenant made.")
@click.option("--name", default="made on the machine", show_default=True, help="What it is for.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3652),
              help="For how long it is good.")
@click.option("--operations", help="Where it may do less than the role: names of methods, or words "
                                   "such as read, separated by commas.")
def create_key(tenant: str | None, role: str, name: str, days: int, operations: str | None) -> None:
    """Make a key and write its secret, which is kept nowhere, to standard output."""
    with _database() as settings:
        from flexdb.server.keys import create_key
        names = tuple(filter(None, map(str.strip, (operations or "").split(","))))
        click.echo(create_key(settings, tenant, role, name, days, names))


@commands.command()
@_TENANT
def list_keys(tenant: str | None) -> None:
    """List keys, without their secrets."""
    with _database() as settings:
        from flexdb.server.keys import list_keys
        for key in list_keys(settings, tenant):
            click.echo("  ".join(str(key[member] or "-") for member in (
                "id", "hint", "role", "expires_at", "last_used_at", "name")))


@commands.command()
@_TENANT
@click.argument("id")
def delete_key(tenant: str | None, id: str) -> None:
    """Delete a key, which is good nowhere any more a second later."""
    with _database() as settings:
        from flexdb.server.keys import delete_key
        delete_key(settings, tenant, id)


@commands.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--force", is_flag=True, help="Let it hold for the owner of the tables too, where "
                                            "that is whom flexdb runs as.")
def row_security(state: str, force: bool) -> None:
    """Let PostgreSQL itself keep tenants apart, or no longer; as the owner of the tables."""
    if force and state == "off":
        raise click.UsageError("'--force' is for 'on'.")
    with _database() as settings:
        from flexdb.db.row_security import switch, warnings
        found = switch(settings, state == "on", force)
        click.echo(f"row security is {state} for {', '.join(found.tables)}")
        for line in warnings(settings, found) if state == "on" else ():
            click.echo(f"flexdb: {line}", err=True)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line.

    :param arguments: the process's own when absent
    """
    try:
        return commands.main(arguments, standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("flexdb: interrupted", err=True)
        return 1
