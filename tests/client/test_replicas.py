"""The client where there are replicas: what it wrote it reads there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from flexdb.client import connect
from tests.support.listening import listening
from tests.support.replicated import Reader


@pytest.fixture
def reader(new_reader: Callable[..., Reader]) -> Reader:
    """Who counts the reads of a service with replicas."""
    return new_reader(replica_wait=20)


def test_a_client_reads_from_replicas_what_it_wrote_in_any_thread(reader: Reader) -> None:
    with listening(reader.service.app) as port, connect(f"http://localhost:{port}") as client:
        def write_and_read(number: int) -> bool:
            made = client.create_tenant(slug=f"t-{uuid4().hex}", name=str(number))
            return client.get_tenant(id=made["id"])["name"] == str(number)

        with ThreadPoolExecutor(3) as threads:
            assert all(threads.map(write_and_read, range(60)))
    assert reader.figures()["replica"] > 30


def test_a_client_that_wants_no_replicas_has_the_primary_s_answers_alone(reader: Reader) -> None:
    with listening(reader.service.app) as port, connect(
            f"http://localhost:{port}", replicas=False) as client:
        made = client.create_tenant(slug=f"t-{uuid4().hex}", name="A tenant")
        assert client.get_tenant(id=made["id"]) == made
    assert not reader.figures()
