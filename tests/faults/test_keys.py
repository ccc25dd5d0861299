"""A key that is deleted: in no worker of no instance is it good two seconds later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import orjson
import pytest

from tests.faults.database import Database
from tests.faults.length import times
from tests.support.served import Served
from tests.support.service import request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

KEYS, WITHIN, CLOSED_AFTER = 20, 2.0, 12


@pytest.fixture
def instances(folder: Callable[[], Path], database: Database) -> Iterator[list[Served]]:
    """Two instances with two workers each, on one database."""
    with ExitStack() as started:
        yield [started.enter_context(Served(folder(), **database.variables, AUTH="local",
                                            WORKERS=2)).wait() for _ in range(2)]


def is_good(served: Served, secret: str) -> bool:
    """Tell whether a key is good in the worker that a new connection comes to."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/caller", headers={"Authorization": f"Bearer {secret}"})
    status = connection.getresponse().status
    connection.close()
    # Who shows many that are not good may be told to wait.
    assert status in (200, 401, 429)
    return status == 200


def call(served: Served, method: str, **params: object) -> dict[str, dict[str, str]]:
    reply = served.get("/jsonrpc", "POST", orjson.dumps(request(method, params)).decode())[1]
    return dict(reply["result"])


def test_a_deleted_key_is_good_in_no_worker_two_seconds_later(
        instances: list[Served], report: Callable[..., None]) -> None:
    tenant_id = call(instances[0], "create_tenant", slug="deleted-keys", name="x")["tenant"]["id"]
    longest, done = 0.0, 0
    while done < times(200, 20):
        made = [call(instances[0], "create_key", tenant_id=tenant_id, name="k")["key"]
                for _ in range(KEYS)]
        # Until each worker of each instance knows them all; which one answers is up to the kernel.
        for key in made:
            assert all(is_good(served, key["secret"]) for served in instances for _ in range(8))
        left = {key["secret"]: (key["id"], 0.0, 0) for key in made}
        for secret, (id, *_) in left.items():
            call(instances[done % 2], "delete_key", tenant_id=tenant_id, id=id)
            left[secret] = (id, time.monotonic(), 0)

        def all_are_gone() -> bool:
            nonlocal longest
            for secret, (id, deleted, refused) in [*left.items()]:
                began = time.monotonic()
                if any([is_good(served, secret) for served in instances]):
                    longest = max(longest, began - deleted)
                    refused = 0
                left[secret] = (id, deleted, refused + 1)
                # A refusal counts when it could no longer be that of another worker alone.
                if refused >= CLOSED_AFTER and began - deleted > WITHIN:
                    del left[secret]
            return not left

        wait_until(all_are_gone, 60)
        done += KEYS
    report(deleted_keys=done, longest_good_s=longest)
    assert 0 < longest < WITHIN
