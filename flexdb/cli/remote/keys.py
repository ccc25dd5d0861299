"""The commands of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import tenant_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.questions import ask, sure

if TYPE_CHECKING:
    from flexdb.client import Client


@click.group("keys")
def keys() -> None:
    """The keys of a tenant; TENANT is a slug or an id."""


@keys.command("list")
@tenant_argument
@listed
@connected
def list_keys(db: Client, output: Writer, tenant: str, **options: Any) -> None:
    """List keys without their secrets, newest first."""
    write_list(db, output, "list_keys", {"tenant_id": db.tenant(tenant).id}, **options)


@keys.command("create")
@tenant_argument
@click.argument("name")
@click.option("--role", help="What it is let do: viewer, member, admin, owner, or a role that the "
                             "tenant made; member when absent.")
@click.option("--days", type=click.IntRange(1, 3652), help="For how long it is good; 90 when "
                                                           "absent.")
@click.option("--operations", help="Where it may do less than the role: names of methods, or words "
                                   "such as read, separated by commas.")
@connected
def create_key(db: Client, output: Writer, tenant: str, name: str, role: str | None,
               days: int | None, operations: str | None) -> None:
    """Create a key, and show its secret, which is told this once."""
    from datetime import datetime, timedelta, timezone
    expires_at = datetime.now(timezone.utc) + timedelta(days=days) if days else None
    names = [one.strip() for one in operations.split(",")] if operations else None
    output.one(db.create_key(tenant_id=db.tenant(tenant).id, name=name, role=role,
                             operations=names, expires_at=expires_at))


@keys.command("delete")
@tenant_argument
@click.argument("id")
@sure
@connected
def delete_key(db: Client, output: Writer, tenant: str, id: str, yes: bool) -> None:
    """Delete a key, which is good nowhere any more a second later."""
    found = db.tenant(tenant)
    ask(f"Delete the key {id} of {found.slug}?", yes)
    db.delete_key(tenant_id=found.id, id=id)
