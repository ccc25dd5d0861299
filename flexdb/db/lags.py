"""How far each replica is behind the primary."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import NamedTuple

from flexdb.config import Settings
from flexdb.db.pool import Pool
from flexdb.db.replicas import Attempt, NotRead, Replica, Replicas
from flexdb.db.run import Runner
from flexdb.plan import Budget


class Lag(NamedTuple):
    """How a replica is.

    :param name: its host and port
    :param status: ``ok``, ``away``, ``promoted`` where it is a primary, or ``busy``
    :param lag_bytes: how much of the write-ahead log it has not replayed; None where that is not
        known
    :param lag_seconds: how old is what it replayed last, where there is more; likewise
    """

    name: str
    status: str
    lag_bytes: int | None = None
    lag_seconds: float | None = None


def lags(runner: Runner) -> list[Lag]:
    """Return how far each of a runner's replicas is; none is waited for long."""
    if runner.replicas is None:
        return []
    primary = runner.position()
    attempt = partial(runner.attempt, budget=Budget(0), bound=None)
    return [_lag(replica, primary, attempt) for replica in runner.replicas.all]


def look_at_replicas(settings: Settings) -> list[Lag]:
    """Return how far each replica is that settings name, in a command."""
    with closing(Pool(settings)) as pool:
        replicas = Replicas.of(settings, pool.metrics)
        if replicas is None:
            return []
        with closing(replicas):
            return lags(Runner(pool, settings.statement_timeout, settings.long_timeout,
                               replicas=replicas))


def _lag(replica: Replica, primary: int | None, attempt: Attempt) -> Lag:
    if not replica.serves(0):
        return Lag(replica.name, replica.why)
    try:
        found = replica.look(attempt)
    except NotRead as why:
        return Lag(replica.name, str(why))
    if primary is None:
        return Lag(replica.name, "ok", None, found.seconds)
    behind = max(primary - found.before, 0)
    return Lag(replica.name, "ok", behind, found.seconds if behind else 0)
