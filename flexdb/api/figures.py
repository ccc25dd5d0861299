"""The figures of what all processes do together, which the database alone knows."""

from __future__ import annotations

import logging
from time import monotonic

from flexdb.api.questions import ask
from flexdb.api.readiness import why_not
from flexdb.db.lags import lags
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)
# How old they may be, in seconds; a deliverer that does not run is noticed soon enough.
_AGE = 10.0


class Figures:
    """Asks for them when somebody looks at the metrics, and not more often than they may be old."""

    def __init__(self, runner: Runner, metrics: Metrics) -> None:
        self._runner, self._metrics = runner, metrics
        self._good_until = 0.0

    def refresh(self) -> None:
        """Set the gauges; where the database is away or busy, they stay as they are: whoever looks
        at the metrics then is told of the rest at once.
        """
        if (now := monotonic()) < self._good_until or not self._runner.pool.gate.is_free:
            return
        self._good_until = now + _AGE
        is_ready = not why_not(self._runner)
        self._metrics.ready.set(is_ready)
        if not is_ready:
            return
        self._look_at_replicas()
        try:
            found = ask(self._runner, "webhook_figures", {})
        except FlexdbError as error:
            return logger.debug("no figures of webhooks: %s", error)
        for status in ("waiting", "dead"):
            self._metrics.webhook_deliveries.labels(status).set(found[status])
        self._metrics.webhook_lag.set(found["lag"])

    def _look_at_replicas(self) -> None:
        for lag in lags(self._runner):
            self._metrics.replica_ready.labels(lag.name).set(lag.status == "ok")
            if lag.lag_bytes is not None:
                self._metrics.replica_lag_bytes.labels(lag.name).set(lag.lag_bytes)
            if lag.lag_seconds is not None:
                self._metrics.replica_lag_seconds.labels(lag.name).set(lag.lag_seconds)
