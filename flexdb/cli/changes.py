"""The commands of the log of changes."""

from __future__ import annotations

import click

from flexdb.cli.failures import database
from flexdb.wording import number_of


@click.command()
def upkeep() -> None:
    """Take away what is no longer to be kept: changes, and what requests with a key were answered.

    Calls are served meanwhile. When it is ended it goes on from there the next time.
    """
    with database() as settings:
        from flexdb.db.upkeep import keep_up
        done = keep_up(settings)
        click.echo("another process is at it" if done is None else
                   number_of(done, "row was dealt with", "rows were dealt with"))


@click.command()
@click.option("--new", is_flag=True, required=True,
              help="Give it another name, so that whoever follows it begins anew: after the "
                   "database was set back to an earlier moment.")
def feed(new: bool) -> None:
    """Name the feed of changes anew; a start does it itself where a dump was restored."""
    with database() as settings:
        from flexdb.db.feed import rename_feed
        click.echo(f"positions begin with {rename_feed(settings, anyway=new)}")
