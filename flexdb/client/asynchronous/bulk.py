"""Many rows: written in chunks, each once, and those that are refused told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from flexdb.client.asynchronous.connection import AsyncConnection
from flexdb.client.failures import ServiceError
from flexdb.client.ids import new_ids
from flexdb.client.loading import LoadReport, OnError, Progress, RefusedRow, problems_by_row
from flexdb.client.reasons import AlreadyExists, NotFound, TooLarge

# What writes many of a kind, and what reads one.
_METHODS = {"nodes": ("create_nodes", "get_node"),
            "relationships": ("create_relationships", "get_relationship")}


class AsyncLoader:
    """Writes rows in chunks; what it creates has ids made here, so nothing is done twice.

    :param member: ``nodes`` or ``relationships``
    :param item: makes what is sent of a row
    :param chunk: how many rows a call has, up to 10,000
    :param on_error: whether a row that is refused ends it, after the chunks before, or is told with
        the others at the end
    :param progress: called after each chunk
    """

    def __init__(self, connection: AsyncConnection, tenant_id: str, member: str,
                 item: Callable[[Any], dict[str, Any]], chunk: int, on_error: OnError,
                 progress: Progress | None) -> None:
        if not 1 <= chunk <= 10_000:
            raise ValueError(f"a chunk has 1 to 10,000 rows, not {chunk}")
        self._connection, self._tenant_id, self._member = connection, tenant_id, member
        self._create, self._get = _METHODS[member]
        self._item, self._chunk, self._on_error = item, chunk, on_error
        self._progress = progress
        self.report = LoadReport()

    async def load(self, rows: Iterable[Any]) -> LoadReport:
        """Write all rows and return what came of them.

        :raises ServiceError: when one is refused and that is to end it
        """
        left = iter(rows)
        while chunk := list(islice(left, self._chunk)):
            begin = len(self.report.ids)
            ids = new_ids(len(chunk))
            items = [{**self._item(row), "id": id} for row, id in zip(chunk, ids)]
            self.report.ids += ids
            await self._write(list(range(begin, begin + len(chunk))), chunk, items)
            if self._progress:
                self._progress(self.report)
        return self.report

    async def _write(self, places: list[int], rows: list[Any], items: list[Any]) -> None:
        while items:
            try:
                await self._connection.call(
                    self._create,
                    {"tenant_id": self._tenant_id, self._member: items}, own_ids=True)
                return
            except ServiceError as error:
                # It may be the answer that is too large, after all was created.
                if isinstance(error, TooLarge) and error.data.get("done"):
                    return
                if isinstance(error, AlreadyExists) and await self._is_done(items[0]["id"]):
                    return
                if isinstance(error, TooLarge) and len(items) > 1:
                    half = len(items) // 2
                    await self._write(places[:half], rows[:half], items[:half])
                    places, rows, items = places[half:], rows[half:], items[half:]
                    continue
                wrong = problems_by_row(error, self._member)
                if self._on_error == "raise" or not wrong:
                    raise
                for place, problems in wrong.items():
                    self.report.refused.append(
                        RefusedRow(places[place], rows[place], error, problems))
                    self.report.ids[places[place]] = None
                places, rows, items = (list(_without(one, wrong)) for one in (places, rows, items))

    async def _is_done(self, id: str) -> bool:
        """Tell whether a chunk whose answer was lost was written: all of it was, or nothing."""
        try:
            await self._connection.call(self._get, {"tenant_id": self._tenant_id, "id": id})
        except NotFound:
            return False
        return True


def _without(items: list[Any], places: Iterable[int]) -> Iterator[Any]:
    gone = set(places)
    return (one for place, one in enumerate(items) if place not in gone)
