"""Each statement is about one tenant, and PostgreSQL can tell from its arguments alone.

The tables of tenants stand in parts here, by tenant. So they would on several servers, where what
touches one part is run by one of them: and where the tenant is no constant, a part is left out by
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.sql import loader
from tests.support.parts import TABLES, split, touched
from tests.support.postgres import connect
from tests.support.queries import all_queries

# How JSON is written changes nothing.
ALL = all_queries(("value",))
# What goes over all tenants, and why.
OF_ALL = {
    # Whose it is, or of whom, is what is asked.
    "find_key", "find_memberships", "find_claimed",
    # What a worker counted, tells or asks of many tenants at once.
    "add_usage", "look_at_changes", "list_own_limits",
    # Whoever delivers looks at once for whom there is something to do; and what is too old goes.
    "find_due_webhooks", "remove_ended_deliveries",
    # Numbers for who runs the service.
    "list_usage", "tenant_sizes", "upkeep_figures", "webhook_figures",
}


@pytest.fixture(scope="module")
def connection(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    with connect(new_database()) as connection:
        split(connection)
        yield connection


@pytest.mark.parametrize("sql", ALL, ids=lambda sql: ALL[sql].name)
def test_a_statement_touches_one_part(connection: psycopg.Connection, sql: str) -> None:
    plans = touched(connection, ALL[sql])
    parts = [sorted(name for name in plan if name.rpartition("_")[0] in TABLES) for plan in plans]
    numbers = [{name.rpartition("_")[2] for name in plan} for plan in parts]
    assert (max(map(len, numbers)) > 1) is (ALL[sql].name in OF_ALL), parts
    # All of its tables stood in the plans.
    named = set(re.findall(rf"(?:FROM|JOIN|UPDATE) ({'|'.join(TABLES)})\b", sql))
    assert named <= {name.rpartition("_")[0] for plan in parts for name in plan}


@pytest.mark.parametrize("sql", [
    "SELECT n.id FROM nodes n WHERE n.id = %(id)s",
    "DELETE FROM nodes n USING node_types f WHERE f.tenant_id = %(tenant_id)s AND n.id = %(id)s",
    "WITH f AS MATERIALIZED (SELECT n.tenant_id, n.id FROM nodes n WHERE n.tenant_id ="
    " %(tenant_id)s) DELETE FROM nodes n USING f WHERE n.tenant_id = f.tenant_id AND n.id = f.id",
    "SELECT (SELECT count(*) FROM relationships r WHERE r.tenant_id = n.tenant_id"
    " AND r.id = n.id) FROM nodes n WHERE n.tenant_id = %(tenant_id)s",
    "SELECT n.id FROM nodes n WHERE n.tenant_id = ANY (%(ids)s::uuid[] || %(tenant_id)s::uuid)"])
def test_a_statement_whose_tenant_is_no_constant_touches_several(
        connection: psycopg.Connection, sql: str) -> None:
    plans = touched(connection, loader.make_query("one", sql))
    assert max(len({name.rpartition("_")[2] for name in plan}) for plan in plans) > 1


def test_every_section_is_among_the_statements() -> None:
    """None of the files is passed by: neither a statement, nor a list, nor a frame of others."""
    text = "\n".join(ALL)
    names = {query.name for query in ALL.values()}
    whole = {section.name for section in loader._SECTIONS
             if section.kind in ("read", "lock", "write", "late", "list")}
    assert whole <= names
    for section in loader._SECTIONS:
        # Those of the whole database are a command's, of all tenants.
        if section.kind in ("export", "clear") and not section.object:
            assert loader.number(loader.expand(section.text, "value", {}), {}).decode() in ALL
        elif section.kind == "frame":
            # Its longest words that are no slot.
            words = max(re.split(r"\{\w+\}|%\(\w+\)s", section.text), key=len).strip()
            assert words in text, section.name
