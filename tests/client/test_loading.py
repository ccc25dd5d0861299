"""Many rows: in chunks, with what is refused told row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

import flexdb.client as fx
from flexdb.client.loading import LoadReport
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.service import Service

SCHEMA: dict[str, Any] = {"properties": {"n": {"type": "integer"}}, "x-unique": [["n"]]}


def test_rows_become_nodes_and_pairs_relationships_in_their_order(acme: TenantClient) -> None:
    acme.type("Number")
    done: list[int] = []
    report = acme.load("Number", ({"n": n} for n in range(25)), chunk=10,
                       progress=lambda report: done.append(report.created))
    assert (done, report.created, report.refused) == ([10, 20, 25], 25, [])
    nodes = acme.nodes("Number", sort="data.n").all()
    assert [one.id for one in nodes] == report.ids
    edges = acme.load_relationships(
        (one, "before", other) for one, other in zip(report.ids, report.ids[1:]))
    assert edges.created == acme.relationships(relationship_type="before").count() == 24
    path = acme.path(nodes[0], nodes[9], depth=20)
    assert path is not None and [one["data"]["n"] for one in path.nodes] == list(range(10))


def test_rows_that_are_refused_are_told_and_the_others_created(acme: TenantClient) -> None:
    acme.type("Number", schema=SCHEMA)
    acme.create("Number", {"n": 3})
    rows: list[dict[str, Any]] = [{"n": n} for n in range(10)]
    rows[4], rows[7] = {"n": "four"}, {"n": 7.5}
    report = acme.load("Number", rows, chunk=5, on_error="collect")
    assert sorted(one.place for one in report.refused) == [3, 4, 7] and report.created == 7
    assert {one.place: list(one.problems) for one in report.refused}[4] == ["data"]
    assert all(rows[one.place] is one.row for one in report.refused)
    assert [place for place, id in enumerate(report.ids) if id is None] == [3, 4, 7]
    assert acme.nodes("Number").count() == 8


def test_a_row_that_is_refused_ends_it_where_nothing_else_is_said(acme: TenantClient) -> None:
    acme.type("Number", schema=SCHEMA)
    with pytest.raises(fx.InvalidParams, match="nodes.1"):
        acme.load("Number", [{"n": 1}, {"n": 2}, {"n": 3}, {"n": "x"}], chunk=2)
    assert acme.nodes("Number").count() == 2
    with pytest.raises(ValueError, match="1 to 10,000"):
        acme.load("Number", [], chunk=0)
    assert acme.load("Number", []).created == 0


def test_rows_are_created_once_though_the_answer_is_larger_than_it_may_be(
        new_service: Callable[..., Service]) -> None:
    inside = httpx2.WSGITransport(app=new_service(max_answer_bytes=65536, max_page_bytes=65536).app)
    with fx.connect("http://localhost", http=httpx2.Client(transport=inside)) as db:
        acme = db.tenant("acme", create=True)
        acme.type("Number")
        report = acme.load("Number", [{"n": n} for n in range(500)])
        assert report.created == acme.nodes("Number").count() == 500


def test_a_row_that_is_too_large_by_itself_is_told_and_the_others_created(
        new_service: Callable[..., Service]) -> None:
    inside = httpx2.WSGITransport(app=new_service(max_body_bytes=65536).app)
    with fx.connect("http://localhost", http=httpx2.Client(transport=inside)) as db:
        acme = db.tenant("acme", create=True)
        acme.type("Text")
        rows = [{"text": "x" * size} for size in (1, 100_000, 2, 3)]
        report = acme.load("Text", rows, on_error="collect")
        assert report.created == acme.nodes("Text").count() == 3
        (refused,) = report.refused
        assert refused.place == 1 and isinstance(refused.error, fx.TooLarge)
        assert "at most 65536 bytes" in refused.problems[""][0]
        with pytest.raises(fx.TooLarge):
            acme.load("Text", rows)


@pytest.mark.long
@pytest.mark.longest
def test_a_chunk_that_is_too_large_is_halved(acme: TenantClient) -> None:
    acme.type("Text")
    rows = [{"text": "x" * 900_000} for _ in range(24)]
    report: LoadReport = acme.load("Text", rows)
    assert report.created == acme.nodes("Text").count() == 24
