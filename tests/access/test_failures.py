"""Credentials that are not good: few from one address, and never in the way of a good one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flexdb.access.keys import make_secret
from flexdb.api.failures import network_of, trusted
from flexdb.config import ConfigError, Settings
from tests.support.callers import closed, secrets_of
from tests.support.service import Service, request

NEVER = {"id": None}


@pytest.fixture
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = closed(replace(new_database(), trusted_proxies="10.0.0.0/8, ::1"))
    yield service
    service.close()


def try_key(service: Service, secret: str, **environ: str) -> tuple[int, dict[str, object]]:
    """Call with a key, and return the status and the error's data."""
    response = service.post(request("get_caller"), environ_base={
        "REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {secret}", **environ})
    return response.status_code, json.loads(response.data).get("error", {}).get("data", {})


@pytest.mark.long
@pytest.mark.longest
def test_ten_thousand_unknown_keys_are_a_statement_each_and_few_are_told_so(service: Service
                                                                           ) -> None:
    good = secrets_of(service.settings, NEVER)["operator"]
    found, statements = Counter[int](), 0
    connection = service.app.extensions["flexdb"].connection

    def counted() -> object:
        nonlocal statements
        statements += 1
        return connection()

    service.app.extensions["flexdb"].connection = counted
    for _ in range(10_000):
        status, data = try_key(service, make_secret(of_tenant=True))
        found[status] += 1
    assert statements <= 10_000 and set(found) == {401, 429} and found[429] > 1000
    assert data["limit"] == "failures" or status == 401
    assert try_key(service, good)[0] == 200
    text = service.app.extensions["flexdb"].metrics.text("")[0].decode()
    assert re.search(rf'^flexdb_refused_total{{reason="failures"}} {found[429]}', text, re.M)


def test_who_guesses_is_told_to_wait_and_others_are_not(service: Service) -> None:
    good = secrets_of(service.settings, NEVER)["operator"]
    answers = [try_key(service, f"guess-{number}") for number in range(100)]
    assert [status for status, _ in answers[:20]] == [401] * 20
    # In each second that goes by, one more is answered so.
    refused = [data for status, data in answers if status == 429]
    assert len(refused) > 50 and refused[0] == {
        "reason": "RATE_LIMITED", "retryable": True, "limit": "failures", "retry_after": 1}
    assert try_key(service, good)[0] == 200
    assert try_key(service, "guess", REMOTE_ADDR="192.0.2.2")[0] == 401
    # Nothing that is sent changes where it is from, unless it comes through who is trusted.
    assert try_key(service, "guess", HTTP_X_FORWARDED_FOR="192.0.2.3")[0] == 429
    assert try_key(service, "guess", REMOTE_ADDR="10.1.2.3",
                   HTTP_X_FORWARDED_FOR="192.0.2.1")[0] == 429
    # Where it is from may not be known.
    assert try_key(service, "guess", REMOTE_ADDR="")[0] == 401
    # No key is no wrong key.
    for _ in range(30):
        assert service.post(request("get_caller")).status_code == 401


@pytest.mark.parametrize("peer, told, same_as", [
    ("192.0.2.1", "", "192.0.2.1"), ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
    ("::ffff:192.0.2.1", "", "192.0.2.1"),
    # At the Unix socket, and through proxies that are trusted, the nearest that is not.
    ("", "198.51.100.7", "198.51.100.7"), ("", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "203.0.113.9, 198.51.100.7,10.0.0.2", "198.51.100.7"),
    ("::1", "10.9.9.9", "10.9.9.9"), ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ("2001:db8:1:2:3::4", "", "2001:db8:1:2::"),
    # What is no address is one, whatever it says.
    ("", "nonsense", ""), ("", "", ""), ("10.0.0.1", "198.51.100.7:80", "")])
def test_the_address_is_that_of_the_nearest_hop_that_is_not_trusted(
        peer: str, told: str, same_as: str) -> None:
    proxies = trusted(Settings(trusted_proxies="10.0.0.0/8,::1"))
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": told}
    assert network_of(environ, proxies) == network_of({"REMOTE_ADDR": same_as}, ())


def test_a_proxy_that_is_no_address_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"TRUSTED_PROXIES='nginx' has to name addresses"):
        trusted(Settings(trusted_proxies="nginx"))
