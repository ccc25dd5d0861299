"""What a coordinator of Citus tells of what one of its workers refused: words, but no names."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from flexdb.db.contracts import breaks_contract
from flexdb.db.sqlstate import clashes_of, to_error

# Says again what was refused, as another server would.
AGAIN = """DO $again$
DECLARE
    state text;
    words text;
    detail text;
    hint text;
BEGIN
    {refused};
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = words, DETAIL = detail, HINT = hint;
END $again$"""
RELATE = ("INSERT INTO relationships (tenant_id, id, relationship_type, source_node_id,"
          " target_node_id) VALUES ('{tenant}', '{id}', '{kind}', '{source}', '{target}')")
CONTRACT = ("INSERT INTO flexdb_relationship_types (tenant_id, id, name, {rule}) VALUES"
            " ('{tenant}', gen_random_uuid(), '{kind}', {value})")


class Given:
    """A tenant with three nodes, each with a title of its own, and a relationship of two."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.tenant, self.type, self.free = uuid4(), uuid4(), uuid4()
        self.kind = 'of "constraint \\"flexdb_contract_kept\\""'
        self.nodes: list[UUID] = []
        connection.execute("INSERT INTO tenants (id, name, slug) VALUES (%s, 'Some', %s)",
                           [self.tenant, str(self.tenant)])
        for of_type, schema in ((self.type, '{"properties": {"title": {"x-unique": true}}}'),
                                (self.free, None)):
            connection.execute("INSERT INTO node_types (tenant_id, id, name, schema)"
                               " VALUES (%s, %s, %s, %s)",
                               [self.tenant, of_type, str(of_type), schema])
        for title in range(3):
            self.node(self.type, title)
        self.edge = self.relate(self.kind, 0, 1)

    def node(self, of_type: UUID, title: int) -> int:
        """Make a node and return its place among them."""
        self.nodes.append(uuid4())
        self._connection.execute(
            "INSERT INTO nodes (tenant_id, id, node_type_id, data)"
            " VALUES (%s, %s, %s, jsonb_build_object('title', %s::int))",
            [self.tenant, self.nodes[-1], of_type, title])
        return len(self.nodes) - 1

    def relate(self, kind: str, source: int, target: int) -> UUID:
        edge = uuid4()
        self._connection.execute(self.related(kind, source, target, edge).encode())
        return edge

    def related(self, kind: str, source: int, target: int, edge: UUID | None = None) -> str:
        return RELATE.format(tenant=self.tenant, id=edge or uuid4(), kind=kind,
                             source=self.nodes[source], target=self.nodes[target])

    def contract(self, rule: str, value: str) -> str:
        return CONTRACT.format(rule=rule, value=value, tenant=self.tenant, kind=self.kind)

    def bind(self, rule: str, value: str) -> None:
        self._connection.execute(self.contract(rule, value).encode())

    def refusal(self, statement: str) -> tuple[psycopg.Error, dict[str, Any]]:
        """Return what is refused, and that the answer is the same from another server."""
        told = []
        for text in (statement, AGAIN.format(refused=statement)):
            with pytest.raises(psycopg.Error) as refused:
                self._connection.execute(text.encode())
            error = to_error(refused.value)
            assert error is not None, refused.value
            told.append(error.to_json())
        assert refused.value.diag.constraint_name is None
        assert told[0] == told[1]
        return refused.value, told[1]["data"]


@pytest.fixture
def given(connection: psycopg.Connection) -> Given:
    return Given(connection)


def test_what_only_one_may_have_is_told_with_who_has_it(given: Given) -> None:
    error, told = given.refusal(
        f"UPDATE nodes SET data = '{{\"title\": 0}}' WHERE tenant_id = '{given.tenant}'"
        f" AND id = '{given.nodes[1]}'")
    assert told["reason"] == "ALREADY_EXISTS"
    assert [(clash.id, clash.other) for clash in clashes_of(error)] == [
        (str(given.nodes[1]), str(given.nodes[0]))]


@pytest.mark.parametrize(("rule", "value", "source", "target", "field"), [
    ("cardinality", "'n:1'", 0, 2, "source_node_id"),
    ("cardinality", "'1:n'", 2, 1, "target_node_id"),
    ("unique_pair", "true", 0, 1, "target_node_id"),
    ("acyclic", "true", 1, 0, "target_node_id"),
])
def test_a_contract_that_is_broken_is_told_at_its_field(given: Given, rule: str, value: str,
                                                        source: int, target: int, field: str
                                                        ) -> None:
    given.bind(rule, value)
    edge = uuid4()
    error, told = given.refusal(given.related(given.kind, source, target, edge))
    assert breaks_contract(error)
    assert [*told["fields"]] == [field] and told["relationship_id"] == str(edge)


def test_a_type_that_may_not_be_at_an_end_is_told_with_those_that_may(given: Given) -> None:
    given.bind("source_node_type_ids", f"ARRAY['{given.type}'::uuid]")
    outside = given.node(given.free, 3)
    _, told = given.refusal(given.related(given.kind, outside, 0))
    assert told["fields"] == {"source_node_id": [f"must be of node type {given.type}"]}


def test_what_was_changed_is_told_where_that_breaks_a_contract(given: Given) -> None:
    given.bind("cardinality", "'n:1'")
    edge = given.relate("free", 0, 2)
    _, told = given.refusal(f"UPDATE relationships SET relationship_type = '{given.kind}'"
                            f" WHERE tenant_id = '{given.tenant}' AND id = '{edge}'")
    assert [*told["fields"]] == ["relationship_type"]


def test_what_keeps_a_node_is_told(given: Given) -> None:
    given.bind("on_delete", "'restrict'")
    error, told = given.refusal(f"DELETE FROM nodes WHERE tenant_id = '{given.tenant}'"
                                f" AND id = '{given.nodes[1]}'")
    assert breaks_contract(error) and told["relationship_id"] == str(given.edge)


def test_what_breaks_a_contract_that_is_made_is_told(given: Given) -> None:
    given.relate(given.kind, 0, 2)
    _, told = given.refusal(given.contract("cardinality", "'n:1'"))
    assert len(told["broken_by"]) == 1
