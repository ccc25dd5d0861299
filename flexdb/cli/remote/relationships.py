"""The commands of relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.assignments import assigned
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import tenant_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.questions import ask, sure, version_option

if TYPE_CHECKING:
    from flexdb.client import Client


@click.group("relationships")
def relationships() -> None:
    """The relationships of a tenant; SOURCE and TARGET are the ids of nodes.

    TYPE is what kind of relationship it is, such as depends_on. What is said of data is as for
    nodes.
    """


@relationships.command("list")
@tenant_argument
@click.option("--source", metavar="ID", help="Only those that start from this node.")
@click.option("--target", metavar="ID", help="Only those that lead to this node.")
@click.option("--type", metavar="TYPE", help="Only those of this type.")
@listed
@connected
def list_relationships(db: Client, output: Writer, tenant: str, source: str | None,
                       target: str | None, type: str | None, **options: Any) -> None:
    """List relationships, newest first."""
    from flexdb.client.absent import given
    write_list(db, output, "list_relationships", given({"tenant_id": db.tenant(tenant).id}, {
        "source_node_id": source, "target_node_id": target, "relationship_type": type}), **options)


@relationships.command("get")
@tenant_argument
@click.argument("id")
@connected
def get_relationship(db: Client, output: Writer, tenant: str, id: str) -> None:
    """Show a relationship."""
    output.one(db.get_relationship(tenant_id=db.tenant(tenant).id, id=id))


@relationships.command("create")
@tenant_argument
@click.argument("source")
@click.argument("type", metavar="TYPE")
@click.argument("target")
@click.argument("data", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|@FILE]...")
@click.option("--id", help="An id of your own.")
@connected
def create_relationship(db: Client, output: Writer, tenant: str, source: str, type: str,
                        target: str, data: tuple[str, ...], id: str | None) -> None:
    """Create a relationship from SOURCE to TARGET."""
    output.one(db.create_relationship(
        tenant_id=db.tenant(tenant).id, source_node_id=source, target_node_id=target,
        relationship_type=type, data=assigned(data), id=id))


@relationships.command("delete")
@tenant_argument
@click.argument("id")
@version_option
@sure
@connected
def delete_relationship(db: Client, output: Writer, tenant: str, id: str, version: int | None,
                        yes: bool) -> None:
    """Delete a relationship; its nodes stay."""
    found = db.tenant(tenant)
    ask(f"Delete the relationship {id} of {found.slug}?", yes)
    db.delete_relationship(tenant_id=found.id, id=id, version=version)
