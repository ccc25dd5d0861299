"""A record: a node as a program works with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any, TypeVar

from flexdb.client.asynchronous.connection import AsyncConnection
from flexdb.client.differences import clashes, difference
from flexdb.client.failures import Error
from flexdb.client.ids import id_of
from flexdb.client.objects import Node, Relationship
from flexdb.client.reasons import VersionConflict
from flexdb.client.shapes import shaped
from flexdb.client.tables import html_table, rows

M = TypeVar("M")


class AsyncRecord:
    """A node. What it holds is as it was when it was read; ``refresh()`` reads it anew.

    :param node: as the service gave it
    """

    def __init__(self, connection: AsyncConnection, node: Node) -> None:
        self._connection = connection
        self.node = node

    @property
    def id(self) -> str:
        """Its id."""
        return self.node["id"]

    @property
    def data(self) -> dict[str, Any]:
        """What it holds."""
        return self.node["data"]

    @property
    def version(self) -> int:
        """1 at first, raised by every change."""
        return self.node["version"]

    def of(self, shape: type[M]) -> M:
        """Return its data as an object of a class, as a list's ``of()`` does."""
        return shaped(self.data, shape)

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} version {self.version}>"

    def _repr_html_(self) -> str:
        return html_table(rows([self.node]))

    async def refresh(self) -> None:
        """Read it anew."""
        self.node = await self._connection.get_node(**self._key)

    @asynccontextmanager
    async def edit(self, retry: int = 3) -> AsyncIterator[dict[str, Any]]:
        """Give its data to be changed; what differs at the end of the block is written, no more.

        When somebody else was quicker, and changed other members, it is written upon what they
        wrote.

        :param retry: how often
        :raises VersionConflict: when they changed the same, or were quicker too often
        :raises Error: when only a part of it was read
        """
        if not self.node.keys() >= {"id", "tenant_id", "data", "version"}:
            raise Error("only a part of this record was read: get() it as a whole")
        data = deepcopy(self.data)
        yield data
        change = difference(self.data, data)
        if not change:
            return
        seen = self.node
        while True:
            try:
                self.node = await self._connection.patch_node(
                    **self._key, patch=[*change], version=seen["version"])
                return
            except VersionConflict:
                fresh = await self._connection.get_node(**self._key)
                retry -= 1
                if retry < 0 or clashes(self.data, fresh["data"], change):
                    raise
                seen = fresh

    async def patch(self, patch: Mapping[str, Any]) -> None:
        """Merge an object into its data, whatever it is by now (RFC 7396): null takes away."""
        self.node = await self._connection.patch_node(**self._key, patch=patch)

    async def relate(self, relationship_type: str, target: Any,
                     data: Mapping[str, Any] | None = None) -> Relationship:
        """Create a relationship from it to another node: a record, or its id."""
        return await self._connection.create_relationship(
            tenant_id=self.node["tenant_id"], source_node_id=self.id,
            target_node_id=id_of(target), relationship_type=relationship_type, data=data)

    async def delete(self, unchanged: bool = False) -> None:
        """Delete it with its relationships.

        :param unchanged: whether only while it is at the version that was read
        """
        await self._connection.delete_node(
            **self._key, version=self.version if unchanged else None)

    @property
    def _key(self) -> dict[str, Any]:
        return {"tenant_id": self.node["tenant_id"], "id": self.id}
