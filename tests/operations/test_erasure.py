"""Erasure: a node goes with what is known of what it was; that it was there, stays known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from flexdb.config import Settings
from tests.support.change_log import Log
from tests.support.service import RpcError


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    log = Log(settings)
    yield log
    log.close()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_node_is_erased_whether_it_is_there_or_not(log: Log, is_there: bool) -> None:
    position = log.call("list_changes")["position"]
    node, other = log.node(data={"secret": "word"}), log.node(data={"secret": "word"})
    for one in (node, other):
        log.call("update_node", id=one["id"], data={"secret": "another"})
    if not is_there:
        log.call("delete_node", id=node["id"])
    log.call("erase_node", id=node["id"])
    with pytest.raises(RpcError):
        log.call("get_node", id=node["id"])
    changes = log.call("list_changes", since=position, old=True, ids=[node["id"]])["changes"]
    assert [(one["op"], one["node"], one["old"]) for one in changes] == [
        ("create", None, None), ("update", None, None), ("delete", None, None)]
    assert log.connection.execute(
        "SELECT count(*) FROM flexdb_changes c WHERE c.object_id = %s AND (c::text LIKE '%%word%%'"
        " OR c::text LIKE '%%another%%')", [node["id"]]).fetchone() == (0,)
    kept = log.call("list_changes", since=position, old=True, ids=[other["id"]])["changes"]
    assert kept[1]["old"]["data"] == {"secret": "word"}
    # It may be asked for again.
    log.call("erase_node", id=node["id"])


def test_its_relationships_go_along_and_its_deliveries_are_forgotten(log: Log) -> None:
    node, other = log.node(), log.node()
    log.service.relationship(node, other)
    webhook = uuid4()
    log.run("INSERT INTO flexdb_webhooks (tenant_id, id, url, secrets, epoch, position)"
            " VALUES (%(tenant)s, %(webhook)s, '', '[]', '', 0)", webhook=webhook)
    for place, one in enumerate((node, other)):
        log.run("INSERT INTO flexdb_deliveries (tenant_id, webhook_id, position, object_id)"
                " VALUES (%(tenant)s, %(webhook)s, %(place)s, %(node)s)", webhook=webhook,
                place=place, node=one["id"])
    log.new()
    log.call("erase_node", id=node["id"])
    assert log.new() == [("n", "d", 2), ("r", "d", 2)]
    assert log.connection.execute("SELECT object_id::text FROM flexdb_deliveries WHERE"
                                  " webhook_id = %s", [webhook]).fetchall() == [(other["id"],)]


def test_what_never_was_or_is_another_tenants_is_not_there(log: Log, settings: Settings) -> None:
    other = Log(settings)
    node = other.node(data={"a": 1})
    other.call("update_node", id=node["id"], data={"a": 2})
    for id in (str(uuid4()), node["id"]):
        with pytest.raises(RpcError) as missing:
            log.call("erase_node", id=id)
        assert missing.value.reason == "NOT_FOUND" and "id" in missing.value.fields
    assert other.rows("old_data") == [({"a": 1},)]
    other.close()
