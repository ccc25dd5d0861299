"""Many calls at once: a batch, whose calls are independent, and a transaction, all or nothing.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from flexdb.client.synchronous.connection import Connection
from flexdb.client.collecting import Collected
from flexdb.client.failures import BatchFailed, Error

B = TypeVar("B", bound="Batch")
T = TypeVar("T", bound="Transaction")


class Batch(Collected):
    """Independent calls that are sent as one request at the end of the block.

    When the block ends with an exception, nothing is sent. When calls fail, the others are done,
    and what fails is raised together.

    :param keep: whether what fails is not raised: each call has its ``error``
    """

    def __init__(self, connection: Connection, tenant_id: str | None = None,
                 keep: bool = False) -> None:
        super().__init__(tenant_id, labelled=False)
        self._connection, self._keep = connection, keep

    def __enter__(self: B) -> B:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self._sent = True
        if kind is not None or not self.calls:
            return
        outcomes = self._connection.call_all([(one.name, one.params) for one in self.calls])
        for call, outcome in zip(self.calls, outcomes):
            call.settle(outcome)
        failed = {place: one.error for place, one in enumerate(self.calls) if one.error}
        if failed and not self._keep:
            raise BatchFailed(failed, [one.name for one in self.calls])


class Transaction(Collected):
    """Calls that are sent at the end of the block, and done all or not at all.

    What an earlier call creates has an ``id`` that later ones may name. When the block ends with an
    exception, nothing is sent.

    :param dry_run: whether nothing is changed, though the results are there
    """

    def __init__(self, connection: Connection, tenant_id: str | None = None,
                 dry_run: bool = False) -> None:
        super().__init__(tenant_id, labelled=True)
        self._connection, self._dry_run = connection, dry_run

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self._sent = True
        if kind is not None or not self.calls:
            return
        calls = [{"method": one.name, "params": one.params, "as": one.label}
                 for one in self.calls]
        try:
            result = self._connection.call(
                "transaction", {"calls": calls, "dry_run": self._dry_run})
        except Error as failed:
            for call in self.calls:
                call.settle(failed)
            raise
        for call, outcome in zip(self.calls, result["results"]):
            call.settle(outcome)
