"""What is asked before something is gone, and what says how it is to be."""

from __future__ import annotations

import sys

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.text import visible

version_option = click.option("--version", type=click.IntRange(1),
                              help="Only while it is at this version.")
sure = click.option("--yes", is_flag=True, help="Do not ask.")


def ask(question: str, yes: bool) -> None:
    """Ask whether to go on, unless it is said already.

    :raises Failure: when it is not to be
    :raises click.UsageError: where nobody can be asked
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Missing option '--yes': there is no terminal to ask at.")
    if not click.confirm(visible(question), err=True):
        raise Failure("nothing is deleted")
