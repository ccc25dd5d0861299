"""A storm on a tenant's feed: writers who do all that writers do, readers, and naive readers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from tests.faults.database import NAME, PASSWORD, USER, Database
from tests.support.feed import (
    Connection,
    Naive,
    Reader,
    assert_whole,
    new_node,
    new_relationship,
    new_tenant,
    number,
)

READERS = 3
# What is written at all: an object and its version.
Written = tuple[UUID, int]


class Storm:
    """Who writes to a tenant and who reads its feed.

    :param writers: how many write
    :param most: how many changes are numbered at once, drawn each time
    :param wild: whether writers number too and have ids from before, and readers take numbers back
    """

    def __init__(self, database: Database, writers: int = 16, most: tuple[int, ...] = (1000,),
                 wild: bool = False) -> None:
        self._database, self._writers, self._most, self._wild = database, writers, most, wild
        with self._connect() as connection:
            self.tenant, self.type = new_tenant(connection)
            self._other = new_tenant(connection)
            self._shared = [new_node(connection, self.tenant, self.type) for _ in range(20)]
            # Each has a connection anew whenever one is lost.
            self.readers = [Reader(connection, self.tenant) for _ in range(READERS)]
            self.naive = [Naive(connection, self.tenant, by)
                          for by in (Naive.BY_SEQUENCE, Naive.BY_TIME)]
        # When each was acknowledged, and when the first reader had it.
        self.acknowledged: dict[Written, float] = {}
        self.told: dict[Written, float] = {}
        # How many each naive reader never saw.
        self.lost: list[int] = []
        self.lost_connections = 0
        self._failed: list[BaseException] = []
        self._ended = threading.Event()

    @contextmanager
    def raging(self) -> Iterator[None]:
        """Write and read all the while; at the end hold that each reader saw everything."""
        steps = [*[self._write] * self._writers, *map(self._reading, self.readers),
                 *map(self._reading_naively, self.naive)]
        threads = [threading.Thread(target=self._run, args=(step, seed))
                   for seed, step in enumerate(steps)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()
        assert not self._failed, self._failed
        self._check()

    def lags(self) -> list[float]:
        """Return how long after its acknowledgement each change was read, in ms, in order."""
        return sorted(max(0.0, 1000 * (self.told[written] - at))
                      for written, at in self.acknowledged.items())

    def _check(self) -> None:
        with self._connect() as connection:
            for naive in self.naive:
                naive.connection = connection
            for reader in self.readers:
                reader.connection = connection
                self._note(reader.read_all())
                assert_whole(reader)
                assert reader.seen == self.readers[0].seen
            self.lost = [len(naive.lost()) for naive in self.naive]
        unread = self.acknowledged.keys() - self.told.keys()
        assert not unread, f"{len(unread)} acknowledged changes are not in the feed"

    def _connect(self) -> Connection:
        return psycopg.connect(host="127.0.0.1", port=self._database.port, user=USER,
                               password=PASSWORD, dbname=NAME, autocommit=True)

    def _run(self, step: Callable[[Connection, random.Random], None], seed: int) -> None:
        """Take a step again and again, on a new connection when one is lost."""
        chance, connection = random.Random(seed), None
        try:
            while not self._ended.is_set():
                try:
                    connection = connection or self._connect()
                    step(connection, chance)
                except psycopg.errors.DeadlockDetected:
                    assert connection
                    connection.execute("ROLLBACK")
                except psycopg.OperationalError:
                    self.lost_connections += 1
                    if connection:
                        connection.close()
                    connection = None
                    time.sleep(0.05)
        except BaseException as error:
            self._failed.append(error)
            raise
        finally:
            if connection:
                connection.close()

    def _write(self, connection: Connection, chance: random.Random) -> None:
        written: list[Written] = []
        connection.execute("BEGIN")
        if self._wild and chance.random() < 0.3:
            # From here on it has an id that is older than what others write meanwhile.
            new_node(connection, *self._other)
            time.sleep(chance.uniform(0, 0.02))
        for _ in range(chance.randint(1, 5)):
            before = len(written)
            connection.execute("SAVEPOINT here")
            written += self._change(connection, chance)
            if chance.random() < 0.1:
                connection.execute("ROLLBACK TO SAVEPOINT here")
                del written[before:]
            if self._wild and chance.random() < 0.1:
                number(connection, self.tenant, chance.choice(self._most))
            time.sleep(chance.uniform(0, 0.01))
        if chance.random() < 0.1:
            connection.execute("ROLLBACK")
            return
        connection.execute("COMMIT")
        self.acknowledged |= dict.fromkeys(written, time.monotonic())

    def _change(self, connection: Connection, chance: random.Random) -> list[Written]:
        """Create, update or delete, and return what was written."""
        way, id = chance.random(), chance.choice(self._shared)
        if way < 0.5:
            return [(new_node(connection, self.tenant, self.type), 1)]
        if way < 0.9:
            return connection.execute(
                "UPDATE nodes n SET data = '{\"a\": 1}' WHERE n.tenant_id = %s AND n.id = %s"
                " RETURNING n.id, n.version", (self.tenant, id)).fetchall()
        node = new_node(connection, self.tenant, self.type)
        relationship = new_relationship(connection, self.tenant, node, node)
        connection.execute("DELETE FROM nodes WHERE tenant_id = %s AND id = %s",
                           (self.tenant, node))
        return [(each, version) for each in (node, relationship) for version in (1, 2)]

    def _reading(self, reader: Reader) -> Callable[[Connection, random.Random], None]:
        def read(connection: Connection, chance: random.Random) -> None:
            reader.connection, reader.most = connection, chance.choice(self._most)
            if self._wild and chance.random() < 0.4:
                # Several times in one transaction, as the calls of a batch do.
                connection.execute("BEGIN")
                for _ in range(chance.randint(1, 3)):
                    number(connection, self.tenant, reader.most)
                connection.execute(chance.choice(["COMMIT", "ROLLBACK"]))
            self._note(reader.read())
            time.sleep(chance.uniform(0, 0.01))

        return read

    def _reading_naively(self, naive: Naive) -> Callable[[Connection, random.Random], None]:
        def read(connection: Connection, chance: random.Random) -> None:
            naive.connection = connection
            naive.read()
            time.sleep(chance.uniform(0, 0.01))

        return read

    def _note(self, changes: list[Any]) -> None:
        now = time.monotonic()
        for change in changes:
            self.told.setdefault((change.object_id, change.version), now)
