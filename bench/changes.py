"""What changes in place cost: an update beside a patch, and a condition."""

from __future__ import annotations

from typing import Any

from bench.data import Data
from bench.load import call, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage

_NODES = 500
PATCH, UPDATE, ONLY_IF = "patch", "update", "update with only_if"


@row
def change_in_place(stage: Stage) -> Row:
    """The same change as a patch, as an update, and as one that depends on a filter."""
    data = stage.small("changed")
    server = stage.service(data)
    update: dict[str, Any] = {"update": {"$inc": {"group": 1}}}
    return Row(
        "`patch_node`, one member of a small node",
        {PATCH: load(server, stage.postgres, _patches(data, {"patch": {"group": 1}})),
         UPDATE: load(server, stage.postgres, _patches(data, update)),
         ONLY_IF: load(server, stage.postgres, _patches(
             data, update | {"only_if": {"data.status": "open"}}))},
        [Claim("CPU of an update, times a patch's",
               lambda turn: turn[UPDATE].cost / turn[PATCH].cost, 1.1),
         Claim("CPU with only_if, times without",
               lambda turn: turn[ONLY_IF].cost / turn[UPDATE].cost, None)],
        "`only_if` is one statement more, in the transaction that a change is anyway.")


def _patches(data: Data, change: dict[str, Any]) -> list[Any]:
    return [call("patch_node", get["params"] | change) for get in data.gets(_NODES)]
