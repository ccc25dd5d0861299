"""What every list takes: a filter, an order, the fields that are wanted, and how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.assignments import document
from flexdb.cli.remote.output import Writer

if TYPE_CHECKING:
    from flexdb.client import Client

# How many a page has at most.
_PAGE = 500
_OPTIONS = (
    click.option("--filter", "where", metavar="JSON", help="Only what fits it; @FILE reads it."),
    click.option("--sort", multiple=True, metavar="PATH",
                 help="The path to sort by, descending with - before it; as often as needed."),
    click.option("--fields", metavar="PATHS", help="Only these paths, separated by commas."),
    click.option("--limit", type=click.IntRange(1),
                 help="How many at most; a table has 100, and all else is whole."),
)


def listed(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of lists."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def write_list(db: Client, output: Writer, name: str, params: dict[str, Any], *,
               where: str | None, sort: tuple[str, ...], fields: str | None, limit: int | None,
               row: Callable[[Any], Any] = dict) -> None:
    """Write what a method lists, page after page as far as it is wanted.

    :param name: of the method, which is that of its result's member with ``list_`` before it
    :param params: what is asked beside the options
    :param row: makes what is written of an object
    """
    from flexdb.client.absent import given
    from flexdb.client.synchronous.lists import List
    member = name.partition("_")[2]
    wanted = given(params, {
        "filter": document(where), "sort": list(sort) or None,
        "fields": [path.strip() for path in fields.split(",")] if fields else None})
    found: List[Any] = List(db, name, member, wanted, row)
    output.many(_all(found, limit), limit)


def _all(found: Any, limit: int | None) -> Iterator[Any]:
    for page in found.pages(min(_PAGE, (limit or _PAGE) + 1)):
        yield from page
