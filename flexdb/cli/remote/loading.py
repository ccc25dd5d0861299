"""Many records from a file, and into one."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.connection import connected
from flexdb.cli.remote.failures import NOTHING_DONE, REFUSED, failure_of
from flexdb.cli.remote.lists import listed, write_list
from flexdb.cli.remote.names import find_type, tenant_argument, type_argument
from flexdb.cli.remote.output import Writer
from flexdb.cli.remote.rows import FORMS, rows_of, safe
from flexdb.cli.remote.text import json_text, visible
from flexdb.wording import number_of

if TYPE_CHECKING:
    import flexdb.client as fx
    from flexdb.client import Client
    from flexdb.client.objects import NodeType
# As of a process that SIGINT ended.
INTERRUPTED = 128 + signal.SIGINT
# How many refused rows are told where no file takes them.
_TOLD = 20


class RowProblem(NamedTuple):
    """A row that the service refused.

    :param number: which one it is in the file, from 1
    :param problems: what is wrong, by what it is wrong with
    """

    number: int
    row: Any
    problems: dict[str, list[str]]


class Chunk(NamedTuple):
    """What came of some rows.

    :param outcomes: how many were created, changed or left as they are
    """

    rows: int
    outcomes: Counter[str]
    refused: list[RowProblem]


@click.command("load")
@tenant_argument
@type_argument
@click.argument("file", required=False)
@click.option("--format", "file_form", type=click.Choice(FORMS),
              help="By the file's name when absent, or else ndjson.")
@click.option("--key", multiple=True, metavar="MEMBER",
              help="Change the node that is there with the same member, which x-unique makes its "
                   "own, or the same id; as often as needed.")
@click.option("--chunk", type=click.IntRange(1, 10_000), default=1000, show_default=True,
              help="How many rows a call has.")
@click.option("--skip", type=click.IntRange(0), default=0,
              help="Leave so many rows out, where an earlier command ended.")
@click.option("--refused", metavar="FILE", help="Where rows go that are refused, as NDJSON, each "
                                                "with its number and what is wrong.")
@connected
def load(db: Client, output: Writer, tenant: str, type: str, file: str | None,
         file_form: str | None, key: tuple[str, ...], chunk: int, skip: int, refused: str | None
         ) -> None:
    """Create a node of each row of FILE: CSV, JSON or NDJSON, or standard input.

    Rows that are refused are told beside those that are created, and the status is 3. With --key it
    can be run again, and does nothing twice.
    """
    import flexdb.client as fx
    found = find_type(db, db.tenant(tenant).id, type)
    left = islice(rows_of(file, file_form, found["schema"]), skip, None)
    # It is there and can be read, before a file of refused rows is made anew.
    rows = chain([*islice(left, 1)], left)
    done, outcomes, wrong = skip, Counter[str](), 0
    try:
        with _progress() as tell, _refusals(refused, file, skip > 0) as note:
            for part in (_upserted(db, found, rows, key, chunk, skip) if key else
                         _created(db, found, rows, chunk, skip)):
                done += part.rows
                outcomes += part.outcomes
                wrong += len(part.refused)
                for one in part.refused:
                    note(one)
                tell(done)
    except (fx.Error, Failure, KeyboardInterrupt) as error:
        raise _stopped(error, done, 0 if key else chunk) from None
    output.one({**outcomes, "refused": wrong})
    if wrong:
        raise Failure(f"{number_of(wrong, 'row was', 'rows were')} refused", REFUSED)


def _stopped(error: fx.Error | Failure | KeyboardInterrupt, done: int, unsure: int) -> Failure:
    """Return what is told where it ends before its end, with where it goes on.

    :param done: how many rows are dealt with
    :param unsure: how many rows of a chunk under way would be there twice; 0 where none would
    """
    failure = error if isinstance(error, Failure) else (
        Failure("interrupted", INTERRUPTED) if isinstance(error, KeyboardInterrupt)
        else failure_of(error))
    told = []
    if done:
        rows = "row is" if done == 1 else f"{done:,} rows are"
        told.append(f"the first {rows} dealt with, and --skip {done} goes on behind")
    # A chunk that was under way may be there, or a part of it.
    if unsure and not isinstance(error, Failure) and failure.exit_code not in NOTHING_DONE:
        told.append(f"look first whether rows up to {done + unsure:,} are there")
    return Failure(": ".join([failure.message, *filter(None, ["; ".join(told)])]),
                   failure.exit_code)


@click.command("dump")
@tenant_argument
@type_argument
@click.option("--ids", is_flag=True, help="With the id of each node, as --key id of load takes it.")
@click.option("--safe-cells", is_flag=True,
              help="Of CSV, write ' before what a spreadsheet would take for a formula.")
@listed
@connected
def dump(db: Client, output: Writer, tenant: str, type: str, ids: bool, safe_cells: bool,
         **options: Any) -> None:
    """Write the data of a type's nodes, a row each, as load takes it."""
    if safe_cells and output.form != "csv":
        raise click.UsageError("'--safe-cells' is for '--output csv'.")
    found = find_type(db, db.tenant(tenant).id, type)

    def row(node: dict[str, Any]) -> dict[str, Any]:
        data = node.get("data", {})
        if ids:
            data = {"id": node["id"], **{f"data.{name}" if name == "id" else name: value
                                         for name, value in data.items()}}
        return {safe(name): safe(value) for name, value in data.items()} if safe_cells else data

    write_list(db, output, "list_nodes", {"tenant_id": found["tenant_id"],
                                          "node_type_id": found["id"]}, row=row, **options)


def _created(db: Client, node_type: NodeType, rows: Iterator[Any], chunk: int, skip: int
             ) -> Iterator[Chunk]:
    tenant = db.tenant(node_type["tenant_id"])
    place = skip
    while part := list(islice(rows, chunk)):
        report = tenant.load(node_type["id"], part, chunk=chunk, on_error="collect")
        yield Chunk(len(part), Counter(created=report.created), [
            RowProblem(place + one.place + 1, one.row, one.problems) for one in report.refused])
        place += len(part)


def _upserted(db: Client, node_type: NodeType, rows: Iterator[Any], key: tuple[str, ...],
              chunk: int, skip: int) -> Iterator[Chunk]:
    by_id = key == ("id",)
    place = skip
    while part := list(islice(rows, chunk)):
        items: list[Any] = [{"node_type_id": node_type["id"], "data": row} for row in part]
        for number, item in enumerate(items, place + 1):
            if by_id and "id" not in item["data"]:
                raise Failure(f"row {number} has no id", REFUSED)
            if by_id:
                item["id"] = item["data"]["id"]
                item["data"] = {name: value for name, value in item["data"].items() if name != "id"}
        told = db.upsert_nodes(tenant_id=node_type["tenant_id"], nodes=items,
                               key=None if by_id else list(key), all_or_none=False)
        refused = [
            RowProblem(place + row + 1, part[row], {"": [one["error"]["message"].removeprefix(
                f"invalid parameters: nodes.{row}.")]})
            for row, one in enumerate(told) if one["error"]]
        yield Chunk(len(part), Counter(one["outcome"] for one in told if not one["error"]), refused)
        place += len(part)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Show at a terminal how many rows are done, on standard error."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    with Progress(SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn(),
                  console=Console(stderr=True), transient=True,
                  disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def _refusals(file: str | None, source: str | None, further: bool
              ) -> Iterator[Callable[[RowProblem], None]]:
    """Take refused rows: a file all of them, standard error the first.

    :param source: where the rows come from
    :param further: whether the file has some of an earlier command
    """
    told = 0

    def note(one: RowProblem, stream: IO[str] | None = None) -> None:
        nonlocal told
        told += 1
        if stream:
            stream.write(json_text(one._asdict()) + "\n")
            stream.flush()
        elif told <= _TOLD:
            problems = "; ".join(f"{name} {problem}".strip() for name, several in
                                 one.problems.items() for problem in several)
            click.echo(f"row {one.number}: {visible(problems)}", err=True)

    if file is None:
        yield note
        return
    if source and Path(file).exists() and Path(source).exists() and Path(file).samefile(source):
        raise click.UsageError("'--refused' must be another file than the one that is loaded.")
    with open(file, "a" if further else "w", encoding="utf-8") as stream:
        yield lambda one: note(one, stream)
