"""Lists that page by themselves, and the tables that are made of them."""

from __future__ import annotations

from typing import Any

import pytest

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient


@pytest.fixture
def filled(acme: TenantClient) -> TenantClient:
    acme.type("Task", schema={"properties": {"title": {"x-search": True}}})
    acme.load("Task", [{"title": f"Task {n}", "n": n, "id": f"<b>{n}"} for n in range(25)])
    return acme


def test_a_list_is_read_as_far_as_somebody_looks(
        filled: TenantClient, db: fx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    call = fx.Client.call

    def noted(self: fx.Client, name: str, params: object = None, **more: object) -> object:
        asked.append(params)
        return call(self, name, params, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(fx.Client, "call", noted)
    found = filled.nodes("Task", where={"data.n": {"$gte": 3}}, sort="-data.n")
    asked.clear()
    pages = found.pages(10)
    assert [one["n"] for one in next(pages)] == [*range(24, 14, -1)] and len(asked) == 1
    assert [len(page) for page in pages] == [10, 2] and len(asked) == 3
    assert [one["n"] for one in found] == [*range(24, 2, -1)]
    first = found.first()
    assert first and first["n"] == 24 and found.count() == 22 and len(found.all()) == 22


def test_a_list_can_be_searched_and_bring_neighbors_along(filled: TenantClient) -> None:
    one = filled.nodes("Task", search="Task 7").first()
    other = filled.nodes("Task", where={"data.n": 8}).first()
    assert one and other and one["n"] == 7
    one.relate("depends_on", other)
    (found,) = filled.nodes(where={"id": one.id}, expand={"needs": {"type": "depends_on"}})
    assert found.node["expanded"]["needs"]["nodes"][0]["id"] == other.id
    assert [near.id for near in filled.nodes(related_to={"node": one.id})] == [other.id]
    assert filled.nodes(where={"data.n": -1}).first() is None
    assert filled.relationships(relationship_type="depends_on", target=other).count() == 1


@pytest.mark.long
def test_a_list_becomes_a_table(filled: TenantClient) -> None:
    found = filled.nodes("Task", sort="data.n")
    frame, table = found.to_dataframe(), found.to_polars()
    for columns in (list(frame.columns), table.columns):
        assert columns[:4] == ["id", "version", "created_at", "updated_at"]
        assert set(columns[4:]) == {"title", "n", "data.id"}
    assert list(frame["n"]) == table["n"].to_list() == list(range(25))
    one = found.first()
    assert one
    edge: dict[str, Any] = {**one.relate("next", one, {"id": 7, "why": "x"})}
    (row,) = filled.relationships().to_polars().to_dicts()
    assert row == {name: edge[name] for name in edge.keys() - {"data", "tenant_id"}} | {
        "data.id": 7, "why": "x"}
    none = filled.nodes(where={"data.n": -1})
    assert none.to_dataframe().empty and none.to_polars().is_empty()


def test_a_record_in_a_notebook_is_a_table_in_which_nothing_runs(filled: TenantClient) -> None:
    record = filled.create("Task", {"title": "<script>alert(1)</script>", "<i>": "x" * 200})
    shown = record._repr_html_()
    assert shown.startswith("<table>") and "<script>" not in shown and "<i>" not in shown
    assert "x" * 60 not in shown and record.id in shown
    assert repr(filled.nodes()) == "<List of nodes, of which all() gives all>"
    page = next(filled.nodes(sort="data.n").pages(3))
    assert page._repr_html_().count("<tr>") == 4 and "&lt;b&gt;2" in page._repr_html_()
    edge = record.relate("of", record)
    assert edge["id"] in filled.relationships().all()._repr_html_()
