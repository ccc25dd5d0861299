"""Queries: how much of each object is given, how much is counted, and how they are sent."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flexdb.sql.pages import page_query
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors
DATA = {"title": "A", "none": None, "a": {"b": {"c": 1, "d": 2}, "e": []}, "list": [{"f": 1}]}


@pytest.fixture
def node(service: Service) -> Any:
    return service.node(service.node_type(service.tenant()), data=DATA)


@pytest.mark.parametrize("fields, shape", [
    (["id"], {}), (["data"], {"data": DATA}), (["data.title", "data"], {"data": DATA}),
    (["data.title"], {"data": {"title": "A"}}), (["data.none"], {"data": {"none": None}}),
    (["data.missing"], {"data": {}}), (["data.missing.b"], {"data": {}}),
    (["data.a.b.c", "data.a.e"], {"data": {"a": {"b": {"c": 1}, "e": []}}}),
    (["data.a.b.c", "data.a.b"], {"data": {"a": {"b": {"c": 1, "d": 2}}}}),
    (["data.a.b", "data.a.b.c"], {"data": {"a": {"b": {"c": 1, "d": 2}}}}),
    (["data.a.x"], {"data": {"a": {}}}), (["data.title.x", "data.list.x"], {"data": {}})], ids=str)
def test_fields_give_these_members_in_their_shape(service: Service, node: Any, fields: list[str],
                                                  shape: dict[str, Any]) -> None:
    listed = service.call("list_nodes", tenant_id=node["tenant_id"],
                          fields=[*fields, "created_at", "id"])
    assert listed["nodes"] == [{"id": node["id"]} | shape | {"created_at": node["created_at"]}]


def test_fields_of_relationships_and_json_fields_as_string(service: Service, node: Any) -> None:
    edge = service.relationship(node, node, data=DATA)
    response: Any = service.app.test_client().get(
        f"/tenants/{node['tenant_id']}/relationships",
        query_string={"fields": "version,data.a.b.c,relationship_type"},
        headers={"Prefer": "json-fields=string"})
    assert response.json["relationships"] == [
        {"relationship_type": "depends_on", "data": '{"a": {"b": {"c": 1}}}', "version": 1}]
    assert edge["data"] == DATA


@pytest.mark.parametrize("fields, place", [
    (["id", "nmae"], "fields.1"), (["id.a"], "fields.0"), (["data..a"], "fields.0"),
    ([f"data.{place}" for place in range(51)], "fields.50")], ids=lambda value: str(value)[:40])
def test_wrong_fields_are_refused_with_their_place(service: Service, fields: list[str], place: str
                                                   ) -> None:
    refused = refusal(service, "list_nodes", tenant_id=service.tenant()["id"], fields=fields)
    assert refused.code == -32602 and list(refused.fields) == [place]


def test_the_widest_and_deepest_fields_are_given(service: Service, node: Any) -> None:
    fields = ["data." + ".".join(["a"] * 18 + [str(place)]) for place in range(50)]
    listed = service.call("list_nodes", tenant_id=node["tenant_id"], fields=fields)
    assert listed["nodes"] == [{"data": {"a": {}}}]


def test_what_is_not_counted_has_no_total(service: Service, node: Any) -> None:
    for query in ({}, {"filter": {"data.title": "A"}}, {"sort": ["id"]}, {"fields": ["id"]}):
        params = {"tenant_id": node["tenant_id"]} | query
        assert service.call("list_nodes", params)["pagination"] == {
            "next_page_token": "", "total_count": 1}
        assert service.call("list_nodes", params | {"count": "none"})["pagination"] == {
            "next_page_token": ""}
    assert "exact or none" in str(refusal(service, "list_nodes", params | {"count": "some"}))


def test_a_filter_goes_with_the_list_s_own_filters_and_stays_in_its_tenant(service: Service,
                                                                           node: Any) -> None:
    tenant = {"id": node["tenant_id"]}
    other = service.node(service.node_type(tenant), data=DATA)
    service.node(service.node_type(service.tenant()), data=DATA)
    anything = {"$or": [{"data.title": "A"}, {"id": {"$exists": True}}]}
    listed = service.call("list_nodes", tenant_id=tenant["id"], filter=anything)
    assert listed["nodes"] == [other, node] and listed["pagination"]["total_count"] == 2
    listed = service.call("list_nodes", tenant_id=tenant["id"], filter=anything,
                          node_type_id=other["node_type_id"])
    assert listed["nodes"] == [other] and listed["pagination"]["total_count"] == 1
    refused = refusal(service, "list_nodes", filter=anything,
                      tenant_id="01a208bc-3d00-7d5c-861e-e1a8d0a9b837")
    assert refused.code == -32001


def test_a_query_is_taken_in_the_body_of_a_post_too(service: Service, node: Any) -> None:
    client: Any = service.app.test_client()
    url = f"/tenants/{node['tenant_id']}/nodes"
    service.node({"tenant_id": node["tenant_id"], "id": node["node_type_id"]}, data=DATA)
    query = {"filter": {"data.title": "A"}, "sort": ["data.title"], "fields": ["id", "data.title"],
             "count": "exact"}
    posted = client.post(f"{url}/query", json=query | {"pagination": {"page_size": 1}})
    asked = client.get(url, query_string={
        "filter": orjson.dumps(query["filter"]), "sort": "data.title", "fields": "id,data.title",
        "count": "exact", "page_size": 1})
    assert posted.status_code == asked.status_code == 200
    assert posted.data == asked.data and "Location" not in posted.headers
    assert posted.json["pagination"]["total_count"] == 2
    token = posted.json["pagination"]["next_page_token"]
    assert client.post(f"{url}/query", json=query | {
        "pagination": {"page_token": token}}).json["nodes"]
    wrong = client.post(f"{url}/query", json={"pagination": {"page_size": 0}})
    assert (wrong.status_code, list(wrong.json["error"]["data"]["fields"])) == (
        400, ["pagination.page_size"])
    assert client.get(f"{url}/query").status_code == 405


def test_queries_do_not_push_the_plain_lists_out_of_the_cache(service: Service, node: Any) -> None:
    service.call("list_nodes", tenant_id=node["tenant_id"])
    before = page_query.cache_info()
    for size in range(1, 40):
        service.call("list_nodes", tenant_id=node["tenant_id"],
                     filter={"$and": [{"data.a": {"$gt": 1}}] * size})
    assert page_query.cache_info().currsize == before.currsize
