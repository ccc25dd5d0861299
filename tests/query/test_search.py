"""Full text: what a search finds, in which order, and what it says of where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.documents.declarations import LANGUAGES
from tests.support import transfers
from tests.support.plans import nodes_of, run_plan
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


def schema(*members: str, language: str | None = None) -> dict[str, Any]:
    """Return a schema that declares members as searched."""
    said = {"x-search-language": language} if language else {}
    return {"properties": {name: {"x-search": True} for name in members}, **said}


class Corpus:
    """Nodes of one type, by their titles."""

    def __init__(self, service: Service, *titles: str, language: str | None = None) -> None:
        self.service, self.tenant = service, service.tenant()
        self.type = service.node_type(self.tenant, schema=schema("title", language=language))
        self.nodes = [self.add(title) for title in titles]

    def add(self, title: str, **data: Any) -> Any:
        """Make a node."""
        return self.service.node(self.type, data={"title": title, **data})

    def page(self, search: str, **params: Any) -> Any:
        """Return a page of what a search finds."""
        return self.service.call("list_nodes", {
            "tenant_id": self.tenant["id"], "search": search, **params})

    def titles(self, search: str, **params: Any) -> list[str]:
        """Return the titles that a search finds."""
        return [node["data"]["title"] for node in self.page(search, **params)["nodes"]]


@pytest.fixture(scope="module")
def letters(service: Service) -> Corpus:
    return Corpus(service, "alpha beta", "beta gamma", "gamma alpha beta", "delta-alpha, beta!",
                  "alphabet")


@pytest.mark.parametrize(("search", "found"), [
    ("beta", {0, 1, 2, 3}),
    ("BETA alpha", {0, 2, 3}),
    ('"alpha beta"', {0, 2, 3}),
    ('"beta gamma"', {1}),
    ("“beta gamma”", {1}),
    ('"beta gamma', {1}),
    ("beta -alpha", {1}),
    ('beta -"gamma alpha" -delta', {0, 1}),
    ("delta or gamma alpha", {2, 3}),
    ("DELTA OR alphabet", {3, 4}),
    ("or delta or", {3}),
    ('"or"', set()),
    ("alpha*", {0, 2, 3, 4}),
    ("alph", set()),
    ("delta-alph*", {3}),
    ("delta-alpha", {3}),
    ("alpha-delta", set()),
    ("alpha 🎉 ???", {0, 2, 3}),
    ("omega", set()),
])
def test_words_phrases_alternatives_exclusions_and_beginnings(
        letters: Corpus, search: str, found: set[int]) -> None:
    page = letters.page(search)
    ids = [node["id"] for node in letters.nodes]
    assert {ids.index(node["id"]) for node in page["nodes"]} == found
    assert page["pagination"] == {"next_page_token": "", "total_count": len(found)}
    assert all(node in letters.nodes for node in page["nodes"])


@pytest.mark.parametrize(("title", "searches"), [
    ("Café crème", ["cafe", "CAFÉ", "cafe\u0301", "Creme", "crè*"]),
    ("cafe", ["café", "CAFE\u0301"]),
    ("Straße nach Łódź", ["strasse", "STRASSE", "STRAẞE", "lodz", "łódź"]),
    ("НОВЫЙ дом", ["новый", "Новый", "НОВЫЙ ДОМ", "новыи"]),
    ("Ὀδυσσεύς ΟΔΟΣ", ["οδυσσευς", "ΟΔΥΣΣΕΥΣ", "οδος", "οδοσ"]),
    ("İstanbul ışık", ["istanbul", "ISIK", "isik"]),
    ("Երեւան", ["ԵՐԵՒԱՆ"]),
    ("Æsop's œuvre", ["aesop", "ÆSOP", "oeuvre"]),
    ("ＡＢＣ ﬁne m²", ["abc", "fine", "m2"]),
    ("soft\u00adhyphen", ["softhyphen"]),
    ("東京都庁の本", ["東京", "京都", "東京都庁", "庁", "の本", "都庁 本"]),
    ("iPhone東京2024年", ["iphone", "東京", "2024", "年", "iPhone東京"]),
    ("パーティー ﾃｽﾄ", ["パーティー", "ティ", "テスト", "ﾃｽﾄ"]),
    ("한국어를 배우다", ["한국어", "국어", "배우"]),
    ("สวัสดีครับ", ["สวัสดี", "ครับ", "ดีค"]),
    ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
    ("שָׁלוֹם", ["שלום"]),
    ("e-mail: a.b@example.org v1.2.3", [
        "mail e", "e-mail", "example.org", "a.b@example.org", "v1.2.3"]),
])
def test_case_accents_and_scripts_without_spaces(
        service: Service, title: str, searches: list[str]) -> None:
    corpus = Corpus(service, title, "something else", "東 京 และ")
    for search in searches:
        assert title in corpus.titles(search), search
    assert "something else" not in {found for search in searches
                                    for found in corpus.titles(search)}


@pytest.mark.parametrize(("title", "search"), [
    ("東京都", "京東"), ("東京都", "都京"), ("東都京", "東京"), ("สวัสดี", "ดีส"), ("パス", "スパ"),
    ("café", "caf"), ("новый", "нов")])
def test_what_does_not_stand_there_is_not_found(service: Service, title: str, search: str) -> None:
    assert Corpus(service, title).titles(search) == []


def test_a_type_has_a_language_and_a_search_over_all_types_knows_each(service: Service) -> None:
    english = Corpus(service, "Writing reports", "the of and", language="english")
    german = service.node_type(english.tenant, schema=schema("title", language="german"))
    service.node(german, data={"title": "Die Häuser"})
    plain = service.node_type(english.tenant, schema=schema("title"))
    service.node(plain, data={"title": "reports of the Häuser"})
    assert english.titles("report") == ["Writing reports"]
    assert sorted(english.titles("reports")) == ["Writing reports", "reports of the Häuser"]
    assert sorted(english.titles("haus or häuser")) == ["Die Häuser", "reports of the Häuser"]
    assert english.titles("haus") == ["Die Häuser"]
    assert english.titles("write the") == ["Writing reports"]
    # A word that a language leaves out finds nothing in it.
    assert english.titles("the") == ["reports of the Häuser"]
    assert english.titles("the", node_type_id=english.type["id"]) == []
    assert english.titles("the -report", node_type_id=english.type["id"]) == []
    assert english.titles("reports", node_type_id=plain["id"]) == ["reports of the Häuser"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_that_is_told_is_there(service: Service, language: str) -> None:
    corpus = Corpus(service, "Xylophon 42", language=language)
    assert corpus.titles("xylophon 42") == ["Xylophon 42"]


def test_a_language_that_is_not_there_is_refused_with_those_that_are(service: Service) -> None:
    at_the_top = "/x-search-language must be one of simple, arabic, "
    for schema, told in [
            *(({"x-search-language": wrong}, at_the_top)
              for wrong in ("klingon", "English", "", 1, True, ["english"])),
            ({"properties": {"a": {"x-search-language": "english"}}},
             "/properties/a/x-search-language may stand at the top alone")]:
        error = refusal(service, "create_node_type", tenant_id=service.tenant()["id"],
                        name="Type", schema=schema)
        assert told in error.fields["schema"][0]


def test_of_a_language_that_another_program_stored_words_are_taken_as_they_are(
        service: Service) -> None:
    corpus = Corpus(service, "Reports")
    with connect(service.settings) as connection:
        connection.execute(
            """UPDATE node_types SET schema = schema || '{"x-search-language": "klingon"}'
               WHERE id = %s""", [corpus.type["id"]])
        connection.execute("""INSERT INTO nodes (id, tenant_id, node_type_id, data)
                              VALUES (gen_random_uuid(), %s, %s, '{"title": "Reports again"}')""",
                           [corpus.tenant["id"], corpus.type["id"]])
    assert len(corpus.titles("reports")) == 2


def test_the_best_comes_first_and_pages_go_on_where_the_last_one_ended(service: Service) -> None:
    corpus = Corpus(service, *(" ".join(["word"] * count + ["other"] * 3)
                               for count in (1, 3, 2, 1, 3, 2, 1)))
    whole = corpus.page("word")["nodes"]
    counts = [node["data"]["title"].count("word") for node in whole]
    assert counts == sorted(counts, reverse=True) and len(whole) == 7
    # Of those that are equally good, the newest.
    assert all(one["id"] > other["id"] for one, other in zip(whole, whole[1:])
               if one["data"] == other["data"])
    for more in ({}, {"filter": {"version": 1}}, {"node_type_id": corpus.type["id"]}):
        seen: list[Any] = []
        token = ""
        while True:
            page = corpus.page("word", pagination={"page_size": 2, "page_token": token}, **more)
            assert page["pagination"]["total_count"] == 7
            seen += page["nodes"]
            if not (token := page["pagination"]["next_page_token"]):
                break
        assert seen == whole
    first = corpus.page("word", pagination={"page_size": 2})["pagination"]["next_page_token"]
    with pytest.raises(RpcError, match="is not a token of this list"):
        corpus.page("other", pagination={"page_token": first})


def test_it_combines_with_what_else_a_list_is_asked(service: Service) -> None:
    corpus = Corpus(service)
    for number in range(6):
        corpus.add(f"word {number}", n=number)
        corpus.add(f"other {number}", n=number)
    assert corpus.titles("word", filter={"data.n": {"$gte": 3}}, sort=["-data.n"]) == [
        "word 5", "word 4", "word 3"]
    page = corpus.page("word", filter={"data.n": {"$lt": 2}}, fields=["data.n"], count="none")
    assert page == {"nodes": [{"data": {"n": 1}}, {"data": {"n": 0}}],
                    "pagination": {"next_page_token": ""}}
    page = corpus.page("word -0", pagination={"page_size": 2}, sort=["data.n"])
    assert [node["data"]["n"] for node in page["nodes"]] == [1, 2]
    page = corpus.page("word -0", pagination={
        "page_size": 3, "page_token": page["pagination"]["next_page_token"]}, sort=["data.n"])
    assert [node["data"]["n"] for node in page["nodes"]] == [3, 4, 5]
    assert page["pagination"] == {"next_page_token": "", "total_count": 5}


def test_what_is_found_brings_its_neighbours_along_and_may_be_asked_for_by_them(
        service: Service) -> None:
    corpus = Corpus(service, "word one", "word two", "another")
    one, _, other = corpus.nodes
    service.relationship(one, other, relationship_type="near")
    found, = corpus.page("word", highlights="offsets", fields=["id"],
                         filter={"$related": {"type": "near", "direction": "out"}},
                         expand={"near": {"direction": "out", "fields": ["id"]}})["nodes"]
    assert found["id"] == one["id"] and found["highlights"]
    assert [node["id"] for node in found["expanded"]["near"]["nodes"]] == [other["id"]]
    plain = corpus.page("one", expand={"near": {"direction": "out"}}, explain=True)
    assert plain["nodes"][0]["expanded"] and plain["explain"]["page"]["indexes"]
    told = refusal(service, "list_nodes", tenant_id=corpus.tenant["id"], search="word",
                   related_to={"node": one["id"]})
    assert told.fields == {"related_to": ["may not stand beside search"]}


def test_highlights_are_the_places_of_the_words(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant, schema={
        "x-search-language": "english",
        "properties": {"title": {"x-search": True}, "tags": {"x-search": True},
                       "a": {"properties": {"b.c": {"x-search": True}}}}})
    node = service.node(node_type, data={
        "title": "🎉🎉 Cafe\u0301 — writing, written: report-reports! 東京都庁と京都 naïve",
        "tags": ["report", 7, ["report"], "no", "a Report"], "a": {"b.c": "REPORT"},
        "body": "report"})

    def told(search: str, **more: Any) -> Any:
        found, = service.call("list_nodes", tenant_id=tenant["id"], search=search,
                              highlights="offsets", **more)["nodes"]
        texts = {"data.title": node["data"]["title"], "data.tags.0": "report",
                 "data.tags.4": "a Report", 'data.a."b.c"': "REPORT"}
        return [(place["path"], place["start"],
                 texts[place["path"]][place["start"]:][:place["length"]])
                for place in found["highlights"]]

    assert told("report") == [
        ('data.a."b.c"', 0, "REPORT"), ("data.tags.0", 0, "report"), ("data.tags.4", 2, "Report"),
        ("data.title", 29, "report"), ("data.title", 36, "reports")]
    assert told("cafe write", fields=["id"]) == [
        ("data.title", 3, "Cafe\u0301"), ("data.title", 11, "writing")]
    assert told('"東京都" or 京 -nothing') == [
        ("data.title", 45, "東京都"), ("data.title", 50, "京都")]
    assert told("京都") == [("data.title", 46, "京都"), ("data.title", 50, "京都")]
    assert told("nai* -absent") == [("data.title", 53, "naïve")]
    assert told("writing") == [("data.title", 11, "writing")]
    page = service.call("list_nodes", tenant_id=tenant["id"], search="report")
    assert "highlights" not in page["nodes"][0]
    many = service.node(node_type, data={"title": "zebra " * 500})
    found, = service.call("list_nodes", tenant_id=tenant["id"], search="zebra",
                          highlights="offsets")["nodes"]
    assert found.pop("highlights") == [
        {"path": "data.title", "start": 6 * number, "length": 5} for number in range(100)]
    assert found == many
    with pytest.raises(RpcError, match="highlights says where the words of search stand"):
        service.call("list_nodes", tenant_id=tenant["id"], highlights="offsets")


HOSTILE = ["&", "|", "!", "a & b", "a | !b", "(a", "a)", "a <-> b", "a:*", "'a", "''", "a\\", "\\",
           "a\\'b", "$1", "%s", "%(search)s", "{found}", ":*", "a:AB", "*", "**", "a**", '"a*"',
           '""', '"', '" "', "-", "--a", "-a*", "- a", "or", "or or", "-or", "a or -b", '-"',
           "\x01a", "\u2028a", "a\u200db", "\u0301", "\U0001f600", "🎉", "\ufffd", "\uffff a",
           "a" * 255, "ア" * 255, "e" + "\u0301\u0316" * 127, "ﷺ" * 30,
           "\U0001f468\u200d\U0001f4bb x", " ".join("abcdefghijklmnopqrstuvwxyz012345")]


@pytest.mark.parametrize("search", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_searched_for_is_found_or_refused_as_having_no_word(
        letters: Corpus, search: str) -> None:
    try:
        found = letters.page(search, highlights="offsets")["nodes"]
    except RpcError as error:
        (told,) = error.fields["search"]
        assert "has no word to look for" in told
        assert not re.search(r"(?<![-\w])[a-z0-9]", search.lower().replace("or", ""))
    else:
        assert found == [] or re.search(r"a\W*\*$", search)


@pytest.mark.parametrize(("search", "wrong"), [
    ("word " * 10_000, "may have at most 255 characters, not 50000"),
    (" ".join("abcdefghijklmnopqrstuvwxyz0123456"), "may have at most 32 words and phrases"),
    ("-alpha", "has no word to look for"), ("-alpha or -beta", "has no word to look for"),
    ("   ", "may not be blank"), ("a\0b", "may not contain the character U+0000")])
def test_what_says_too_much_or_nothing_is_refused(
        letters: Corpus, search: str, wrong: str) -> None:
    if letters.service.door == "rest" and len(search) > 5000:
        pytest.skip("a URL is not that long")
    with pytest.raises(RpcError, match=re.escape(wrong)):
        letters.page(search)


def test_where_nothing_is_searched_that_is_said(service: Service) -> None:
    tenant = service.tenant()
    plain = service.node_type(tenant)
    for more in ({}, {"node_type_id": plain["id"]}):
        told = refusal(service, "list_nodes", tenant_id=tenant["id"], search="word", **more)
        assert "declared with x-search" in told.fields["search"][0]
    searched = service.node_type(tenant, schema=schema("title"))
    for more in ({}, {"node_type_id": searched["id"]}):
        assert service.call("list_nodes", tenant_id=tenant["id"], search="word", **more)[
            "nodes"] == []
    unknown = "01a208bc-3d00-7d5c-861e-e1a8d0a9b837"
    assert refusal(service, "list_nodes", tenant_id=unknown, search="word").reason == "NOT_FOUND"


def test_what_a_type_declares_holds_for_the_nodes_that_are_there(service: Service) -> None:
    corpus = Corpus(service, "Reports")
    corpus.add("x", body="Reports too")
    key = {"tenant_id": corpus.tenant["id"], "id": corpus.type["id"]}
    assert corpus.titles("report") == []
    service.call("update_node_type", **key, schema=schema("title", "body", language="english"))
    assert sorted(corpus.titles("report")) == ["Reports", "x"]
    service.call("update_node_type", **key, schema=schema("body", language="english"))
    assert corpus.titles("report") == ["x"]
    service.call("update_node_type", **key, schema=None)
    with pytest.raises(RpcError, match="declared with x-search"):
        corpus.titles("report")


def test_a_phrase_does_not_go_on_from_one_text_to_the_next(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant, schema=schema("tags", "title"))
    service.node(node_type, data={"tags": ["one two", "three"], "title": "four"})
    for search, found in (('"one two"', 1), ('"two three"', 0), ('"three four"', 0),
                          ("one two three four", 1)):
        assert len(service.call("list_nodes", tenant_id=tenant["id"], search=search)["nodes"]
                   ) == found


@pytest.mark.long
def test_text_that_is_too_long_is_stored_and_found_by_its_beginning(service: Service) -> None:
    corpus = Corpus(service)
    kanji = "".join(chr(0x4E00 + place * 7919 % 20000) for place in range(250_000))
    for place, text in enumerate((
            kanji, " ".join(map(str, range(150_000))), "\u0e38\u0e48" * 100_000,
            "a" + "\u0301" * 50_000 + "\u0316" * 50_000, "\ufdfa" * 100_000, "'\\ " * 200_000,
            "x" * 900_000, "\U0001f600" * 100_000)):
        corpus.add(f"begin{place} {text} ende{place}")
    assert [len(corpus.page(f"begin{place}", fields=["id"])["nodes"]) for place in range(8)] == [
        1] * 8
    assert corpus.page("ende0")["nodes"] == []
    assert len(corpus.page(kanji[20_000:20_004], fields=["id"])["nodes"]) == 1


def test_an_import_brings_its_words_along(
        service: Service, new_database: Callable[..., Settings]) -> None:
    lines = transfers.small()
    lines[3]["node_type"]["schema"] = schema("title", language="english")
    for line in lines:
        if "node" in line:
            line["node"]["data"]["title"] = f"Reports of {line['node']['data']['n']}"
    other = Service.of(new_database(), service.door)
    transfers.taken(other.settings, transfers.written(lines))
    found = other.call("list_nodes", tenant_id=transfers.TENANT, search="report 2")["nodes"]
    other.close()
    assert [node["data"]["title"] for node in found] == ["Reports of 2"]


@pytest.fixture(scope="module")
def crowd(new_database: Callable[..., Settings]) -> Iterator[tuple[Service, str]]:
    """A tenant of 1,000 nodes among 300 with 20, in all of which the same words stand."""
    service = Service.of(new_database())
    tenant = service.tenant()
    with connect(service.settings) as connection:
        connection.execute("""
            INSERT INTO tenants (id, slug, name)
            SELECT gen_random_uuid(), 'other-' || i, 'Other' FROM generate_series(1, 300) i""")
        connection.execute("""
            INSERT INTO node_types (tenant_id, id, name, schema)
            SELECT t.id, gen_random_uuid(), 'Task', '{"properties": {"title": {"x-search": true}}}'
            FROM tenants t""")
        connection.execute("""
            INSERT INTO nodes (tenant_id, id, node_type_id, data)
            SELECT nt.tenant_id, gen_random_uuid(), nt.id,
                   jsonb_build_object('title', 'task ' || i || ' of ' || i %% 10)
            FROM node_types nt
            CROSS JOIN LATERAL generate_series(
                1, CASE nt.tenant_id WHEN %s THEN 1000 ELSE 20 END) i""", [tenant["id"]])
        connection.execute("VACUUM ANALYZE")
    yield service, tenant["id"]
    service.close()


@pytest.mark.long
@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
@pytest.mark.parametrize("more", [{}, {"filter": {"data.title": {"$ne": "x"}}}],
                         ids=["plain", "filter"])
def test_the_index_serves_and_reads_no_entry_of_another_tenant(
        crowd: tuple[Service, str], generic: bool, more: dict[str, Any]) -> None:
    service, tenant_id = crowd
    for search, rows in (("7", 100), ("task 77", 1), ("77* or 78", 12), ("omega", 0)):
        plan, (items, *_) = run_plan(
            service, "list_nodes", {"tenant_id": tenant_id, "search": search, **more}, generic)
        scans = list(nodes_of(plan))
        read = [scan for scan in scans if scan.get("Index Name") == "flexdb_search_words"]
        # The page and its total look together, or each once where what is found is filtered.
        assert [scan["Actual Rows"] for scan in read] == [rows] * (2 if more else 1)
        # What they look for is written once.
        assert [scan.get("Subplan Name") for scan in scans].count("CTE asked") == 1
        assert not any(scan["Node Type"] == "Seq Scan" and scan["Relation Name"] in (
            "nodes", "flexdb_search") for scan in scans)
        assert len(items) == min(rows, 10)


@pytest.mark.long
def test_what_is_found_is_counted_up_to_ten_thousand(crowd: tuple[Service, str]) -> None:
    service, _ = crowd
    tenant = service.tenant()
    node_type = service.node_type(tenant, schema=schema("title"))
    with connect(service.settings) as connection:
        connection.execute("""
            INSERT INTO nodes (tenant_id, id, node_type_id, data)
            SELECT %s, gen_random_uuid(), %s, jsonb_build_object('title', 'w ' || i)
            FROM generate_series(1, 10001) i""", [tenant["id"], node_type["id"]])
    for search, total in (("w", None), ("w -1", 10_000)):
        for more in ({}, {"filter": {"version": 1}}):
            page = service.call("list_nodes", tenant_id=tenant["id"], search=search, **more)
            assert page["pagination"].get("total_count") == total and len(page["nodes"]) == 10
