"""Make a graph of Debian's packages and their dependencies, as lines for ``flexdb import``.

apt-cache dumpavail | python scripts/debian_graph.py | python -m flexdb import
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

# Ids that are the same in every run, so that a second import is refused.
_IDS = uuid5(NAMESPACE_URL, "https://www.debian.org/")
_DEPENDENCY = re.compile(r"\s*([^\s:(]+)[^(]*(?:\(([^)]*)\))?")

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9+.-]+$"},
        "version": {"type": "string", "minLength": 1},
        "section": {"type": "string"},
        "priority": {"enum": ["required", "important", "standard", "optional", "extra"]},
        "summary": {"type": "string"},
        "homepage": {"type": "string"},
        "installed_kib": {"type": "integer", "minimum": 0},
    },
    "required": ["name", "version", "section"],
    "additionalProperties": False,
}


def paragraphs(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Give the fields of each package, those of one line (Debian Policy, section 5.1)."""
    fields: dict[str, str] = {}
    for line in lines:
        if line.isspace():
            if fields:
                yield fields
            fields = {}
        elif not line.startswith((" ", "\t")):
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    if fields:
        yield fields


def package(fields: dict[str, str]) -> dict[str, Any]:
    """Return what is kept of a package."""
    kept = {"name": "Package", "version": "Version", "section": "Section",
            "priority": "Priority", "summary": "Description", "homepage": "Homepage"}
    data: dict[str, Any] = {
        name: fields[field] for name, field in kept.items() if field in fields}
    if "Installed-Size" in fields:
        data["installed_kib"] = int(fields["Installed-Size"])
    return data


def dependencies(fields: dict[str, str]) -> Iterator[list[tuple[str, str]]]:
    """Give what a package depends on: each time the alternatives, names with their constraints."""
    for field in ("Pre-Depends", "Depends"):
        for clause in filter(None, map(str.strip, fields.get(field, "").split(","))):
            yield [(found[1], found[2] or "") for alternative in clause.split("|")
                   if (found := _DEPENDENCY.match(alternative))]


def edges(fields: dict[str, str], there: dict[str, Any], providers: dict[str, str]
          ) -> dict[str, list[str]]:
    """Return the packages that a package depends on, with the constraints on each.

    Of alternatives it is the first that is there, or else the first that another one provides.
    """
    found: dict[str, list[str]] = {}
    for alternatives in dependencies(fields):
        names = [(name, constraint) for name, constraint in alternatives if name in there]
        names += [(providers[name], "") for name, _ in alternatives if name in providers]
        if names:
            constraints = found.setdefault(names[0][0], [])
            if names[0][1]:
                constraints.append(names[0][1])
    return found


def node_id(name: str) -> str:
    return str(uuid5(_IDS, name))


def graph(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Give the lines: a tenant, a node type, a node for each package, an edge for each need."""
    packages: dict[str, dict[str, str]] = {}
    providers: dict[str, str] = {}
    for fields in paragraphs(lines):
        packages.setdefault(fields["Package"], fields)
        for virtual in filter(None, fields.get("Provides", "").split(",")):
            providers.setdefault(virtual.split()[0], fields["Package"])
    node_type_id = node_id("/node-type")
    yield {"tenant": {"id": str(_IDS), "slug": "debian", "name": "Debian packages"}}
    yield {"node_type": {"id": node_type_id, "name": "package", "schema": SCHEMA,
                         "description": "A binary package of Debian's main archive"}}
    for name, fields in packages.items():
        yield {"node": {"id": node_id(name), "node_type_id": node_type_id,
                        "data": package(fields)}}
    for name, fields in packages.items():
        for target, constraints in edges(fields, packages, providers).items():
            yield {"relationship": {
                "id": str(uuid5(UUID(node_id(name)), target)), "source_node_id": node_id(name),
                "target_node_id": node_id(target), "relationship_type": "depends_on",
                "data": {"versions": constraints} if constraints else {}}}


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for line in graph(sys.stdin):
        print(json.dumps(line, ensure_ascii=False))
