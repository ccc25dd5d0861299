"""Where growth is looked for, what is found is equally much, however much there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from testing.postgresql import Postgresql

from bench.data import fresh
from bench.servers import SERVICE, Server
from bench.sizes import fill, reads, writes
from tests.support import postgres

pytestmark = pytest.mark.long


def found(server: Postgresql, nodes: int, folder: Path) -> dict[str, int]:
    """Return how much each kind of call gives in a tenant with so many nodes."""
    with fresh(postgres.settings_of(server, "postgres"), "bench_tried", nodes) as data:
        fill(data)
        service = Server(SERVICE, data.settings, folder, {"WORKERS": "1"})
        try:
            return {what: size(orjson.loads(service.post(orjson.dumps(asked.bodies[-1])))["result"])
                    for what, asked in (reads(data, service) | writes(data)).items()
                    if asked.bodies}
        finally:
            service.stop()


def size(result: dict[str, Any]) -> int:
    """Count what an answer holds: its list's items, with those that they bring along."""
    for member in result.values():
        if isinstance(member, list):
            return sum(1 + len(item.get("expanded", {}).get("blocks", {}).get("nodes", []))
                       for item in member)
    return 1


def test_as_much_is_found_in_a_tenant_with_many_nodes_as_in_one_with_few(
        server: Postgresql, tmp_path: Path) -> None:
    few, many = (found(server, nodes, tmp_path) for nodes in (1000, 3000))
    assert few == many
    assert few["list"] == few["search"] == few["related"] == 10 and few["find"] == 1
    assert few["expand"] == 60 and few["changes"] == few["create_nodes"] == 10
