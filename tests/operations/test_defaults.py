"""Where a type says x-defaults, absent members of a new node get the defaults of its schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.config import Settings
from flexdb.errors import InvalidParams
from flexdb.transfer.files import check_file
from tests.support import postgres, transfers
from tests.support.service import RpcError, Service

SCHEMA: dict[str, Any] = {"x-defaults": True, "required": ["state"], "properties": {
    "state": {"enum": ["open", "done"], "default": "open"}, "note": {"default": None},
    "tags": {"type": "array", "default": ["new"]}, "title": {"type": "string"},
    "address": {"properties": {"land": {"default": "at"}, "zip": {"type": "string"}}}}}
FILLED = {"state": "open", "note": None, "tags": ["new"]}


def create(service: Service, node_type: dict[str, Any], data: Any) -> Any:
    return service.node(node_type, data=data)["data"]


def test_what_is_absent_gets_its_default_and_what_is_there_stays(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=SCHEMA)
    for _ in range(2):
        assert create(service, node_type, {}) == FILLED
        assert create(service, node_type, {"state": "done", "note": 1, "x": 2, "tags": []}) == {
            "state": "done", "note": 1, "x": 2, "tags": []}
    # In objects that are there too; none is made.
    assert create(service, node_type, {"address": {"zip": "1"}}) == FILLED | {
        "address": {"zip": "1", "land": "at"}}
    assert create(service, node_type, {"address": {"land": None}})["address"] == {"land": None}
    assert create(service, node_type, {"address": [1]})["address"] == [1]
    made = service.call("create_nodes", tenant_id=node_type["tenant_id"], nodes=[
        {"node_type_id": node_type["id"], "data": data} for data in ({}, {"title": "A"})])["nodes"]
    assert [node["data"] for node in made] == [FILLED, FILLED | {"title": "A"}]


def test_a_change_fills_nothing_in(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=SCHEMA)
    node = service.node(node_type, data={})
    key = {"tenant_id": node["tenant_id"], "id": node["id"]}
    assert service.call("update_node", **key, data={"state": "done"})["node"]["data"] == {
        "state": "done"}
    assert service.call("patch_node", **key, patch={"title": "A"})["node"]["data"] == {
        "state": "done", "title": "A"}


@pytest.mark.parametrize("says", [None, False])
def test_a_type_that_does_not_say_so_fills_nothing_in(service: Service, says: Any) -> None:
    schema = SCHEMA | {"required": []} | ({} if says is None else {"x-defaults": says})
    if says is None:
        del schema["x-defaults"]
    assert create(service, service.node_type(service.tenant(), schema=schema), {}) == {}


def test_defaults_and_data_are_kept_to_the_digit(service: Service) -> None:
    text = ('{"x-defaults": true, "properties": {"n": {"default": 12345678901234567890.10},'
            ' "o": {"default": {"b": 1e2, "a": "\\u00e9"}}, "p.q": {"default": 0.1}}}')
    node_type = service.node_type(service.tenant(), schema=text)
    node = service.node(node_type, data='{"m": 0.30000000000000000004}')
    with postgres.connect(service.settings) as connection:
        found = connection.execute("SELECT n.data::text FROM nodes n WHERE n.id = %s",
                                   [node["id"]]).fetchone()
    assert found == ('{"m": 0.30000000000000000004, "n": 12345678901234567890.10, '
                     '"o": {"a": "é", "b": 100}, "p.q": 0.1}',)


@pytest.mark.parametrize(("schema", "wrong"), [
    ({"properties": {"n": {"type": "integer", "default": "1"}}}, "the default of /n does not fit"),
    ({"properties": {"a": {"properties": {"b/c": {"enum": [1], "default": 2}}}}},
     "the default of /a/b~1c does not fit"),
    ({"$defs": {"t": {"type": "string"}},
      "properties": {"n": {"$ref": "#/$defs/t", "default": 1}}}, "the default of /n does not fit"),
    ({"properties": {"o": {"properties": {"n": {"type": "integer"}}, "default": {"n": "x"}}}},
     "the default of /o does not fit"),
    ({"properties": {str(n): {"default": n} for n in range(101)}}, "there may be 100 defaults")])
def test_a_default_must_itself_fit(service: Service, schema: Any, wrong: str) -> None:
    with pytest.raises(RpcError) as error:
        service.node_type(service.tenant(), schema={"x-defaults": True} | schema)
    assert wrong in error.value.fields["schema"][0]
    # As a note to who reads the schema, it may be anything.
    service.node_type(service.tenant(), schema=schema)


def test_what_else_a_document_needs_is_no_fault_of_a_default(service: Service) -> None:
    schema = {"x-defaults": True, "required": ["title"], "additionalProperties": False,
              "minProperties": 3, "properties": {
                  "title": {}, "a": {"required": ["x"], "properties": {"b": {"default": 1}}}}}
    node_type = service.node_type(service.tenant(), schema=schema)
    with pytest.raises(RpcError) as error:
        create(service, node_type, {"a": {}})
    assert {one["path"] for one in error.value.error["data"]["violations"]} == {"", "/a"}


def test_data_that_defaults_make_too_large_is_refused(
        new_database: Callable[..., Settings]) -> None:
    service = Service.of(replace(new_database(), max_json_bytes=1024))
    node_type = service.node_type(service.tenant(), schema={
        "x-defaults": True, "properties": {"a": {"default": "x" * 600}}})
    of_type = {"node_type_id": node_type["id"]}
    assert create(service, node_type, {"b": "y" * 300})
    for _ in range(2):
        with pytest.raises(RpcError) as error:
            create(service, node_type, {"b": "y" * 500})
        assert "with the defaults of its type" in error.value.fields["data"][0]
    with pytest.raises(RpcError) as error:
        service.call("create_nodes", tenant_id=node_type["tenant_id"], nodes=[
            of_type, of_type | {"data": {"b": "y" * 500}}])
    assert list(error.value.fields) == ["nodes.1.data"]
    service.close()


def test_an_import_fills_nothing_in(service: Service) -> None:
    tenant = str(uuid4())
    lines = transfers.small(1)[:1] + transfers.small(1)[3:5]
    lines[0]["tenant"] |= {"id": tenant, "slug": tenant}
    lines[1]["node_type"] |= {"schema": SCHEMA}
    transfers.taken(service.settings, transfers.written(lines))
    (node,) = service.call("list_nodes", tenant_id=tenant)["nodes"]
    assert node["data"] == {"n": 0}


def test_a_large_schema_that_is_checked_apart_fills_in_too(service: Service) -> None:
    schema = SCHEMA | {"description": "x" * 100_000}
    assert len(orjson.dumps(schema)) > 65_536
    assert create(service, service.node_type(service.tenant(), schema=schema), {}) == FILLED


def test_a_check_of_a_file_counts_on_defaults_as_a_call_would(
        service: Service, tmp_path: Path) -> None:
    lines = transfers.small(1)[:1] + transfers.small(1)[3:5]
    lines[1]["node_type"] |= {"schema": dict(SCHEMA)}
    (tmp_path / "file").write_bytes(transfers.written(lines))
    check_file(service.settings, str(tmp_path / "file"))
    del lines[1]["node_type"]["schema"]["x-defaults"]
    (tmp_path / "file").write_bytes(transfers.written(lines))
    with pytest.raises(InvalidParams, match="1 of 3 lines"):
        check_file(service.settings, str(tmp_path / "file"))
