"""The commands of tenants and of node types, and any method by its name."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.support.commands import Done, Flexdb


def test_a_tenant_is_created_shown_listed_changed_and_deleted(flexdb: Flexdb) -> None:
    slug = f"tenant-{uuid4().hex}"
    made = flexdb("tenants", "create", slug, "--name", "Acme Corporation").object()
    assert (made["slug"], made["name"]) == (slug, "Acme Corporation")
    assert flexdb("tenants", "get", slug).object() == made
    assert flexdb("tenants", "get", made["id"]).object() == made
    assert made in flexdb("tenants", "list", "--filter", f'{{"slug": "{slug}"}}').objects()
    changed = flexdb("tenants", "edit", slug, "--name", "Acme", "--status", "suspended").object()
    assert (changed["slug"], changed["name"], changed["status"]) == (slug, "Acme", "suspended")
    nothing = flexdb("tenants", "edit", slug)
    assert nothing.status == 2 and "Nothing is to be changed" in nothing.errors
    assert flexdb("tenants", "delete", slug).status == 2
    assert flexdb("tenants", "delete", slug, "--yes") == Done(0, "", "")
    assert flexdb("tenants", "get", slug).status == 4


def test_a_tenant_is_called_by_its_slug_where_it_has_no_other_name(flexdb: Flexdb) -> None:
    slug = f"tenant-{uuid4().hex}"
    assert flexdb("tenants", "create", slug).object()["name"] == slug


def test_a_type_is_created_shown_listed_changed_and_deleted(
        flexdb: Flexdb, acme: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"maximum": 1.50}}}')
    made = flexdb("types", "create", acme, "Note", "--schema", f"@{schema}", "--description",
                  "What is noted").object()
    assert made["description"] == "What is noted"
    assert str(made["schema"]["properties"]["n"]["maximum"]) == "1.50"
    assert flexdb("types", "get", acme, "Note").object() == made
    assert [one["name"] for one in flexdb("types", "list", acme).objects()] == ["Note", "Task"]
    changed = flexdb("types", "edit", acme, "Note", "--name", "Memo", "--schema", "null").object()
    assert (changed["name"], changed["schema"], changed["description"]) == (
        "Memo", None, "What is noted")
    assert flexdb("types", "edit", acme, "Memo").status == 2
    assert flexdb("types", "edit", acme, "Memo", "--schema", "{").status == 2
    assert flexdb("types", "delete", acme, "Memo").status == 2
    assert flexdb("types", "delete", acme, made["id"], "--yes") == Done(0, "", "")
    assert flexdb("types", "get", acme, "Memo").status == 4


def test_any_method_is_called_by_its_name_with_slugs_and_names(flexdb: Flexdb, acme: str) -> None:
    made = flexdb("call", "create_node", f"tenant_id={acme}", "node_type_id=Task",
                  'data:={"title": "Build", "price": 10.00}').object()
    assert str(made["node"]["data"]["price"]) == "10.00"
    assert flexdb("call", "count_nodes", f"tenant_id={acme}").output == '{"count":1}\n'
    shown = flexdb("call", "get_caller", "-o", "json").output
    assert shown.startswith('{\n  "caller": {\n')
    assert flexdb("call", "count_nodes", "tenant_id=nobody").status == 4
    assert flexdb("call", "count_nodes", f"tenant_id={acme}", "node_type_id=Tsk").status == 4
    ended = flexdb("call", "delete_node", f"tenant_id={acme}", f"id={made['node']['id']}")
    assert ended.object() == {}
