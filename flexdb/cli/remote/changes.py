"""What changed, as it happens."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.names import find_type, tenant_argument, type_option
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.text import json_text

if TYPE_CHECKING:
    from flexdb.client import Client


@click.command("changes")
@tenant_argument
@click.option("--since", metavar="POSITION", help="Those after this one, which each change has; "
                                                  "from now on when absent.")
@click.option("--follow", is_flag=True, help="Wait for further ones, until it is interrupted; each "
                                             "is a line of JSON at once.")
@click.option("--kind", "kinds", multiple=True,
              type=click.Choice(["node", "relationship", "node_type"]),
              help="Only those of these; as often as needed.")
@type_option
@connected
def changes(db: Client, output: Writer, tenant: str, since: str | None, follow: bool,
            kinds: tuple[str, ...], type: str | None) -> None:
    """Show what changed in a tenant, each change once and in one order.

    While the service is away, who follows waits for it and misses nothing. Where a command ended,
    another one goes on by the position of its last line.
    """
    if since is None and not follow:
        raise click.UsageError("Missing option '--since', or '--follow' for those from now on.")
    acme = db.tenant(tenant)
    more: dict[str, Any] = {"kinds": list(kinds)} if kinds else {}
    if type is not None:
        more["node_type_ids"] = [find_type(db, acme.id, type)["id"]]
    found = acme.changes(since, follow=follow, **more)
    if not follow:
        output.many(found)
        return
    for change in found:
        sys.stdout.write(f"{json_text(change)}\n")
        sys.stdout.flush()
