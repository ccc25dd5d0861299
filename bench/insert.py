"""A client that sends multi-row INSERTs, as the yardstick of ``create_nodes``.

``python -m bench.insert ROWS SECONDS`` prints how many rows it inserted in how many seconds.
"""

from __future__ import annotations

import sys
import time

import orjson

from bench.data import Data, connect
from bench.servers import ROOT
from flexdb.config.reading import environment, read_settings
from flexdb.contract.ids import new_id

_SQL = "INSERT INTO nodes (tenant_id, id, node_type_id, data) VALUES "


def main(rows: int, seconds: float) -> None:
    """Insert so many rows at a time, again and again."""
    data = Data(read_settings(environment(ROOT)[0]), 1, 0)
    nodes = [data.new_node(number) for number in range(rows)]
    statement = _SQL + ", ".join(["(%s, %s, %s, %s)"] * rows)
    inserted = 0
    with connect(data.settings) as connection:
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            arguments: list[str] = []
            for node in nodes:
                arguments += (data.tenant()["tenant_id"], new_id(), node["node_type_id"],
                              orjson.dumps(node["data"]).decode())
            connection.execute(statement, arguments, prepare=True)
            inserted += rows
        print(orjson.dumps([inserted, time.monotonic() - start]).decode())


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
