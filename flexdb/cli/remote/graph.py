"""The commands that go along relationships."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.failures import ABSENT
from flexdb.cli.remote.names import tenant_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.text import json_text, visible

if TYPE_CHECKING:
    from rich.tree import Tree

    from flexdb.client import Client
    from flexdb.client.objects import Node, Relationship

# How much of a node's data a tree shows, in characters.
_SHOWN = 60
_OPTIONS = (
    click.option("--along", multiple=True, metavar="TYPE",
                 help="Only along relationships of this type; as often as needed."),
    click.option("--direction", type=click.Choice(["out", "in", "both"]), default="out",
                 show_default=True, help="From source to target, the other way, or both."),
    click.option("--depth", type=click.IntRange(0), help="How many relationships far at most."),
)


def _along(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.group("graph")
def graph() -> None:
    """Walks and paths along relationships, from node to node."""


@graph.command("walk")
@tenant_argument
@click.argument("node")
@_along
@click.option("--limit", type=click.IntRange(1), help="How many nodes at most.")
@connected
def walk(db: Client, output: Writer, tenant: str, node: str, along: tuple[str, ...],
         direction: Any, depth: int | None, limit: int | None) -> None:
    """Walk from a node, whose id is NODE, and show what is reached: at a terminal as a tree."""
    found = db.traverse(tenant_id=db.tenant(tenant).id, start=node, max_depth=depth, min_depth=0,
                        relationship_types=list(along) or None, direction=direction, limit=limit)
    steps = [(visit["relationship"], visit["node"]) for visit in found["visits"]]
    if output.form == "table":
        output.drawing(_tree(steps))
    elif output.form == "csv":
        output.many({"depth": visit["depth"], "relationship_type": edge and edge[
            "relationship_type"], **reached}
            for visit, (edge, reached) in zip(found["visits"], steps))
    else:
        output.many(found["visits"])
    if found["truncated"]:
        click.echo("There may be more: the walk ended at a limit.", err=True)


@graph.command("path")
@tenant_argument
@click.argument("source")
@click.argument("target")
@_along
@connected
def path(db: Client, output: Writer, tenant: str, source: str, target: str, along: tuple[str, ...],
         direction: Any, depth: int | None) -> None:
    """Show a shortest path from the node SOURCE to the node TARGET, each an id."""
    found = db.shortest_path(
        tenant_id=db.tenant(tenant).id, source_node_id=source, target_node_id=target,
        max_depth=depth, relationship_types=list(along) or None, direction=direction)
    way = found["path"]
    if way is None:
        raise Failure(visible(f"no path leads from {source} to {target}" + (
            ", as far as was looked" if found["truncated"] else "")), ABSENT)
    if output.form == "table":
        output.drawing(_tree(zip([None, *way["relationships"]], way["nodes"])))
    elif output.form == "csv":
        output.many(way["nodes"])
    else:
        output.one(way)


def _tree(steps: Iterable[tuple[Relationship | None, Node]]) -> Tree:
    """Return nodes as a tree, each below the one from which its relationship leads there."""
    from rich.tree import Tree
    branches: dict[str, Tree] = {}
    root: Tree | None = None
    for edge, node in steps:
        label = _label(node)
        if edge is None or root is None:
            branches[node["id"]] = root = Tree(label)
            continue
        forth = edge["target_node_id"] == node["id"]
        before = edge["source_node_id" if forth else "target_node_id"]
        kind = visible(edge["relationship_type"])
        shown = (f"{kind} → " if forth else f"← {kind} ") + label
        branches[node["id"]] = branches.get(before, root).add(shown)
    assert root is not None, "a walk and a path have their start"
    return root


def _label(node: Node) -> str:
    said = ", ".join(f"{visible(name)}: {value if isinstance(value, str) else json_text(value)}"
                     for name, value in node["data"].items())
    said = visible(said)
    return f"{node['id']}  {said if len(said) <= _SHOWN else said[:_SHOWN - 1] + '…'}".rstrip()
