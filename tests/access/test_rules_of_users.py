"""Users whose membership, or whose token, names a role that the tenant made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.server import keys
from tests.support.callers import closed, with_key
from tests.support.service import RpcError
from tests.support.tokens import jwks, token_of, with_tokens

CLAIMS = {"jwt_tenant_claim": "tenants", "jwt_role_claim": "roles"}
OWN: list[Any] = [{"read": {"data.owner": {"$caller": "id"}}, "write": True}]


@pytest.mark.parametrize("says", ["the membership", "the token"])
def test_a_user_has_the_rules_of_a_role_in_the_tenants_where_it_is_made(
        new_database: Callable[..., Settings], tmp_path: Path, says: str) -> None:
    (tmp_path / "keys").write_bytes(jwks())
    settings = with_tokens(new_database(), tmp_path / "keys",
                           **CLAIMS if says == "the token" else {})
    service = closed(settings)
    operator = with_key(service, keys.create_key(settings, None, "", "k", 1, ()))
    user, (first, second) = operator.user(), (operator.tenant() for _ in range(2))
    nodes = {}
    for tenant, role in ((first, "author"), (second, "member")):
        node_type = operator.node_type(tenant)
        nodes[tenant["id"]] = [operator.node(node_type, data={"owner": owner})
                               for owner in (user["id"], "another")]
        operator.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"], role=role)
    operator.call("create_role", tenant_id=first["id"], name="author", grants=OWN)
    # What another tenant calls so is nothing here.
    operator.call("create_role", tenant_id=second["id"], name="other", grants=OWN)
    caller = with_key(service, token_of(user["id"]))
    if says == "the token":
        caller = with_key(service, token_of(user["id"], tenants=[first["id"]], roles=["author"]))
        assert caller.call("get_caller")["caller"]["role"] == "author"
        assert caller.call("list_nodes")["nodes"] == nodes[first["id"]][:1]
        strange = with_key(service, token_of(user["id"], tenants=[first["id"]], roles=["other"]))
        with pytest.raises(RpcError, match="needs the role viewer, and the caller is other"):
            strange.call("list_nodes")
    else:
        told = caller.call("get_caller")["caller"]["memberships"]
        assert {one["tenant_id"]: one["role"] for one in told} == {
            first["id"]: "author", second["id"]: "member"}
        for tenant, count in ((first, 1), (second, 2)):
            page = caller.call("list_nodes", tenant_id=tenant["id"])
            assert [*reversed(page["nodes"])] == nodes[tenant["id"]][:count]
            assert page["pagination"]["total_count"] == count
        calls = [{"method": "get_node", "params": {"tenant_id": one[1]["tenant_id"],
                                                   "id": one[1]["id"]}}
                 for one in reversed(nodes.values())]
        with pytest.raises(RpcError) as refused:
            caller.call("transaction", calls=calls)
        assert (refused.value.reason, refused.value.error["data"]["index"]) == ("NOT_FOUND", 1)
        with pytest.raises(RpcError, match="is not for callers with rules"):
            with_key(service, token_of(user["id"])).call("get_limits", tenant_id=first["id"])
    service.close()
