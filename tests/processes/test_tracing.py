"""Traces over OTLP, received by a collector of the test's own."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flexdb.config import Settings
from flexdb.server.keys import create_key
from tests.support.callers import with_key
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of
from tests.support.service import Service, request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Keep the spans that are sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[dict[str, Any]] = []
        self.services: set[str] = set()

    def named(self, name: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["name"] == name]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.services |= {attribute.value.string_value
                                     for attribute in sent.resource.attributes
                                     if attribute.key == "service.name"}
            for scope in sent.scope_spans:
                self.server.spans += [{
                    "name": span.name, "trace": span.trace_id.hex(), "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(), "status": span.status.code,
                    "ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    **{attribute.key: attribute.value.string_value or attribute.value.int_value
                       for attribute in span.attributes}} for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


def send(served: Served, verb: str, path: str, body: Any = None, **headers: str) -> None:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request(verb, path, None if body is None else json.dumps(body),
                       {"Content-Type": "application/json", **headers})
    connection.getresponse().read()
    connection.close()


def test_requests_and_their_calls_are_spans_of_the_callers_trace(
        serve: Callable[..., Served], collector: Collector) -> None:
    served = serve(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
                   OTEL_BSP_SCHEDULE_DELAY=100)
    context = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    send(served, "POST", "/jsonrpc", [request("list_tenants"), request("get_user", {"id": 1}),
                                      request("no such\nmethod")], **context)
    (whole,) = wait_until(lambda: collector.named("POST /jsonrpc"))
    assert (whole["trace"], whole["parent"]) == (TRACE, PARENT)
    assert whole["http.route"] == "/jsonrpc" and whole["http.response.status_code"] == 200
    (good,), (bad,), (unknown,) = map(collector.named, ("list_tenants", "get_user", "-"))
    for call, method in ((good, "list_tenants"), (bad, "get_user"), (unknown, "-")):
        assert (call["trace"], call["parent"]) == (TRACE, whole["id"])
        assert (call["rpc.system"], call["rpc.method"]) == ("jsonrpc", method)
        assert 0 < call["ms"] < 10_000
    assert "error.type" not in good and good["status"] == 0
    assert bad["error.type"] == "INVALID_PARAMS" and bad["status"] == 2
    send(served, "GET", "/users/nobody?token=kilroy")
    (rest,) = wait_until(lambda: [span for span in collector.spans
                                  if span.get("flexdb.operation") == "get_user"])
    assert rest["parent"] == "" and rest["trace"] != TRACE
    assert rest["error.type"] == "INVALID_PARAMS"
    assert "nobody" not in str(collector.spans) and "kilroy" not in str(collector.spans)
    assert collector.services == {"flexdb"}


def test_a_span_says_whose_key_came_and_not_the_key(
        start: Callable[..., Served], collector: Collector, new_database: Callable[..., Settings]
        ) -> None:
    settings = new_database()
    served = start(**variables_of(settings), AUTH="required", OTEL_BSP_SCHEDULE_DELAY=100,
                   OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}").wait()
    operator = with_key(Service.of(settings), create_key(settings, None, "", "first", 1, ()))
    tenant = operator.tenant()
    key = operator.call("create_key", tenant_id=tenant["id"], name="k", role="viewer")["key"]
    operator.close()
    for secret in (operator.secret, key["secret"]):
        send(served, "GET", "/caller", Authorization=f"Bearer {secret}")
    spans = wait_until(lambda: len(found := collector.named("GET /caller")) == 2 and found)
    (of_tenant,) = [span for span in spans if "flexdb.tenant" in span]
    assert (of_tenant["flexdb.caller"], of_tenant["flexdb.tenant"]) == (
        f"key:{key['id']}", tenant["id"])
    assert all(span["flexdb.caller"].startswith("key:") for span in spans)
    assert not [secret for secret in (operator.secret, key["secret"])
                if secret[10:] in str(collector.spans) + served.said]


def test_what_the_caller_does_not_sample_is_not_sent_and_the_last_spans_are(
        serve: Callable[..., Served], collector: Collector) -> None:
    served = serve(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
                   OTEL_BSP_SCHEDULE_DELAY=3_600_000, OTEL_SERVICE_NAME="mine")
    send(served, "POST", "/jsonrpc", request("list_users"), traceparent=f"00-{TRACE}-{PARENT}-00")
    send(served, "POST", "/jsonrpc", request("list_tenants"), traceparent="nonsense")
    assert not collector.spans
    assert served.end(signal.SIGTERM) == 0
    assert len(collector.named("list_tenants")) == 1 and not collector.named("list_users")
    assert collector.services == {"mine"}


def test_a_collector_that_is_away_fails_no_call(serve: Callable[..., Served]) -> None:
    served = serve(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY=50,
                   OTEL_EXPORTER_OTLP_TIMEOUT=1)
    for _ in range(5):
        assert "result" in served.call("list_tenants")


def test_an_exporter_that_is_not_there_is_one_line_and_fails_no_call(
        serve: Callable[..., Served]) -> None:
    served = serve(OTEL_TRACES_EXPORTER="zipkin", WORKERS=1)
    for _ in range(3):
        assert "result" in served.call("list_tenants")
    assert served.said.count("there is no exporter zipkin") == 1


@pytest.mark.parametrize("variables, wanted", [
    ({}, False), ({"OTEL_TRACES_EXPORTER": "none"}, False), ({"OTEL_SERVICE_NAME": "x"}, False),
    ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False),
    ({"OTEL_TRACES_EXPORTER": "console"}, True)])
def test_nothing_of_it_is_imported_unless_it_is_asked_for(
        variables: dict[str, str], wanted: bool) -> None:
    code = ("import sys, wsgi; wsgi.app.test_client().get('/nowhere'); "
            "print(any(name.startswith('opentelemetry') for name in sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PATH": "", **variables},
                          capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == str(wanted)
