"""A tenant, with its types by their names and its records as objects.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flexdb.client.absent import ABSENT, Absent, given
from flexdb.client.synchronous.bulk import Loader
from flexdb.client.synchronous.connection import Connection
from flexdb.client.synchronous.following import Follower
from flexdb.client.synchronous.lists import List
from flexdb.client.synchronous.node_types import Type
from flexdb.client.synchronous.records import Record
from flexdb.client.synchronous.sending import Batch, Transaction
from flexdb.client.differences import same_schema
from flexdb.client.failures import Error
from flexdb.client.graphs import Graph
from flexdb.client.ids import id_of, is_id
from flexdb.client.loading import LoadReport, OnError, Progress
from flexdb.client.objects import Expansion, RelatedTo, Relationship, Tenant
from flexdb.client.reasons import AlreadyExists, NotFound
from flexdb.client.shapes import plain

Direction = Literal["out", "in", "both"]
Sort = str | list[str] | None


class TenantClient:
    """A tenant. Its types are named by their names, by their ids, or are what ``type()`` gives.

    :param tenant: as the service gave it
    """

    def __init__(self, connection: Connection, tenant: Tenant) -> None:
        self._connection = connection
        self.id, self.slug, self.name = tenant["id"], tenant["slug"], tenant["name"]
        self._types: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.slug}>"

    def type(self, name: str, schema: Mapping[str, Any] | bool | None | Absent = ABSENT,
                   description: str | None | Absent = ABSENT) -> Type:
        """Return the node type of a name, made where there is none.

        :param schema: what its nodes must fit
        :raises Error: where there is one with another schema
        """
        try:
            found = self._connection.get_node_type(tenant_id=self.id, name=name)
        except NotFound:
            try:
                found = self._connection.create_node_type(
                    tenant_id=self.id, name=name, schema=schema, description=description)
            except AlreadyExists:
                found = self._connection.get_node_type(tenant_id=self.id, name=name)
        if schema is not ABSENT and not same_schema(found["schema"], schema):
            raise Error(f"{name} is there with another schema: change it by type({name!r}).update()"
                        " or leave the schema out")
        self._types[name] = found["id"]
        return Type(self._connection, found)

    def create(self, kind: Type | str, data: Any = None, *, id: str | None = None
                     ) -> Record:
        """Create a node of a type.

        :param data: a mapping, or an object of a dataclass, of msgspec or of pydantic
        """
        return self._record(self._connection.create_node(
            tenant_id=self.id, node_type_id=self._type_id(kind), data=plain(data), id=id))

    def get(self, id: str, *, expand: Mapping[str, Expansion] | None = None) -> Record:
        """Return a node.

        :raises NotFound: when there is none
        """
        return self._record(self._connection.get_node(
            tenant_id=self.id, id=id, expand=expand))

    def upsert(self, kind: Type | str, data: Any, *,
                     key: str | list[str] | None = None, id: str | None = None,
                     mode: Literal["replace", "merge"] | None = None) -> Record:
        """Create a node, or change the one that is there.

        :param key: the member that is unique in its type, or several, by which it is known
        :param id: by which it is known otherwise
        :param mode: whether data that is there is replaced, or what is given is merged into it
        """
        found = self._connection.upsert_node(
            tenant_id=self.id, node_type_id=self._type_id(kind), data=plain(data), id=id,
            mode=mode,
            key=[key] if isinstance(key, str) else key)
        return self._record(found["node"])

    def nodes(self, kind: Type | str | None = None, *,
                    where: Mapping[str, Any] | None = None, sort: Sort = None,
                    search: str | None = None, fields: list[str] | None = None,
                    expand: Mapping[str, Expansion] | None = None,
                    related_to: RelatedTo | None = None) -> List[Record]:
        """Return the list of the nodes that fit, of which pages are read as they are needed.

        :param kind: only those of this type
        :param where: a filter
        :param sort: the paths to sort by, such as ``-created_at``
        :param search: words that stand in them
        :param fields: the paths that are given of each; all when absent
        :param expand: which neighbors come along
        :param related_to: only those that are related to a node
        """
        params = given({"tenant_id": self.id}, {
            "node_type_id": None if kind is None else self._type_id(kind), "filter": where,
            "sort": _paths(sort), "search": search, "fields": fields, "expand": expand,
            "related_to": related_to})
        return List(self._connection, "list_nodes", "nodes", params, self._record)

    def relate(self, source: Any, relationship_type: str, target: Any,
                     data: Mapping[str, Any] | None = None) -> Relationship:
        """Create a relationship from one node to another, each a record or its id."""
        return self._connection.create_relationship(
            tenant_id=self.id, source_node_id=id_of(source), target_node_id=id_of(target),
            relationship_type=relationship_type, data=data)

    def relationships(self, *, source: Any = None, target: Any = None,
                      relationship_type: str | None = None,
                      where: Mapping[str, Any] | None = None, sort: Sort = None
                      ) -> List[Relationship]:
        """Return the list of the relationships that fit, likewise."""
        params = given({"tenant_id": self.id}, {
            "source_node_id": None if source is None else id_of(source),
            "target_node_id": None if target is None else id_of(target),
            "relationship_type": relationship_type, "filter": where, "sort": _paths(sort)})
        return List(self._connection, "list_relationships", "relationships", params,
                         lambda found: found)

    def batch(self, *, keep: bool = False) -> Batch:
        """Return a batch: independent calls that are one request.

        :param keep: whether what fails is not raised at its end
        """
        return Batch(self._connection, self.id, keep)

    def transaction(self, *, dry_run: bool = False) -> Transaction:
        """Return a transaction: calls that are done all or not at all.

        :param dry_run: whether nothing is changed, though the results are there
        """
        return Transaction(self._connection, self.id, dry_run)

    def load(self, kind: Type | str, rows: Iterable[Any], *,
                   chunk: int = 1000, on_error: OnError = "raise",
                   progress: Progress | None = None) -> LoadReport:
        """Create a node of each row, chunk by chunk.

        A chunk is created as a whole; one whose answer was lost is not created twice.

        :param chunk: how many rows a call has, up to 10,000
        :param on_error: whether a row that is refused ends it, after the chunks before, or is told
            in the report beside what is created
        :param progress: called with the report after each chunk
        """
        type_id = self._type_id(kind)
        loader = Loader(self._connection, self.id, "nodes",
                             lambda row: {"node_type_id": type_id, "data": plain(row)}, chunk,
                             on_error, progress)
        return loader.load(rows)

    def load_relationships(
            self, rows: Iterable[tuple[Any, str, Any]], *, chunk: int = 1000,
            on_error: OnError = "raise", progress: Progress | None = None) -> LoadReport:
        """Create a relationship of each row: source, type, target; the ends are records or ids."""
        loader = Loader(self._connection, self.id, "relationships", lambda row: {
            "source_node_id": id_of(row[0]), "relationship_type": row[1],
            "target_node_id": id_of(row[2])}, chunk, on_error, progress)
        return loader.load(rows)

    def changes(self, since: str | None = None, *, wait: int = 30, follow: bool = True,
                **more: Any) -> Follower:
        """Return the changes after a position, or from now on, each once; it never ends.

        While the service is away it is waited for.

        :param since: a position; that of now when absent
        :param wait: for how many seconds the service waits for a change before it answers
        :param follow: whether to wait for further changes, or to end with the last one
        :param more: what else ``list_changes`` takes, such as ``kinds`` and ``filter``
        :raises ChangesGone: where what came after the position is not kept
        """
        params = given({"tenant_id": self.id}, {"since": since, **more})
        return Follower(self._connection, params, wait, follow)

    def walk(self, start: Any, *, depth: int | None = None, types: list[str] | None = None,
                   direction: Direction = "out", where: Mapping[str, Any] | None = None,
                   limit: int | None = None) -> Graph:
        """Walk from a node along its relationships, and return what is reached, the start first.

        :param depth: how many relationships far
        :param types: only along these; all when absent
        :param where: a filter that chooses among what is reached
        :param limit: how many nodes at most
        """
        found = self._connection.traverse(
            tenant_id=self.id, start=id_of(start), max_depth=depth, min_depth=0,
            relationship_types=types, direction=direction, filter=where, limit=limit)
        visits = found["visits"]
        edges = [one["relationship"] for one in visits if one["relationship"] is not None]
        return Graph([one["node"] for one in visits], edges, found["truncated"])

    def path(self, source: Any, target: Any, *, types: list[str] | None = None,
                   direction: Direction = "out", depth: int | None = None) -> Graph | None:
        """Return a shortest path from one node to another; None where there is none.

        :param types: only along these; all when absent
        :param depth: how many relationships it may have
        """
        found = self._connection.shortest_path(
            tenant_id=self.id, source_node_id=id_of(source), target_node_id=id_of(target),
            relationship_types=types, direction=direction, max_depth=depth)
        path = found["path"]
        return path and Graph(path["nodes"], path["relationships"], found["truncated"])

    def _record(self, node: Any) -> Record:
        return Record(self._connection, node)

    def _type_id(self, kind: Type | str) -> str:
        if isinstance(kind, Type):
            return kind.id
        if is_id(kind):
            return kind
        if kind not in self._types:
            try:
                found = self._connection.get_node_type(tenant_id=self.id, name=kind)
            except NotFound as error:
                raise error.about("name", kind) from None
            self._types[kind] = found["id"]
        return self._types[kind]


def _paths(sort: Sort) -> list[str] | None:
    return [sort] if isinstance(sort, str) else sort
