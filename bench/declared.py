"""What it costs that a type declares something of its nodes' members."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import orjson

from bench.data import MARK, SCHEMA, connect
from bench.load import call, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage

_NEW = 1000
_DECLARED: dict[str, dict[str, Any]] = {
    "nothing declared": {},
    "one unique": {"number": {"x-unique": True}},
    "one unique, one searched": {"number": {"x-unique": True}, "title": {"x-search": True}},
}


@row("a type that declares nothing")
def declared(stage: Stage) -> Row:
    """New nodes of a type with a unique member, with one to search too, and with neither."""
    data = stage.small("declared")
    server = stage.service(data)
    bodies = {}
    for name, declares in _DECLARED.items():
        node_type = str(uuid4())
        with connect(data.settings) as connection:
            connection.execute(
                "INSERT INTO node_types (tenant_id, id, name, schema) VALUES (%s, %s, %s, %s)",
                (data.tenant()["tenant_id"], node_type, name,
                 orjson.dumps(_schema(declares)).decode()))
        bodies[name] = [call("create_node", data.tenant() | {
            "node_type_id": node_type,
            "data": data.new_node(number)["data"] | {"number": f"{MARK} {number}"}})
            for number in range(_NEW)]
    plain, *others = bodies
    return Row(
        "`create_node`, of types that declare members",
        {name: load(server, stage.postgres, bodies[name]) for name in bodies},
        [Claim(f"CPU with {name}, times that with {plain}",
               lambda turn, name=name: turn[name].cost / turn[plain].cost,  # type: ignore[misc]
               1.35) for name in others])


def _schema(declares: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schema: dict[str, Any] = copy.deepcopy(SCHEMA)
    for name, keywords in declares.items():
        schema["properties"].setdefault(name, {"type": "string"}).update(keywords)
    schema["properties"].setdefault("number", {"type": "string"})
    return schema
