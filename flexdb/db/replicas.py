"""Replicas: standbys of PostgreSQL, which answer reads that need not be of this very moment.

Who reads says behind which position. A replica is asked how far it is, and in the same round trip
what is to be read: statements of one transaction, each of which sees what was replayed when it
began. None of them waits for a position: whoever holds a state while waiting for a later one keeps
PostgreSQL from replaying what takes the former away, and so may wait for ever.
https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any, NamedTuple, Protocol

import psycopg
from psycopg.conninfo import make_conninfo

from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.db.pool import Pool
from flexdb.db.positions import REPLAYED, Look
from flexdb.db.verdict import Verdict
from flexdb.db.walk import travels_together
from flexdb.errors import FlexdbError, Overloaded
from flexdb.plan import Budget, Outcome, Plan, Statement, as_steps
from flexdb.telemetry import watch
from flexdb.telemetry.metrics import Metrics

# How long one that does not answer, or is too far behind, is left alone, in seconds.
_REST = 1.0
# How soon, and how often at least, one that is behind is asked again, in seconds.
_SOON, _SELDOM = 0.001, 0.02
# How long beyond its timeout a statement may take until its server counts as gone, in seconds.
_SILENCE = 5.0
_CANCELED, _CONFLICTS = "57014", {"40001", "40P01"}


class Attempt(Protocol):
    """Sends plans once, on a connection of a pool."""

    def __call__(self, plans: Sequence[Plan], *, pool: Pool) -> Verdict:
        """Return what came of it."""


class NotRead(Exception):
    """No replica answered; the message is the word by which the figures know why."""


class Looked(NamedTuple):
    """What a replica gave.

    :param outcomes: of what was read
    :param before: how far it was before that
    :param behind: how far it was behind that
    :param seconds: how old was what it had replayed last; None where that is not known
    """

    outcomes: list[Outcome]
    before: int
    behind: int
    seconds: float | None = None


class _Uncounted:
    """Stands for the figures of the primary's pool: whom a replica refuses the primary answers."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *arguments: Any) -> Any:
        return self


class _Pool(Pool):
    """The connections to a replica, on which nothing is waited for without end."""

    def _conninfo(self) -> str:
        # Whatever PGTARGETSESSIONATTRS says of the primary.
        return make_conninfo(super()._conninfo(), target_session_attrs="any",
                             load_balance_hosts="random")

    def configure(self, connection: Connection) -> None:
        """Make a new connection ready."""
        super().configure(connection)
        connection.patience = (self.settings.replica_wait,
                               self.settings.statement_timeout + _SILENCE)


class Replica:
    """The replicas at one host and port, of which there is one, or several that are alike.

    :param settings: lead to it, as to a primary
    """

    def __init__(self, settings: Settings) -> None:
        self.name = f"{settings.db_host}:{settings.db_port}"
        self.pool = _Pool(settings, _Uncounted())  # type: ignore[arg-type]
        # How far it was when it was looked at last.
        self.position = 0
        # Until when nothing is asked of it, and until when nothing that it has not replayed.
        self._away_until = self._late_until = 0.0
        # Why it was left alone last.
        self.why = "away"

    def serves(self, after: int) -> bool:
        """Tell whether it may be asked for what is behind a position."""
        now = time.monotonic()
        return (now >= self._away_until and not self.pool.failure
                and (self.position >= after or now >= self._late_until))

    def leave_alone(self, why: str) -> NotRead:
        """Ask nothing of it for a while, or nothing late where it is behind; return why."""
        if why == "behind":
            self._late_until = time.monotonic() + _REST
        else:
            self.why, self._away_until = why, time.monotonic() + _REST
        return NotRead(why)

    def look(self, attempt: Attempt, plans: Sequence[Plan] = ()) -> Looked:
        """Run plans between two looks at how far it is.

        :raises NotRead: when it does not answer, or is no replica
        """
        before, behind = Look(REPLAYED), Look(REPLAYED)
        verdict = attempt([before.statement, *plans, behind.statement] if plans else
                          [before.statement], pool=self.pool)
        outcomes, error = verdict.outcomes, verdict.error
        if outcomes and isinstance(outcomes[0], FlexdbError):
            # Who is busy is no worse for others.
            raise (NotRead("busy") if isinstance(outcomes[0], Overloaded) else
                   self.leave_alone("away"))
        if outcomes and before.position is None:
            raise self.leave_alone("promoted")
        self.position = before.position or 0
        if verdict.each and any(isinstance(plan, Statement) for plan in plans):
            # One of them leads to further steps.
            return self.look(attempt, [as_steps(plan) for plan in plans])
        if error is None and not verdict.each:
            return Looked(outcomes[1:len(plans) + 1], self.position,
                          behind.position or self.position, before.seconds)
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        if state == _CANCELED and len(plans) == 1 and isinstance(plans[0], Statement):
            # It would take the primary as long.
            (told,) = Verdict([], error).told(plans).outcomes
            return Looked([told], self.position, self.position)
        raise NotRead("conflict" if state in _CONFLICTS else "error")


class Replicas:
    """All replicas, each of which is as good as another.

    :param settings: say where they are, and for how long may be waited for one
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._patience = settings.replica_wait
        self.all = [Replica(replace(settings, db_host=host, db_port=port, db_replica_host="",
                                    db_pool_timeout=settings.replica_wait))
                    for host, port in settings.replica_addresses]
        # Who waits has a thread.
        self._places = threading.BoundedSemaphore(settings.db_pool_size)
        # From which position on there is nothing on the primary either: after a failover that lost
        # something, or in a copy of the database, somebody may know of more than there is.
        self._beyond: float = inf

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics) -> Replicas | None:
        """Return the replicas that settings name; None where they name none."""
        return cls(settings, metrics) if settings.db_replica_host else None

    def read(self, plans: Sequence[Plan], after: int, attempt: Attempt, budget: Budget
             ) -> list[Outcome] | None:
        """Return the outcomes of plans that only read, or None where the primary is to be asked.

        :param after: the position behind which they are to be read
        :param budget: in which what they give is counted
        """
        left = budget.left
        try:
            found = self._read(plans, after, attempt, budget)
        except NotRead as why:
            budget.left = left
            budget.release(is_sent=False)
            self._metrics.replica_fallbacks.labels(str(why)).inc()
            self._metrics.replica_reads.labels("primary").inc()
            return None
        self._metrics.replica_reads.labels("replica").inc()
        watch.current().see_position(found.behind)
        return found.outcomes

    def learn(self, after: int, position: int) -> None:
        """Learn how far the primary is, of which somebody wanted what is behind a position."""
        if position < after:
            self._beyond = min(self._beyond, after)
        elif position >= self._beyond:
            self._beyond = inf

    def close(self) -> None:
        """Close the connections."""
        for replica in self.all:
            replica.pool.close()

    def _read(self, plans: Sequence[Plan], after: int, attempt: Attempt, budget: Budget) -> Looked:
        able = [one for one in self.all if one.serves(after)]
        if not able or after >= self._beyond:
            raise NotRead("away" if not able else "behind")
        replica = random.choice([one for one in able if one.position >= after] or able)
        left = budget.left
        # What takes several round trips is not begun in vain.
        at_once = all(map(travels_together, plans))
        found = replica.look(attempt, plans if at_once else ())
        if found.before < after:
            budget.left = left
            budget.release(is_sent=False)
            self._await(replica, after, attempt)
        elif at_once:
            return found
        found = replica.look(attempt, plans)
        if found.before < after:
            # There are several at this address.
            raise NotRead("behind")
        return found

    def _await(self, replica: Replica, after: int, attempt: Attempt) -> None:
        """Wait until a replica is behind a position; meanwhile its connections are others'.

        :raises NotRead: when that takes too long, or too many wait
        """
        if not self._places.acquire(blocking=False):
            raise NotRead("busy")
        began, pause = time.monotonic(), _SOON
        try:
            while (left := began + self._patience - time.monotonic()) > 0:
                time.sleep(min(pause, left))
                pause = min(2 * pause, _SELDOM)
                if replica.look(attempt).before >= after:
                    return
            raise replica.leave_alone("behind")
        finally:
            self._places.release()
            self._metrics.replica_waits.observe(time.monotonic() - began)
