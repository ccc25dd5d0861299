"""What is left to a tenant with few calls beside one with many."""

from __future__ import annotations

from bench.load import beside, call, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage

_LOUD, _QUIET = 64, 2


@row("the same tenant alone")
def quiet_tenant(stage: Stage) -> Row:
    """Gets of one tenant while another sorts what it filters, on many connections."""
    data = stage.data(2, max(25_000, stage.rows // 10))
    server = stage.service(data)
    loud, quiet = data.tenant(0), data.tenant(1)
    gets = [get for get in data.gets(64) if get["params"]["tenant_id"] == quiet["tenant_id"]]
    sorts = [call("list_nodes", loud | {"sort": ["-data.group"], "count": "none",
                                        "filter": {"data.priority": {"$gte": least}}})
             for least in range(1, 6)]
    alone = load(server, stage.postgres, gets, connections=_QUIET)
    together, by_itself = f"beside {_LOUD} connections of another", "alone"
    return Row(
        f"`get_node` of a tenant on {_QUIET} connections",
        {together: beside(alone, server, sorts, _LOUD), by_itself: alone},
        [Claim("of a thousand calls, refused", lambda turn: turn[together].failed, 0, smoke=0),
         Claim("calls/s alone, times those beside", lambda turn: turn[by_itself].rate
               / turn[together].rate, None)],
        f"The other tenant filters and sorts its {data.nodes:,} nodes; what that costs is counted "
        "with the gets.")
