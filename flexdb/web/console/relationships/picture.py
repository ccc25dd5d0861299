"""The picture of a graph: what is asked of it, and which records and relationships it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from werkzeug.datastructures import MultiDict

from flexdb.web.console.finding import id_of

# How many records a picture shows, and how many steps lead to it.
MOST_SHOWN, MOST_STEPS = 300, 60
SIZES, DEPTHS, DIRECTIONS = (25, 100), (1, 2, 3, 4, 5), ("both", "out", "in")
_MOST_TYPES = 100


class PictureStep(NamedTuple):
    """One thing that was done to a picture: more of a record's neighbours, or a record hidden.

    :param size: how many more; 0 where it is hidden
    """

    id: str
    size: int

    def __str__(self) -> str:
        return f"expand.{self.id}.{self.size}" if self.size else f"hide.{self.id}"


def _steps(texts: list[str]) -> list[PictureStep]:
    """Return the steps that a URL says; what is none is passed by, and undo takes one back."""
    steps: list[PictureStep] = []
    for text in texts[:2 * MOST_STEPS]:
        kind, _, rest = text.partition(".")
        id, _, size = rest.partition(".")
        id = id_of(id)
        if text == "undo":
            del steps[-1:]
        elif kind == "hide" and id:
            steps.append(PictureStep(id, 0))
        elif kind == "expand" and id and size in map(str, SIZES):
            steps.append(PictureStep(id, int(size)))
    return steps[:MOST_STEPS]


@dataclass(frozen=True)
class PictureAsked:
    """What a URL asks of a picture; the same URL gives the same picture."""

    size: int
    direction: str
    depth: int
    types: list[str]
    steps: list[PictureStep]

    @classmethod
    def of(cls, given: MultiDict[str, str]) -> PictureAsked:
        """Return what the query of a URL says; what it may not say counts as absent."""
        def one(name: str, choices: tuple[Any, ...]) -> Any:
            return next((each for each in choices if str(each) == given.get(name)), choices[0])

        types = [name for name in dict.fromkeys(given.getlist("types")) if name]
        return cls(one("size", SIZES), one("direction", DIRECTIONS), one("depth", DEPTHS),
                   types[:_MOST_TYPES], _steps(given.getlist("step")))

    @property
    def is_long(self) -> bool:
        """Tell whether no further step is taken."""
        return len(self.steps) == MOST_STEPS

    @property
    def follows(self) -> dict[str, Any]:
        """Return which relationships are followed, as calls take it."""
        return {"direction": self.direction} | (
            {"relationship_types": self.types} if self.types else {})

    def wanted(self, start: str) -> dict[str, int]:
        """Return of which records how many relationships are shown."""
        wanted = {start: self.size} if self.depth == 1 else {}
        for step in self.steps:
            if step.size:
                wanted[step.id] = wanted.get(step.id, 0) + step.size
        return wanted


@dataclass
class Picture:
    """The records and relationships that are shown.

    :param start: the id of the record that all others are joined with
    :param is_full: whether there was no room for one more
    """

    start: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: set[str] = field(default_factory=set)
    is_full: bool = False

    def show(self, nodes: Iterable[dict[str, Any]], edges: Iterable[dict[str, Any] | None]) -> None:
        """Show further records, as long as there is room, and relationships."""
        for node in nodes:
            if node["id"] in self.nodes:
                continue
            if len(self.nodes) == MOST_SHOWN:
                self.is_full = True
                break
            self.nodes[node["id"]] = node
        self.edges.update((edge["id"], edge) for edge in edges if edge)

    def walk(self, asked: PictureAsked, near: dict[str, list[dict[str, Any]]]) -> None:
        """Take all steps.

        :param near: the neighbours of each record that is expanded, as many as are wanted
        """
        hidden: set[str] = set()
        begun: dict[str, int] = {}
        first = [PictureStep(self.start, asked.size)] if asked.depth == 1 else []
        for step in first + asked.steps:
            if step.size:
                at = begun.get(step.id, 0)
                begun[step.id] = at + self._expand(near.get(step.id, [])[at:at + step.size], hidden)
            elif step.id != self.start:
                hidden.add(step.id)
                self.nodes.pop(step.id, None)
                self._keep_joined()
                self.is_full = False
        self._keep_joined()

    def _expand(self, near: list[dict[str, Any]], hidden: set[str]) -> int:
        """Show neighbours, as long as there is room, and return how many were looked at."""
        for place, one in enumerate(near):
            if one["node"]["id"] not in hidden:
                self.show([one["node"]], [one["relationship"]])
                if one["node"]["id"] not in self.nodes:
                    return place
        return len(near)

    def _keep_joined(self) -> None:
        """Leave out what nothing joins with the start any more, and ends without a record."""
        self.edges = {id: edge for id, edge in self.edges.items()
                      if {edge["source_node_id"], edge["target_node_id"]} <= self.nodes.keys()}
        beside: dict[str, list[str]] = {}
        for edge in self.edges.values():
            source, target = edge["source_node_id"], edge["target_node_id"]
            beside.setdefault(source, []).append(target)
            beside.setdefault(target, []).append(source)
        joined, at = {self.start}, [self.start]
        while at:
            further = set(beside.get(at.pop(), [])) - joined
            joined |= further
            at.extend(further)
        self.nodes = {id: node for id, node in self.nodes.items() if id in joined}
        self.edges = {id: edge for id, edge in self.edges.items()
                      if edge["source_node_id"] in joined}

    def kinds(self) -> list[tuple[str, int]]:
        """Return the node types that are shown, with how many of each, most first."""
        return Counter(node["node_type_id"] for node in self.nodes.values()).most_common()

    def degrees(self) -> dict[str, int]:
        """Return how many of the shown relationships each record has."""
        degrees = dict.fromkeys(self.nodes, 0)
        for edge in self.edges.values():
            for id in {edge["source_node_id"], edge["target_node_id"]}:
                degrees[id] += 1
        return degrees
