"""The process that delivers: it looks what is due, and some threads send it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson

from flexdb.access.sealing import Seals
from flexdb.changes import signing
from flexdb.changes.attempts import Attempts
from flexdb.changes.deliveries import Claimed, Deliveries, Ending, Hook, claimed_of
from flexdb.changes.posts import Sender
from flexdb.changes.schedule import USUAL, Schedule
from flexdb.config import Settings
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, Unavailable
from flexdb.plan import Budget, Plan
from flexdb.telemetry import watch

logger = logging.getLogger(__name__)

# How many deliveries of a webhook a thread sends before others have their turn.
_TURN = 50
_CONNECTIONS = 4
# How long an attempt leaves of its lease, for noting how it ended, in seconds.
_MARGIN = 5.0
# How long PostgreSQL is left alone when it does not answer, the longest, in seconds.
_LONGEST_WAIT = 2.0
_UPKEEP = 600.0
# An answer goes no further than this process.
_MOST_BYTES = 2**31


class Deliverer:
    """Delivers until it is told to stop; several may at once, on several machines.

    :param settings: say where PostgreSQL is, and how to send
    :param ready: fails as long as there is no schema to work on
    :param upkeep: what is to be done now and then beside it; given how to tell whether to stop
    """

    def __init__(self, settings: Settings, schedule: Schedule = USUAL, ready: Plan | None = None,
                 upkeep: Callable[[Callable[[], bool]], None] | None = None) -> None:
        threads = settings.webhook_threads
        # Its threads share few connections, of which one tenant's deliveries leave some to others.
        small = replace(settings, db_pool_size=min(_CONNECTIONS, threads + 1),
                        db_pool_queue=threads + 1, threads=2 * threads + 8, tenant_connections=0)
        self._pool = Pool(small)
        self._runner = Runner(self._pool, settings.statement_timeout, settings.long_timeout)
        # A quarter of the threads is what one receiver may keep busy, half of them one tenant.
        self._most_of_webhook, self._most_of_tenant = max(1, threads // 4), max(1, threads // 2)
        self._deliveries = Deliveries(settings, schedule, self._most_of_webhook)
        self._schedule = schedule
        self._attempts = Attempts(self._ask, self._deliveries, Sender.of(settings), schedule,
                                  Seals(settings.secret_key))
        self._ready, self._upkeep = ready, upkeep
        self._threads = ThreadPoolExecutor(threads, "deliver")
        self._free = threads
        self._busy: Counter[Hook] = Counter()
        self._rests: dict[Hook, float] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._upkeep_at = 0.0

    def stop(self) -> None:
        """Take no more deliveries; :meth:`run` ends when those under way have ended."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Deliver until :meth:`stop`.

        :param goes_on: tells whether to; asked again and again
        """
        failures = 0
        try:
            while not self._stopping.is_set() and goes_on():
                began = time.monotonic()
                try:
                    found = self._look()
                    failures = 0
                except FlexdbError as error:
                    if not failures:
                        logger.warning("nothing is delivered until PostgreSQL answers: %s", error)
                    failures = min(failures + 1, 8)
                    self._stopping.wait(min(self._schedule.poll * 2**failures, _LONGEST_WAIT))
                    continue
                # With many webhooks a look costs more, so there are fewer. Who was given something
                # to do has taken it when more threads are looked for.
                wait = max(self._schedule.poll / (5 if found else 1),
                           20 * (time.monotonic() - began))
                with self._changed:
                    if not self._stopping.is_set():
                        self._changed.wait(wait)
        finally:
            self.stop()
            self._threads.shutdown()
            self._pool.close()

    def _look(self) -> bool:
        """Give the threads that are free what is due; tell whether there was any."""
        if self._ready:
            self._ask(self._ready)
            self._ready = None
        if time.monotonic() >= self._upkeep_at:
            self._upkeep_at = time.monotonic() + _UPKEEP
            self._keep_up()
        found = False
        numbered: set[str] = set()
        for tenant_id, webhook_id, has_news in orjson.loads(self._ask(self._deliveries.due())):
            hook = Hook(tenant_id, webhook_id)
            if not self._take_place(hook):
                continue
            if has_news and tenant_id not in numbered:
                numbered.add(tenant_id)
                try:
                    self._ask(self._deliveries.number(hook))
                except BaseException:
                    self._leave_place(hook)
                    raise
            self._threads.submit(self._serve, hook)
            found = True
        return found

    def _take_place(self, hook: Hook) -> bool:
        with self._changed:
            of_tenant = sum(count for other, count in self._busy.items()
                            if other.tenant_id == hook.tenant_id)
            if (not self._free or self._busy[hook] >= self._most_of_webhook
                    or of_tenant >= self._most_of_tenant
                    or self._rests.get(hook, 0.0) > time.monotonic()):
                return False
            self._free -= 1
            self._busy[hook] += 1
            return True

    def _leave_place(self, hook: Hook) -> None:
        with self._changed:
            self._free += 1
            self._busy[hook] -= 1
            if not self._busy[hook]:
                del self._busy[hook]
            self._changed.notify()

    def _serve(self, hook: Hook) -> None:
        """Send a webhook's deliveries, one after the other, as long as it is its turn."""
        sent = 0
        watch.begin("").tenant = hook.tenant_id
        try:
            while sent < _TURN and not self._stopping.is_set() and self._send_one(hook):
                sent += 1
        except Unavailable as error:
            logger.debug("PostgreSQL does not answer: %s", error)
        except FlexdbError as error:
            logger.warning("delivering for webhook %s of tenant %s failed: %s", hook.webhook_id,
                           hook.tenant_id, error)
        except Exception:
            logger.exception("delivering for webhook %s of tenant %s failed", hook.webhook_id,
                             hook.tenant_id)
        finally:
            watch.end()
            with self._changed:
                # Where another thread sends for it, that is why there was nothing.
                if not sent and self._busy[hook] == 1:
                    now = time.monotonic()
                    self._rests = {one: until for one, until in self._rests.items() if until > now}
                    self._rests[hook] = now + self._schedule.rest
            self._leave_place(hook)

    def _send_one(self, hook: Hook) -> bool:
        """Send one delivery, and tell whether there was one."""
        began = time.monotonic()
        claimed = claimed_of(hook, self._ask(self._deliveries.take(hook)))
        if claimed is None:
            return False
        # Whoever has it next must not send it while this one may still.
        ending = self._attempts.make(claimed, began + self._schedule.lease - _MARGIN)
        disabled = self._end(claimed, ending, began + self._schedule.lease)
        if ending.status != "done":
            logger.warning(
                "delivery %s of tenant %s, attempt %d: %s; %s",
                signing.delivery_id(hook.webhook_id, claimed.position), hook.tenant_id,
                claimed.attempts, ending.error,
                f"the next one comes in {ending.delay:.0f} s" if ending.status == "waiting"
                else "it is given up")
        if disabled:
            logger.warning("webhook %s of tenant %s is disabled: %s", hook.webhook_id,
                           hook.tenant_id, disabled)
        return True

    def _end(self, claimed: Claimed, ending: Ending, until: float) -> str | None:
        """Note how an attempt ended, and return why it was its webhook's last, if so.

        What is not noted by the end of the lease is sent again.
        """
        while True:
            try:
                disabled: str | None = orjson.loads(
                    self._ask(self._deliveries.end(claimed, ending)))
                return disabled
            except Unavailable:
                if time.monotonic() > until or self._stopping.wait(1):
                    raise

    def _keep_up(self) -> None:
        while not self._stopping.is_set() and orjson.loads(self._ask(self._deliveries.remove())):
            self._stopping.wait(0.1)
        if self._upkeep:
            self._upkeep(self._stopping.is_set)

    def _ask(self, plan: Plan) -> bytes:
        return self._runner.result(plan, Budget(_MOST_BYTES), None).text
