"""A graph in layers: every node above all that it points to, with few arrows that cross.

After K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures" (1981): an arrow that passes a layer has a lane there, which takes its place among the
nodes; what stands in a layer is put in order by where its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum

Graph = dict[str, set[str]]

# A node, or a lane: the names of the arrow's ends and the layer, with spaces between them.
Name = str
# How often the layers are put in order.
SWEEPS = 24


def layers_of(graph: Graph) -> dict[str, int]:
    """Return the layer of each node, 0 at the bottom: the lowest that is above all it points to.

    :raises ValueError: when there is a circle
    """
    layers: dict[str, int] = {}

    def place(node: str, above: tuple[str, ...]) -> int:
        if node in above:
            raise ValueError(f"a circle: {' → '.join([*above[above.index(node):], node])}")
        if node not in layers:
            layers[node] = 1 + max(
                (place(lower, (*above, node)) for lower in sorted(graph[node])), default=-1)
        return layers[node]

    for node in sorted(graph):
        place(node, ())
    return layers


def without_implied(graph: Graph) -> Graph:
    """Return the graph without the arrows that others imply."""
    def reached(nodes: set[str]) -> set[str]:
        below = set().union(*(graph[node] for node in nodes))
        return below | reached(below) if below else below

    return {node: lower - reached(lower) for node, lower in graph.items()}


def arrows_of(graph: Graph, layers: Mapping[str, int]) -> list[list[Name]]:
    """Return the arrows, each with the lanes in which it passes the layers between its ends."""
    return [[upper, *(f"{upper} {lower} {layer}"
                      for layer in range(layers[upper] - 1, layers[lower], -1)), lower]
            for upper in sorted(graph) for lower in sorted(graph[upper])]


def in_order(arrows: Sequence[Sequence[Name]], layers: Mapping[str, int]) -> list[list[Name]]:
    """Return what stands in each layer, the lowest first, from left to right."""
    edges = sorted({pair for arrow in arrows for pair in zip(arrow, arrow[1:])})
    rows = [sorted(node for node in layers if layers[node] == layer) +
            sorted(name for arrow in arrows for name in arrow if name.endswith(f" {layer}"))
            for layer in range(max(layers.values()) + 1)]
    best, fewest = rows, _crossings(rows, edges)
    for sweep in range(SWEEPS):
        # Downwards by what is above, and upwards by what is below.
        down = sweep % 2 == 0
        beside: dict[Name, list[Name]] = {}
        for upper, lower in edges:
            beside.setdefault(lower if down else upper, []).append(upper if down else lower)
        rows = [[*row] for row in rows]
        place = {name: float(index) for row in rows for index, name in enumerate(row)}
        for row in rows[::-1] if down else rows:
            wish = {name: _mean([place[one] for one in beside.get(name, ())], place[name])
                    for name in row}
            row.sort(key=lambda name: wish[name])
            place |= {name: float(index) for index, name in enumerate(row)}
        if (crossings := _crossings(rows, edges)) < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: list[list[Name]], edges: list[tuple[Name, Name]]) -> int:
    place = {name: index for row in rows for index, name in enumerate(row)}
    level = {name: layer for layer, row in enumerate(rows) for name in row}
    return sum((place[a] - place[c]) * (place[b] - place[d]) < 0
               for number, (a, b) in enumerate(edges) for c, d in edges[:number]
               if level[a] == level[c])


def _mean(values: list[float], otherwise: float) -> float:
    # Exact, since sum() rounds differently from one Python to the next.
    return fsum(values) / len(values) if values else otherwise


def places(rows: list[list[Name]], arrows: Sequence[Sequence[Name]], width: int, lane: int
           ) -> dict[Name, float]:
    """Return where the middle of everything is, from left to right, near to what it is bound to.

    :param rows: what stands in each layer, in its order
    :param width: of a node, with the gap beside it
    :param lane: the width of a lane
    """
    beside: dict[Name, list[Name]] = {name: [] for row in rows for name in row}
    for arrow in arrows:
        for upper, lower in zip(arrow, arrow[1:]):
            # An arrow is rather straight in its lanes, and bends at its ends.
            times = 8 if " " in upper and " " in lower else 1
            beside[upper] += [lower] * times
            beside[lower] += [upper] * times
    at = {name: (index - len(row) / 2) * width for row in rows for index, name in enumerate(row)}
    for _ in range(SWEEPS * 4):
        for row in rows:
            wish = {name: _mean([at[one] for one in beside[name]], at[name]) for name in row}
            at |= _apart(wish, {name: (lane if " " in name else width) / 2 for name in row})
    return at


def _apart(wish: Mapping[Name, float], half: Mapping[Name, float]) -> dict[Name, float]:
    """Return places near those wished for, in the same order, in which nothing overlaps."""
    left, right = {}, {}
    edge = float("-inf")
    for name in wish:
        left[name] = max(wish[name], edge + half[name])
        edge = left[name] + half[name]
    edge = float("inf")
    for name in reversed([*wish]):
        right[name] = min(wish[name], edge - half[name])
        edge = right[name] - half[name]
    return {name: (left[name] + right[name]) / 2 for name in wish}
