"""Walks and paths, as graphs."""

from __future__ import annotations

from flexdb.client.synchronous.tenant import TenantClient


def test_a_walk_and_a_path_are_graphs_of_networkx(acme: TenantClient) -> None:
    acme.type("Task")
    a, b, c = (acme.create("Task", {"title": title}) for title in "ABC")
    a.relate("depends_on", b)
    b.relate("depends_on", c, {"why": "x"})
    c.relate("blocks", a)
    walked = acme.walk(a, depth=3, types=["depends_on"])
    assert [one["id"] for one in walked.nodes] == [a.id, b.id, c.id] and len(walked) == 3
    graph = walked.to_networkx()
    assert list(graph.successors(a.id)) == [b.id] and graph.nodes[c.id]["data"] == {"title": "C"}
    ((_, _, edge),) = graph.out_edges(b.id, data=True)
    assert edge == {"type": "depends_on", "data": {"why": "x"}} and not walked.truncated
    path = acme.path(a, c)
    assert path is not None and [one["id"] for one in path.nodes] == [a.id, b.id, c.id]
    assert acme.path(a, c, types=["blocks"]) is None
    assert "<td>A</td>" in walked._repr_html_()
    assert repr(walked) == "<Graph of 3 nodes and 2 relationships>"
    assert repr(acme.walk(c, depth=1, types=["depends_on"])) == (
        "<Graph of 1 node and 0 relationships>")
