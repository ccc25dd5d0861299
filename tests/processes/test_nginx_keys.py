"""Keys through nginx: what is refused keeps its form and its headers, and preflights need none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest

from flexdb.config import Settings
from flexdb.server.keys import create_key
from tests.support import nginx
from tests.support.nginx import Nginx
from tests.support.served import Served, variables_of
from tests.support.service import request

pytestmark = [pytest.mark.long, pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING)]

ORIGIN = "https://app.example.com"
DOORS = [("POST", "/jsonrpc"), ("GET", "/tenants"), ("POST", "/tenants")]


class Closed(NamedTuple):
    """The service behind nginx where everyone needs a key, and how to reach it."""

    settings: Settings
    port: int

    def send(self, verb: str, path: str, body: Any = None, **headers: str
             ) -> tuple[int, Any, dict[str, str]]:
        """Send a request and return the status, the JSON and the headers of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(verb, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return (response.status, json.loads(text) if text else None,
                {name.lower(): value for name, value in response.getheaders()})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
          ) -> Iterator[Closed]:
    folder, settings = tmp_path_factory.mktemp("served"), new_database()
    # A socket alone says that everyone needs a key.
    with Served(folder, **variables_of(settings), JSONRPC_SOCKET=folder / "http.sock",
                CORS_ORIGINS=ORIGIN) as served:
        served.wait("/health")
        with Nginx(tmp_path_factory.mktemp("nginx"), folder / "http.sock") as front:
            yield Closed(settings, front.port)


@pytest.mark.parametrize("sent", ["", "Bearer x", "Bearer fdb_o_" + "0" * 49])
@pytest.mark.parametrize("verb, path", DOORS)
def test_who_shows_no_good_key_is_told_so_in_the_form_of_the_door(
        there: Closed, verb: str, path: str, sent: str) -> None:
    body = request("list_tenants") if path == "/jsonrpc" else {} if verb == "POST" else None
    headers = {"Authorization": sent} if sent else {}
    status, reply, told = there.send(verb, path, body, **headers)
    assert status == 401 and reply["error"]["data"]["reason"] == "UNAUTHENTICATED"
    assert ("jsonrpc" in reply) is (path == "/jsonrpc") and reply.get("id") is None
    assert told["www-authenticate"] == 'Bearer realm="flexdb"' + (
        ', error="invalid_token"' if sent else "")
    assert told["x-request-id"] and told["content-type"] == "application/json"


def test_who_may_not_is_told_so_with_the_scope(there: Closed) -> None:
    operator = f"Bearer {create_key(there.settings, None, '', 'first', 1, ())}"
    status, reply, _ = there.send("POST", "/tenants", {"slug": "acme", "name": "Acme"},
                                  Authorization=operator)
    assert status == 201
    viewer = create_key(there.settings, "acme", "viewer", "k", 1, ())
    path = f"/tenants/{reply['tenant']['id']}/nodes"
    status, reply, told = there.send("POST", path, {"node_type_id": reply["tenant"]["id"]},
                                     Authorization=f"Bearer {viewer}")
    assert status == 403 and reply["error"]["data"]["role"] == "member"
    assert told["www-authenticate"] == 'Bearer realm="flexdb", error="insufficient_scope"'
    status, reply, _ = there.send("POST", "/jsonrpc", request("create_tenant", {
        "slug": "b", "name": "b"}), Authorization=f"Bearer {viewer}")
    assert status == 200 and reply["error"]["code"] == -32011


@pytest.mark.parametrize("verb, path", DOORS)
def test_a_preflight_passes_without_a_key(there: Closed, verb: str, path: str) -> None:
    status, _, told = there.send("OPTIONS", path, Origin=ORIGIN, **{
        "Access-Control-Request-Method": verb,
        "Access-Control-Request-Headers": "authorization, content-type"})
    assert status in (200, 204) and told["access-control-allow-origin"] == ORIGIN
    assert "authorization" in told["access-control-allow-headers"].lower()
    # And a page can read why it was refused.
    status, _, told = there.send(verb, path, Origin=ORIGIN)
    assert status == 401 and told["access-control-allow-origin"] == ORIGIN
    assert "WWW-Authenticate" in told["access-control-expose-headers"]
