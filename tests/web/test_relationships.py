"""Relationships in the console: found by what their records are called, made, changed, undone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Console, Site

MARKUP = '<img src=x onerror="alert(1)">'
LONG = '{"exact": 123456789012345678901234567890, "price": 10.00}'


@pytest.fixture
def task(console: Console) -> Any:
    """A node type of a tenant of its own."""
    return console.service.node_type(console.service.tenant(), name="Task")


def of(thing: dict[str, Any]) -> str:
    return f"/t/{thing['tenant_id']}/relationships"


def undo(console: Console, page: str) -> str:
    """Send the form that takes back what a page says was done, and return where it leads."""
    action = re.search(r'role="status">.*?action="/console([^"]+)"(.*?)</form>', page, re.S)
    assert action, page
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', action.group(2)))
    return console.followed(console.post(action.group(1), fields))


def test_a_list_calls_the_ends_by_their_labels_and_escapes_them(
        console: Console, task: dict[str, Any]) -> None:
    source = console.service.node(task, data={"title": MARKUP})
    target = console.service.node(task, data={"remark": "Second"})
    console.service.relationship(source, target, relationship_type=MARKUP, data={"a": MARKUP})
    page = console.get(of(task))
    assert MARKUP not in page and page.count("&lt;img src=x") >= 3
    assert f'/nodes/{target["id"]}">Second</a>' in page


def test_a_list_is_narrowed_by_type_and_by_what_its_ends_are_called(
        console: Console, task: dict[str, Any]) -> None:
    first, second, third = (console.service.node(task, data={"title": title})
                            for title in ("First", "Second", "Third"))
    kept = console.service.relationship(first, second, relationship_type="blocks")
    others = [console.service.relationship(first, third, relationship_type="blocks"),
              console.service.relationship(first, second)]
    page = console.get(
        f"{of(task)}?relationship_type=blocks&source_node_id={first['id']}&target_node_id=seCond")
    assert kept["id"] in page and not any(one["id"] in page for one in others)


def test_a_list_goes_on_where_its_page_ended_and_keeps_its_filter(
        console: Console, task: dict[str, Any]) -> None:
    hub, end = console.service.node(task), console.service.node(task)
    made = [console.service.relationship(hub, end)["id"] for _ in range(52)]
    console.service.relationship(end, hub, relationship_type="other")
    page = console.get(f"{of(task)}?relationship_type=depends_on")
    (following,) = re.findall(r'rel="next" href="/console([^"]+)"', page)
    rest = console.get(following.replace("&amp;", "&"))
    shown = [set(re.findall(r'relationships/([0-9a-f-]{36})"', text)) for text in (page, rest)]
    assert [len(one) for one in shown] == [50, 2] and set.union(*shown) == set(made)


def test_two_records_are_related_by_their_labels(console: Console, task: dict[str, Any]) -> None:
    first = console.service.node(task, data={"title": "Lay bricks"})
    second = console.service.node(task, data={"name": "Mix mortar"})
    page = console.followed(console.post(f"{of(task)}/new", {
        "source_node_id": "lay bricks", "target_node_id": second["id"],
        "relationship_type": "depends_on", "data": LONG}))
    assert "Related Lay bricks to Mix mortar" in page and "→ to" in page
    (made,) = console.service.call("list_relationships", tenant_id=task["tenant_id"]
                                   )["relationships"]
    assert (made["source_node_id"], made["target_node_id"]) == (first["id"], second["id"])
    assert "123456789012345678901234567890" in console.get(f"{of(task)}/{made['id']}")


def test_a_form_that_is_sent_twice_relates_once(console: Console, task: dict[str, Any]) -> None:
    source, target = (console.service.node(task, data={"title": title}) for title in "AB")
    page = console.get(f"{of(task)}/new?source_node_id={source['id']}")
    (id,) = re.findall(r'name="id" value="([^"]+)"', page)
    form = {"id": id, "source_node_id": source["id"], "target_node_id": target["id"],
            "relationship_type": "depends_on"}
    for _ in range(2):
        assert "Related A to B" in console.followed(console.post(f"{of(task)}/new", form))
    (made,) = console.service.call("list_relationships", tenant_id=task["tenant_id"]
                                   )["relationships"]
    assert made["id"] == id
    # One that is another's already is no repetition: the next try has an id of its own.
    page = console.post(f"{of(task)}/new", form | {"relationship_type": "other"}, status=409).text
    assert f'name="id" value="{id}"' not in page


def test_a_label_that_several_have_is_asked_about_and_nothing_typed_is_lost(
        console: Console, task: dict[str, Any]) -> None:
    twins = [console.service.node(task, data={"title": "Twin"}) for _ in range(2)]
    form: dict[str, Any] = {"source_node_id": "Twin", "target_node_id": twins[0]["id"],
                            "relationship_type": "depends_on", "data": '{"kept": 1}'}
    page = console.post(f"{of(task)}/new", form, status=400).text
    assert all(f'type="radio" name="source_node_id" value="{one["id"]}"' in page for one in twins)
    assert "{&#34;kept&#34;: 1}" in page and 'value="depends_on"' in page
    # Where a choice was made, it comes behind what was typed.
    form["source_node_id"] = ["Twin", twins[1]["id"]]
    console.post(f"{of(task)}/new", form)


def test_a_record_of_another_tenant_is_refused_at_its_field(
        console: Console, task: dict[str, Any]) -> None:
    elsewhere = console.service.node(console.service.node_type(console.service.tenant()),
                                     data={"title": "Elsewhere"})
    own = console.service.node(task)
    for typed, told in ((elsewhere["id"], "Names no target node"),
                        ("Elsewhere", "none is called so")):
        page = console.post(f"{of(task)}/new", {
            "source_node_id": own["id"], "target_node_id": typed,
            "relationship_type": "depends_on"}, status=404 if typed != "Elsewhere" else 400).text
        assert re.search(rf'class="wrong" id="d-target_node_id">[^<]*{told}', page)
        assert f'value="{typed}"' in page
    assert not console.service.call("list_relationships", tenant_id=task["tenant_id"]
                                    )["relationships"]


def test_what_is_left_out_is_told_at_its_field(console: Console, task: dict[str, Any]) -> None:
    page = console.post(f"{of(task)}/new", {}, status=400).text
    assert page.lower().count("say which record") == 4


def test_what_a_type_does_not_let_stand_is_told_at_data(
        console: Console, task: dict[str, Any]) -> None:
    tenant = {"id": task["tenant_id"]}
    console.service.relationship_type(tenant, name="since", schema={
        "properties": {"year": {"type": "integer"}}})
    ends = {"source_node_id": console.service.node(task)["id"],
            "target_node_id": console.service.node(task)["id"], "relationship_type": "since"}
    for data, told in (('{"year": "x"}', "/year: "), ("{year", "must hold JSON text"),
                       ("[1]", "must be a JSON object")):
        page = console.post(f"{of(task)}/new", ends | {"data": data}, status=400).text
        assert re.search(rf'class="wrong" id="d-data">[^<]*{told}', page)


@pytest.fixture
def since(console: Console, task: dict[str, Any]) -> Any:
    """A contract whose schema asks for a year."""
    return console.service.relationship_type({"id": task["tenant_id"]}, name="since", schema={
        "properties": {"year": {"type": "integer", "title": "The year"},
                       "note": {"type": "string"}}, "required": ["year"]})


def test_a_type_with_a_schema_has_its_data_asked_for_by_fields(
        console: Console, task: dict[str, Any], since: dict[str, Any]) -> None:
    form = {"source_node_id": console.service.node(task)["id"],
            "target_node_id": console.service.node(task)["id"], "relationship_type": "since"}
    page = console.post(f"{of(task)}/new", form | {"do": "fields", "data": '{"note": "kept"}'},
                        status=200).text
    assert "The year" in page and "kept</textarea>" in page
    assert 'name="fields_of" value="since"' in page
    filled = form | {"fields_of": "since", "object:": "1", "/note": "n"}
    page = console.post(f"{of(task)}/new", filled | {"/year": "x"}, status=400).text
    assert re.search(r'id="f-/year"[^>]*aria-invalid="true"', page)
    page = console.post(f"{of(task)}/new", filled, status=400).text
    assert "must be filled in" in page
    large = "123456789012345678901234567890"
    console.post(f"{of(task)}/new", filled | {"/year": large})
    (made,) = console.service.call("list_relationships", tenant_id=task["tenant_id"]
                                   )["relationships"]
    page = console.get(f"{of(task)}/{made['id']}")
    assert f'value="{large}"' in page and 'name="data"' not in page
    page = console.followed(console.post(f"{of(task)}/{made['id']}", filled | {
        "/year": large, "/note": "other", "version": "1"}))
    assert f'value="{large}"' in page and "other</textarea>" in page
    assert "Saved." in page


def test_what_changes_nothing_says_so(console: Console, task: dict[str, Any]) -> None:
    made = console.service.relationship(console.service.node(task), console.service.node(task),
                                        data={"a": 1})
    page = console.followed(console.post(f"{of(task)}/{made['id']}", {
        "relationship_type": "depends_on", "version": "1", "data": '{"a": 1}'}))
    there = console.service.call("get_relationship", tenant_id=made["tenant_id"], id=made["id"])
    assert ("Nothing was changed." in page) == (there["relationship"]["version"] == 1)


def test_data_is_changed_to_the_digit_and_taken_back(
        console: Console, task: dict[str, Any]) -> None:
    made = console.service.relationship(console.service.node(task), console.service.node(task),
                                        data={"before": True})
    url = f"{of(task)}/{made['id']}"
    page = console.followed(console.post(url, {
        "relationship_type": "depends_on", "version": "1", "data": LONG}))
    assert "123456789012345678901234567890" in page and "10.00" in page
    assert "before" in undo(console, page)


def test_a_change_to_what_is_another_by_now_shows_both(
        console: Console, task: dict[str, Any]) -> None:
    made = console.service.relationship(console.service.node(task), console.service.node(task))
    console.service.call("update_relationship", tenant_id=made["tenant_id"], id=made["id"],
                         data={"theirs": 1})
    page = console.post(f"{of(task)}/{made['id']}", {
        "relationship_type": "depends_on", "version": "1", "data": '{"mine": 1}'}, 412).text
    assert "{&#34;mine&#34;: 1}</textarea>" in page and "&#34;theirs&#34;: 1" in page
    assert 'name="version" value="2"' in page


def test_one_that_was_deleted_comes_back(console: Console, task: dict[str, Any]) -> None:
    source = console.service.node(task)
    made = console.service.relationship(source, console.service.node(task), data={"kept": 1})
    page = console.followed(console.post(f"{of(task)}/{made['id']}/delete",
                                         {"node": source["id"]}))
    assert "Related to nothing yet" in page
    assert "kept" in undo(console, page)


def test_a_record_shows_both_sides_and_how_much_there_is(
        console: Console, task: dict[str, Any]) -> None:
    middle, other = (console.service.node(task, data={"title": title})
                     for title in ("Middle", MARKUP))
    for _ in range(3):
        console.service.relationship(middle, other)
    console.service.relationship(other, middle, relationship_type=MARKUP)
    url = f"/t/{task['tenant_id']}/nodes/{middle['id']}/relationships"
    page = console.get(url)
    assert MARKUP not in page and "depends_on <b>3</b>" in page
    assert page.count("→ to") == 3 and page.count("← from") == 1
    page = console.get(f"{url}?direction=in")
    assert page.count("→ to") == 0 and page.count("← from") == 1
    assert "None" not in console.get(f"{url}?direction=in&relationship_type=depends_on")


def test_records_are_found_by_a_part_of_their_label_and_by_their_id(
        console: Console, task: dict[str, Any]) -> None:
    made = console.service.node(task, data={"title": f"Zebra {MARKUP}"})
    url = f"/t/{task['tenant_id']}/find"
    for words in ("ZEB", made["id"], ""):
        page = console.get(f"{url}?q={words}")
        assert f'data-id="{made["id"]}"' in page and MARKUP not in page
    assert "No record is called so" in console.get(f"{url}?q=giraffe")


@pytest.mark.long
@pytest.mark.longest
def test_a_picker_finds_a_record_by_its_label_while_one_types(site: Site, browser: Any) -> None:
    task = site.service.node_type(site.service.tenant(name="Picked"), name="Task")
    first = site.service.node(task, data={"title": "Lay bricks"})
    for title in ("Mix mortar", "Mix paint", MARKUP):
        site.service.node(task, data={"title": title})
    # What may not stand there is not offered.
    other = site.service.node_type({"id": task["tenant_id"]}, name="Other")
    site.service.node(other, data={"title": "Mix up"})
    site.service.relationship_type({"id": task["tenant_id"]}, name="depends_on",
                                   target_node_type_ids=[task["id"]])
    wait = WebDriverWait(browser, 20)
    page = f"{site.url}/t/{task['tenant_id']}/relationships"
    browser.get(f"{page}/new?source_node_id={first['id']}")
    source = browser.find_element(By.ID, "f-source_node_id")
    wait.until(lambda _: source.get_attribute("value") == "Lay bricks")
    browser.find_element(By.ID, "f-relationship_type").send_keys("depends_on")
    target = browser.find_element(By.ID, "f-target_node_id")
    target.send_keys("mix")
    wait.until(lambda _: len(browser.find_elements(By.CSS_SELECTOR, ".offered li")) == 2)
    assert axe(browser) == []
    target.send_keys(Keys.ARROW_DOWN)
    assert target.get_attribute("aria-activedescendant")
    chosen = browser.find_element(By.CSS_SELECTOR, ".offered [aria-selected=true] b").text
    target.send_keys(Keys.ENTER)
    assert target.get_attribute("value") == chosen
    target.send_keys(Keys.ENTER)
    wait.until(lambda _: "Related Lay bricks to Mix" in browser.page_source)
    assert chosen in browser.find_element(By.ID, "rows").text
    for size, theme in ((WIDE, "light"), (NARROW, "dark")):
        resize(browser, size, theme)
        for url in (page, f"{page}/new", browser.current_url):
            browser.get(url)
            assert axe(browser) == [], url
            assert overflow(browser) <= 0, url
    assert faults(browser) == []
