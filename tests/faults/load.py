"""A load of several clients, and what is held against the database when it ends."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

from tests.faults.client import Call, Client, outcomes
from tests.faults.database import Database
from tests.support.ledger import State

# Between the calls of a client, in seconds: what is measured is the service, not a full machine.
PAUSE = 0.004
# The same after a call that failed.
PATIENCE = 0.03
# What a table says of a load.
HEADINGS = ("calls", "refused", "unknown", "longest s")


class Load:
    """Clients that call until the scenario ends.

    :param port: where to call
    :param ids: of the tenant and of the node type
    """

    def __init__(self, port: int, ids: tuple[str, str], clients: int = 6) -> None:
        self.clients = [Client(f"client{number}", port, *ids, number) for number in range(clients)]
        self._tenant = ids[0]
        self._ended = threading.Event()

    @property
    def calls(self) -> list[Call]:
        """Return all calls so far, in the order of their ends."""
        calls = chain.from_iterable(list(client.calls) for client in self.clients)
        return sorted(calls, key=lambda call: call.ended)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Call all the while."""
        threads = [threading.Thread(target=self._run, args=(client,)) for client in self.clients]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            yield
            time.sleep(0.2)
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _run(self, client: Client) -> None:
        try:
            while not self._ended.is_set():
                client.step()
                good = client.calls[-1].outcome == "ok"
                time.sleep(client.random.uniform(0, 2 * (PAUSE if good else PATIENCE)))
        except BaseException as error:
            client.wrong.append(f"the client failed: {error!r}")
            raise
        finally:
            client.close()

    def failed(self, since: float = 0, until: float = float("inf")) -> list[Call]:
        """Return the calls without success that were under way in a time, one for each batch."""
        failed = [call for call in self.calls
                  if call.outcome != "ok" and call.ended >= since and call.began < until]
        return list({(call.began, call.ended): call for call in failed}.values())

    def first_good(self, since: float, patience: float = 60) -> float:
        """Return how long after a moment the first good answer came to a call, in seconds.

        A good answer counts whenever it was asked for.
        """
        return self._first(lambda call: call.outcome == "ok" and call.ended >= since,
                           patience).ended - since

    def first_good_write(self, since: float, patience: float = 60) -> float:
        """Return the same of what writes."""
        return self._first(lambda call: call.outcome == "ok" and call.ended >= since
                           and call.method.startswith(("create", "update", "batch")),
                           patience).ended - since

    def _first(self, wanted: Callable[[Call], bool], patience: float) -> Call:
        until = time.monotonic() + patience
        while not (found := next(filter(wanted, self.calls[-2000:]), None)):
            assert time.monotonic() < until, "no good answer came"
            time.sleep(0.01)
        return found

    def longest(self) -> float:
        """Return how long the longest call took, in seconds."""
        return max(call.ended - call.began for call in self.calls)

    def numbers(self) -> dict[str, object]:
        """Return the numbers of the report."""
        calls = self.calls
        return {"calls": len(calls), "refused": len(outcomes(calls, "refused")),
                "unknown": len(outcomes(calls, "unknown")),
                "longest s": self.longest()}

    def told(self) -> Counter[str]:
        """Count what the calls without success were told."""
        return Counter(call.told for call in self.calls if call.outcome != "ok")

    def check(self, database: Database) -> None:
        """Hold that every acknowledged write is there, no refused one is, and all was JSON."""
        database.settle()
        found: dict[str, dict[str, tuple[str, State]]] = defaultdict(dict)
        rows = database.do("SELECT data->>'key', id::text, (data->>'value')::int, version "
                           f"FROM nodes WHERE tenant_id = '{self._tenant}'")
        for key, id, value, version in rows:
            found[key.partition("-")[0]][key] = (id, State(value, version))
        wrong = [message for client in self.clients for message in client.wrong]
        for client in self.clients:
            wrong += client.ledger.wrong(found.pop(client.ledger.name, {}))
        assert not wrong and not found, "\n".join([f"{len(wrong)} wrong", *wrong[:20], str(found)])
        ((total,),) = database.do(
            f"SELECT flexdb_total_count('{self._tenant}', 'nodes', flexdb_nil())")
        assert total == len(rows), f"{total} are counted, and {len(rows)} are there"
