"""Many calls at once: a batch, whose calls are independent, and a transaction, all or nothing.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeVar

from flexdb.client.synchronous.connection import Connection
from flexdb.client.collecting import Collected
from flexdb.client.failures import BatchFailed, Error

Self = TypeVar("Self", bound="Sending")


class Sending(Collected):
    """What is sent at the end of the block, unless that ends with an exception."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self._sent = True
        if kind is not None or not self.calls:
            return
        try:
            outcomes = self._send()
        except Error as failed:
            for call in self.calls:
                call.settle(failed)
            raise
        for call, outcome in zip(self.calls, outcomes):
            call.settle(outcome)

    def _send(self) -> list[Any]:
        """Return the result or the error of each call."""
        raise NotImplementedError


class Batch(Sending):
    """Independent calls that are sent as one request at the end of the block.

    When the block ends with an exception, nothing is sent. When calls fail, the others are done,
    and what fails is raised together.

    :param keep: whether what fails is not raised: each call has its ``error``
    """

    def __init__(self, connection: Connection, tenant_id: str | None = None,
                 keep: bool = False) -> None:
        super().__init__(tenant_id, labelled=False)
        self._connection, self._keep = connection, keep

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        failed = {place: one.error for place, one in enumerate(self.calls) if one.error}
        if failed and not self._keep:
            raise BatchFailed(failed, [one.name for one in self.calls])

    def _send(self) -> list[Any]:
        return self._connection.call_all([(one.name, one.params) for one in self.calls])


class Transaction(Sending):
    """Calls that are sent at the end of the block, and done all or not at all.

    What an earlier call creates has an ``id`` that later ones may name. When the block ends with an
    exception, nothing is sent.

    :param dry_run: whether nothing is changed, though the results are there
    """

    def __init__(self, connection: Connection, tenant_id: str | None = None,
                 dry_run: bool = False) -> None:
        super().__init__(tenant_id, labelled=True)
        self._connection, self._dry_run = connection, dry_run

    def _send(self) -> list[Any]:
        calls = [{"method": one.name, "params": one.params, "as": one.label}
                 for one in self.calls]
        result = self._connection.call(
            "transaction", {"calls": calls, "dry_run": self._dry_run})
        results: list[Any] = result["results"]
        return results
