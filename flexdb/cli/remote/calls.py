"""Any method of the service as a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flexdb.cli.remote.assignments import assigned
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.names import find_type, method_argument
from flexdb.cli.remote.output import Writer

if TYPE_CHECKING:
    from flexdb.client import Client


@click.command("call")
@method_argument
@click.argument("params", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|@FILE]...")
@connected
def call(db: Client, output: Writer, method: str, params: tuple[str, ...]) -> None:
    """Call a METHOD by its name, and write its result as it comes.

    tenant_id may be a slug, and node_type_id the name of a type of that tenant.
    """
    from flexdb.client.ids import is_id
    given = assigned(params)
    tenant, type = given.get("tenant_id"), given.get("node_type_id")
    if isinstance(tenant, str) and tenant and not is_id(tenant):
        given["tenant_id"] = tenant = db.tenant(tenant).id
    if isinstance(type, str) and type and not is_id(type) and isinstance(tenant, str):
        given["node_type_id"] = find_type(db, tenant, type)["id"]
    output.result(db.call(method, given))
