"""How much each tenant asks for: counted in every worker, and added up in the database."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from flexdb.api.questions import ask
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.telemetry.watch import Watch

# How often a worker adds up what it counted, in seconds, and of how many tenants it counts until
# then: of any further one nothing is known.
_PERIOD, _MOST = 5.0, 10_000


class _Amounts(NamedTuple):
    """What was asked for, in the order of the statement that adds it up."""

    calls: int
    errors: int
    rows: int
    bytes: int
    database_ms: float


_NOTHING = _Amounts(0, 0, 0, 0, 0.0)


class Usage:
    """Counts what is asked for by the tenant that a request is about.

    :param runner: adds it up in the database
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._counted: dict[str, _Amounts] = {}
        self._told = time.monotonic()

    def add(self, watched: Watch, calls: int, errors: int, bytes: int) -> None:
        """Count a request that was answered; of a batch over several tenants it is the first's.

        :param watched: knows the tenant, and what the request took
        :param calls: how many calls it held
        :param errors: how many of them were answered with an error
        :param bytes: how much the answer weighs
        """
        tenant = watched.tenant
        with self._lock:
            before = self._counted.get(tenant)
            if before is None and len(self._counted) >= _MOST:
                return
            self._counted[tenant] = _sum(before or _NOTHING, _Amounts(
                calls, errors, watched.rows, bytes, watched.database * 1000))
            # PostgreSQL has just answered, so telling it waits for nothing.
            if errors or time.monotonic() - self._told < _PERIOD:
                return
            counted = self._take()
        self._tell(counted)

    def flush(self) -> None:
        """Add up what is not yet: the process ends."""
        with self._lock:
            counted = self._take()
        if counted:
            self._tell(counted)

    def _take(self) -> dict[str, _Amounts]:
        counted, self._counted = self._counted, {}
        self._told = time.monotonic()
        return counted

    def _tell(self, counted: dict[str, _Amounts]) -> None:
        columns = zip(*counted.values())
        arguments = {"tenants": list(counted)} | {
            name: list(column) for name, column in zip(_Amounts._fields, columns)}
        try:
            ask(self._runner, "add_usage", arguments)
        except FlexdbError:
            with self._lock:
                for tenant, amounts in counted.items():
                    if len(self._counted) < _MOST or tenant in self._counted:
                        self._counted[tenant] = _sum(
                            self._counted.get(tenant, _NOTHING), amounts)


def _sum(one: _Amounts, other: _Amounts) -> _Amounts:
    return _Amounts(
        one.calls + other.calls, one.errors + other.errors, one.rows + other.rows,
        one.bytes + other.bytes, one.database_ms + other.database_ms)
