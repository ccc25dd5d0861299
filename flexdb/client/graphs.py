"""Nodes and the relationships between them, as a walk or a path gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexdb.client.extras import extra
from flexdb.client.objects import Node, Relationship
from flexdb.client.tables import html_table, rows
from flexdb.wording import number_of

if TYPE_CHECKING:
    from networkx import MultiDiGraph


class Graph:
    """A part of a tenant's graph.

    :param nodes: in the order of the walk or of the path
    :param relationships: by which they were reached
    :param truncated: whether there is more than was given
    """

    def __init__(self, nodes: list[Node], relationships: list[Relationship], truncated: bool
                 ) -> None:
        self.nodes = nodes
        self.relationships = relationships
        self.truncated = truncated

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return (f"<{type(self).__name__} of {number_of(len(self.nodes), 'node')} and "
                f"{number_of(len(self.relationships), 'relationship')}>")

    def to_networkx(self) -> MultiDiGraph[Any]:
        """Return it as a graph of networkx: nodes by id with their ``data``, edges by id with
        their ``type``.

        :raises ImportError: when networkx is not installed
        """
        with extra("graph"):
            import networkx

        graph: MultiDiGraph[Any] = networkx.MultiDiGraph()
        for node in self.nodes:
            graph.add_node(node["id"], node_type_id=node["node_type_id"], data=node["data"])
        for edge in self.relationships:
            graph.add_edge(edge["source_node_id"], edge["target_node_id"], key=edge["id"],
                           type=edge["relationship_type"], data=edge["data"])
        return graph

    def _repr_html_(self) -> str:
        return html_table(rows(self.nodes))
