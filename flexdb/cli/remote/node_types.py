"""The commands of node types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.assignments import document
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import find_type, tenant_argument, type_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.questions import ask, sure

if TYPE_CHECKING:
    from flexdb.client import Client
    from flexdb.client.codegen.modules import Kind
_SCHEMA = click.option("--schema", metavar="JSON", help="What its nodes must fit; @FILE reads it.")
_DESCRIPTION = click.option("--description", help="What its nodes are.")


@click.group("types")
def types() -> None:
    """The node types of a tenant; TENANT is a slug or an id, TYPE a name or an id."""


@types.command("list")
@tenant_argument
@listed
@connected
def list_node_types(db: Client, output: Writer, tenant: str, **options: Any) -> None:
    """List the node types of a tenant, newest first."""
    write_list(db, output, "list_node_types", {"tenant_id": db.tenant(tenant).id}, **options)


@types.command("get")
@tenant_argument
@type_argument
@connected
def get_node_type(db: Client, output: Writer, tenant: str, type: str) -> None:
    """Show a node type with its schema."""
    output.one(find_type(db, db.tenant(tenant).id, type))


@types.command("create")
@tenant_argument
@click.argument("name")
@_SCHEMA
@_DESCRIPTION
@connected
def create_node_type(db: Client, output: Writer, tenant: str, name: str, schema: str | None,
                     description: str | None) -> None:
    """Create a node type."""
    output.one(db.create_node_type(tenant_id=db.tenant(tenant).id, name=name,
                                   **_given(schema, description)))


@types.command("edit")
@tenant_argument
@type_argument
@click.option("--name", help="Its name from now on.")
@_SCHEMA
@_DESCRIPTION
@connected
def edit_node_type(db: Client, output: Writer, tenant: str, type: str, name: str | None,
                   schema: str | None, description: str | None) -> None:
    """Change a node type, while it is as it was found."""
    if name is schema is description is None:
        raise click.UsageError(
            "Nothing is to be changed: give '--name', '--schema' or '--description'.")
    found = find_type(db, db.tenant(tenant).id, type)
    output.one(db.update_node_type(
        tenant_id=found["tenant_id"], id=found["id"], version=found["version"], name=name,
        **_given(schema, description)))


@types.command("delete")
@tenant_argument
@type_argument
@sure
@connected
def delete_node_type(db: Client, output: Writer, tenant: str, type: str, yes: bool) -> None:
    """Delete a node type with its nodes."""
    found = find_type(db, db.tenant(tenant).id, type)
    ask(f"Delete the type {found['name']} with all of its nodes?", yes)
    db.delete_node_type(tenant_id=found["tenant_id"], id=found["id"])


@types.command("code")
@click.argument("tenant")
@click.option("--as", "kind", type=click.Choice(["typeddict", "dataclass", "msgspec", "pydantic"]),
              default="typeddict", show_default=True, help="What the classes are.")
@connected
def write_code(db: Client, output: Writer, tenant: str, kind: Kind) -> None:
    """Write a Python module with a class for the records of each node type."""
    from flexdb.client.codegen.modules import module
    from flexdb.client.synchronous.lists import List
    found: List[Any] = List(db, "list_node_types", "node_types",
                            {"tenant_id": db.tenant(tenant).id}, lambda one: one)
    sys.stdout.write(module(found, kind))


def _given(schema: str | None, description: str | None) -> dict[str, Any]:
    """Return what is given; a schema may be null, which is none."""
    return ({} if schema is None else {"schema": document(schema)}) | (
        {} if description is None else {"description": description})
