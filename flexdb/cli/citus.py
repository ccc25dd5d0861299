"""The commands that spread the database over several machines by Citus."""

from __future__ import annotations

from collections.abc import Iterable

import click

from flexdb.cli.failures import database


@click.command()
@click.option("--shards", type=click.IntRange(2, 1024),
              help="Over how many shards; 32 when absent. They are the least that is moved.")
@click.option("--check", is_flag=True, help="Give the statements, and run none.")
@click.option("--undo", is_flag=True, help="Bring all tables back to the coordinator.")
def distribute(shards: int | None, check: bool, undo: bool) -> None:
    """Distribute the tables by their tenants over the workers of Citus, all or none.

    Calls that write wait meanwhile. What a later version adds is distributed when it runs again.
    """
    if undo and shards:
        raise click.UsageError("'--shards' is not for '--undo'.")
    with database() as settings:
        from flexdb.db.citus import distribution
        _tell(distribution.undo(settings, check) if undo else
              distribution.distribute(settings, shards, check))


@click.command()
@click.option("--check", is_flag=True, help="Give what would be moved, and move nothing.")
def rebalance(check: bool) -> None:
    """Move shards until all workers of Citus have about as much."""
    with database() as settings:
        from flexdb.db.citus import moves
        _tell(moves.rebalance(settings, check))


@click.command()
@click.argument("tenant")
def isolate(tenant: str) -> None:
    """Give a tenant, named by its slug or id, shards of its own."""
    with database() as settings:
        from flexdb.db.citus import moves
        _tell(moves.isolate(settings, tenant))


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


CITUS = (distribute, rebalance, isolate)
