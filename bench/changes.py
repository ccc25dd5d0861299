"""What changes in place cost: an update beside a patch, and a condition."""

from __future__ import annotations

from typing import Any

from bench.data import Data
from bench.load import call, load
from bench.measure import Claim, Row
from bench.rows import postgres, row
from bench.stage import Stage
from bench.yardsticks import psql

_NODES = 500
PATCH, UPDATE, ONLY_IF, PSQL = "patch", "update", "update with only_if", "psql, UPDATE"
_UPDATE = """UPDATE nodes n SET data = n.data || '{{"group": 1}}', version = n.version + 1,
updated_at = clock_timestamp() WHERE n.tenant_id = '{tenant_id}' AND n.id = '{id}'
RETURNING n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at;"""


@row("a bare UPDATE in psql; a patch", "what-a-change-is-made-of")
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
             data, update | {"only_if": {"data.status": "open"}})),
         PSQL: psql(stage.postgres, data.settings,
                    [_UPDATE.format(**get["params"]) for get in data.gets(_NODES // 10)])},
        [Claim("CPU of an update, times a patch's",
               lambda turn: turn[UPDATE].cost / turn[PATCH].cost, 1.1),
         Claim("CPU with only_if, times without",
               lambda turn: turn[ONLY_IF].cost / turn[UPDATE].cost, None),
         postgres("of a patch, times that of a bare UPDATE in psql", PATCH, PSQL)],
        "`only_if` is one statement more, in the transaction that a change is anyway. The UPDATE "
        "is planned each time, of the same table with its indexes and triggers; it looks at no "
        "schema.")


def _patches(data: Data, change: dict[str, Any]) -> list[Any]:
    return [call("patch_node", get["params"] | change) for get in data.gets(_NODES)]
