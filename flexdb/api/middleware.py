"""What is told of every call: a line in the log, figures, and headers in the answer."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from math import inf
from time import perf_counter
from typing import Any

from flask import Flask, Response, has_request_context, request

from flexdb.api import consistency
from flexdb.api.callers import Callers
from flexdb.api.figures import Figures
from flexdb.api.rates import Rates
from flexdb.api.usage import Usage
from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.telemetry import traces as tracing
from flexdb.telemetry import watch
from flexdb.telemetry.logs import Fields, Lines, write
from flexdb.telemetry.metrics import Metrics
from flexdb.telemetry.watch import Told, Watch

logger = logging.getLogger(__name__)

HEADERS = ("X-Request-ID", "Server-Timing")
# What a caller may put into the log: an id as proxies make them, and a name as methods have.
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def request_id(asked: str | None) -> str:
    """Return the id that a request came with, or a new one when there is none that is sane."""
    return asked if asked and _ID.fullmatch(asked) else f"{_process}-{next(_requests):x}"


def _begin_process() -> None:
    global _process
    _process = os.urandom(8).hex()


# An id is the process's random number and a count, which costs less than a random number each.
_process = ""
_requests = count(1)
_begin_process()
os.register_at_fork(after_in_child=_begin_process)


class Calls:
    """The outermost layer of the app, which sees every request and its answer."""

    def __init__(self, app: WsgiApp, settings: Settings, metrics: Metrics, usage: Usage,
                 rates: Rates) -> None:
        self._app = app
        self._slow = settings.log_slow or inf
        self._metrics = metrics
        self._usage = usage
        self._rates = rates
        self._traces = tracing.Traces() if tracing.is_wanted() else None
        self._labels = {name: name for name in (*OPERATIONS, "rpc.discover", "batch")}
        # Looking a label up takes longer than counting.
        self._counts: dict[tuple[str, str], Any] = {}
        self._seconds: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]
                 ) -> Iterable[bytes]:
        watched = watch.begin(request_id(environ.get("HTTP_X_REQUEST_ID")))

        def respond(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            seconds = perf_counter() - watched.began
            calls = watched.told
            self._tell(watched, calls, seconds, int(status[:3]), environ)
            if watched.tenant and calls:
                self._add(watched, calls, headers)
            if watched.must_close:
                _close_after(start_response)
            if watched.position:
                headers = [*headers, (consistency.HEADER, consistency.token(watched.position))]
            return start_response(status, [
                *headers, *watched.headers, ("X-Request-ID", watched.request_id),
                ("Server-Timing", f"app;dur={seconds * 1000:.2f}, "
                                  f"db;dur={watched.database * 1000:.2f}, "
                                  f"pool;dur={watched.pool * 1000:.2f}")], exc_info)

        try:
            return self._app(environ, respond)
        finally:
            # By which the server knows whose connection it is.
            environ["flexdb.tenant"] = watched.tenant
            watch.end()

    def _tell(self, watched: Watch, calls: Told, seconds: float, status: int,
              environ: dict[str, Any]) -> None:
        if not calls:
            return logger.debug("no call: status=%d ms=%.2f", status, seconds * 1000)
        if len(calls) == 1:
            method, outcome = calls[0]
            self._count(method, outcome).inc()
        else:
            method = "batch"
            for pair, times in Counter(calls).items():
                self._count(*pair).inc(times)
            self._metrics.batch_calls.observe(len(calls))
        self._time(method).observe(seconds)
        level = logging.INFO if seconds < self._slow else logging.WARNING
        if logger.isEnabledFor(level):
            lines = self._lines(watched, calls, seconds, status, is_slow=level > logging.INFO)
            write(logger, Lines(__name__, lines, level))
        if self._traces:
            rule = request.url_rule if has_request_context() else None
            self._traces.tell(watched, [(self._name(method), outcome)
                                        for method, outcome in watched.calls],
                              environ, rule.rule if rule else "", seconds, status)

    def _lines(self, watched: Watch, calls: Told, seconds: float, status: int, is_slow: bool
               ) -> list[Fields]:
        """Return what the log tells of each call of a request."""
        tail: Fields = {"ms": round(seconds * 1000, 2), "status": status,
                        "request_id": watched.request_id}
        if watched.caller:
            tail["caller"] = watched.caller
        if watched.tenant and not watched.has_others:
            tail["tenant"] = watched.tenant
        if len(calls) > 1:
            tail["batch"] = len(calls)
        if is_slow:
            tail |= {"pool_ms": round(watched.pool * 1000, 2),
                     "db_ms": round(watched.database * 1000, 2), "rows": watched.rows}
        lines = [{"method": self._name(method), "outcome": outcome, **tail}
                 for method, outcome in calls]
        if watched.has_others:
            for line, tenant in zip(lines, watched.tenants):
                if tenant:
                    line["tenant"] = tenant
        return lines

    def _add(self, watched: Watch, calls: Told, headers: list[tuple[str, str]]) -> None:
        errors = sum(outcome != "ok" for _, outcome in calls)
        size = next((value for name, value in headers if name == "Content-Length"), "0")
        self._usage.add(watched, len(calls), errors, int(size))
        if not errors:
            self._rates.learn()

    def _name(self, method: str) -> str:
        known = self._labels.get(method)
        return known or (method if _NAME.fullmatch(method) else "-")

    def _count(self, method: str, outcome: str) -> Any:
        # A caller may make up methods without end; they are one label.
        key = (self._labels.get(method, "unknown"), outcome)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = self._metrics.calls.labels(*key)
        return found

    def _time(self, method: str) -> Any:
        label = self._labels.get(method, "unknown")
        found = self._seconds.get(label)
        if found is None:
            found = self._seconds[label] = self._metrics.call_durations.labels(label)
        return found


def _close_after(start_response: Any) -> None:
    """Have gunicorn close the connection after an answer.

    It takes no notice of an application's own header Connection, and its method of that name is
    all that it gives.
    """
    if response := getattr(start_response, "__self__", None):
        response.force_close()


def init_app(app: Flask, settings: Settings, metrics: Metrics, callers: Callers, usage: Usage,
             rates: Rates, figures: Figures) -> None:
    """Tell of every call, and give the figures at ``/metrics``."""
    metrics.workers_limit.set(settings.workers)
    app.wsgi_app = Calls(  # type: ignore[method-assign]
        app.wsgi_app, settings, metrics, usage, rates)

    @app.get("/metrics")
    def give_metrics() -> Response:
        """Answer with the figures of all workers, for Prometheus."""
        callers.check_operator()
        figures.refresh()
        text, content_type = metrics.text(request.headers.get("Accept", ""))
        return Response(text, content_type=content_type)
