"""Lists: keyset pages whose walk sees every row once, exact totals, and plans that stay flat."""

import re
from collections.abc import Callable, Iterator
from itertools import chain, product
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from tests.support.plans import nodes_of, pages_read, run_plan, statement_of, times_planned
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

THINGS = ("tenants", "users", "tenant_users", "node_types", "nodes", "relationships")
ROWS = 23
NIL = "00000000-0000-0000-0000-000000000000"


class Lists:
    """A database where every list has the same number of rows, many of them of the same age."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.tenant = service.tenant()
        types = [service.node_type(self.tenant) for _ in range(ROWS)]
        self.types = types[:2]
        self.nodes = [service.node(self.types[place % 2]) for place in range(ROWS)]
        for place in range(ROWS):
            service.relationship(self.nodes[place % 3], self.nodes[place % 2],
                                 relationship_type=f"type {place % 4}")
            service.call("add_user_to_tenant", tenant_id=self.tenant["id"],
                         user_id=service.user()["id"])
        for _ in range(ROWS - 1):
            service.tenant()
        with connect(service.settings) as connection:
            for table in ("tenants", "users", "node_types", "nodes", "relationships"):
                connection.execute(f"UPDATE {table} SET created_at = '2024-01-01 00:00:00.1+00' "
                                   "WHERE hashtext(id::text) % 2 = 0")

    def scope(self, thing: str) -> dict[str, Any]:
        return {} if thing in ("tenants", "users") else {"tenant_id": self.tenant["id"]}

    def page(self, thing: str, size: int, token: str = "", **more: Any) -> Any:
        return self.service.call(f"list_{thing}", self.scope(thing) | more | {
            "pagination": {"page_size": size, "page_token": token}})


def pages(lists: Lists, thing: str, size: int, **more: Any) -> Iterator[Any]:
    """Walk through a list and give the rows of each page."""
    token = ""
    while True:
        page = lists.page(thing, size, token, **more)
        yield page[thing]
        if not (token := page["pagination"]["next_page_token"]):
            return


@pytest.fixture(scope="module")
def lists(new_database: Callable[..., Settings]) -> Iterator[Lists]:
    service = Service.of(new_database())
    yield Lists(service)
    service.close()


@pytest.mark.parametrize("thing", THINGS)
def test_a_page_has_ten_rows_unless_asked_otherwise(lists: Lists, thing: str) -> None:
    for pagination in ("", {}, {"page_token": ""}):
        page = lists.service.call(f"list_{thing}", lists.scope(thing)
                                  | {"pagination": pagination})
        assert len(page[thing]) == 10 and page["pagination"]["total_count"] == ROWS
        assert page == lists.page(thing, 10)


@pytest.mark.parametrize("size", [1, 3, ROWS - 1, ROWS, ROWS + 1])
@pytest.mark.parametrize("thing", THINGS)
def test_a_walk_sees_every_row_once_in_the_order_of_the_list(lists: Lists, thing: str, size: int
                                                             ) -> None:
    walk = list(pages(lists, thing, size))
    assert [len(page) for page in walk[:-1]] == [size] * (len(walk) - 1)
    assert 0 < len(walk[-1]) <= size, "a last page has rows, and says that it is the last"
    rows = list(chain(*walk))
    if thing == "tenant_users":
        keys = [row["user_id"] for row in rows]
        assert keys == sorted(set(keys))
    else:
        order = [(row["created_at"], row["id"]) for row in rows]
        assert order == sorted(set(order), reverse=True)
        assert len({row["created_at"] for row in rows}) < ROWS
    assert len(rows) == ROWS


@pytest.mark.parametrize("absent", [{}, {"source_node_id": "", "relationship_type": ""}])
@pytest.mark.parametrize("names", [*product([True, False], repeat=3)])
def test_relationships_are_filtered_by_each_end_and_type_and_all_together(
        lists: Lists, names: tuple[bool, ...], absent: dict[str, str]) -> None:
    some = lists.page("relationships", ROWS)["relationships"]
    columns = ("source_node_id", "target_node_id", "relationship_type")
    for row in some[:4]:
        wanted = {name: row[name] for name, used in zip(columns, names) if used}
        expected = [other for other in some if wanted.items() <= other.items()]
        assert list(chain(*pages(lists, "relationships", 2, **absent | wanted))) == expected
        first = lists.page("relationships", 2, **absent | wanted)
        assert first["pagination"]["total_count"] == len(expected) > 0


def test_nodes_are_filtered_by_type(lists: Lists) -> None:
    for node_type in lists.types:
        nodes = list(chain(*pages(lists, "nodes", 4, node_type_id=node_type["id"])))
        assert {node["node_type_id"] for node in nodes} == {node_type["id"]}
        total = lists.page("nodes", 1, node_type_id=node_type["id"])["pagination"]["total_count"]
        assert len(nodes) == total == sum(
            node["node_type_id"] == node_type["id"] for node in lists.nodes)


@pytest.mark.parametrize("absent", ["0190163d-8694-739b-aea5-966c26f8ad91", NIL])
@pytest.mark.parametrize("thing, name", [
    ("nodes", "node_type_id"), ("relationships", "source_node_id"),
    ("relationships", "target_node_id"), ("relationships", "relationship_type")])
def test_a_filter_that_names_nothing_gives_an_empty_page(lists: Lists, thing: str, name: str,
                                                         absent: str) -> None:
    assert lists.page(thing, 5, **{name: absent}) == {
        thing: [], "pagination": {"next_page_token": "", "total_count": 0}}


@pytest.mark.parametrize("thing", THINGS[2:])
def test_a_list_of_a_tenant_that_is_not_there_is_not_found(lists: Lists, thing: str) -> None:
    token = lists.page(thing, 1)["pagination"]["next_page_token"]
    for pagination in ({}, {"page_size": 1}):
        refused = refusal(lists.service, f"list_{thing}", tenant_id=str(uuid4()),
                          pagination=pagination)
        assert (refused.code, set(refused.fields)) == (-32001, {"tenant_id"})
    refused = refusal(lists.service, f"list_{thing}", tenant_id=str(uuid4()),
                      pagination={"page_token": token})
    assert refused.code == -32602


def assert_not_a_token(lists: Lists, thing: str, token: str, **more: Any) -> None:
    refused = refusal(lists.service, f"list_{thing}",
                      lists.scope(thing) | more | {"pagination": {"page_token": token}})
    assert (refused.code, refused.reason) == (-32602, "INVALID_PARAMS"), (token, refused.error)
    assert set(refused.fields) == {"pagination.page_token"}


def test_a_token_of_another_list_tenant_or_filter_is_refused(lists: Lists) -> None:
    row = lists.page("relationships", 1)["relationships"][0]
    variants: list[tuple[str, dict[str, Any]]] = [
        *((thing, {}) for thing in THINGS), ("nodes", {"node_type_id": lists.types[0]["id"]}),
        ("nodes", {"node_type_id": lists.types[1]["id"]}),
        *(("relationships", {name: row[name]}) for name in
          ("source_node_id", "target_node_id", "relationship_type"))]
    for thing, more in variants:
        token = lists.page(thing, 1, **more)["pagination"]["next_page_token"]
        for other, others in variants:
            if (other, others) != (thing, more):
                assert_not_a_token(lists, other, token, **others)
    elsewhere = lists.service.tenant()
    for thing in THINGS[2:]:
        token = lists.page(thing, 1)["pagination"]["next_page_token"]
        assert_not_a_token(lists, thing, token, tenant_id=elsewhere["id"])
    lists.service.call("delete_tenant", id=elsewhere["id"])


SHOWN: tuple[dict[str, Any], ...] = (
    {}, {"count": "none"}, {"count": "exact"}, {"fields": ["id"]}, {"filter": {}},
    {"fields": ["data", "id"], "count": "none"})


@pytest.mark.parametrize("walk", [
    {}, {"filter": {"version": 1}}, {"sort": ["id"]},
    {"filter": {"version": 1}, "sort": ["-data.x", "version"]}], ids=str)
@pytest.mark.parametrize("thing", ["nodes", "relationships"])
def test_a_walk_goes_on_whatever_of_each_row_is_given_and_whether_they_are_counted(
        lists: Lists, thing: str, walk: Any) -> None:
    expected = [row["id"] for row in chain(*pages(lists, thing, 4, **walk))]
    for shown, then in product(SHOWN, SHOWN):
        first = lists.page(thing, 4, **shown | walk)
        second = lists.page(thing, 4, first["pagination"]["next_page_token"], **then | walk)
        assert [row["id"] for row in first[thing] + second[thing]] == expected[:8]
        assert ("total_count" in second["pagination"]) is (then.get("count") != "none")


@pytest.mark.parametrize("thing", ["nodes", "relationships"])
def test_a_token_of_another_filter_or_order_is_refused(lists: Lists, thing: str) -> None:
    walks: list[Any] = [{}, {"filter": {"version": 1}}, {"filter": {"version": {"$gt": 0}}},
                        {"sort": ["id"]}, {"sort": ["-id"]}, {"sort": ["data.a"]},
                        {"sort": ["data.b"]}]
    tokens = [lists.page(thing, 1, **walk)["pagination"]["next_page_token"] for walk in walks]
    for place, token in enumerate(tokens):
        for walk in walks[:place] + walks[place + 1:]:
            assert_not_a_token(lists, thing, token, **walk)


@pytest.mark.parametrize("thing", THINGS)
def test_a_token_that_was_tampered_with_is_refused(lists: Lists, thing: str) -> None:
    token = lists.page(thing, 4)["pagination"]["next_page_token"]
    assert re.fullmatch(r"[\w-]+", token, re.ASCII)
    for place, letter in enumerate(token):
        for other in {"A", "_", chr(ord(letter) ^ 1)} - {letter}:
            assert_not_a_token(lists, thing, token[:place] + other + token[place + 1:])
    for wrong in (token[:-1], token[1:], token + "A", token + "=", token + "==", token * 2,
                  f" {token}", token + "\n", token.swapcase(), "é" + token):
        assert_not_a_token(lists, thing, wrong)


@given(st.text(min_size=1, max_size=80))
@settings(derandomize=True, max_examples=40)
def test_garbage_is_no_token(lists: Lists, garbage: str) -> None:
    assert_not_a_token(lists, "nodes", garbage)


@pytest.mark.long
@given(size=st.integers(1, 4), steps=st.lists(st.lists(
    st.tuples(st.sampled_from(["create", "delete", "update"]), st.integers(0, 30)), max_size=4),
    max_size=8))
@settings(derandomize=True, max_examples=25,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_there_during_the_whole_walk_is_seen_once_whatever_comes_and_goes(
        service: Service, size: int, steps: list[list[tuple[str, int]]]) -> None:
    node_type = service.node_type(service.tenant())
    there = [service.node(node_type) for _ in range(9)]
    stayed = {node["id"] for node in there}
    seen: list[str] = []
    token, scope = "", {"tenant_id": node_type["tenant_id"]}
    for writes in chain(steps, iter(list, None)):
        page = service.call("list_nodes", **scope,
                            pagination={"page_size": size, "page_token": token})
        seen += [node["id"] for node in page["nodes"]]
        assert page["pagination"]["total_count"] == len(there)
        if not (token := page["pagination"]["next_page_token"]):
            break
        for verb, place in writes:
            if verb == "create":
                there.append(service.node(node_type))
            elif there:
                node = there[place % len(there)]
                service.call(f"{verb}_node", **scope, id=node["id"])
                if verb == "delete":
                    there.remove(node)
                    stayed.discard(node["id"])
    assert len(seen) == len(set(seen)) and stayed <= set(seen)


def test_a_page_ends_early_when_it_weighs_too_much(new_service: Callable[..., Service]) -> None:
    service = new_service(max_page_bytes=4000)
    node_type = service.node_type(service.tenant())
    weights = [1, 900, 900, 900, 900, 5000, 1, 1, 3000, 3000, 6000, 6000, 1]
    nodes = [service.node(node_type, data={"a": "x" * weight}) for weight in weights][::-1]
    for more in ({}, {"node_type_id": node_type["id"]}):
        token = ""
        walk: list[Any] = []
        while token or not walk:
            page = service.call("list_nodes", tenant_id=node_type["tenant_id"], **more,
                                pagination={"page_size": 100, "page_token": token})
            assert page["pagination"]["total_count"] == len(weights)
            token = page["pagination"]["next_page_token"]
            walk.append(page["nodes"])
        assert list(chain(*walk)) == nodes and len(walk) > 5
        for page in walk:
            assert len(page) == 1 or sum(len(node["data"]["a"]) for node in page) <= 4000


@pytest.mark.parametrize("thing, column", [("tenants", "name"), ("users", "display_name"),
                                           ("node_types", "description")])
def test_long_text_of_an_adopted_database_weighs_too(new_service: Callable[..., Service],
                                                     thing: str, column: str) -> None:
    service = new_service(max_page_bytes=4000)
    tenant = service.tenant()
    scope = {"tenant_id": tenant["id"]} if thing == "node_types" else {}
    for _ in range(4):
        {"tenants": service.tenant, "users": service.user,
         "node_types": lambda: service.node_type(tenant)}[thing]()
    with connect(service.settings) as connection:
        connection.execute(f"UPDATE {thing} SET {column} = repeat('x', 3000)")
    page = service.call(f"list_{thing}", scope)
    assert len(page[thing]) == 1 and page["pagination"]["next_page_token"]


@pytest.mark.parametrize("id", [NIL, "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_the_total_of_a_node_type_is_right_whatever_its_id(service: Service, id: str) -> None:
    tenant = service.tenant()
    node_type, other = service.node_type(tenant, id=id), service.node_type(tenant)
    for made in (node_type, other, other):
        service.node(made)
    for wanted, total in [({"node_type_id": id}, 1), ({"node_type_id": other["id"]}, 2), ({}, 3)]:
        page = service.call("list_nodes", tenant_id=tenant["id"], **wanted)
        assert (len(page["nodes"]), page["pagination"]["total_count"]) == (total, total)


class Large:
    """A tenant with thousands of rows, beside another one that has as many."""

    ROWS = 3000

    def __init__(self, service: Service) -> None:
        self.service = service
        for _ in range(2):
            self.types = [service.node_type(service.tenant())]
            tenant = {"id": self.types[0]["tenant_id"]}
            self.types += [service.node_type(tenant) for _ in range(3)]
            self.nodes = [service.node(node_type) for node_type in self.types]
            self._fill(tenant["id"])

    def _fill(self, tenant_id: str) -> None:
        arguments = {"tenant": tenant_id, "rows": self.ROWS,
                     "types": [node_type["id"] for node_type in self.types],
                     "nodes": [node["id"] for node in self.nodes]}
        with connect(self.service.settings) as connection:
            for table, values in [
                    ("node_types (tenant_id, name", "%(tenant)s, 'Type ' || i"),
                    ("nodes (tenant_id, node_type_id",
                     "%(tenant)s, (%(types)s::uuid[])[i %% 4 + 1]"),
                    ("relationships (tenant_id, source_node_id, target_node_id, relationship_type",
                     "%(tenant)s, (%(nodes)s::uuid[])[i %% 4 + 1], (%(nodes)s::uuid[])[i %% 4 + 1],"
                     "'type ' || i %% 4"),
                    ("users (email, display_name", "gen_random_uuid(), 'Many'"),
                    ("tenants (slug, name", "gen_random_uuid(), 'Many'")]:
                connection.execute(
                    f"INSERT INTO {table}, id, created_at) SELECT {values}, gen_random_uuid(), "
                    "now() - i * interval '1 second' FROM generate_series(1, %(rows)s) i",
                    arguments)
            connection.execute("INSERT INTO tenant_users (tenant_id, user_id) "
                               "SELECT %(tenant)s, u.id FROM users u", arguments)
            connection.execute("ANALYZE")

    def scope(self, thing: str, filter: str | None) -> dict[str, Any]:
        """Return what a list asks for that has no filter, or one."""
        node = self.nodes[1]
        values = node | {"source_node_id": node["id"], "target_node_id": node["id"],
                         "relationship_type": "type 1"}
        wanted = [] if thing in ("tenants", "users") else ["tenant_id"]
        return {name: values[name] for name in wanted + ([filter] if filter else [])}


@pytest.fixture(scope="module")
def large(new_database: Callable[..., Settings]) -> Iterator[Large]:
    service = Service.of(new_database())
    yield Large(service)
    service.close()


INDEXES = [
    ("tenants", None, "tenants_page"), ("users", None, "users_page"),
    ("tenant_users", None, "tenant_users_pkey"), ("node_types", None, "node_types_page"),
    ("nodes", None, "nodes_page"), ("nodes", "node_type_id", "nodes_by_type"),
    ("relationships", None, "relationships_page"),
    ("relationships", "source_node_id", "relationships_by_source"),
    ("relationships", "target_node_id", "relationships_by_target"),
    ("relationships", "relationship_type", "relationships_by_type")]


@pytest.mark.parametrize("generic", [False, True], ids=["custom plan", "generic plan"])
@pytest.mark.parametrize("thing, filter, index", INDEXES)
def test_a_page_is_read_from_its_index_however_deep_in_the_list(
        large: Large, thing: str, filter: str | None, index: str, generic: bool) -> None:
    scope = large.scope(thing, filter)
    token = ""
    for _ in range(2):
        token = large.service.call(f"list_{thing}", scope | {
            "pagination": {"page_size": 300, "page_token": token}})["pagination"]["next_page_token"]
    plans = [run_plan(large.service, f"list_{thing}",
                      scope | {"pagination": {"page_token": token}}, generic)[0]
             for token in ("", token)]
    for plan in plans:
        steps = list(nodes_of(plan))
        assert not [step for step in steps if "Sort" in step["Node Type"]]
        assert index in {step.get("Index Name") for step in steps}
    first, deep = map(pages_read, plans)
    assert deep <= 2 * first + 10


@pytest.mark.parametrize("thing, filter", [(thing, filter) for thing, filter, _ in INDEXES])
def test_pages_of_usual_sizes_are_planned_once(large: Large, thing: str, filter: str | None
                                               ) -> None:
    scope = large.scope(thing, filter)
    token = large.service.call(f"list_{thing}", scope)["pagination"]["next_page_token"]
    asked: list[dict[str, Any]] = [{}, {"page_token": token}]
    statements = [statement_of(large.service, f"list_{thing}", scope | {"pagination": pagination})
                  for pagination in asked]
    assert times_planned(large.service, statements) == [5] * len(statements)
    # The same ones, asked for other rows.
    assert {statement_of(large.service, f"list_{thing}", scope | {"pagination": {"page_size": size}}
                         ).query.text for size in (1, 100)} == {statements[0].query.text}


def test_more_than_a_thousand_rows_count_as_a_thousand(large: Large) -> None:
    page = large.service.call("list_nodes", tenant_id=large.nodes[0]["tenant_id"],
                              pagination={"page_size": 5000})
    assert len(page["nodes"]) == 1000
    assert page["pagination"]["total_count"] == large.ROWS + 4


@pytest.mark.parametrize("kept", ["nothing", "some", "all"])
def test_tenants_and_users_are_counted_where_the_ledger_has_none_of_them(
        new_database: Callable[..., Settings], kept: str) -> None:
    """A database of several servers keeps none."""
    service = Service.of(new_database())
    try:
        for number in range(5):
            service.tenant()
            service.user()
            if kept == "all" or kept == "some" and number == 2:
                with connect(service.settings) as connection:
                    connection.execute("SELECT flexdb_fold_counts(flexdb_nil(), l) "
                                       "FROM unnest(ARRAY['tenants', 'users']) l")
        if kept == "nothing":
            with connect(service.settings) as connection:
                connection.execute("DELETE FROM flexdb_count_changes WHERE list IN "
                                   "('tenants', 'users')")
        for things in ("tenants", "users"):
            assert service.call(f"list_{things}")["pagination"]["total_count"] == 5
    finally:
        service.close()
