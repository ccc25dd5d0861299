"""The pages that a person reads, and what is in them: tables, blocks of code, links."""

from __future__ import annotations

import re

from tests.support.paths import ROOT

PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
         for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"),
                             *(ROOT / ".github").rglob("*.md")])}


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one that is no deeper.

    :param page: its path from the root of the repository
    :param heading: with its number signs
    """
    level = heading.partition(" ")[0]
    below = f"\n{PAGES[page]}".split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", _without_code(below), maxsplit=1,
                    flags=re.MULTILINE)[0]


def table(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    return tables(page, heading)[0]


def tables(page: str, heading: str) -> list[list[list[str]]]:
    """Return the cells of all tables below a heading."""
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|\n"))]
             for row in rows.splitlines()[2:]]
            for rows in re.findall(r"(?:^\|.*\n)+", section(page, heading), re.MULTILINE)]


def quoted(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]*)`", cell)


def blocks(page: str, language: str | None = None, heading: str = "") -> list[tuple[str, str]]:
    """Return the blocks of code of a page, each with its language, in their order.

    :param heading: with its number signs: only those below it, up to the next one
    """
    text = PAGES[page]
    if heading:
        text = re.split(r"^##+ ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1,
                        flags=re.MULTILINE)[0]
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [(name, text) for name, text in found if language in (None, name)]


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", _without_code(PAGES[page]), re.MULTILINE):
        name = re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        number = next(n for n in range(100) if (f"{name}-{n}" if n else name) not in found)
        found.add(f"{name}-{number}" if number else name)
    return found


def _without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
