"""The console: its page of records, and the list that it shows."""

from __future__ import annotations

from bench.load import Asks, load
from bench.measure import Claim, Row
from bench.rows import cpu, rate, row
from bench.servers import FASTAPI_PAGE
from bench.stage import Stage

SHOWN = 50
FASTAPI = "FastAPI, Jinja, asyncpg"


@row("a page in FastAPI, Jinja and asyncpg; its `list_nodes`",
     "what-the-consoles-page-is-made-of")
def console_page(stage: Stage) -> Row:
    """The page of a type's records, and the call that finds them."""
    data = stage.data(1, stage.rows)
    server, beside = stage.service(data), stage.fastapi(data, FASTAPI_PAGE)
    of = data.tenant() | {"node_type_id": data.new_node(0)["node_type_id"]}
    (listed,) = data.pages()
    listed["params"] |= of | {"pagination": {"page_size": SHOWN}}
    page, call = "page of the console", "its `list_nodes`"
    url = f"/console/t/{of['tenant_id']}/types/{of['node_type_id']}"
    return Row(
        f"The console's page of records, {SHOWN} of {stage.rows:,}",
        {page: load(server, stage.postgres, [], asks=Asks(url)),
         FASTAPI: load(beside, stage.postgres, [], asks=Asks(url.removeprefix("/console"))),
         call: load(server, stage.postgres, [listed])},
        [rate(FASTAPI, page), cpu(FASTAPI, one=page),
         Claim("CPU, times that of its `list_nodes`",
               lambda turn: turn[page].cost / turn[call].cost, 2.5)],
        "Beside it: a page with the same records, the names of all node types and the total, by "
        "the same SQL, without forms, filters and who is signed in. Its `list_nodes` is the call "
        "by which a program gets the same records.")
