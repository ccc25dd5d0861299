"""Traces for OpenTelemetry, when its variables ask for them and its packages are installed.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import logging
import os
import threading
import time
from importlib.metadata import entry_points
from typing import Any

from flexdb.telemetry.watch import Watch

logger = logging.getLogger(__name__)

_PACKAGES = "opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"


def is_wanted() -> bool:
    """Tell whether the environment asks for traces."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return exporter != "none" and not disabled and bool(
        exporter or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))


class Traces:
    """A span for each request that is a call or holds some, and in it one for each of those.

    They are made when the answer is, of what was watched. What sends them is started at the first
    request, so that it is the worker's and not the master's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._tracer: Any = None

    def tell(self, watched: Watch, calls: list[tuple[str, str]], environ: dict[str, Any],
             route: str, seconds: float, status: int) -> None:
        """Record a request that took so many seconds until now.

        :param calls: the names and outcomes of the calls it holds
        :param route: the rule that its URL fits, as ``/tenants/<id>``; "" when it fits none
        """
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._tracer = _tracer()
                    self._pid = os.getpid()
        if not self._tracer:
            return
        from opentelemetry import propagate, trace
        end = time.time_ns()
        begin = end - round(seconds * 1e9)
        verb = environ["REQUEST_METHOD"]
        span = self._tracer.start_span(
            f"{verb} {route}" if route else verb, kind=trace.SpanKind.SERVER, start_time=begin,
            context=propagate.extract({name: environ[f"HTTP_{name.upper()}"]
                                       for name in ("traceparent", "tracestate")
                                       if f"HTTP_{name.upper()}" in environ}))
        if not span.is_recording():
            return
        span.set_attributes({
            "http.request.method": verb, "http.response.status_code": status,
            "flexdb.request_id": watched.request_id,
            "flexdb.db.seconds": watched.database, "flexdb.pool.seconds": watched.pool,
            **({"http.route": route} if route else {}),
            **({"flexdb.operation": watched.method} if watched.method else {}),
            **({"flexdb.caller": watched.caller} if watched.caller else {}),
            **({"flexdb.tenant": watched.tenant} if watched.tenant else {})})
        if status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        if watched.outcome:
            span.set_attribute("error.type", watched.outcome)
        inside = trace.set_span_in_context(span)
        for method, outcome in calls:
            call = self._tracer.start_span(
                method, inside, start_time=begin,
                attributes={"rpc.system": "jsonrpc", "rpc.service": "flexdb",
                            "rpc.method": method, "rpc.jsonrpc.version": "2.0"})
            if outcome != "ok":
                call.set_attribute("error.type", outcome)
                call.set_status(trace.StatusCode.ERROR)
            call.end(end)
        span.end(end)


def _tracer() -> Any:
    """Start what sends spans; None, and a line in the log, when that cannot be done."""
    asked = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = "grpc" if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" else "http"
    name = f"otlp_proto_{protocol}" if asked == "otlp" else asked
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        (found,) = entry_points(group="opentelemetry_traces_exporter", name=name)
        exporter = found.load()()
    except (ImportError, ValueError) as error:
        logger.warning("OTEL_* asks for traces, but there is no exporter %s (%s): install %s",
                       asked, type(error).__name__, _PACKAGES)
        return None
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "flexdb"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider.get_tracer("flexdb")
