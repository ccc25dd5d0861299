#!/usr/bin/env python3
"""Draw the rooms of flexdb, from what its files import: ``scripts/draw_house.py [--check]``.

Writes docs/architecture.svg; with ``--check`` it only looks whether that is what it would draw.
A room is a folder of the package, or a module that stands alone in it. Rooms stand above all that
they know. An arrow that others imply is left out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

from layers import Graph, arrows_of, in_order, layers_of, places, without_implied

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
# Foreign packages by what whoever imports them knows.
OF_THE_WEB = {"flask", "flask_cors", "flask_jsonrpc", "gunicorn", "werkzeug"}
OF_POSTGRESQL = {"psycopg", "psycopg_pool", "yoyo"}
WIDTH, HEIGHT, GAP, RISE, LANE, MARGIN = 256, 68, 26, 64, 26, 24
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
# Of each part of the picture: its colour on light paper, and on dark.
COLOURS = {
    ".paper": ("fill:#ffffff", "fill:#0d1117"),
    "text": ("fill:#1f2328", "fill:#f0f6fc"),
    ".soft": ("fill:#59636e", "fill:#9198a1"),
    ".web rect": ("fill:#ddf4ff;stroke:#54aeff", "fill:#0c2d6b;stroke:#388bfd"),
    ".core rect": ("fill:#f6f8fa;stroke:#afb8c1", "fill:#161b22;stroke:#6e7681"),
    ".data rect": ("fill:#dafbe1;stroke:#4ac26b", "fill:#033a16;stroke:#2ea043"),
    ".arrow": ("fill:none;stroke:#8c959f", "fill:none;stroke:#768390"),
    "marker path": ("fill:#8c959f", "fill:#768390"),
}
STYLE = (f"text{{font:12.5px {FONT};text-anchor:middle}}.name{{font-size:16px;font-weight:600}}"
         ".soft{font-size:11px}.legend{text-anchor:start}\n"
         + "".join(f"{part}{{{light}}}" for part, (light, _) in COLOURS.items())
         + "\n@media(prefers-color-scheme:dark){"
         + "".join(f"{part}{{{dark}}}" for part, (_, dark) in COLOURS.items()) + "}")


class House:
    """The rooms: what each is for, which others it knows, and which foreign packages."""

    def __init__(self, package: Path) -> None:
        self.knows: Graph = {}
        self.foreign: Graph = {}
        self.purpose: dict[str, str] = {}
        self._modules = {
            ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(
                ".__init__"): path
            for path in sorted(package.rglob("*.py"))}
        for module, path in self._modules.items():
            self._read(module, ast.parse(path.read_text(encoding="utf-8")))
        for knows in self.knows.values():
            knows &= self.knows.keys()

    def _read(self, module: str, tree: ast.Module) -> None:
        room = _room(module)
        # The package itself and ``python -m flexdb`` only pass on.
        if room in ("", "__main__"):
            return
        self.knows.setdefault(room, set())
        self.foreign.setdefault(room, set())
        if module.count(".") == 1:
            said = (ast.get_docstring(tree) or "").partition("\n")[0]
            self.purpose[room] = re.split(r"[:.,]", said)[0]
        for name in self._imports(tree):
            first = name.partition(".")[0]
            if name in self._modules:
                self.knows[room] |= {_room(name)} - {room}
            elif first not in sys.stdlib_module_names:
                self.foreign[room].add(first)

    def _imports(self, tree: ast.Module) -> Iterable[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield whole if whole in self._modules else node.module


def _room(module: str) -> str:
    return [*module.split("."), ""][1]


def draw(package: Path) -> str:
    """Return the picture of a package's rooms, as SVG.

    :raises ValueError: when rooms know each other in a circle
    """
    house = House(package)
    layers = layers_of(house.knows)
    arrows = arrows_of(without_implied(house.knows), layers)
    rows = in_order(arrows, layers)
    at = places(rows, arrows, WIDTH + GAP, LANE)
    half = {name: WIDTH // 2 if name in layers else 0 for name in at}
    least = min(at[name] - half[name] for name in at) - MARGIN
    at = {name: round(place - least) for name, place in at.items()}
    width = max(at[name] + half[name] for name in at) + MARGIN
    top = {name: MARGIN + (len(rows) - 1 - layer) * (HEIGHT + RISE)
           for layer, row in enumerate(rows) for name in row}
    height = max(top.values()) + HEIGHT + 2 * MARGIN + 12
    drawn = [_arrow([(at[name], top[name]) for name in arrow]) for arrow in arrows]
    drawn += [_box(house, room, at[room], top[room]) for room in sorted(layers)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-labelledby="title">\n<title id="title">The rooms of flexdb, each above all that '
            f'it knows</title>\n<style>{STYLE}</style>\n'
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>\n'
            f'<rect class="paper" width="{width}" height="{height}"/>\n'
            + "\n".join([*drawn, *_legend(height - MARGIN)]) + "\n</svg>\n")


def _arrow(points: list[tuple[float, float]]) -> str:
    (x, y), *others = points
    path = f"M{x} {y + HEIGHT}"
    for place, (to_x, to_y) in enumerate(others, 1):
        middle = to_y - RISE // 2
        path += f"C{x} {middle} {to_x} {middle} {to_x} {to_y}"
        if place < len(others):
            path += f"V{to_y + HEIGHT}"
        x = to_x
    return f'<path class="arrow" marker-end="url(#head)" d="{path}"/>'


def _box(house: House, room: str, x: float, top: int) -> str:
    foreign = house.foreign[room]
    y = top + (0 if foreign else 7)
    kind = "data" if foreign & OF_POSTGRESQL else "web" if foreign & OF_THE_WEB else "core"
    told = (f"{room} knows {', '.join(sorted(house.knows[room])) or 'no other room'}; "
            f"imports {', '.join(sorted(foreign)) or 'no foreign package'}")
    return (f'<g class="{kind}"><title>{escape(told)}</title>'
            f'<rect x="{x - WIDTH // 2}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
            f'<text class="name" x="{x}" y="{y + 23}">{escape(room)}</text>'
            f'<text x="{x}" y="{y + 41}">{escape(house.purpose[room])}</text>'
            f'<text class="soft" x="{x}" y="{y + 57}">{escape(_listed(foreign))}</text></g>')


def _listed(foreign: Iterable[str]) -> str:
    """Return names, as many as a box is wide enough for."""
    told = ""
    for name in sorted(foreign):
        if len(told) + len(name) > 36:
            return f"{told}, …"
        told += f", {name}" if told else name
    return told


def _legend(y: int) -> list[str]:
    told, x = [], MARGIN
    for kind, text in (("web", "knows HTTP"), ("data", "knows PostgreSQL"),
                       ("core", "knows neither")):
        told.append(f'<g class="{kind}"><rect x="{x}" y="{y - 11}" width="16" height="12" rx="3"/>'
                    f'<text class="soft legend" x="{x + 22}" y="{y}">{text}</text></g>')
        x += 44 + 7 * len(text)
    text = "small: foreign packages that it imports; an arrow that others imply is left out"
    told.append(f'<text class="soft legend" x="{x}" y="{y}">{text}</text>')
    return told


def main(check: bool) -> None:
    """Draw the picture, or look whether the committed one is what would be drawn."""
    try:
        picture = draw(ROOT / "flexdb")
    except ValueError as error:
        sys.exit(f"the house cannot be drawn: {error}")
    if not check:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit("docs/architecture.svg is not what flexdb's files import: run "
                 "scripts/draw_house.py")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
