"""The command that tells how the service stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from flexdb.cli.failures import database
from flexdb.cli.remote.output import Writer
from flexdb.version import __version__
from flexdb.wording import number_of


@click.command()
@click.option("--most", type=click.IntRange(0, 1000), default=10, show_default=True,
              help="How many tenants to tell one by one, the largest first.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table",
              show_default=True, help="One screen for people, or JSON for programs.")
def status(most: int, form: str) -> int:
    """Tell how the service stands, by its database; the status is 1 when something is wrong.

    Versions, migrations, connections, the sizes of tenants, and what waits for a command.
    """
    with database() as settings:
        from flexdb.server.status import look_at_status
        found: dict[str, Any] = {"flexdb": __version__} | look_at_status(settings, most)
    if form == "json":
        Writer("json").one(found)
    else:
        for name, told in _lines(found):
            click.echo(f"{name:<12}  {told}")
        if found["tenants"] and (largest := found["tenants"]["largest"]):
            click.echo()
            Writer("table").many(largest, most)
        for problem in found["problems"]:
            click.echo(f"flexdb: {problem}", err=True)
    return 1 if found["problems"] else 0


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from rich.filesize import decimal
    server, connections = found["postgresql"], found["connections"]
    migrations, tenants, webhooks = found["migrations"], found["tenants"], found["webhooks"]
    yield "flexdb", found["flexdb"]
    yield "PostgreSQL", (f"{server['version']} at {server['host']}:{server['port']}, database "
                         f"{server['database']}, {decimal(server['bytes'])}"
                         f"{', a standby' if server['standby'] else ''}")
    yield "migrations", (f"{migrations['applied']} applied, "
                         f"{len(migrations['pending']) or 'none'} to be applied")
    yield "connections", (
        f"{connections['used']} of {connections['limit']} used, {connections['flexdb']} by flexdb; "
        f"the service opens up to {connections['workers']} × {connections['pool_size']}")
    for replica in found["replicas"]:
        yield "replica", (f"{replica['name']} is {replica['status']}" + (
            "" if replica["lag_bytes"] is None else
            f", {decimal(replica['lag_bytes'])} and {replica['lag_seconds'] or 0:.1f} s behind"))
    if tenants:
        yield "tenants", (
            f"{tenants['count']:,} with {number_of(tenants['nodes'], 'node')}, "
            f"{number_of(tenants['relationships'], 'relationship')}, "
            f"{decimal(tenants['bytes'])} of JSON")
    for node in found["nodes"]:
        yield "node", (f"{node['name']} has {number_of(node['tenants'], 'tenant')} in "
                       f"{number_of(node['shards'], 'shard')} of each table, "
                       f"{decimal(node['bytes'])}")
    if webhooks:
        yield "webhooks", (
            f"{number_of(webhooks['waiting'], 'delivery waits', 'deliveries wait')}, "
            f"{number_of(webhooks['dead'], 'is', 'are')} dead; "
            f"a change waits for {webhooks['lag']:.0f} s")
