"""Fair places: no tenant's calls keep those of others from the database."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.db.gate import Gate, TimedOut
from flexdb.db.pool import Pool
from flexdb.errors import Overloaded
from flexdb.telemetry import watch
from tests.support import postgres
from tests.support.service import RpcError, Service, request


@dataclass(eq=False)
class Call:
    """A call at a gate, in a thread of its own."""

    gate: Gate
    tenant: str
    patience: float = 30
    outcome: str = "waits"
    why: str = ""
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        before = self._waiting()
        self._thread = threading.Thread(target=self._enter)
        self._thread.start()
        soon(lambda: self.outcome != "waits" or self._waiting() - before)

    def _waiting(self) -> set[object]:
        return {call for calls in list(self.gate._waiting.values()) for call in list(calls)}

    def _enter(self) -> None:
        try:
            self.gate.enter(self.tenant, self.patience)
            self.outcome = "is in"
        except (Overloaded, TimedOut) as error:
            self.outcome, self.why = "is refused", str(error)

    def leave(self) -> None:
        self.outcome = "has left"
        self.gate.leave(self.tenant)

    def ended(self) -> str:
        self._thread.join()
        return self.outcome


def soon(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds, in steps that suit threads."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.0001)


def end(calls: list[Call]) -> None:
    """Let all calls in and out."""
    while any(call.outcome in ("waits", "is in") for call in calls):
        for call in calls:
            if call.outcome == "is in":
                call.leave()
    for call in calls:
        call.ended()


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_places_are_given_and_refused_as_a_model_says(places: int, queue: int, data: st.DataObject
                                                      ) -> None:
    share = data.draw(st.integers(1, places))
    gate, calls = Gate(places, queue, share), list[Call]()

    def those(outcome: str) -> list[Call]:
        return [call for call in calls if call.outcome == outcome]

    for tenant in data.draw(st.lists(st.sampled_from(["", "a", "b", "c", None]), max_size=25)):
        held, waiting = those("is in"), those("waits")
        places_of = Counter(call.tenant for call in held)
        calls_of = Counter(call.tenant for call in held + waiting)
        if tenant is None:
            if not held:
                continue
            gone = data.draw(st.sampled_from(held))
            places_of[gone.tenant] -= 1
            gone.leave()
            able = [call for call in waiting if places_of[call.tenant] < share]
            if able:
                soon(lambda: len(those("waits")) < len(waiting))
                (chosen,) = set(waiting) - set(those("waits"))
                assert chosen.ended() == "is in"
                assert places_of[chosen.tenant] == min(places_of[call.tenant] for call in able)
                assert chosen is next(call for call in waiting if call.tenant == chosen.tenant)
        else:
            calls.append(Call(gate, tenant))
            if len(held) + len(waiting) < places + queue:
                has_place = len(held) < places and places_of[tenant] < share
                assert calls[-1].outcome == ("is in" if has_place else "waits")
            else:
                most = max(calls_of[call.tenant] for call in waiting)
                if most > calls_of[tenant] + 1:
                    soon(lambda: any(call.outcome == "is refused" for call in waiting))
                    (victim,) = [call for call in waiting if call.outcome == "is refused"]
                    assert calls_of[victim.tenant] == most
                    assert victim is [one for one in waiting if one.tenant == victim.tenant][-1]
                    assert ("of the same tenant" in victim.why) is bool(victim.tenant)
                else:
                    assert calls[-1].ended() == "is refused"
        soon(lambda: gate.waiting == len(those("waits")))
        held = those("is in")
        places_of = Counter(call.tenant for call in held)
        assert len(held) <= places and all(number <= share for number in places_of.values())
        assert len(held) == places or all(
            places_of[call.tenant] == share for call in those("waits"))
    end(calls)
    # All places are there again.
    assert [Call(gate, str(number)).outcome for number in range(places)] == ["is in"] * places


def test_tenants_take_turns_where_places_are_few() -> None:
    gate = Gate(1, 20, 1)
    first = Call(gate, "loud")
    loud = [Call(gate, "loud") for _ in range(6)]
    quiet = [Call(gate, "quiet") for _ in range(2)]
    order, at_work = [], first
    while True:
        at_work.leave()
        left = [call for call in (*loud, *quiet) if call.outcome in ("waits", "is in")]
        if not left:
            break
        soon(lambda: any(call.outcome == "is in" for call in (*loud, *quiet)))
        at_work = next(call for call in (*loud, *quiet) if call.outcome == "is in")
        order.append(at_work.tenant)
    assert order == ["loud", "quiet", "loud", "quiet", "loud", "loud", "loud", "loud"]


def test_who_waits_in_vain_for_the_own_share_is_told_so() -> None:
    gate = Gate(2, 2, 1)
    first = Call(gate, "loud")
    late = Call(gate, "loud", 0.01)
    assert late.ended() == "is refused" and "of the same tenant" in late.why
    other = Call(gate, "other")
    third = Call(gate, "third", 0.01)
    assert third.ended() == "is refused" and third.why == ""
    end([first, other])


def test_a_call_of_no_tenant_is_told_of_none() -> None:
    # Whose keys are looked up sent nothing of a tenant's yet.
    gate = Gate(2, 2, 1)
    first = Call(gate, "")
    late = Call(gate, "", 0.01)
    assert late.ended() == "is refused" and late.why == ""
    end([first])


def test_a_share_is_three_of_four_connections_or_what_is_set() -> None:
    for size, share in ((1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (9, 6)):
        gate = Gate.of(Settings(db_pool_size=size, threads=32))
        calls = [Call(gate, "loud") for _ in range(size)]
        assert [call.outcome for call in calls].count("is in") == share
        end(calls)
    for set_to, share in ((1, 1), (8, 8), (9, 8)):
        gate = Gate.of(Settings(tenant_connections=set_to))
        calls = [Call(gate, "loud") for _ in range(9)]
        assert [call.outcome for call in calls].count("is in") == share
        end(calls)


def test_a_call_without_a_place_gives_none_back(new_database: Callable[..., Settings]) -> None:
    pool = Pool(new_database(db_pool_size=1, db_pool_queue=1, db_pool_timeout=0.1))
    for _ in range(3):
        with pool.connection(), pytest.raises(Overloaded), pool.connection():
            pass
    with pool.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pool.close()


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_the_tenant_of_a_call_is_known_without_a_key(
        new_service: Callable[..., Service], door: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service = replace(new_service(db_pool_timeout=1.0), door=door)
    one, other = service.tenant(), service.tenant()
    # The share of a pool of eight: what the tenant waits for is never free.
    pool = service.app.extensions["flexdb"]
    with held(pool, one["id"], 6):
        assert service.call("list_node_types", tenant_id=other["id"])
        assert service.call("get_tenant", id=other["id"])
        for method, params in (("list_node_types", {"tenant_id": one["id"].upper()}),
                               ("get_tenant", {"id": one["id"]}),
                               ("transaction", {"calls": [
                                   {"method": "list_tenants"},
                                   {"method": "get_tenant", "params": [one["id"]]}]})):
            with pytest.raises(RpcError, match="too many other calls of the same tenant"):
                service.call(method, params)
    caplog.clear()
    service.call("get_tenant", id=one["id"])
    assert f"tenant={one['id']}" in caplog.text
    caplog.clear()
    service.batch([request("get_tenant", {"id": id}) for id in (one["id"], other["id"])])
    assert "batch=2" in caplog.text
    assert all(f"tenant={tenant['id']}" in caplog.text for tenant in (one, other))


class held:
    """Hold connections of a pool for a tenant, within a ``with`` block."""

    def __init__(self, pool: Pool, tenant: str, number: int) -> None:
        self._lent = [pool.connection() for _ in range(number)]
        self._tenant = tenant

    def __enter__(self) -> None:
        watch.begin("").see(self._tenant, 1)
        try:
            for lent in self._lent:
                lent.__enter__()
        finally:
            watch.end()

    def __exit__(self, *_: object) -> None:
        for lent in self._lent:
            lent.__exit__(None, None, None)


@pytest.mark.longest
@pytest.mark.long
def test_a_quiet_tenant_beside_a_loud_one_is_never_refused(
        new_service: Callable[..., Service]) -> None:
    service = new_service(db_pool_size=4, db_pool_queue=4, threads=32, db_pool_timeout=1.0)
    loud, quiet = service.tenant(), service.tenant()
    with postgres.connect(service.settings) as database:
        database.execute("CREATE FUNCTION pg_temp_slow() RETURNS trigger LANGUAGE plpgsql AS "
                         "'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END'")
        database.execute("CREATE TRIGGER slow BEFORE INSERT ON node_types FOR EACH ROW "
                         "EXECUTE FUNCTION pg_temp_slow()")
    outcomes: dict[str, Counter[str]] = {"loud": Counter(), "quiet": Counter()}
    is_over = threading.Event()

    def press(name: str, tenant: dict[str, str]) -> None:
        while not is_over.is_set():
            try:
                service.node_type(tenant)
                outcomes[name]["ok"] += 1
            except RpcError as error:
                outcomes[name][error.reason] += 1
            if outcomes["quiet"]["ok"] >= 100:
                is_over.set()

    threads = [threading.Thread(target=press, args=arguments)
               for arguments in [("loud", loud)] * 16 + [("quiet", quiet)] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes["quiet"]) == {"ok"}
    assert outcomes["loud"]["OVERLOADED"] and outcomes["loud"]["ok"]
