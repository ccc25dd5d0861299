"""The commands of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import find_tenant, tenant_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.questions import ask, sure

if TYPE_CHECKING:
    from flexdb.client import Client


@click.group("tenants")
def tenants() -> None:
    """Tenants; TENANT is a slug or an id."""


@tenants.command("list")
@listed
@connected
def list_tenants(db: Client, output: Writer, **options: Any) -> None:
    """List the tenants, newest first."""
    write_list(db, output, "list_tenants", {}, **options)


@tenants.command("get")
@tenant_argument
@connected
def get_tenant(db: Client, output: Writer, tenant: str) -> None:
    """Show a tenant."""
    output.one(find_tenant(db, tenant))


@tenants.command("create")
@click.argument("slug")
@click.option("--name", help="What people call it; its slug when absent.")
@connected
def create_tenant(db: Client, output: Writer, slug: str, name: str | None) -> None:
    """Create a tenant."""
    output.one(db.create_tenant(slug=slug, name=name or slug))


@tenants.command("edit")
@tenant_argument
@click.option("--slug", help="Its slug from now on.")
@click.option("--name", help="Its name from now on.")
@click.option("--status", type=click.Choice(["active", "suspended"]),
              help="Whether its callers are served.")
@connected
def edit_tenant(db: Client, output: Writer, tenant: str, **changed: Any) -> None:
    """Change a tenant."""
    if not any(changed.values()):
        raise click.UsageError("Nothing is to be changed: give '--slug', '--name' or '--status'.")
    output.one(db.update_tenant(id=db.tenant(tenant).id, **changed))


@tenants.command("delete")
@tenant_argument
@sure
@connected
def delete_tenant(db: Client, output: Writer, tenant: str, yes: bool) -> None:
    """Delete a tenant with all that it has."""
    found = db.tenant(tenant)
    ask(f"Delete the tenant {found.slug} with all that it has?", yes)
    db.delete_tenant(id=found.id)
