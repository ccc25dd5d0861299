"""What a worker knows of the tenants' own limits."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from flexdb.access.limits import AS_SETTINGS, OwnLimits
from flexdb.api.questions import ask
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError

# For how long what is known is good, in seconds; and how much JSON it is at most, to which the
# statement keeps by giving no more than 100,000 tenants.
_GOOD, _MOST_BYTES = 1.0, 32 * 1024 * 1024


class KnownLimits:
    """Knows the limits of tenants' own: asked for once a second at most, however many look.

    :param runner: asks PostgreSQL for them
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._own: dict[str, OwnLimits] = {}
        self._stamp = ""
        self._asked = float("-inf")
        self._again_at = float("-inf")
        # Whether any tenant has a rate of its own.
        self.has_rates = False

    def __call__(self, tenant_id: str) -> OwnLimits:
        """Return the limits of a tenant's own, as they were a second ago at most.

        Where PostgreSQL does not answer, what was known of them holds on.

        :raises FlexdbError: when nothing was known yet
        """
        # While PostgreSQL is away no call waits for more than its own turn.
        is_away = self._stamp and self._runner.pool.failure
        if time.monotonic() - self._asked >= _GOOD and not is_away:
            self._ask(waits=True)
        return self._own.get(tenant_id, AS_SETTINGS)

    def known(self, tenant_id: str) -> OwnLimits:
        """Return the same, and that there are none as long as nothing is known; nobody waits."""
        now = time.monotonic()
        if (now - self._asked >= _GOOD and now >= self._again_at
                and not self._runner.pool.failure):
            self._again_at = now + _GOOD
            with suppress(FlexdbError):
                self._ask(waits=False)
        return self._own.get(tenant_id, AS_SETTINGS)

    def _ask(self, waits: bool) -> None:
        # Of those who find it old, one asks; the others wait only where nothing is known.
        if not self._lock.acquire(blocking=waits and not self._stamp):
            return
        try:
            if time.monotonic() - self._asked < _GOOD:
                return
            found = ask(self._runner, "list_own_limits", {"stamp": self._stamp}, _MOST_BYTES)
            if found["own"] is not None:
                self._own = {id: OwnLimits(*limits) for id, *limits in found["own"]}
                self.has_rates = any(own.calls_per_second for own in self._own.values())
            self._stamp, self._asked = found["stamp"], time.monotonic()
        except FlexdbError:
            if not self._stamp:
                raise
            self._asked = time.monotonic()
        finally:
            self._lock.release()
