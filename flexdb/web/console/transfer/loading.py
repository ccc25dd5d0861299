"""Rows that become records, in the name of whoever sent them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flexdb.api.calls import PageCalls
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError
from flexdb.transfer.batches import chunks, load
from flexdb.transfer.refusals import Refusals
from flexdb.transfer.rows import Row, RowReader
from flexdb.web.console.transfer.uploads import Upload, row_id

# How many rows that are refused are told, and how much of them is given back, in bytes.
MOST_TOLD, _MOST_KEPT = 100, 1024 * 1024
_TAKEN = "id is taken"


@dataclass
class Taken:
    """What became of the rows of a file.

    :param before: how many were there already, by a try before
    :param told: of the first that were refused, the number and the reason
    :param kept: those that were refused, as a file; "" where there are none
    :param is_cut: whether there are more than that has
    :param error: why no more were read; None where all were
    """

    created: int = 0
    before: int = 0
    refused: int = 0
    told: list[tuple[int, str]] = field(default_factory=list)
    kept: str = ""
    is_cut: bool = False
    error: FlexdbError | None = None

    @property
    def stopped(self) -> str:
        """Return in words why no more were read; "" where all were."""
        return str(self.error) if self.error else ""


def schema_of(node_type: dict[str, Any]) -> Any:
    """Return the schema of a node type that a call gave, as what reads and writes rows takes it."""
    return json_text.parse_stored(json_text.dump_exactly(node_type["schema"]))


class Taker:
    """Makes nodes of rows, in the name of whoever sent them.

    :param node_type: as a call gave it
    """

    def __init__(self, calls: PageCalls, tenant_id: str, node_type: dict[str, Any]) -> None:
        self._calls, self._tenant_id, self._type_id = calls, tenant_id, node_type["id"]
        self.schema = schema_of(node_type)
        self._limits = calls.context.limits

    def reader(self, upload: Upload) -> RowReader:
        """Return what reads the rows of a file."""
        # Of what a record may have, a row has twice as much, for blanks and quotes: in a file that
        # is packed, one of many values costs next to nothing.
        return upload.reader(self.schema, self._limits.max_depth, 2 * self._limits.max_json_bytes)

    def take(self, upload: Upload) -> Taken:
        """Make nodes of all rows; those that are wrong are told, and left out.

        It stops at what is no row any more, and where nothing more can be made.
        """
        taken, kept = Taken(), io.BytesIO()
        reader = self.reader(upload)
        refusals = Refusals(reader, kept)
        try:
            for rows in chunks(upload.rows(reader)):
                refused, before = self._load(rows, upload.key)
                taken.before += before
                taken.refused += len(refused)
                taken.created += len(rows) - len(refused) - before
                for row in rows:
                    if row.number in refused:
                        if len(taken.told) < MOST_TOLD:
                            taken.told.append((row.number, refused[row.number]))
                        taken.is_cut = taken.is_cut or kept.tell() > _MOST_KEPT
                        if not taken.is_cut:
                            refusals.add(row, refused[row.number])
        except FlexdbError as error:
            taken.error = error
        taken.kept = kept.getvalue().decode(errors="replace")
        return taken

    def try_out(self, rows: list[Row], key: str) -> dict[int, str]:
        """Return which rows would be refused, and why; nothing is changed."""
        return self._wrong(rows) | load([row for row in rows if not row.wrong], self._caller(
            key, lambda params: self._calls.one("transaction", dry_run=True, calls=[
                {"method": "create_nodes", "params": params}])))

    def _load(self, rows: list[Row], key: str) -> tuple[dict[int, str], int]:
        good = [row for row in rows if not row.wrong]
        refused = load(good, self._caller(
            key, lambda params: self._calls.one("create_nodes", **params)))
        there = self._there([row for row in good if refused.get(row.number) == _TAKEN], key)
        for number in there:
            del refused[number]
        return self._wrong(rows) | refused, len(there)

    @staticmethod
    def _wrong(rows: list[Row]) -> dict[int, str]:
        return {row.number: row.wrong for row in rows if row.wrong}

    def _caller(self, key: str, call: Callable[[dict[str, Any]], Any]) -> Callable[
            [list[Row]], None]:
        def create(rows: list[Row]) -> None:
            call({"tenant_id": self._tenant_id, "nodes": [
                {"node_type_id": self._type_id, "id": _id(row, key),
                 "data": json_text.parse_exactly(row.data)} for row in rows]})

        return create

    def _there(self, rows: list[Row], key: str) -> list[int]:
        """Return the numbers of the rows whose node is there with what the row says."""
        if not rows:
            return []
        found = self._calls.one(
            "list_nodes", tenant_id=self._tenant_id, node_type_id=self._type_id, count="none",
            filter={"id": {"$in": [_id(row, key) for row in rows]}}, fields=["id", "data"],
            pagination={"page_size": len(rows)})["nodes"]
        data = {node["id"]: node["data"] for node in found}
        return [row.number for row in rows
                if (stored := data.get(str(_id(row, key)).lower())) is not None
                and _is_in(json_text.parse_exactly(row.data), stored)]


def _id(row: Row, key: str) -> Any:
    return row_id(key, row.number) if row.id is None else json_text.parse_exactly(row.id)


def _is_in(said: Any, stored: Any) -> bool:
    """Tell whether data is stored as it was said, but for defaults that were filled in."""
    if isinstance(said, dict) and isinstance(stored, dict):
        return all(name in stored and _is_in(one, stored[name]) for name, one in said.items())
    return bool(said == stored)
