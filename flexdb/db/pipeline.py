"""Statements that travel together: one round trip for all, and each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute, fetch
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from flexdb.db.address import ends_connection
from flexdb.db.positions import FLUSHED, note
from flexdb.db.prepared import Prepared
from flexdb.plan import Query, Row

# By the oid of the type (pg_type.dat); psycopg knows all others. A varchar is JSON that was written
# as text (flexdb/sql/loader.py).
_FROM_TEXT: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__, 20: int, 23: int, 25: bytes.decode, 114: bytes, 1043: bytes,
}
# BEGIN and its like give no rows.
DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
Sent = tuple[Query, list[Any]]


class PipelineConnection(psycopg.Connection[Any]):
    """A connection whose statements can be sent in one go, and kept prepared."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.may_prepare = True
        # For how long the first result of a pipeline may be waited for, and each further one, in
        # seconds; a server that was stopped ends no statement by itself.
        self.patience: tuple[float | None, float | None] = (None, None)
        self._kept = Prepared(self.pgconn)

    def _names_of(self, queries: Sequence[Query]) -> list[bytes | None]:
        return (self._kept.names_of(queries, self._prepare) if self.may_prepare
                else [None] * len(queries))

    def _prepare(self, name: bytes, text: bytes) -> PGresult:
        if self.patience[0] is None:
            return self.pgconn.prepare(name, text)
        self.pgconn.send_prepare(name, text)
        result: PGresult = self.wait(execute(self.pgconn), timeout=self.patience[0])[-1]
        return result

    def _in_pipeline(self, sent: Sequence[Sent], tells_position: bool = False
                     ) -> Iterator[PGresult]:
        """Run what is sent in one round trip, and give the results as they come.

        :param tells_position: whether what is sent is a whole transaction, and how far the server
            is behind it is noted
        """
        names = self._names_of([query for query, _ in sent])
        self.pgconn.enter_pipeline_mode()
        # In libpq's own memory, so that nothing waits until PostgreSQL reads it.
        for name, (query, values) in zip(names, sent):
            if name:
                self.pgconn.send_query_prepared(name, values)
            else:
                self.pgconn.send_query_params(query.text, values)
        self.pgconn.pipeline_sync()
        if tells_position:
            self.pgconn.send_query_params(FLUSHED.text, [])
            self.pgconn.pipeline_sync()
        failed: PGresult | None = None
        for result in self._results():
            if failed is None and result.status in DONE:
                yield result
            else:
                failed = failed or result
        for result in self._results() if tells_position else ():
            self._note(result)
        self.pgconn.exit_pipeline_mode()
        if failed is not None:
            raise error_from_result(failed)

    def _results(self) -> Iterator[PGresult]:
        """Give the results up to the next sync of a pipeline, each as soon as it is there."""
        sent = False
        patience, further = self.patience
        while True:
            sent = sent or self.pgconn.flush() == 0
            if sent:
                # What has arrived need not be waited for.
                result = (self.wait(fetch(self.pgconn), timeout=patience)
                          if self.pgconn.is_busy() else self.pgconn.get_result())
            else:
                # PostgreSQL may read no further before its own answers are read.
                if self.wait(_readiness()) & Ready.R:
                    self.pgconn.consume_input()
                if self.pgconn.is_busy():
                    continue
                result = self.pgconn.get_result()
            if result is None:
                if self.pgconn.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                patience = further
                yield result

    def _note(self, result: PGresult) -> None:
        """Note how far the server is, where it says that: a standby has nothing to say."""
        if result.status == ExecStatus.TUPLES_OK:
            note(self._row(result))

    def is_lost_by(self, error: psycopg.Error) -> bool:
        """Tell whether an error is the connection's end; what became of statements is unknown then.
        """
        return self.broken or ends_connection(error)

    def _row(self, result: PGresult) -> Row | None:
        if result.status not in DONE:
            raise error_from_result(result)
        if not result.ntuples:
            return None
        row = []
        for place in range(result.nfields):
            text = result.get_value(0, place)
            if text is not None:
                oid = result.ftype(place)
                from_text = (_FROM_TEXT.get(oid)
                             or Transformer(self).get_loader(oid, Format.TEXT).load)
                text = from_text(text)
            row.append(text)
        return tuple(row)


def _readiness() -> Generator[Wait, int, int]:
    """Wait until the connection can be written to or read from, and return which."""
    return (yield Wait.RW)
