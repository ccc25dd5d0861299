"""Calls that travel as one request: which of them are sent again, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from flexdb.client.failures import Error, repeated_after
from flexdb.client.operations import OPERATIONS, Operation
from flexdb.client.wire import encode

# What is not known of a call may do anything.
_UNKNOWN = Operation(reads=False, long=False, member="")


def operation(name: str) -> Operation:
    """Return what the client knows of a method."""
    return OPERATIONS.get(name, _UNKNOWN)


def new_key(harmless: bool, once: bool) -> str | None:
    """Return an Idempotency-Key for a request that needs one to be sent again.

    :param harmless: whether it may be sent again though it was done
    :param once: whether such keys are used
    """
    return None if harmless or not once else uuid4().hex


class Repeated:
    """Independent calls, sent as one request until none is left that may be done later.

    :param calls: the name and the parameters of each
    :param once: whether a request has an Idempotency-Key where it needs one
    """

    def __init__(self, calls: Sequence[tuple[str, dict[str, Any]]], once: bool) -> None:
        self._calls, self._once = calls, once
        self._known = [operation(name) for name, _ in calls]
        self.long = any(one.long for one in self._known)
        self.found: list[Any] = [None] * len(calls)
        self._leave(list(range(len(calls))))

    def _leave(self, places: list[int]) -> None:
        self.left = places
        self.harmless = all(self._known[place].reads for place in places)
        self.key = new_key(self.harmless, self._once)

    @property
    def body(self) -> bytes:
        """The request of those that are left."""
        return encode([{"jsonrpc": "2.0", "method": self._calls[place][0],
                        "params": self._calls[place][1], "id": place} for place in self.left])

    def take(self, outcomes: Mapping[int, Any]) -> float:
        """Take the results and the errors, and return how many seconds are to pass before the rest.
        """
        for place, outcome in outcomes.items():
            self.found[place] = outcome
        failed = {place: one for place, one in outcomes.items() if isinstance(one, Error)}
        if self.key is None or len(failed) < len(self.left) or not all(
                one.may_repeat(harmless=True) for one in failed.values()):
            # Those that may be done later; the others keep what they have.
            self._leave([place for place in self.left if place in failed
                         and failed[place].may_repeat(self._known[place].reads)])
        # Else the request stays as it was, with its key: it may have been done.
        return max((repeated_after(self.found[place]) for place in self.left), default=0)
