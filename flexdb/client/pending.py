"""A call that is sent later, with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from flexdb.client.failures import Error

T = TypeVar("T")


class Pending(Generic[T]):
    """What a call will give.

    :param name: the method
    :param params: its parameters
    :param read: makes what the method gives of the result
    :param label: the name under which later calls of the same transaction refer to it; empty in a
        batch, whose calls know nothing of each other
    """

    def __init__(self, name: str, params: dict[str, Any], read: Callable[[Any], T],
                 label: str = "") -> None:
        self.name = name
        self.params = params
        self.label = label
        self._read = read
        self._error: Error | None = None
        self._results: list[T] = []

    @property
    def id(self) -> str:
        """The id of what the call gives: before it is sent a reference to it, for later calls.

        :raises Error: in a batch before it is sent, and where the call failed
        """
        if not self._results and self._error is None and self.label:
            return f"${self.label}.id"
        found: Any = self.result()
        return str(found["id"] if isinstance(found, dict) else found.id)

    @property
    def error(self) -> Error | None:
        """Why the call failed; None where it did not."""
        return self._error

    def result(self) -> T:
        """Return what the call gave.

        :raises Error: where it failed, or was not sent yet
        """
        if self._error is not None:
            raise self._error
        if not self._results:
            raise Error(f"{self.name} was not sent yet: its result is there after the with block")
        return self._results[0]

    def settle(self, outcome: Any) -> None:
        """Take the result, or the error, with which the call ended."""
        if isinstance(outcome, Error):
            self._error = outcome
        else:
            self._results = [self._read(outcome)]
