"""nginx with deploy/nginx-tls.conf and a certificate of its own."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support import nginx
from tests.support.http import JSON, call_body
from tests.support.nginx import Nginx
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.served import Served, variables_of

pytestmark = [pytest.mark.long,
              pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING),
              pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")]


class Tls:
    """nginx with TLS before the service."""

    def __init__(self, folder: Path, served: Served) -> None:
        self.certificate, self.port = folder / "tls.crt", free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", "tls.key", "-out", "tls.crt"],
            cwd=folder, check=True, capture_output=True)
        text = (ROOT / "deploy/nginx-tls.conf").read_text(encoding="utf-8")
        assert "listen 443 " in text and text.count("/etc/nginx/flexdb/") == 3
        self.front = Nginx(folder, served.folder / "http.sock", tls=text.replace(
            "listen 443 ", f"listen 127.0.0.1:{self.port} ").replace(
                "/etc/nginx/flexdb/", f"{folder}/"))

    def context(self, *protocols: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_alpn_protocols(protocols)
        return context

    def connect(self) -> HTTPSConnection:
        return HTTPSConnection("localhost", self.port, timeout=30, context=self.context("http/1.1"))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
        ) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    with Served(folder, **variables_of(new_database()),
                JSONRPC_SOCKET=folder / "http.sock", AUTH="open") as served:
        tls = Tls(folder, served.wait())
        with tls.front:
            yield tls


def test_a_call_over_tls_is_answered_and_browsers_are_told_to_stay_with_it(tls: Tls) -> None:
    connection = tls.connect()
    connection.request("POST", "/jsonrpc", call_body(1), JSON)
    response = connection.getresponse()
    assert response.status == 200 and "result" in json.loads(response.read())
    assert response.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    connection.request("GET", "/")
    page = connection.getresponse().read()
    assert f"https://localhost:{tls.port}".encode() in page, "the service knows that it is TLS"
    connection.close()


@pytest.mark.parametrize("verb, path", [("GET", "/health"), ("POST", "/jsonrpc"),
                                        ("DELETE", "/tenants/x"), ("GET", "/docs")])
def test_what_comes_in_the_clear_is_refused_and_goes_no_further(
        tls: Tls, verb: str, path: str) -> None:
    for port in (tls.front.port, tls.port):
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        request_id = f"clear-{verb}-{path[1:4]}-{port}"
        connection.request(verb, path, call_body(1), {**JSON, "X-Request-ID": request_id})
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        assert (response.status, error["message"]) == (400, "send it over https")
        connection.close()
        assert tls.front.logged(request_id)["upstream_status"] == ""


def test_http_2_is_spoken_with_who_can(tls: Tls) -> None:
    raw = socket.create_connection(("127.0.0.1", tls.port), timeout=30)
    with tls.context("h2", "http/1.1").wrap_socket(raw, server_hostname="localhost") as client:
        assert client.selected_alpn_protocol() == "h2" and client.version() == "TLSv1.3"


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize("path, status", [("health", "200"), ("nowhere", "404"), ("%00", "400")])
def test_a_request_over_http_2_is_answered_with_json(tls: Tls, path: str, status: str) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--http2", "--cacert", str(tls.certificate), "--max-time", "30",
         "--write-out", "\n%{http_version} %{http_code} %{content_type}",
         f"https://localhost:{tls.port}/{path}"], capture_output=True, text=True, check=True)
    body, _, told = done.stdout.rpartition("\n")
    assert told == f"2 {status} application/json" and json.loads(body)


def test_old_versions_of_tls_are_refused(tls: Tls) -> None:
    context = tls.context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", tls.port), timeout=30) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="localhost")
