"""Ids that the service makes: UUIDs of version 7 which increase, and are no other process's."""

from __future__ import annotations

import os
import threading
from uuid import RFC_4122, UUID

import pytest

from flexdb.contract.ids import give_ids, new_id


def test_ids_are_uuids_of_version_7_that_increase() -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {(str(UUID(id)), UUID(id).version, UUID(id).variant) for id in made} == {
        (id, 7, RFC_4122) for id in made}


def test_threads_make_other_ids() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id() for _ in range(500)))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000 and len({id[19:] for id in made}) == 4000


def test_a_process_that_was_forked_has_random_numbers_of_its_own() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, " ".join(new_id()[19:] for _ in range(100)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="ascii") as pipe:
        theirs = set(pipe.read().split())
    os.waitpid(child, 0)
    assert len(theirs) == 100
    assert theirs.isdisjoint(new_id()[19:] for _ in range(100))


@pytest.mark.parametrize("items, all_new", [
    ([{}, {}], True), ([{"id": "given"}, {}], False), ([{"id": "given"}], False)])
def test_items_without_an_id_are_given_one(items: list[dict[str, str]], all_new: bool) -> None:
    given = [item.get("id") for item in items]
    assert give_ids(items) is all_new
    assert all(item["id"] == before if before else UUID(item["id"]).version == 7
               for item, before in zip(items, given))
