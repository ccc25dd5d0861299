"""The commands of keys."""

from __future__ import annotations

import click

from flexdb.cli.failures import database

_TENANT = click.option("--tenant", help="The slug or id of the tenant whose it is; an operator's "
                                        "when absent.")


@click.command()
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
    with database() as settings:
        from flexdb.server.keys import create_key
        names = tuple(filter(None, map(str.strip, (operations or "").split(","))))
        click.echo(create_key(settings, tenant, role, name, days, names))


@click.command()
@_TENANT
def list_keys(tenant: str | None) -> None:
    """List keys, without their secrets."""
    with database() as settings:
        from flexdb.server.keys import list_keys
        for key in list_keys(settings, tenant):
            click.echo("  ".join(str(key[member] or "-") for member in (
                "id", "hint", "role", "expires_at", "last_used_at", "name")))


@click.command()
@_TENANT
@click.argument("id")
def delete_key(tenant: str | None, id: str) -> None:
    """Delete a key, which is good nowhere any more a second later."""
    with database() as settings:
        from flexdb.server.keys import delete_key
        delete_key(settings, tenant, id)
