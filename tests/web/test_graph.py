"""The graph in the console: what a URL shows, step by step, as tables that need no scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.console import Console

MARKUP = '<img src=x onerror="alert(1)">'


@pytest.fixture
def package(console: Console) -> Any:
    """A node type of a tenant of its own."""
    return console.service.node_type(console.service.tenant(), name="Package")


def around(node: dict[str, Any], query: str = "") -> str:
    return f"/t/{node['tenant_id']}/graph?start={node['id']}{query}"


def nodes(page: str) -> list[str]:
    return re.findall(r'data-node="([^"]+)"', page)


def edges(page: str) -> list[str]:
    return re.findall(r'data-edge="([^"]+)"', page)


def hub(console: Console, node_type: dict[str, Any], leaves: int) -> Any:
    """Return a node that so many others lead to."""
    made = console.service.node(node_type, data={"name": "Hub"})
    of = {"tenant_id": node_type["tenant_id"]}
    there = console.service.call("create_nodes", **of, nodes=[
        {"node_type_id": node_type["id"], "data": {"name": f"Leaf {number}"}}
        for number in range(leaves)])["nodes"]
    console.service.call("create_relationships", **of, relationships=[
        {"source_node_id": one["id"], "target_node_id": made["id"],
         "relationship_type": "release_of"} for one in there])
    return made


@pytest.fixture
def chain(console: Console, package: dict[str, Any]) -> list[Any]:
    """Four nodes, each of which depends on the next; the last one replaces the first."""
    made = [console.service.node(package, data={"name": f"Link {number}"}) for number in range(4)]
    for source, target in zip(made, made[1:]):
        console.service.relationship(source, target)
    console.service.relationship(made[3], made[0], relationship_type="replaces")
    return made


def test_without_a_beginning_it_offers_the_newest_records(
        console: Console, package: dict[str, Any]) -> None:
    url = f"/t/{package['tenant_id']}/graph"
    assert "No record yet" in console.get(url)
    made = console.service.node(package, data={"name": MARKUP})
    page = console.get(url)
    assert f"?start={made['id']}" in page and MARKUP not in page


def test_it_begins_at_a_record_by_its_label(console: Console, chain: list[Any]) -> None:
    page = console.get(f"/t/{chain[0]['tenant_id']}/graph?start=link+1")
    assert set(nodes(page)) == {one["id"] for one in chain[:3]} and len(edges(page)) == 2


def test_a_record_that_is_not_of_the_tenant_is_told_at_its_field(
        console: Console, package: dict[str, Any], chain: list[Any]) -> None:
    elsewhere = console.service.node(console.service.node_type(console.service.tenant()))
    url = f"/t/{package['tenant_id']}/graph?start="
    for start in (elsewhere["id"], "Nothing"):
        page = console.get(url + start, 400)
        assert re.search(r'class="wrong" id="d-start">[^<]+', page) and not nodes(page)
    page = console.get(around(chain[0], f"&to={elsewhere['id']}"), 400)
    assert re.search(r'class="wrong" id="d-to">[^<]+', page) and nodes(page)


def test_everything_that_is_shown_is_escaped(console: Console, package: dict[str, Any]) -> None:
    tenant = {"id": package["tenant_id"]}
    odd = console.service.node_type(tenant, name=MARKUP)
    source, target = (console.service.node(odd, data={"name": MARKUP, MARKUP: MARKUP})
                      for _ in range(2))
    console.service.relationship(source, target, relationship_type=MARKUP)
    for url in (around(source, f"&types={MARKUP}&step={MARKUP}&depth={MARKUP}"),
                f"/t/{tenant['id']}/graph/chosen/{source['id']}"):
        page = console.get(url)
        assert MARKUP not in page and "&lt;img src=x" in page


def test_an_expansion_adds_so_many_the_next_adds_others_and_undo_takes_them_back(
        console: Console, package: dict[str, Any]) -> None:
    made = hub(console, package, 60)
    begun = nodes(console.get(around(made)))
    step = f"&step=expand.{made['id']}.25"
    expanded = console.get(around(made, step))
    assert f'value="expand.{made["id"]}.25"' in expanded and "Undo expanding Hub" in expanded
    again = console.get(around(made, step + step))
    assert [len(begun), len(nodes(expanded)), len(nodes(again))] == [26, 51, 61]
    assert nodes(expanded)[:26] == begun and nodes(again)[:51] == nodes(expanded)
    assert len(set(nodes(again))) == 61 == len(edges(again)) + 1
    assert '<span class="dim">all</span>' in again
    assert nodes(console.get(around(made, f"{step}{step}&step=undo"))) == nodes(expanded)


def test_at_most_300_records_are_shown_and_it_says_so(
        console: Console, package: dict[str, Any]) -> None:
    made = hub(console, package, 310)
    step = f"&size=100&step=expand.{made['id']}.100"
    assert "No more than" not in console.get(around(made, step))
    page = console.get(around(made, 3 * step))
    assert len(nodes(page)) == 300 and "No more than 300 records are" in page
    assert len(edges(page)) == 299 and "disabled" in page


def test_where_one_is_hidden_there_is_room_for_the_next(
        console: Console, package: dict[str, Any]) -> None:
    made = hub(console, package, 310)
    step = f"&size=100&step=expand.{made['id']}.100"
    full = nodes(console.get(around(made, 3 * step)))
    gone = full[7]
    page = console.get(around(made, f"{3 * step}&step=hide.{gone}"))
    assert set(full) - {gone} == set(nodes(page)) and "No more than" not in page
    page = console.get(around(made, f"{3 * step}&step=hide.{gone}{step}"))
    assert len(nodes(page)) == 300 and gone not in nodes(page)


def test_large_relationships_do_not_end_an_expansion(
        new_service: Any) -> None:
    service = new_service(max_page_bytes=20_000)
    console = Console(service, service.app.test_client())
    made = hub(console, service.node_type(service.tenant()), 60)
    for one in service.call("list_relationships", tenant_id=made["tenant_id"],
                            fields=["id"])["relationships"]:
        service.call("update_relationship", tenant_id=made["tenant_id"], id=one["id"],
                     data={"large": "x" * 4000})
    assert len(nodes(console.get(around(made)))) == 26


def test_what_is_hidden_takes_along_what_only_it_joins_with_the_start(
        console: Console, chain: list[Any]) -> None:
    first, second, third, last = (one["id"] for one in chain)
    query = f"&step=expand.{second}.25"
    assert set(nodes(console.get(around(chain[0], query)))) == {first, second, third, last}
    query += f"&step=hide.{last}&step=hide.{second}"
    page = console.get(around(chain[0], query))
    assert nodes(page) == [first] and not edges(page) and "Undo hiding" in page
    # The one that it begins at stays.
    assert first in nodes(console.get(around(chain[0], f"&step=hide.{first}")))


def test_direction_types_and_depth_choose_what_is_followed(
        console: Console, chain: list[Any]) -> None:
    def shown(query: str) -> list[int]:
        there = nodes(console.get(around(chain[0], query)))
        return sorted(place for place, one in enumerate(chain) if one["id"] in there)

    assert shown("") == [0, 1, 3]
    assert shown("&direction=out") == [0, 1] and shown("&direction=in") == [0, 3]
    assert shown("&types=replaces") == [0, 3] and shown("&types=nothing") == [0]
    assert shown("&direction=out&depth=2") == [0, 1, 2]
    assert shown("&direction=out&depth=3&types=depends_on") == [0, 1, 2, 3]


def test_what_is_shown_is_joined_by_all_there_is_between(
        console: Console, chain: list[Any]) -> None:
    between = console.service.relationship(chain[3], chain[1], relationship_type="mentions")
    page = console.get(around(chain[0]))
    assert between["id"] in edges(page) and len(nodes(page)) == 3
    assert between["id"] not in edges(console.get(around(chain[0], "&types=depends_on")))


def test_a_shortest_way_is_marked(console: Console, chain: list[Any]) -> None:
    page = console.get(around(chain[0], f"&direction=out&types=depends_on&to={chain[3]['id']}"))
    assert "A shortest way has 3 relationships." in page
    marked = re.findall(r'data-node="([^"]+)"[^>]* data-path', page)
    assert set(marked) == {one["id"] for one in chain}
    assert len(re.findall(r'data-edge="[^"]+"[^>]* data-path', page)) == 3
    page = console.get(around(chain[0], f"&direction=in&types=depends_on&to={chain[3]['id']}"))
    assert "No way of at most 10 relationships" in page and "data-path" not in page


def test_a_record_that_is_gone_breaks_no_link_to_what_was_expanded(
        console: Console, chain: list[Any]) -> None:
    console.service.call("delete_node", tenant_id=chain[1]["tenant_id"], id=chain[1]["id"])
    page = console.get(around(chain[0], f"&step=expand.{chain[1]['id']}.25"))
    assert set(nodes(page)) == {chain[0]["id"], chain[3]["id"]}


def test_what_a_url_may_not_say_counts_as_absent(console: Console, chain: list[Any]) -> None:
    odd = ("&size=9999&depth=x&direction=up&step=expand.x.25&step=hide&step=expand.."
           f"&step=expand.{chain[1]['id']}.7&step=undo")
    assert nodes(console.get(around(chain[0], odd))) == nodes(console.get(around(chain[0])))


def test_where_no_further_step_is_taken_it_says_so(console: Console, chain: list[Any]) -> None:
    step = f"&step=expand.{chain[0]['id']}.25"
    told = "No further step is taken"
    assert told not in console.get(around(chain[0], 59 * step))
    page = console.get(around(chain[0], 61 * step))
    assert told in page and page.count('type="hidden" name="step"') == 60
    # An id may be written in capitals.
    upper = f"&step=hide.{chain[1]['id'].upper()}"
    assert chain[1]["id"] not in nodes(console.get(around(chain[0], upper)))
    tenant = chain[0]["tenant_id"]
    assert nodes(console.get(f"/t/{tenant}/graph?start={chain[0]['id'].upper()}"))


def test_the_chosen_record_is_told_to_the_digit(
        console: Console, package: dict[str, Any]) -> None:
    text = '{"name": "Exact", "large": 123456789012345678901234567890, "price": 10.00}'
    made = console.service.node(package, data=text)
    console.service.relationship(made, made)
    part = console.get(f"/t/{package['tenant_id']}/graph/chosen/{made['id']}")
    assert "123456789012345678901234567890" in part and "10.00" in part
    assert part.count("depends_on <b>1</b>") == 2


def test_who_may_see_a_part_sees_the_graph_and_the_relationships_of_that_part(
        console: Console, package: dict[str, Any]) -> None:
    call, of = console.service.call, {"tenant_id": package["tenant_id"]}
    secret_type = console.service.node_type({"id": of["tenant_id"]}, name="Hidden type")
    start, beside = (console.service.node(package, data={"name": name})
                     for name in ("Start", "Beside"))
    hidden = console.service.node(secret_type, data={"name": "Not for all"})
    for one in (beside, hidden):
        console.service.relationship(start, one)
    call("create_role", of | {"name": "part", "grants": [
        {"node_type_id": package["id"], "read": True, "write": True}]})
    key = call("create_key", of | {"name": "A key", "role": "part"})["key"]
    tenant = f"/t/{of['tenant_id']}"
    for url in (around(start, f"&step=expand.{hidden['id']}.25&to={beside['id']}"),
                f"{tenant}/relationships", f"{tenant}/nodes/{start['id']}/relationships",
                f"{tenant}/find?q=", f"{tenant}/graph", f"{tenant}/graph/chosen/{start['id']}",
                f"{tenant}/relationships/new?target_node_id={start['id']}"):
        response = console.client.get(f"/console{url}", headers={
            "Authorization": f"Bearer {key['secret']}"})
        assert response.status_code == 200, response.text
        assert "Start" in response.text and "Not for all" not in response.text, url
    to = around(start, f"&to={hidden['id']}")
    response = console.client.get(f"/console{to}", headers={
        "Authorization": f"Bearer {key['secret']}"})
    assert response.status_code == 400 and "Not for all" not in response.text
