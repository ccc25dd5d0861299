"""How long a refusal takes tells nothing of what is there.

No time is held against the clock: two kinds of request take turns, and their medians may differ by
no more than a statement of PostgreSQL's would make, which is many times what they do.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from itertools import permutations
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest

from flexdb.access.keys import make_secret
from flexdb.config import Settings
from flexdb.server import keys
from tests.support.callers import closed, with_key
from tests.support.service import Service, request

pytestmark = pytest.mark.long

# `make test-isolation` takes more of them.
TURNS, TRIES = int(os.environ.get("TIMING_TURNS", "300")), 5
# Of the median of what is compared: a look into the database would be half of it or more.
NEAR = 0.05


@pytest.fixture(scope="module")
def operator(new_database: Callable[..., Settings]) -> Iterator[Service]:
    settings = new_database()
    service = closed(settings)
    # Lines that nobody reads would take most of the time.
    logging.disable(logging.INFO)
    yield with_key(service, keys.create_key(settings, None, "", "first", 1, ()))
    logging.disable(logging.NOTSET)
    service.close()


def are_alike(*asks: Callable[[], Any]) -> bool:
    """Tell whether the medians of two, asked in turns, differ no more than two equal ones do."""
    one, other = asks
    orders = [*permutations(range(3))]
    for _ in range(TRIES):
        taken: list[list[float]] = [[], [], []]
        for turn in range(TURNS):
            # Each comes after each of the others, which leave the caches as they do.
            for place in orders[turn % len(orders)]:
                ask = other if place else one
                began = perf_counter()
                ask()
                taken[place].append(perf_counter() - began)
        first, second, again = map(median, taken)
        # Noise may make it look unlike once, and what is unlike never looks alike.
        if abs(first - second) <= NEAR * second + 3 * abs(second - again):
            return True
    return False


def test_another_tenant_and_none_take_as_long(operator: Service) -> None:
    own, other = operator.tenant(), operator.tenant()
    node = operator.node(operator.node_type(other))
    caller = with_key(operator, operator.call(
        "create_key", tenant_id=own["id"], name="k", role="owner")["key"]["secret"])

    def get(tenant_id: str) -> Callable[[], Any]:
        body = request("get_node", {"tenant_id": tenant_id, "id": node["id"]})
        return lambda: caller.post(body)

    assert are_alike(get(other["id"]), get(str(uuid4())))
    # That what is compared can be told apart at all: a row that is looked for takes longer.
    assert not are_alike(get(own["id"]), get(str(uuid4())))


def test_an_unknown_key_and_one_that_was_deleted_take_as_long(operator: Service) -> None:
    tenant = operator.tenant()
    key = operator.call("create_key", tenant_id=tenant["id"], name="k")["key"]
    operator.call("delete_key", tenant_id=tenant["id"], id=key["id"])

    def ask(secret: str) -> Callable[[], Any]:
        caller = with_key(operator, secret)
        return lambda: caller.post(request("get_caller"))

    assert are_alike(ask(key["secret"]), ask(make_secret(True)))
