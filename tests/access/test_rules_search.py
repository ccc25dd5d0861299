"""A search over the rows that a caller sees: what is hidden is not found, ranked or counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.service import RpcError, Service

OWN: Any = {"data.owner": {"$caller": "attributes.name"}}


def test_a_caller_with_rules_finds_ranks_and_counts_what_it_sees(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    service, guarded = Service.of(settings), closed(settings)
    tenant = service.tenant()
    schema = {"properties": {"title": {"x-search": True}}}
    shown, hidden = (service.node_type(tenant, schema=schema) for _ in range(2))
    mine = [service.node(shown, data={"title": f"word {number}", "owner": "mine"})
            for number in range(3)]
    for number in range(3):
        service.node(shown, data={"title": f"word word word {number} secret", "owner": "other"})
        service.node(hidden, data={"title": "word secret", "owner": "mine"})
    service.call("create_role", tenant_id=tenant["id"], name="author", based_on="member",
                 grants=[{"node_type_id": shown["id"], "read": OWN}])
    key = service.call("create_key", tenant_id=tenant["id"], name="A key", role="author",
                       attributes={"name": "mine"})["key"]
    for door in ("jsonrpc", "rest"):
        caller = with_key(guarded, key["secret"], door)

        def found(search: str, **more: Any) -> Any:
            return caller.call("list_nodes", tenant_id=tenant["id"], search=search, **more)

        first = found("word", pagination={"page_size": 2})
        rest = found("word", pagination={
            "page_size": 2, "page_token": first["pagination"]["next_page_token"]})
        assert first["nodes"] + rest["nodes"] == mine[::-1]
        assert first["pagination"]["total_count"] == rest["pagination"]["total_count"] == 3
        assert rest["pagination"]["next_page_token"] == ""
        for more in ({}, {"sort": ["id"]}, {"filter": {"version": 1}}, {"highlights": "offsets"},
                     {"node_type_id": hidden["id"]}):
            assert found("secret", **more) == {
                "nodes": [], "pagination": {"next_page_token": "", "total_count": 0}}
        assert found("word -1", fields=["id"])["nodes"] == [
            {"id": node["id"]} for node in (mine[2], mine[0])]
    # No rule looks into the words.
    try:
        service.call("create_role", tenant_id=tenant["id"], name="searcher",
                     grants=[{"read": {"search": "word"}}])
        raise AssertionError("a rule may not search")
    except RpcError as error:
        assert error.reason == "INVALID_PARAMS"
    service.close()
    guarded.close()
