"""The commands of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.assignments import assigned, document
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.editing import edited
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import find_type, tenant_argument, type_argument, type_option
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.questions import ask, sure, version_option

if TYPE_CHECKING:
    from flexdb.client import Client


@click.group("nodes")
def nodes() -> None:
    """The nodes of a tenant; TENANT is a slug or an id, TYPE a name or an id.

    What is said of data is NAME=TEXT or NAME:=JSON, of which NAME=@FILE and NAME:=@FILE read a
    file, and @FILE a whole object; @- is standard input.
    """


@nodes.command("list")
@tenant_argument
@type_option
@listed
@connected
def list_nodes(db: Client, output: Writer, tenant: str, type: str | None, **options: Any) -> None:
    """List nodes, newest first."""
    write_list(db, output, "list_nodes", _of_type(db, tenant, type), **options)


@nodes.command("query")
@tenant_argument
@click.argument("conditions", nargs=-1, required=True, metavar="PATH=TEXT|PATH:=JSON...")
@type_option
@listed
@connected
def query_nodes(db: Client, output: Writer, tenant: str, conditions: tuple[str, ...],
                type: str | None, **options: Any) -> None:
    """List the nodes that fit conditions, such as data.priority=high or data.points:='{"$gt": 3}'.
    """
    filters = [one for one in (document(options.pop("where")), assigned(conditions)) if one]
    params = _of_type(db, tenant, type) | {"filter": filters[0] if len(filters) == 1
                                           else {"$and": filters}}
    write_list(db, output, "list_nodes", params, where=None, **options)


@nodes.command("search")
@tenant_argument
@click.argument("words")
@type_option
@listed
@connected
def search_nodes(db: Client, output: Writer, tenant: str, words: str, type: str | None,
                 **options: Any) -> None:
    """List the nodes in which WORDS stand, the best first."""
    write_list(db, output, "list_nodes", _of_type(db, tenant, type) | {"search": words}, **options)


@nodes.command("get")
@tenant_argument
@click.argument("id")
@connected
def get_node(db: Client, output: Writer, tenant: str, id: str) -> None:
    """Show a node."""
    output.one(db.tenant(tenant).get(id).node)


@nodes.command("create")
@tenant_argument
@type_argument
@click.argument("data", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|@FILE]...")
@click.option("--id", help="An id of your own.")
@connected
def create_node(db: Client, output: Writer, tenant: str, type: str, data: tuple[str, ...],
                id: str | None) -> None:
    """Create a node."""
    output.one(db.tenant(tenant).create(type, assigned(data), id=id).node)


@nodes.command("edit")
@tenant_argument
@click.argument("id")
@click.argument("data", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|@FILE]...")
@connected
def edit_node(db: Client, output: Writer, tenant: str, id: str, data: tuple[str, ...]) -> None:
    """Change the data of a node: the members that are said, or what you change in an editor.

    What differs is sent, for the version that was read. Where somebody else has changed the same
    meanwhile it is refused, and what you typed is kept in a file.
    """
    record = db.tenant(tenant).get(id)
    if data:
        with record.edit() as found:
            said = assigned(data, found)
            found.clear()
            found.update(said)
    elif not edited(record):
        click.echo("nothing is changed", err=True)
        return
    output.one(record.node)


@nodes.command("delete")
@tenant_argument
@click.argument("id")
@version_option
@sure
@connected
def delete_node(db: Client, output: Writer, tenant: str, id: str, version: int | None, yes: bool
                ) -> None:
    """Delete a node with its relationships."""
    found = db.tenant(tenant)
    ask(f"Delete the node {id} of {found.slug} with its relationships?", yes)
    db.delete_node(tenant_id=found.id, id=id, version=version)


def _of_type(db: Client, tenant: str, type: str | None) -> dict[str, Any]:
    tenant_id = db.tenant(tenant).id
    return {"tenant_id": tenant_id} | (
        {} if type is None else {"node_type_id": find_type(db, tenant_id, type)["id"]})
