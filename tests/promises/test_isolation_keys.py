"""What a tenant's key is answered is what it would be if there were no other tenant.

A random walk with the keys of two tenants, whose rows have the same ids, and each key's part of it
once more where the other tenant never was: every answer has the same bytes and took the same
statements, whatever the other has and did.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import orjson
import pytest

from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.db.connection import Connection
from tests.support.callers import SERVICE_S_OWN, closed, with_key
from tests.support.service import Service, request, rest_request

pytestmark = pytest.mark.long

# `make test-isolation` goes further.
STEPS = int(os.environ.get("WALK_STEPS", "1000"))
IDS = [str(UUID(int=number)) for number in range(1, 5)]
TENANTS = [str(UUID(int=number)) for number in (101, 102)]
ABSENT, TYPE = (str(UUID(int=number)) for number in (103, 201))
KEYS = {tenant_id: str(UUID(int=number)) for number, tenant_id in enumerate(TENANTS, 301)}
FIXED = {*IDS, *TENANTS, ABSENT, TYPE, *KEYS.values()}
# What differs from one run to the next, whoever calls.
_OTHERWISE = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)|fdb_t_\w+|\"request_id\":\"[^\"]*\""
    rb"|\"(?:next_page_token|hint|position|oldest|transaction)\":\"[^\"]+\"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# How often each is called, of the sum of all; once where nothing stands here.
OFTEN = {
    "create_node": 8, "update_node": 5, "patch_node": 3, "get_node": 8, "delete_node": 3,
    "list_nodes": 8, "create_nodes": 2, "delete_nodes": 1, "update_nodes": 2,
    "create_relationship": 6,
    "update_relationship": 2, "get_relationship": 3, "delete_relationship": 1,
    "list_relationships": 4, "traverse": 5, "shortest_path": 4, "get_neighbors": 3,
    "create_node_type": 2, "update_node_type": 2, "get_node_type": 2, "list_node_types": 2,
    "check_node_type": 1, "delete_node_type": 1, "get_tenant": 2, "update_tenant": 2,
    "list_tenant_users": 1, "add_user_to_tenant": 1, "get_user": 2, "create_key": 1, "list_keys": 1,
    "delete_key": 1, "list_events": 2, "list_tenants": 1, "delete_tenant": 1,
}
# They tell how long calls took, and some seconds later.
COUNTED = ("get_usage", "list_usage")
METHODS = {name: OFTEN.get(name, 1) for name in OPERATIONS if name not in ("transaction", *COUNTED)}
Call = tuple[str, dict[str, Any]]


class World:
    """A service on a database of its own, with one tenant or both, and the key of each."""

    def __init__(self, settings: Settings, tenants: list[str]) -> None:
        self.service = closed(settings)
        self.keys: dict[str, Service] = {}
        # Of each caller, the token that each list gave last.
        self.tokens: dict[tuple[str, str], str] = {}
        with closing(Service.of(settings)) as anyone:
            # Who is no tenant's own is there whoever else is: the first of them is in both.
            for number, id in enumerate(IDS[:2]):
                anyone.user(id=id, email=f"{'ab'[number]}@example.org")
            for tenant_id in tenants:
                slug = f"tenant-{TENANTS.index(tenant_id)}"
                tenant = anyone.tenant(id=tenant_id, slug=slug, name="a")
                anyone.node_type(tenant, id=TYPE, name="a")
                anyone.call("add_user_to_tenant", tenant_id=tenant_id, user_id=IDS[0])
                key = anyone.call("create_key", tenant_id=tenant_id, name="k", role="owner",
                                  id=KEYS[tenant_id])["key"]
                self.keys[tenant_id] = with_key(self.service, key["secret"])

    def ask(self, tenant_id: str, form: str, calls: list[Call], list_of: str) -> tuple[int, bytes]:
        """Make calls in some form with a tenant's key, and return the status and the bytes."""
        caller = self.keys[tenant_id]
        method, params = calls[0]
        if params.get("pagination", {}).get("page_token") == "own":
            token = self.tokens.get((tenant_id, list_of), "")
            params = params | {"pagination": params["pagination"] | {"page_token": token}}
        if form == "rest" and (said := rest_request(method, params)):
            response = caller.client().open(**said)
        elif form == "batch":
            response = caller.post([request(name, given, place)
                                    for place, (name, given) in enumerate(calls)])
        elif form == "transaction":
            response = caller.post(request("transaction", {"calls": [
                {"method": name, "params": given, "as": f"c{place}"}
                for place, (name, given) in enumerate(calls)]}))
        else:
            response = caller.post(request(method, params))
        if form in ("call", "rest") and list_of and (
                found := re.search(rb'"next_page_token":"([^"]*)"', response.data)):
            self.tokens[tenant_id, list_of] = found[1].decode()
        return response.status_code, _OTHERWISE.sub(_plain, response.data)


def _plain(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].decode() in FIXED else b"*"


class Walk:
    """Draws what is called next."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.one = self.random.choice

    def params(self, method: str, tenant: str | None) -> dict[str, Any]:
        """Draw the parameters of a method."""
        one, id = self.one, self.one(IDS)
        of: dict[str, Any] = {} if tenant is None else {"tenant_id": tenant}
        data = one([{}, {"a": 1}, {"a": 2, "b": ["x"]}])
        page: dict[str, Any] = {"page_size": one([1, 2, 10])}
        if self.random.random() < 0.5:
            page["page_token"] = one(["own", "own", "other"])
        paged = {"pagination": page}
        drawn: dict[str, Any] = {
            "create_node": of | {"id": id, "node_type_id": one([TYPE, TYPE, *IDS]), "data": data},
            "update_node": of | {"id": id, "data": data},
            "patch_node": of | {"id": id, "patch": {"a": one([1, 3])}},
            "list_nodes": of | paged | one([
                {}, {}, {"node_type_id": one([TYPE, *IDS])}, {"filter": {"data.a": {"$gte": 1}}},
                {"sort": ["data.a", "-version"]}, {"fields": ["id", "tenant_id"]},
                {"related_to": {"node": one(IDS)}, "count": "exact"},
                {"filter": {"$related": {"filter": {"data.a": 1}}}}, {"expand": {"near": {}}},
                {"filter": {"tenant_id": one([*TENANTS, ABSENT])}}]),
            "create_nodes": of | {"nodes": [{"id": one(IDS), "node_type_id": TYPE, "data": data}]},
            "update_nodes": of | {"filter": {"data.a": one([1, 2])}, "update": {"$inc": {"a": 1}}},
            "count_nodes": of | one([{}, {"filter": {"data.a": 1}}]),
            "aggregate_nodes": of | {"group_by": {"of": "tenant_id", "a": "data.a"}} | one([
                {}, {"filter": {"tenant_id": one([*TENANTS, ABSENT])}}]),
            "aggregate_relationships": of | {"group_by": {"type": "relationship_type"}},
            "delete_nodes": of | {"filter": {"data.a": 3}},
            "create_relationship": of | {
                "id": id, "source_node_id": one(IDS), "target_node_id": one(IDS),
                "relationship_type": one("xy"), "data": data},
            "update_relationship": of | {"id": id, "data": data},
            "list_relationships": of | paged | one([
                {}, {"source_node_id": one(IDS)}, {"target_node_id": one(IDS)},
                {"sort": ["-relationship_type"]}]),
            "get_node": of | {"id": id} | one([{}, {"expand": {"near": {"count": True}}}]),
            "traverse": of | {"start": id, "direction": one(["out", "in", "both"])} | one([
                {}, {"expand": {"near": {"expand": {"near": {}}}}}]),
            "shortest_path": of | {"source_node_id": id, "target_node_id": one(IDS),
                                   "direction": "both"},
            "get_neighbors": of | paged | {"id": id} | one([
                {}, {"filter": {"data.a": {"$gte": 1}}, "sort": ["data.a"]}]),
            "create_node_type": of | {"id": one(IDS), "name": one("abcd")},
            "update_node_type": of | {"id": one([TYPE, *IDS]), "name": one("abcd")},
            "get_node_type": of | one([{"id": one([TYPE, *IDS])}, {"name": one("abcd")}]),
            "list_node_types": of | paged, "check_node_type": of | {"id": one([TYPE, *IDS])},
            "delete_node_type": of | {"id": one(IDS)},
            "get_tenant": one([{} if tenant is None else {"id": tenant},
                               {"slug": one(["tenant-0", "tenant-1"])}]),
            "update_tenant": {"id": tenant or one(TENANTS)} | one([
                {"name": one("ab")}, {"name": one("ab")}, {"slug": "tenant-1"},
                {"status": "active"}]),
            "delete_tenant": {"id": tenant or ABSENT}, "list_tenants": {},
            "list_tenant_users": of | paged, "add_user_to_tenant": of | {"user_id": id},
            "get_user": one([{"id": id}, {"email": f"{one('abc')}@example.org"}]),
            "list_user_tenants": {"user_id": id},
            "create_key": of | {"name": "k", "role": one(["viewer", "owner"])} | one([
                {}, {}, {"id": one([*KEYS.values()])},
                {"replaces": one([*KEYS.values(), ABSENT])}]),
            "list_keys": of | paged, "list_events": of | paged,
            "create_relationship_type": of | {"id": one(IDS), "name": one("xy")} | one([
                {}, {"cardinality": "n:1"}, {"acyclic": True, "unique_pair": True},
                {"source_node_type_ids": [one([TYPE, *IDS])], "on_delete": "restrict"}]),
            "update_relationship_type": of | {"id": one(IDS)} | one([
                {"schema": {"required": ["a"]}}, {"schema": None}, {"cardinality": "1:n"}]),
            "get_relationship_type": of | {"id": one(IDS)},
            "delete_relationship_type": of | {"id": one(IDS)},
            "list_relationship_types": of | paged,
            "create_role": of | {"id": id, "name": one("abc"), "grants": [one([
                {"read": True}, {"read": {"data.a": 1}, "node_type_id": TYPE}])]},
            "update_role": of | {"id": id, "based_on": one(["viewer", "member"])},
            "list_roles": of | paged, "list_invitations": of | paged,
            "create_invitation": of | {"id": id, "email": f"{one('ab')}@example.org"},
            "remove_user_from_tenant": of | {"user_id": id}, "get_limits": of,
            "create_relationships": of | {"relationships": [{
                "source_node_id": one(IDS), "target_node_id": one(IDS),
                "relationship_type": "x"}]},
            "patch_relationship": of | {"id": id, "patch": {"a": 4}},
            "update_limits": of | {"max_nodes": 5}, "get_caller": {}, "list_users": {},
            "create_user": {"email": "c@example.org", "display_name": "x"},
            "create_tenant": {"slug": "tenant-1", "name": "x"},
        }
        return dict(drawn.get(method, of | {"id": id}))

    def step(self, own: str) -> tuple[str, list[Call], str]:
        """Draw a form of calls, those calls, and which list the first is a page of."""
        form = self.one(["call", "call", "rest", "rest", "batch", "transaction"])
        calls: list[Call] = []
        for _ in range(self.one([2, 3]) if form in ("batch", "transaction") else 1):
            (method,) = self.random.choices([*METHODS], [*METHODS.values()])
            params = self.params(method, self.one([own, own, own, None, *TENANTS, ABSENT]))
            if form == "transaction" and calls and "id" in params and self.random.random() < 0.4:
                params["id"] = "$c0.id"
            if form in ("batch", "transaction"):
                params.get("pagination", {}).pop("page_token", None)
            calls.append((method, params))
        method, params = calls[0]
        list_of = orjson.dumps([method, {name: value for name, value in params.items()
                                         if name != "pagination"}]).decode()
        return form, calls, list_of if "pagination" in params else ""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the statements that are sent, but for what a worker asks once a second."""
    sent: list[str] = []
    fetch, fetch_all = Connection.fetch, Connection.fetch_all

    def note(statement: Any) -> None:
        if statement.query.name not in SERVICE_S_OWN:
            sent.append(statement.query.name)

    def fetch_one(self: Connection, statement: Any) -> Any:
        note(statement)
        return fetch(self, statement)

    def fetch_many(self: Connection, several: Any, *rest: Any) -> Any:
        several = list(several)
        for statement in several:
            note(statement)
        return fetch_all(self, several, *rest)

    monkeypatch.setattr(Connection, "fetch", fetch_one)
    monkeypatch.setattr(Connection, "fetch_all", fetch_many)
    yield sent


def test_a_key_is_answered_as_if_no_other_tenant_were_there(
        new_database: Callable[..., Settings], statements: list[str]) -> None:
    both = World(new_database(), TENANTS)
    alone = {tenant_id: World(new_database(), [tenant_id]) for tenant_id in TENANTS}
    walk, told = Walk(1), 0
    for number in range(STEPS):
        own = TENANTS[walk.random.randrange(2)]
        (other,) = {*TENANTS} - {own}
        form, calls, list_of = walk.step(own)
        page = calls[0][1].get("pagination", {})
        if page.get("page_token") == "other":
            # The other tenant's is of the same list, and was good for that a moment ago.
            page["page_token"] = both.tokens.get((other, list_of.replace(own, other)), "")
        answers = []
        for world in (both, alone[own]):
            statements.clear()
            answers.append((world.ask(own, form, calls, list_of), list(statements)))
        assert answers[0] == answers[1], f"step {number}: {form} {calls}"
        told += b'"result"' in answers[0][0][1]
        # The slug of the other, its name and what it keeps are in no answer.
        assert f"tenant-{TENANTS.index(other)}".encode() not in answers[0][0][1]
    # It is no walk of refusals alone.
    assert told > STEPS / 10
    for world in (both, *alone.values()):
        world.service.close()
