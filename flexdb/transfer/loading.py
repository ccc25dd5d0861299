"""Rows of a file into a node type, through the calls that create nodes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from os.path import exists, samefile
from typing import NamedTuple

import orjson

from flexdb.config import Settings
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError, InvalidParams
from flexdb.transfer.batches import chunks, load
from flexdb.transfer.calls import TypeCalls, calling
from flexdb.transfer.files import reading
from flexdb.transfer.refusals import Refusals
from flexdb.transfer.rows import Format, Row, RowReader
from flexdb.wording import number_of

logger = logging.getLogger(__name__)


class Way(NamedTuple):
    """How a file is read and loaded.

    :param form: how the file is written
    :param columns: by names of columns, the members that they are
    :param delimiter: what stands between the cells of CSV
    :param dry_run: whether nothing is to stay
    :param key: by which member of x-unique, or by ``id``, a node is known that is changed where it
        is there; "" where all are to be made
    :param refused: the name of a file for the rows that are refused
    """

    form: Format
    columns: Mapping[str, str] = {}
    delimiter: str = ","
    dry_run: bool = False
    refused: str | None = None
    key: str = ""


def import_rows(settings: Settings, tenant: str, node_type: str, name: str | None, way: Way
                ) -> None:
    """Load the rows of a file into a node type; those that are refused are told, and left out.

    :param tenant: its id or slug
    :param node_type: its id or name
    :param name: the file's name, plain or gzipped; None for standard input
    :raises OSError: when a file cannot be read or written
    :raises FlexdbError: when there is no such type, the file is none of its form, or nothing more
        can be loaded; what was loaded before stays
    :raises InvalidParams: when rows were refused, with their number
    :raises NotReachable: when PostgreSQL does not answer
    """
    if name and way.refused and exists(way.refused) and samefile(name, way.refused):
        raise InvalidParams("the refused rows cannot be written to the file that is read")
    with calling(settings, tenant, node_type) as calls, ExitStack() as stack:
        file = stack.enter_context(reading(name))
        reader = RowReader(way.form, way.columns, calls.schema, calls.context.limits.max_depth,
                           way.delimiter)
        kept = stack.enter_context(open(way.refused, "wb")) if way.refused else None
        loader = _Loader(calls, way, Refusals(reader, kept))
        try:
            for rows in chunks(reader.rows(file)):
                loader.load(rows)
        except FlexdbError:
            if loader.done:
                logger.warning("Stopped: what stands up to line %d is done", loader.done)
            raise
        finally:
            loader.tell()
    if refused := loader.counts["refused"]:
        raise InvalidParams(f"{refused:,} of {number_of(loader.counts.total(), 'row')} "
                            f"{'was' if refused == 1 else 'were'} refused")


class _Loader:
    """Loads rows, and counts what became of them."""

    def __init__(self, calls: TypeCalls, way: Way, refusals: Refusals) -> None:
        self._calls, self._way, self._refusals = calls, way, refusals
        self.counts: Counter[str] = Counter()
        # The number of the row up to which all were dealt with.
        self.done = 0

    def load(self, rows: list[Row]) -> None:
        """Load rows, and refuse those that are wrong.

        :raises FlexdbError: when nothing more can be loaded
        """
        refused = {row.number: row.wrong for row in rows if row.wrong}
        refused |= load([row for row in rows if not row.wrong], self._call)
        for row in rows:
            if row.number in refused:
                self.counts["refused"] += 1
                self._refusals.add(row, refused[row.number])
        self.done = rows[-1].number

    def tell(self) -> None:
        """Log what was done."""
        done = [f"{count:,} {what}" for what, count in self.counts.items()]
        head = "Nothing is changed, but would be" if self._way.dry_run else "Imported"
        logger.info("%s: %s", head, ", ".join(done) or "no rows: the file is empty")

    def _call(self, rows: list[Row]) -> None:
        node_type_id = self._calls.node_type_id.encode()
        items = b",".join(
            b'{"node_type_id":"%b","data":%b%b}' % (
                node_type_id, row.data, b',"id":%b' % row.id if row.id else b"") for row in rows)
        members, keep = [b'"nodes":[%b]' % items], not self._way.dry_run
        if not self._way.key:
            self._calls.call("create_nodes", members, keep)
            self.counts["created"] += len(rows)
            return
        if self._way.key != "id":
            members.append(b'"key":%b' % orjson.dumps(self._way.key))
        told = json_text.parse_stored(self._calls.call("upsert_nodes", members, keep))["outcomes"]
        self.counts.update(one["outcome"] for one in told)
