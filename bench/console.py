"""The console: its page of records, and the list that it shows."""

from __future__ import annotations

from bench.load import Asks, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage

_SHOWN = 50


@row
def console_page(stage: Stage) -> Row:
    """The page of a type's records, and the call that finds them."""
    data = stage.data(1, stage.rows)
    server = stage.service(data)
    of = data.tenant() | {"node_type_id": data.new_node(0)["node_type_id"]}
    (listed,) = data.pages()
    listed["params"] |= of | {"pagination": {"page_size": _SHOWN}}
    page, call = "page of the console", "its `list_nodes`"
    url = f"/console/t/{of['tenant_id']}/types/{of['node_type_id']}"
    return Row(
        f"The console's page of records, {_SHOWN} of {stage.rows:,}",
        {page: load(server, stage.postgres, [], asks=Asks(url)),
         call: load(server, stage.postgres, [listed])},
        [Claim("CPU, times that of its `list_nodes`",
               lambda turn: turn[page].cost / turn[call].cost, 2.5)],
        "The yardstick is the call by which a program gets the same records. The page also looks "
        "up the tenant, the node type with its schema, and the names of all node types.")
