"""What is searched is what the nodes say, however they were written and whatever types became."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from flexdb.config import Settings
from tests.support.postgres import connect
from tests.support.service import Service
from tests.support.writers import Writers

STORED = """
    SELECT s.tenant_id, s.node_type_id, s.node_id, ARRAY(
        SELECT substr(l.lexeme, 9) FROM unnest(s.words) l WHERE starts_with(
            l.lexeme, flexdb_search_code(s.tenant_id, s.node_type_id)))
    FROM flexdb_search s"""


@pytest.fixture
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database())
    yield service
    service.close()


def expected(connection: psycopg.Connection[Any]) -> dict[Any, set[str]]:
    """Return the words of every node, read from nodes and schemas alone."""
    found: dict[Any, set[str]] = {}
    for tenant, type, node, data, schema in connection.execute(
            """SELECT n.tenant_id, n.node_type_id, n.id, n.data, nt.schema FROM nodes n
               JOIN node_types nt ON nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id"""):
        members = [name for name, said in ((schema or {}).get("properties") or {}).items()
                   if said["x-search"]]
        values = [(data or {}).get(name) for name in members]
        items = [value if isinstance(value, list) else [value] for value in values]
        texts = [text for listed in items for text in listed if isinstance(text, str)]
        plain = " ".join(texts).lower().replace("ü", "u").replace("ï", "i")
        if words := set(re.findall(r"[a-z0-9]+", plain)):
            found[tenant, type, node] = words
    return found


def stored(connection: psycopg.Connection[Any]) -> dict[Any, set[str]]:
    """Return the words that are kept of every node."""
    return {(tenant, type, node): set(words)
            for tenant, type, node, words in connection.execute(STORED.encode())}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_the_words_are_those_of_the_nodes_after_any_writes(service: Service, seed: int) -> None:
    writers = Writers(service, random.Random(seed))
    with connect(service.settings) as connection:
        for _ in range(80):
            writers.write(connection)
            assert stored(connection) == expected(connection)


def test_what_goes_takes_its_words_along(service: Service) -> None:
    writers = Writers(service, random.Random(5))
    with connect(service.settings) as connection:
        for _ in range(30):
            writers.write(connection)
        assert stored(connection)
        service.call("delete_tenant", id=writers.tenant["id"])
        assert stored(connection) == {}


def test_of_two_tenants_with_the_same_ids_each_finds_its_own(service: Service) -> None:
    ids = {name: str(UUID(int=number)) for number, name in enumerate(("type", "node"), 1)}
    tenants = [service.tenant() for _ in range(2)]
    for tenant, title in zip(tenants, ("mine", "yours")):
        node_type = service.node_type(tenant, id=ids["type"],
                                      schema={"properties": {"title": {"x-search": True}}})
        service.node(node_type, id=ids["node"], data={"title": f"{title} both"})
    for search in ("both", "both -absent", "bo*"):
        for tenant, title in zip(tenants, ("mine", "yours")):
            page = service.call("list_nodes", tenant_id=tenant["id"], search=search)
            assert [node["data"]["title"] for node in page["nodes"]] == [f"{title} both"]
            assert page["pagination"]["total_count"] == 1
    assert service.call("list_nodes", tenant_id=tenants[0]["id"], search="yours")["nodes"] == []
