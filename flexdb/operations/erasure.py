"""Erasure: a node goes, and what is known of what it was."""

from __future__ import annotations

from functools import partial

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.gives import NOTHING
from flexdb.contract.members import TENANT_ID
from flexdb.contract.operation import DELETES, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import NotFound
from flexdb.operations import nodes
from flexdb.operations.statements import one_object, step
from flexdb.plan import Result, Steps, Walk


class Erasure(Params):
    id = nodes.ID(required=True)
    tenant_id = TENANT_ID(required=True)


@operation(Erasure, gives=NOTHING, effect=DELETES, of=TENANT, access=Access.MANAGE,
           rules=Heed.REFUSED, long=True)
def erase_node(context: Context, params: Loaded) -> Steps:
    """Delete a node, if it is there, and forget what it was before each of its changes.

    Who changed it and when stays known. What waits to be delivered of it is not, and answers that
    are kept for requests with an Idempotency-Key are forgotten. Backups are as they were.
    """
    return Steps("erase_node", partial(_erase, context, params))


def _erase(context: Context, params: Loaded) -> Walk:
    deletion = one_object(context, "delete_node", params | {"version": None}, thing="node")
    if row := (yield deletion):
        deletion.result(row)
    # The deletion has been logged by now.
    erased, = yield step(context, "erase_node", params)
    if not (row or erased):
        raise NotFound.of("id", "node")
    return Result(b"{}")
