"""Those who write to a tenant in every way, while its types declare now this, now that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg

from tests.support.service import Service

NAMES = ("a", "b", "c")
WORDS = ("alpha", "Beta", "gamma-delta", "7", "ünï", "x")


class Writers:
    """Those who write to a tenant: the service, a COPY, and another program with SQL of its own."""

    def __init__(self, service: Service, chance: random.Random, keyword: str = "x-search") -> None:
        self.service, self.chance, self.keyword = service, chance, keyword
        self.tenant = service.tenant()
        self.types = [self.new_type() for _ in range(3)]
        self.nodes: list[str] = []

    def schema(self) -> Any:
        """Return a schema that declares any members."""
        chosen = [name for name in NAMES if self.chance.random() < 0.5]
        return {"properties": {name: {self.keyword: name in chosen} for name in NAMES}}

    def new_type(self) -> str:
        """Make a type that declares any members, and return its id."""
        made: str = self.service.node_type(self.tenant, schema=self.schema())["id"]
        return made

    def data(self) -> Any:
        """Return data that has any of the members."""
        def value() -> Any:
            words = " ".join(self.chance.choices(WORDS, k=self.chance.randrange(4)))
            return self.chance.choice([words, words, [words, 5, "Omega"], 7, None, {"a": words}])

        return {name: value() for name in NAMES if self.chance.random() < 0.7}

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Write once, somehow."""
        tenant, type = self.tenant["id"], self.chance.choice(self.types)
        node = self.chance.choice(self.nodes or [str(uuid4())])
        call, data = self.service.call, self.data()

        def sql(text: str, *values: Any) -> None:
            connection.execute(text.encode(), values)

        def copy() -> None:
            with connection.cursor().copy(
                    "COPY nodes (id, tenant_id, node_type_id, data) FROM STDIN") as rows:
                for _ in range(3):
                    self.nodes.append(str(uuid4()))
                    rows.write_row((self.nodes[-1], tenant, type, json.dumps(self.data())))

        def create() -> None:
            self.nodes.append(call("create_node", tenant_id=tenant, node_type_id=type, data=data)[
                "node"]["id"])

        def rolled_back() -> None:
            with connection.transaction(force_rollback=True):
                sql("UPDATE nodes SET data = '{\"a\": \"gone\"}' WHERE tenant_id = %s", tenant)
                sql("DELETE FROM nodes WHERE tenant_id = %s AND node_type_id = %s", tenant, type)

        def new_types() -> None:
            self.types[self.types.index(type)] = self.new_type()
            call("delete_node_type", tenant_id=tenant, id=type)

        ways: list[Callable[[], Any]] = [
            create, create, create, copy, rolled_back,
            lambda: sql("UPDATE nodes SET data = %s::jsonb WHERE id = %s", json.dumps(data), node),
            lambda: sql("UPDATE nodes SET node_type_id = %s WHERE id = %s", type, node),
            lambda: sql("DELETE FROM nodes WHERE id = %s", node),
            lambda: sql("UPDATE nodes SET data = NULL WHERE id = %s", node),
            lambda: call("delete_nodes", tenant_id=tenant, filter={"id": node}, max_affected=1),
            lambda: call("update_node_type", tenant_id=tenant, id=type, schema=self.schema()),
            lambda: sql("UPDATE node_types SET schema = NULL WHERE id = %s", type),
        ]
        if self.chance.random() < 0.03:
            ways = [new_types, lambda: sql("TRUNCATE nodes CASCADE")]
        self.chance.choice(ways)()
