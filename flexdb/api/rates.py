"""How many calls a tenant may make: more are refused, and each answer says how many are left.

Where the caller is one tenant's, one call is taken before the body is read, and the rest of them
when it is known how many they are. Else the tenant is the one that each call is about.
"""

from __future__ import annotations

from math import ceil
from uuid import UUID

from flexdb.access.buckets import Level, Rate, shared
from flexdb.access.callers import Caller
from flexdb.api.limits import KnownLimits
from flexdb.api.questions import ask
from flexdb.config import Settings
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, RateLimited
from flexdb.telemetry import watch

# draft-ietf-httpapi-ratelimit-headers-10
HEADERS = ("RateLimit-Policy", "RateLimit")
# How often instances tell each other what is asked of them, in seconds, of how many tenants, and
# how much JSON the answer is; and the least share of a rate that one has.
_PERIOD, _MOST, _MOST_BYTES, _LEAST = 1.0, 1000, 128 * 1024, 0.001


class Rates:
    """Takes calls from the tenants' buckets.

    :param settings: say how many calls a tenant may make
    :param limits: say it of a tenant that has limits of its own
    :param runner: tells other instances what is asked of this one
    """

    def __init__(self, settings: Settings, limits: KnownLimits, runner: Runner) -> None:
        self._runner = runner
        self._calls, self._burst = settings.rate_limit, settings.rate_burst
        self._limits = limits
        self._buckets = shared().rates
        self._metrics = runner.metrics

    def enter(self, caller: Caller) -> None:
        """Take one call of a caller who is one tenant's.

        :raises RateLimited: when none is left
        """
        if self._are_counted() and caller.tenant_id and (
                refused := self.take(caller.tenant_id, 1, is_begun=False)):
            raise refused

    def tally(self, caller: Caller) -> Tally | None:
        """Return what counts the calls of a request; None where they are not counted."""
        return Tally(self, caller.tenant_id or "") if self._are_counted() else None

    def learn(self) -> None:
        """Look whether tenants have rates of their own, as PostgreSQL has just answered."""
        self._limits.known("")

    def take(self, tenant: str, calls: int, is_begun: bool) -> RateLimited | None:
        """Take calls of a tenant, and return the error where they may not be done.

        :param is_begun: whether one of them was taken before
        """
        if (rate := self._rate_of(tenant)) is None:
            return None
        level = self._buckets.take(UUID(tenant).bytes, calls, rate, is_begun)
        # While PostgreSQL is away no call waits for more than its own turn.
        if not self._runner.pool.failure and (seconds := self._buckets.begin_exchange(_PERIOD)):
            self._exchange(seconds)
        _tell(rate, level)
        if level.admitted:
            return None
        self._metrics.refused.labels("rate").inc(calls)
        return RateLimited("rate", level.seconds)

    def _exchange(self, seconds: float) -> None:
        """Tell other instances what was asked of this one, and take its share of the rates.

        :param seconds: how long that took to come
        """
        asked = {str(UUID(bytes=key)): (key, calls / seconds, share)
                 for key, (calls, share) in self._buckets.asked(_MOST).items()}
        arguments = {"instance": self._buckets.instance, "tenants": list(asked),
                     "asked": [mine for _, mine, _ in asked.values()]}
        try:
            others = ask(self._runner, "exchange_rates", arguments, _MOST_BYTES)
        except FlexdbError:
            # The shares are as good as any until PostgreSQL answers again.
            return
        for tenant, (key, mine, before) in asked.items():
            share = max(mine / (mine + others.get(tenant, 0)), _LEAST)
            if share != before:
                self._buckets.set_share(key, share)

    def _are_counted(self) -> bool:
        """Tell whether any tenant's calls are counted."""
        return bool(self._calls) or self._limits.has_rates

    def _rate_of(self, tenant: str) -> Rate | None:
        """Return how many calls a tenant may make; None where they are not counted."""
        own = self._limits.known(tenant)
        calls = self._calls if own.calls_per_second is None else own.calls_per_second
        return Rate(calls, own.burst or self._burst or 2 * calls) if calls else None


class Tally:
    """Counts the calls of a request.

    :param rates: take them from the buckets
    :param bound: the tenant that the caller is bound to, of which one call was taken; "" for none
    """

    def __init__(self, rates: Rates, bound: str) -> None:
        self._rates = rates
        self._bound = bound
        self._calls: dict[str, int] = {}
        self._tenants: list[str] = []

    def add(self) -> None:
        """Count the call that was planned last, also where it is none."""
        watched = watch.current()
        tenant, calls = watched.asked or ("", 1)
        tenant = tenant or self._bound
        watched.asked = None
        self._tenants.append(tenant)
        self._calls[tenant] = self._calls.get(tenant, 0) + calls

    def refused(self) -> list[RateLimited | None]:
        """Take all calls, those of a tenant together, and return why each is not to be done."""
        errors = {}
        for tenant, calls in self._calls.items():
            is_begun = tenant == self._bound
            if tenant and (left := calls - is_begun):
                errors[tenant] = self._rates.take(tenant, left, is_begun)
        return [errors.get(tenant) for tenant in self._tenants]


def _tell(rate: Rate, level: Level) -> None:
    """Say in the answer how many calls are left, and in how many seconds there is one more."""
    watched = watch.current()
    policy, left = HEADERS
    watched.headers = (
        (policy, f'"tenant";q={ceil(rate.burst)};w={ceil(rate.burst / rate.calls)}'),
        (left, f'"tenant";r={level.left};t={max(1, ceil(level.seconds))}'))
