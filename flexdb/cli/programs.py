"""The commands that are PostgreSQL's own programs, on the database of the service."""

from __future__ import annotations

import click

from flexdb.cli.failures import database


def _program(name: str, help: str) -> click.Command:
    """Return a command that hands all that it is given to a program."""
    @click.command(name, help=f"{help} What it takes is told by `flexdb {name} -- --help`.",
                   context_settings={"help_option_names": ["--help"],
                                     "ignore_unknown_options": True,
                                     "allow_interspersed_args": False})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> int:
        with database() as settings:
            from flexdb.server.programs import run_program
            return run_program(settings, name, arguments)

    return run


PROGRAMS = (
    _program("psql", "Open psql on the database; ARGUMENTS are psql's own."),
    _program("pg_dump", "Write the database to a file by pg_dump, while calls are served."),
    _program("pg_restore", "Read a file of pg_dump into the database, which is to be empty."),
)
