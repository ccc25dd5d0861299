"""The second fence: an operation that forgets its tenant finds nothing for a tenant's caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial, wraps
from typing import Any

import orjson
import pytest

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS, Loaded
from flexdb.db.fence import FenceError, check
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk
from flexdb.sql.loader import make_query
from flexdb.telemetry.metrics import Metrics
from tests.support.callers import closed, secrets_of, with_key
from tests.support.service import RpcError, Service, request
from tests.support.world import World

FORGETFUL = "SELECT json_build_object('node', n.data) AS object FROM nodes n WHERE n.id = %(id)s"
BOUND = f"{FORGETFUL} AND n.tenant_id = %(tenant_id)s"
SECRET = "theirs alone"


def given(row: Row | None) -> Result:
    return Result(orjson.dumps(row[0] if row else {}) if row and isinstance(row[0], dict)
                  else bytes(row[0]) if row else b"{}")


def statement(sql: str, **arguments: Any) -> Statement:
    return Statement(make_query("planted", sql), arguments, given)


def forgets(other: World) -> Statement:
    """Look a row up by its id alone, though the tenant stands among the arguments."""
    return statement(FORGETFUL, id=other.node["id"], tenant_id=other.tenant["id"])


def mixes_up(other: World) -> Statement:
    """Look into another tenant."""
    return statement(BOUND, id=other.node["id"], tenant_id=other.tenant["id"])


def in_steps(made: Callable[[World], Plan], other: World) -> Steps:
    """Do that after a look into the own tenant."""
    def start() -> Walk:
        plan = made(other)
        found = yield plan
        return plan.result(found) if isinstance(plan, Statement) else found

    return Steps("planted", start)


PLANTED: dict[str, Callable[[World], Plan]] = {
    "forgets": forgets, "mixes up": mixes_up,
    "forgets, long": lambda other: replace(forgets(other), long=True),
    "forgets in steps": partial(in_steps, forgets),
    "mixes up in steps of steps": partial(in_steps, partial(in_steps, mixes_up)),
    "forgets when it reads": lambda other: replace(
        statement("SELECT %(tenant_id)s::text", tenant_id=other.bound),  # type: ignore[attr-defined]
        read=lambda row: in_steps(forgets, other)),
}


@pytest.fixture(scope="module")
def worlds(settings: Settings) -> Iterator[tuple[World, World]]:
    """Two tenants, the second of which has a secret."""
    service = Service.of(settings)
    own, other = World(service), World(service)
    service.call("update_node", tenant_id=other.tenant["id"], id=other.node["id"],
                 data={"is": SECRET})
    other.bound = own.tenant["id"]  # type: ignore[attr-defined]
    yield own, other
    service.close()


@pytest.fixture(params=PLANTED)
def callers(request: pytest.FixtureRequest, settings: Settings, worlds: tuple[World, World],
            monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Service]]:
    """The service with an operation that sees too much in the place of ``get_node``."""
    declared = OPERATIONS["get_node"]

    @wraps(declared.function)
    def planted(context: Context, params: Loaded) -> Plan:
        return PLANTED[request.param](worlds[1])

    monkeypatch.setitem(OPERATIONS, "get_node", replace(declared, function=planted))
    service = closed(settings)
    yield {role: with_key(service, secret)
           for role, secret in secrets_of(settings, worlds[0].tenant).items()}
    service.close()


def refused(caller: Service) -> float:
    """Return how many calls the fence refused."""
    metrics: Metrics = caller.app.extensions["flexdb"].metrics
    return float(metrics.fence._value.get())


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_what_is_not_of_the_callers_tenant_is_refused_with_an_alarm(
        callers: dict[str, Service], worlds: tuple[World, World], door: str,
        caplog: pytest.LogCaptureFixture) -> None:
    asked = {"tenant_id": worlds[0].tenant["id"], "id": worlds[0].node["id"]}
    with pytest.raises(RpcError) as told:
        replace(callers["owner"], door=door).call("get_node", asked)
    assert (told.value.code, told.value.reason) == (-32603, "INTERNAL")
    assert refused(callers["owner"]) == 1
    assert "FenceError" in caplog.text and SECRET not in caplog.text + str(told.value.error)
    # It would have been found: who sees all tenants finds it.
    assert SECRET in str(replace(callers["operator"], door=door).call("get_node", asked))
    assert refused(callers["owner"]) == 1


def test_what_is_done_beside_it_in_a_batch_is_done(
        callers: dict[str, Service], worlds: tuple[World, World]) -> None:
    own = {"tenant_id": worlds[0].tenant["id"], "id": worlds[0].node["id"]}
    create = {"tenant_id": own["tenant_id"], "node_type_id": worlds[0].node_type["id"]}
    before, planted, behind = callers["owner"].batch([
        request("create_node", create, 1), request("get_node", own, 2),
        request("create_node", create, 3)])
    assert planted["error"]["code"] == -32603 and SECRET not in str(planted)
    assert "node" in before["result"] and "node" in behind["result"]
    assert refused(callers["owner"]) == 1


def test_a_transaction_with_it_leaves_nothing_behind(
        callers: dict[str, Service], worlds: tuple[World, World]) -> None:
    own = {"tenant_id": worlds[0].tenant["id"]}
    name = "only when all is done"
    with pytest.raises(RpcError) as told:
        callers["owner"].call("transaction", calls=[
            {"method": "create_node_type", "params": own | {"name": name}},
            {"method": "get_node", "params": own | {"id": worlds[0].node["id"]}}])
    assert told.value.code == -32603 and SECRET not in str(told.value.error)
    assert name not in str(callers["owner"].call("list_node_types", own))
    assert refused(callers["owner"]) == 1


@pytest.mark.parametrize("given, fits", [
    ("a", True), ("b", True), ("c", False), (None, False), ("", False), ("{}", False),
    (["a"], True), (["a", "b"], True), (["a", "c"], False), ("{a}", False), ("a,c", False)])
def test_who_is_in_several_tenants_is_let_ask_for_these_alone(given: Any, fits: bool) -> None:
    asked = statement("SELECT %(tenant_id)s", tenant_id=given)
    with nullcontext() if fits else pytest.raises(FenceError, match="planted"):
        check(asked, frozenset("ab"))


def test_a_tenant_is_changed_with_its_rows_in_one_batch_by_who_is_bound_to_it(
        settings: Settings, worlds: tuple[World, World]) -> None:
    """So its lock, which names the tenant in an array, is told from that of another tenant."""
    service = closed(settings)
    own = worlds[0]
    owner = with_key(service, secrets_of(settings, own.tenant)["owner"])
    node = {"tenant_id": own.tenant["id"], "id": own.node["id"]}
    replies = owner.batch([request("update_tenant", {"id": own.tenant["id"], "name": "Both"}),
                           request("update_node", node | {"data": {}})])
    assert all("result" in reply for reply in replies) and refused(owner) == 0
    service.close()
