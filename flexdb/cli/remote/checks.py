"""Which records fit a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.assignments import document
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.failures import REFUSED
from flexdb.cli.remote.names import find_type, tenant_argument, type_argument
from flexdb.cli.remote.output import Writer
from flexdb.wording import number_of

if TYPE_CHECKING:
    from flexdb.client import Client


@click.command("check")
@tenant_argument
@type_argument
@click.option("--schema", metavar="JSON", help="One that the type might have; @FILE reads it. Its "
                                               "own when absent.")
@connected
def check(db: Client, output: Writer, tenant: str, type: str, schema: str | None) -> None:
    """List the nodes of a type that do not fit a schema, with what is wrong.

    The status is 3 when there are any.
    """
    from flexdb.client.synchronous.node_types import Type
    found = Type(db, find_type(db, db.tenant(tenant).id, type))
    refused: list[dict[str, Any]] = [
        {"id": one["node"]["id"], "violations": one["violations"], "data": one["node"]["data"]}
        for one in found.check(document(schema))]
    output.many(refused)
    if refused:
        nodes = number_of(len(refused), "node")
        raise Failure(f"{nodes} of {found.name} {'does' if len(refused) == 1 else 'do'} not fit",
                      REFUSED)
