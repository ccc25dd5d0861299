"""A node type, and which of its nodes fit a schema."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from flexdb.client.absent import ABSENT, Absent
from flexdb.client.asynchronous.connection import AsyncConnection
from flexdb.client.objects import NodeType, Refused

# How many nodes are checked in a call.
_MANY = 10_000


class AsyncType:
    """A node type.

    :param node_type: as the service gave it
    """

    def __init__(self, connection: AsyncConnection, node_type: NodeType) -> None:
        self._connection = connection
        self.node_type = node_type

    @property
    def id(self) -> str:
        """Its id."""
        return self.node_type["id"]

    @property
    def name(self) -> str:
        """Its name, which is unique in the tenant."""
        return self.node_type["name"]

    @property
    def schema(self) -> dict[str, Any] | bool | None:
        """What its nodes must fit."""
        return self.node_type["schema"]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def update(self, *, schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
                     name: str | None = None, description: str | None | Absent = ABSENT) -> None:
        """Change it, while it is as it was read.

        :raises VersionConflict: when somebody else has changed it since
        """
        self.node_type = await self._connection.update_node_type(
            **self._key, schema=schema, name=name, description=description,
            version=self.node_type["version"])

    async def check(self, schema: Mapping[str, Any] | bool | None = None
                    ) -> AsyncIterator[Refused]:
        """Give each of its nodes that does not fit, with what is wrong.

        :param schema: one that it might have; its own when absent
        """
        token = ""
        while True:
            found = await self._connection.check_node_type(
                **self._key, schema=schema, pagination={"page_size": _MANY, "page_token": token})
            for one in found["refused"]:
                yield one
            token = found["next_page_token"]
            if not token:
                return

    @property
    def _key(self) -> dict[str, Any]:
        return {"tenant_id": self.node_type["tenant_id"], "id": self.id}
