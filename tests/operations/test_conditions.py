"""Changes that are made only if a filter fits what is there, judged under the row's lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.locks import locked, waiting
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("update_{}", {}), ("update_{}", {"data": {"status": "open", "n": 2}}),
    ("patch_{}", {"patch": {"n": 2}}), ("patch_{}", {"update": {"$inc": {"n": 1}}}),
    ("delete_{}", {})]
OPEN = {"data.status": "open"}


def make(service: Service, kind: str) -> Any:
    node = service.node(service.node_type(service.tenant()), data={"status": "open", "n": 1})
    return node if kind == "node" else service.relationship(node, node, data=node["data"])


@pytest.mark.parametrize("kind", ["node", "relationship"])
@pytest.mark.parametrize("method, change", CHANGES)
def test_a_change_is_made_only_where_its_condition_fits(
        service: Service, kind: str, method: str, change: dict[str, Any]) -> None:
    row, method = make(service, kind), method.format(kind)
    key = {"tenant_id": row["tenant_id"], "id": row["id"]}
    for filter in ({"data.status": "closed"}, {"version": {"$gt": 1}}, {"$not": OPEN},
                   {"$and": [OPEN, {"data.n": {"$ne": 1}}]}):
        refused = refusal(service, method, **key, **change, only_if=filter)
        assert (refused.code, refused.reason) == (-32003, "PRECONDITION_FAILED")
        assert refused.fields == {"only_if": ["does not fit what is there"]}
        assert refused.error["data"]["version"] == 1
        assert service.call(f"get_{kind}", **key)[kind] == row
    assert refusal(service, method, **key, **change, only_if=OPEN, version=9
                   ).reason == "VERSION_CONFLICT"
    result = service.call(method, **key, **change, version=1, only_if=OPEN | {"id": row["id"]})
    assert result == {} if method.startswith("delete") else result[kind]["version"] == 2


@pytest.mark.parametrize("kind", ["node", "relationship"])
@pytest.mark.parametrize("method, change", CHANGES)
def test_a_condition_of_what_is_not_there_is_not_found_and_a_wrong_one_is_named(
        service: Service, kind: str, method: str, change: dict[str, Any]) -> None:
    row, method = make(service, kind), method.format(kind)
    key = {"tenant_id": row["tenant_id"], "id": row["tenant_id"]}
    assert refusal(service, method, **key, **change, only_if=OPEN).reason == "NOT_FOUND"
    for filter, place in ({"data.n": {"$is": 1}}, "only_if.data.n.$is"), ({"x": 1}, "only_if.x"):
        refused = refusal(service, method, **key, **change, only_if=filter)
        assert (refused.code, list(refused.fields)) == (-32602, [place])


@pytest.mark.parametrize("kind", ["node", "relationship"])
@pytest.mark.parametrize("method, change", CHANGES)
def test_who_waits_for_the_row_is_judged_by_what_is_there_then(
        service: Service, kind: str, method: str, change: dict[str, Any]) -> None:
    row, method = make(service, kind), method.format(kind)
    key = {"tenant_id": row["tenant_id"], "id": row["id"]}
    with ThreadPoolExecutor() as threads:
        with locked(service, f"{kind}s", row) as holder:
            sent = threads.submit(refusal, service, method, **key, **change, only_if=OPEN)
            waiting(service, 1)
            holder.execute(f"UPDATE {kind}s SET data = '{{\"status\": \"closed\"}}' "
                           "WHERE id = %s".encode(), [row["id"]])
        assert sent.result().reason == "PRECONDITION_FAILED"
    left = service.call(f"get_{kind}", **key)[kind]
    assert (left["data"], left["version"]) == ({"status": "closed"}, 2)


def test_of_many_who_take_the_same_thing_one_gets_it(service: Service) -> None:
    row = make(service, "node")
    key = {"tenant_id": row["tenant_id"], "id": row["id"]}

    def take(by: int) -> bool:
        try:
            return bool(service.call("patch_node", **key, only_if=OPEN,
                                     patch={"status": "taken", "by": by}))
        except Exception as error:
            assert getattr(error, "reason", None) == "PRECONDITION_FAILED", error
            return False

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take, range(24)))
    assert taken.count(True) == 1
    node = service.call("get_node", **key)["node"]
    assert (node["data"]["by"], node["version"]) == (taken.index(True), 2)


def test_in_a_transaction_a_condition_that_fails_takes_all_back(service: Service) -> None:
    row = make(service, "node")
    key = {"tenant_id": row["tenant_id"], "id": row["id"]}
    refused = refusal(service, "transaction", calls=[
        {"method": "patch_node", "params": key | {"patch": {"status": "done"}, "only_if": OPEN}},
        {"method": "patch_node", "params": key | {"patch": {"n": 3}, "only_if": OPEN}}])
    assert refused.reason == "PRECONDITION_FAILED" and refused.error["data"]["index"] == 1
    assert list(refused.fields) == ["calls.1.params.only_if"]
    assert service.call("get_node", **key)["node"] == row
