"""Nodes: JSON records, kept to the digit."""

import pytest

from tests.service import RpcError, Service


def test_a_node_is_created_read_changed_and_deleted(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type, data={"title": "Write", "done": False})
    key = {"tenant_id": node["tenant_id"], "id": node["id"]}
    assert node["data"] == {"title": "Write", "done": False} and node["version"] == 1
    assert service.call("get_node", **key) == {"node": node}
    changed = service.call("update_node", **key, data={"title": "Read"})["node"]
    assert changed["data"] == {"title": "Read"} and changed["version"] == 2
    assert changed["created_at"] == node["created_at"] < changed["updated_at"]
    assert service.call("delete_node", **key) == {}
    with pytest.raises(RpcError) as refused:
        service.call("get_node", **key)
    assert refused.value.code == -32001
