"""A random walk through three tenants that share ids, held against a model of dictionaries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.support import postgres
from tests.support.rows import CHANGES, FILTERS, GLOBAL, IDS, NEW, POOL
from tests.support.service import Service, request

Row = dict[str, Any]
Key = tuple[str, ...]

# What a row points to, in the order in which it is looked for; with it the row goes.
PARENTS = {
    "tenant": {}, "user": {}, "node_type": {"tenant_id": "tenant"},
    "node": {"node_type_id": "node_type"},
    "relationship": {"source_node_id": "node", "target_node_id": "node"},
    "tenant_user": {"tenant_id": "tenant", "user_id": "user"},
}
UNIQUE = {"tenant": ("slug",), "user": ("email",), "node_type": ("tenant_id", "name")}
KINDS = st.sampled_from([*NEW])


def place(kind: str, row: Row) -> Key:
    """Return the key of a row."""
    columns = (("id",) if kind in GLOBAL else
               ("tenant_id", "user_id" if kind == "tenant_user" else "id"))
    return tuple(row[column] for column in columns)


def parents(kind: str, row: Row) -> dict[str, tuple[str, Key]]:
    """Return what each pointing column of a row points to."""
    return {column: (parent, place(parent, row | {"id": row[column]}))
            for column, parent in PARENTS[kind].items()}


class Walk(RuleBasedStateMachine):
    """The service and the model, side by side."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[Key, Row]] = {kind: {} for kind in PARENTS}

    @initialize()
    def begin(self) -> None:
        with postgres.connect(self.service.settings) as owner:
            owner.execute("TRUNCATE tenants, users CASCADE")
        for id, slug in zip(POOL, "abc"):
            self.create("tenant", POOL[0], id, {"slug": slug, "name": "x"})
            self.create("user", POOL[0], id, {"email": f"{slug}@{slug}", "display_name": "x"})
            self.create("node_type", id, POOL[1], {"name": "a", "description": None,
                                                   "schema": None})
            for node_id in POOL:
                self.create("node", id, node_id, {"node_type_id": POOL[1], "data": {}})

    def ask(self, method: str, params: Row) -> tuple[int, Any]:
        """Return 0 and the result, or an error's code and the parameters it names."""
        reply = self.service.batch([request(method, params)])[0]
        if "error" in reply:
            return reply["error"]["code"], {*reply["error"]["data"]["fields"]}
        return 0, reply["result"]

    def absent(self, params: Row, field: str) -> tuple[int, set[str]]:
        """Return how is answered that something is not there: in its tenant, or that neither."""
        is_in_none = "tenant_id" in params and (params["tenant_id"],) not in self.rows["tenant"]
        return -32001, {"tenant_id" if is_in_none else field}

    def taken(self, kind: str, row: Row) -> set[str]:
        """Return the columns that must be unique and whose values another row has."""
        unique = UNIQUE.get(kind, ())
        return {column for column in unique[-1:] for other in self.rows[kind].values()
                if all(other[name] == row[name] for name in unique)}

    def write(self, kind: str, row: Row, outcome: tuple[int, Any]) -> None:
        """Take what the service made of a row into the model, if it is what it should be."""
        code, result = outcome
        assert code == 0 and result.keys() == {kind}
        made = result[kind]
        times = {column: made[column] for column in ("created_at", "updated_at") if column in made}
        assert made == row | times
        self.rows[kind][place(kind, row)] = made

    def forget(self, kind: str, key: Key) -> None:
        """Delete a row with all that hangs on it."""
        del self.rows[kind][key]
        for child, rows in self.rows.items():
            for child_key, row in [*rows.items()]:
                if child_key in rows and (kind, key) in parents(child, row).values():
                    self.forget(child, child_key)

    @rule(data=st.data(), kind=KINDS, tenant=IDS, id=IDS)
    def create_any(self, data: st.DataObject, kind: str, tenant: str, id: str) -> None:
        self.create(kind, tenant, id, data.draw(st.fixed_dictionaries(NEW[kind])))

    def create(self, kind: str, tenant: str, id: str, given: Row) -> None:
        params = given | {"id": id} | ({} if kind in GLOBAL else {"tenant_id": tenant})
        outcome = self.ask(f"create_{kind}", params)
        missing = [column for column, (parent, key) in parents(kind, params).items()
                   if key not in self.rows[parent]]
        taken = self.taken(kind, params)
        if place(kind, params) in self.rows[kind]:
            taken.add("id")
        if missing:
            assert outcome == (-32001, {missing[0]})
        elif taken:
            assert outcome[0] == -32002 and len(outcome[1]) == 1 and outcome[1] <= taken
        else:
            defaults = {"tenant": {"status": "active"}, "user": {}}.get(kind, {"version": 1})
            self.write(kind, params | defaults, outcome)
            made = outcome[1][kind]
            assert made["created_at"] == made["updated_at"]

    @rule(data=st.data(), kind=KINDS, tenant=IDS, id=IDS)
    def update(self, data: st.DataObject, kind: str, tenant: str, id: str) -> None:
        changes = data.draw(st.fixed_dictionaries({}, optional=CHANGES[kind]))
        params = self.key(kind, tenant, id)
        outcome = self.ask(f"update_{kind}", params | changes)
        old = self.rows[kind].pop(place(kind, params), None)
        if old is None:
            assert outcome == self.absent(params, "id")
        elif taken := self.taken(kind, old | changes):
            assert outcome == (-32002, taken)
            self.rows[kind][place(kind, params)] = old
        else:
            raised = {} if kind in GLOBAL else {"version": old["version"] + 1}
            self.write(kind, old | changes | raised, outcome)
            made = outcome[1][kind]
            assert made["created_at"] == old["created_at"] < made["updated_at"]
            assert made["updated_at"] > old["updated_at"]

    @rule(kind=KINDS, tenant=IDS, id=IDS)
    def get(self, kind: str, tenant: str, id: str) -> None:
        params = self.key(kind, tenant, id)
        row = self.rows[kind].get(place(kind, params))
        assert self.ask(f"get_{kind}", params) == (
            (0, {kind: row}) if row else self.absent(params, "id"))

    @rule(kind=KINDS, tenant=IDS, id=IDS)
    def delete(self, kind: str, tenant: str, id: str) -> None:
        params = self.key(kind, tenant, id)
        self.delete_by(f"delete_{kind}", kind, params, "id")

    @rule(tenant=IDS, user=IDS)
    def remove_user(self, tenant: str, user: str) -> None:
        params = {"tenant_id": tenant, "user_id": user}
        self.delete_by("remove_user_from_tenant", "tenant_user", params, "user_id")

    def delete_by(self, method: str, kind: str, params: Row, field: str) -> None:
        there = place(kind, params) in self.rows[kind]
        assert self.ask(method, params) == (
            (0, {}) if there else self.absent(params, field))
        if there:
            self.forget(kind, place(kind, params))

    @rule(tenant=IDS, user=IDS, role=st.sampled_from(["admin", "member"]))
    def add_user(self, tenant: str, user: str, role: str) -> None:
        params = {"tenant_id": tenant, "user_id": user, "role": role}
        outcome = self.ask("add_user_to_tenant", params)
        missing = [column for column, (parent, key) in parents("tenant_user", params).items()
                   if key not in self.rows[parent]]
        if missing:
            assert outcome == (-32001, {missing[0]})
        else:
            self.write("tenant_user", params | {"status": "active"}, outcome)

    @rule(data=st.data(), kind=st.sampled_from([*PARENTS]), tenant=IDS, size=st.integers(1, 4))
    def walk_list(self, data: st.DataObject, kind: str, tenant: str, size: int) -> None:
        filters = data.draw(st.fixed_dictionaries({}, optional={
            column: NEW[kind][column] for column in FILTERS.get(kind, [])}))
        params = filters if kind in GLOBAL else filters | {"tenant_id": tenant}
        expected = self.expected(kind, params)
        found: list[Row] = []
        pages, token = 0, ""
        while pages == 0 or token:
            page = {"pagination": {"page_size": size, "page_token": token}}
            code, result = self.ask(f"list_{kind}s", params | page)
            if expected is None:
                assert (code, result) == (-32001, {"tenant_id"})
                return
            assert result["pagination"]["total_count"] == len(expected)
            found, pages = found + result[f"{kind}s"], pages + 1
            token = result["pagination"]["next_page_token"]
        assert found == expected and pages == max(1, -(-len(found) // size))

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        asked: list[tuple[str, Row]] = [
            (kind, {} if kind in GLOBAL else {"tenant_id": tenant})
            for kind in PARENTS for tenant in POOL[:1 if kind in GLOBAL else None]]
        size = {"pagination": {"page_size": 1000}}
        replies = self.service.batch([request(f"list_{kind}s", params | size)
                                      for kind, params in asked])
        for (kind, params), reply in zip(asked, replies, strict=True):
            rows = self.expected(kind, params)
            assert ("result" not in reply if rows is None else reply["result"] == {
                f"{kind}s": rows,
                "pagination": {"next_page_token": "", "total_count": len(rows)}})

    def expected(self, kind: str, params: Row) -> list[Row] | None:
        """Return the model's rows in the order of the list, or None where there is no tenant."""
        if kind not in GLOBAL and (params["tenant_id"],) not in self.rows["tenant"]:
            return None
        rows = [row for row in self.rows[kind].values() if row.items() >= params.items()]
        if kind == "tenant_user":
            users = self.rows["user"]
            return [row | {name: users[row["user_id"],][name] for name in ("email", "display_name")}
                    for row in sorted(rows, key=lambda row: row["user_id"])]
        return sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)

    @staticmethod
    def key(kind: str, tenant: str, id: str) -> Row:
        return {"id": id} if kind in GLOBAL else {"id": id, "tenant_id": tenant}


@pytest.mark.long
def test_no_walk_through_three_tenants_differs_from_the_model(new_service: Any) -> None:
    class WalkHere(Walk):
        service = new_service()

    run_state_machine_as_test(WalkHere, settings=settings(
        max_examples=30, stateful_step_count=30, derandomize=True, database=None,
        # Shrinking takes minutes: add Phase.shrink to see a short walk.
        phases=[Phase.generate], suppress_health_check=[*HealthCheck]))
