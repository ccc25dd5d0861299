"""What is called most, where there is much and where there is little: neither may cost more."""

from __future__ import annotations

from typing import Any

from bench.data import Data
from bench.load import Asks, Subject, call, load
from bench.measure import Row
from bench.rows import growth, row
from bench.stage import Stage

_FEW, _CALLS = 1000, 200


@row
def sizes(stage: Stage) -> Row:
    """Single calls and the console's page in a tenant with many nodes, and in one with few."""
    subjects: dict[str, Subject] = {}
    named = {f"of {nodes:,}": stage.small(f"sizes_{nodes}", nodes)
             for nodes in (stage.rows, _FEW)}
    for name, data in named.items():
        server = stage.service(data)
        subjects |= {f"{what}, {name}": load(server, stage.postgres, calls)
                     for what, calls in _calls(data).items()}
        url = f"/console/t/{data.tenant()['tenant_id']}/types/{data.new_node(0)['node_type_id']}"
        subjects[f"console's page, {name}"] = load(server, stage.postgres, [], asks=Asks(url))
    much, little = named
    families = [what.removesuffix(f", {little}") for what in subjects if what.endswith(little)]
    return Row(
        f"Single calls in a tenant with {stage.rows:,} nodes, and in one with {_FEW:,}", subjects,
        [growth(f"{what}, {much}", f"{what}, {little}", 1.3, smoke=2) for what in families],
        "Each is its own yardstick: what others take for such calls, other rows tell.")


def _calls(data: Data) -> dict[str, list[dict[str, Any]]]:
    """Return calls of the kinds that are made most."""
    gets, tenant = data.gets(_CALLS), data.tenant()
    return {
        "get": gets,
        "create": data.creates(_CALLS),
        "update": [call("update_node", get["params"] | {"data": data.new_node(place)["data"]})
                   for place, get in enumerate(gets)],
        "upsert": [call("upsert_nodes", tenant | {"nodes": [
            {"id": get["params"]["id"], **data.new_node(place)}]})
            for place, get in enumerate(gets)],
        "find": [call("list_nodes", tenant | {"filter": {"data.title": f"Task {place}"},
                                              "count": "none"}) for place in range(1, _CALLS)],
    }
