"""The commands: ``flexdb``, or ``python -m flexdb``.

What a command needs is imported when it runs, so that help and version are there at once.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from flexdb.cli.changes import feed, upkeep
from flexdb.cli.citus import CITUS
from flexdb.cli.demo import demo
from flexdb.cli.failures import database
from flexdb.cli.files import export, import_file
from flexdb.cli.keys import create_key, delete_key, list_keys
from flexdb.cli.programs import PROGRAMS
from flexdb.cli.remote import COMMANDS
from flexdb.cli.remote.completion import ASKED_BY
from flexdb.cli.status import status
from flexdb.version import __version__


class Sections(click.Group):
    """Commands in two sections: those of the service itself, and those that call it over HTTP."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections into the help."""
        remote = {command.name for command in COMMANDS}
        for title, inside in (("The service itself, in this folder", False),
                              ("Over HTTP, to a service anywhere", True)):
            with formatter.section(title):
                formatter.write_dl([
                    (name, self.commands[name].get_short_help_str(formatter.width - 20))
                    for name in self.list_commands(ctx) if (name in remote) is inside])


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="flexdb %(version)s")
def commands() -> None:
    """Flexible JSON records of many tenants, in PostgreSQL, over JSON-RPC and REST.

    Settings of the service come from the environment, then from .env.local and .env in this folder.
    Where none of the DB_* variables is set, a PostgreSQL of its own keeps its data in .flexdb here.
    """


@commands.command()
def serve() -> None:
    """Serve, until told to end, and deliver webhooks unless DELIVER says otherwise."""
    from flexdb.config.reading import set_default
    from flexdb.server.process import become_gunicorn
    set_default(Path.cwd(), "DELIVER", "true")
    become_gunicorn("--config", str(Path(__file__).parent.parent / "server" / "configuration.py"),
                    "flexdb:create_app()")


@commands.command()
@click.option("--wait", is_flag=True,
              help="Try on until PostgreSQL answers, as long as the parent lives.")
def migrate(wait: bool) -> int:
    """Bring the database's schema up to date."""
    parent = os.getppid()
    with database() as settings:
        from flexdb.server.database import migrate_and_tell
        if wait:
            from flexdb.server.startup import migrate_when_reachable
            return migrate_when_reachable(settings, parent)
        migrate_and_tell(settings)
    return 0


@commands.command()
def rollback() -> None:
    """Take the newest migration back; never drops a row."""
    with database() as settings:
        from flexdb.db.migrate import rollback
        click.echo(f"rolled back {rollback(settings) or 'nothing: no migration is applied'}")


@commands.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--force", is_flag=True, help="Let it hold for the owner of the tables too, where "
                                            "that is whom flexdb runs as.")
def row_security(state: str, force: bool) -> None:
    """Let PostgreSQL itself keep tenants apart, or no longer; as the owner of the tables."""
    if force and state == "off":
        raise click.UsageError("'--force' is for 'on'.")
    with database() as settings:
        from flexdb.db.row_security import switch, warnings
        found = switch(settings, state == "on", force)
        click.echo(f"row security is {state} for {', '.join(found.tables)}")
        for line in warnings(settings, found) if state == "on" else ():
            click.echo(f"flexdb: {line}", err=True)


@commands.command()
@click.option("--tenant", help="The slug or id of the tenant whose they are; all when absent.")
def index(tenant: str | None) -> None:
    """Fill the indexes that node types with many nodes declare by x-index, and list all.

    Calls are served meanwhile. When it is ended it goes on from there the next time.
    """
    with database() as settings:
        from flexdb.server.indexes import fill_indexes
        for line in fill_indexes(settings, tenant):
            click.echo(line)


@commands.command()
def deliver() -> None:
    """Deliver to webhooks what changed, until told to end; several may, on several machines."""
    with database() as settings:
        from flexdb.server.delivery import deliver
        deliver(settings)


for command in (demo, export, import_file, create_key, list_keys, delete_key, upkeep, feed,
                status, *CITUS, *PROGRAMS, *COMMANDS):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line.

    :param arguments: the process's own when absent
    """
    try:
        return commands.main(arguments, standalone_mode=False, complete_var=ASKED_BY) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("flexdb: interrupted", err=True)
        # As of a process that SIGINT ended.
        return 128 + signal.SIGINT
    except ModuleNotFoundError as error:
        if (error.name or "flexdb").partition(".")[0] == "flexdb":
            raise
        click.echo(f"flexdb: this command is the service's own, and {error.name} is not installed: "
                   "pip install 'flexdb-service[server]' brings all that it needs", err=True)
        return 1
