"""Operators on texts: case in every language, patterns, and how long they may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from flexdb.query.texts import BEYOND_CASES
from tests.support import postgres
from tests.support.postgres import connect, drop_database
from tests.support.refusals import refusal
from tests.support.service import Service, request

pytestmark = pytest.mark.both_doors

TITLES = ["100% sure_thing", "Straße", "STRASSE", "STRAẞE", "İstanbul", "istanbul", "ıstanbul",
          "ΟΔΟΣ", "οδος", "οδοσ", "Ünal", "ünal", "line one\nline two", r"C:\temp", ""]


@pytest.fixture(scope="module")
def titles(service: Service) -> Any:
    node_type = service.node_type(service.tenant())
    for title in TITLES:
        service.node(node_type, data={"title": title})
    service.node(node_type, data={"title": ["Straße"]})
    service.node(node_type, data={"title": 100})
    return node_type


@pytest.mark.parametrize("operator, value, found", [
    ("$contains", "tra", ["Straße"]), ("$contains", "0% s", ["100% sure_thing"]),
    ("$contains", "s_", []), ("$contains", "", TITLES),
    ("$contains", "Straße", ["Straße", ["Straße"]]), ("$icontains", "TRAß", ["Straße"]),
    ("$icontains", "strass", ["STRASSE"]),
    ("$icontains", "E_T", ["100% sure_thing"]), ("$icontains", "e.t", []),
    ("$istartswith", "i", ["istanbul"]), ("$istartswith", "İ", ["İstanbul"]),
    ("$istartswith", "I", ["istanbul"]), ("$istartswith", "ı", ["ıstanbul"]),
    ("$iendswith", "δος", ["ΟΔΟΣ", "οδος", "οδοσ"]), ("$iendswith", "ΟΣ", ["ΟΔΟΣ", "οδος", "οδοσ"]),
    ("$istartswith", "Ü", ["Ünal", "ünal"]), ("$endswith", "two", ["line one\nline two"]),
    ("$iendswith", "ONE", []), ("$istartswith", "LINE TWO", []), ("$endswith", "", TITLES),
    ("$icontains", "c:\\T", [r"C:\temp"]), ("$icontains", "", TITLES),
    ("$regex", "^(?:Ü|ü)nal$", ["Ünal", "ünal"]), ("$regex", "(?i)^ISTAN", ["istanbul"]),
    ("$regex", r"^\d+%", ["100% sure_thing"]), ("$regex", "e$", ["Straße"])])
def test_texts_are_found_by_what_they_have(
        service: Service, titles: dict[str, Any], operator: str, value: str, found: list[Any]
) -> None:
    listed = service.call("list_nodes", tenant_id=titles["tenant_id"], pagination={"page_size": 50},
                          filter={"data.title": {operator: value}})
    assert [node["data"]["title"] for node in listed["nodes"]] == found[::-1]
    listed = service.call("list_nodes", tenant_id=titles["tenant_id"], count="exact",
                          filter={"data.title": {"$not": {operator: value}}})
    assert listed["pagination"]["total_count"] == len(TITLES) + 2 - len(found)


@pytest.mark.parametrize("operator", [
    "$contains", "$icontains", "$startswith", "$istartswith", "$endswith", "$iendswith", "$regex"])
def test_a_column_of_text_is_looked_at_as_texts_in_data_are(service: Service, operator: str
                                                            ) -> None:
    node_type = service.node_type(service.tenant())
    edge = service.relationship(service.node(node_type), service.node(node_type),
                                relationship_type="a_b")
    for value, is_found in (("a_b", True), ("a.b", operator == "$regex"), ("x", False)):
        listed = service.call("list_relationships", tenant_id=edge["tenant_id"],
                              filter={"relationship_type": {operator: value}})
        assert listed["relationships"] == [edge] * is_found


def test_no_letter_that_has_cases_is_left_out() -> None:
    assert not [letter for letter in map(chr, range(BEYOND_CASES, 0x110000))
                if len({letter.lower(), letter.upper(), letter.casefold()}) > 1]


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_case_is_heeded_as_far_as_the_encoding_of_the_database_goes(
        server: Postgresql, encoding: str) -> None:
    settings = postgres.settings_of(server, f"texts_in_{encoding.lower()}")
    with connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute(f"CREATE DATABASE {settings.db_name} ENCODING '{encoding}' "
                           "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'".encode())
    migrate(settings)
    service = Service.of(settings)
    node_type = service.node_type(service.tenant())
    service.node(node_type, data={"title": "xkÅÄµÿsx"})
    for operator, value in (("$icontains", "Kåäµÿs"), ("$istartswith", "XKå"),
                            ("$iendswith", "ÿSX"), ("$regex", "Å(?:Ä|ä)")):
        listed = service.call("list_nodes", tenant_id=node_type["tenant_id"],
                              filter={"data.title": {operator: value}})
        assert listed["pagination"]["total_count"] == 1, operator
    service.close()
    drop_database(settings)


SLOW = "^(.+)(.+)(.+)(.+)\\4\\3\\2\\1$"


@pytest.fixture(scope="module")
def hasty(new_database: Callable[..., Settings]) -> Iterator[tuple[Service, dict[str, Any]]]:
    service = Service.of(new_database(filter_timeout=0.05))
    node_type = service.node_type(service.tenant())
    service.node(node_type, data={"title": "a" * 500 + "c"})
    yield service, node_type
    service.close()


@pytest.mark.parametrize("method, given", [
    ("list_nodes", {}), ("list_nodes", {"count": "none"}), ("delete_nodes", {"max_affected": 1})])
def test_a_pattern_that_takes_its_time_is_given_up(
        hasty: tuple[Service, dict[str, Any]], method: str, given: dict[str, Any]) -> None:
    service, node_type = hasty
    asked = {"tenant_id": node_type["tenant_id"], **given}
    refused = refusal(service, method, asked | {"filter": {"data.title": {"$regex": SLOW}}})
    assert (refused.reason, "$regex" in str(refused)) == ("DEADLINE_EXCEEDED", True)
    # What comes behind it in the same transaction has its own time again.
    replies = service.batch([
        request("list_nodes", {"tenant_id": node_type["tenant_id"],
                               "filter": {"data.title": {"$regex": pattern}}}, id=place)
        for place, pattern in enumerate(("^a", "(", SLOW, "c$"))])
    assert [reply.get("error", {}).get("data", {}).get("reason") for reply in replies] == [
        None, "INVALID_PARAMS", "DEADLINE_EXCEEDED", None]
