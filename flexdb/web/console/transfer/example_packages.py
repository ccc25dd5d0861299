"""What an empty tenant may be filled with to look at: packages, their versions, their licences."""

from __future__ import annotations

from typing import Any

from flexdb.contract.ids import new_id

LICENCES = (("MIT", "MIT License", True), ("Apache-2.0", "Apache License 2.0", True),
            ("MPL-2.0", "Mozilla Public License 2.0", True),
            ("GPL-3.0-only", "GNU General Public License v3.0 only", False))

# name | what it does | licence | kind | keywords | its releases, oldest first
_PACKAGES = """
bytewise|Bytes read and written in any order|MIT|library|bytes parsing|0.9.0 1.0.0 1.1.0
linefeed|Lines of a stream, whatever ends them|MIT|library|text streams|1.0.0 1.0.1
textfold|Text wrapped, cut and folded|MIT|library|text|0.4.0 0.5.0
tinyjson|JSON that keeps every digit|MIT|library|json parsing|1.2.0 1.3.0 2.0.0
tableau-csv|Tables of comma-separated values|Apache-2.0|library|csv tables|1.0.0 1.1.0
schemata|Documents held against their schemas|Apache-2.0|library|json schema|0.8.0 1.0.0
pathfinder|Ways through a graph, the shortest first|MPL-2.0|library|graph|1.0.0 1.4.0
gridlock|Locks taken in one order|MIT|library|locks|0.2.0
clockwork|Times, zones and calendars|Apache-2.0|library|time|2.0.0 2.1.0
sockpuppet|Connections that behave as told, for tests|MIT|library|network tests|0.7.0
httpline|Requests and responses over one connection|Apache-2.0|library|http network|3.0.0 3.1.0
routemap|From a URL to what answers it|MIT|library|http urls|1.0.0
papertrail|Log lines as JSON|MIT|library|logs json|1.5.0 1.6.0
keyring-lite|Keys kept where nobody looks|GPL-3.0-only|library|secrets|0.3.0
hashmark|Digests of files and of folders|MIT|library|bytes hashes|1.0.0
packrat|Archives written and unpacked|GPL-3.0-only|tool|archives bytes|2.2.0
webwright|A small framework for the web|Apache-2.0|framework|http framework|4.0.0 4.1.0
graphite-view|Graphs drawn as pictures|MPL-2.0|tool|graph pictures|0.6.0
queryline|A query language for tables|MIT|tool|tables queries|1.0.0
shipshape|Checks a package before it is released|GPL-3.0-only|tool|tests packages|1.1.0
"""

# package: what its newest release depends on, each with the versions that will do
_DEPENDS_ON = {
    "linefeed": "bytewise>=1.0", "textfold": "linefeed>=1.0", "tinyjson": "bytewise>=1.0",
    "tableau-csv": "linefeed>=1.0 textfold>=0.4", "schemata": "tinyjson>=1.3",
    "pathfinder": "gridlock>=0.2", "sockpuppet": "bytewise>=0.9 clockwork>=2.0",
    "httpline": "bytewise>=1.0 linefeed>=1.0 clockwork>=2.0", "routemap": "textfold>=0.4",
    "papertrail": "tinyjson>=1.2 clockwork>=2.1", "keyring-lite": "hashmark>=1.0",
    "hashmark": "bytewise>=1.1", "packrat": "bytewise>=1.0 hashmark>=1.0 linefeed>=1.0",
    "webwright": "httpline>=3.0 routemap>=1.0 schemata>=1.0 papertrail>=1.5 keyring-lite>=0.3",
    "graphite-view": "pathfinder>=1.0 textfold>=0.5",
    "queryline": "tableau-csv>=1.0 pathfinder>=1.4 tinyjson>=2.0",
    "shipshape": "packrat>=2.0 schemata>=0.8 webwright>=4.0 hashmark>=1.0 papertrail>=1.5",
}
# package: what it does the work of in another way
_ALTERNATIVES = {"tableau-csv": "tinyjson", "queryline": "graphite-view", "packrat": "shipshape",
                 "gridlock": "clockwork", "httpline": "sockpuppet"}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Package": {
        "title": "Package", "type": "object", "required": ["name", "kind"],
        "additionalProperties": False, "x-order": [
            "name", "kind", "summary", "keywords", "homepage", "downloads", "is_maintained"],
        "properties": {
            "name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 60,
                     "pattern": "^[a-z][a-z0-9-]*$", "x-unique": True, "x-search": True},
            "kind": {"enum": ["library", "framework", "tool"], "title": "Kind",
                     "default": "library"},
            "summary": {"type": "string", "title": "Summary", "maxLength": 200,
                        "x-search": True},
            "keywords": {"type": "array", "title": "Keywords", "uniqueItems": True,
                         "items": {"type": "string"}},
            "homepage": {"type": "string", "format": "uri", "title": "Home page"},
            "downloads": {"type": "integer", "title": "Downloads in a month", "minimum": 0},
            "is_maintained": {"type": "boolean", "title": "Is maintained", "default": True}}},
    "Version": {
        "title": "Version", "type": "object", "required": ["number", "released"],
        "x-order": ["name", "number", "released", "size", "yanked"],
        "properties": {
            "name": {"type": "string", "title": "Name", "x-unique": True},
            "number": {"type": "string", "title": "Number", "pattern": "^[0-9]+(\\.[0-9]+){2}$"},
            "released": {"type": "string", "format": "date", "title": "Released"},
            "size": {"type": "number", "title": "Size in KiB", "exclusiveMinimum": 0},
            "yanked": {"type": ["string", "null"], "title": "Why it was taken back"}}},
    "Licence": {
        "title": "Licence", "type": "object", "required": ["name", "identifier"],
        "x-order": ["name", "identifier", "is_permissive"],
        "properties": {
            "name": {"type": "string", "title": "Name"},
            "identifier": {"type": "string", "title": "SPDX identifier", "x-unique": True},
            "is_permissive": {"type": "boolean", "title": "Is permissive"}}},
}
# Of relationships: from which type to which, and what else holds for them.
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "licensed_under": ("Package", "Licence", {"cardinality": "n:1"}),
    "has_version": ("Package", "Version", {"cardinality": "1:n"}),
    "follows": ("Version", "Version", {"cardinality": "1:1", "acyclic": True}),
    "depends_on": ("Package", "Package", {"acyclic": True, "unique_pair": True, "schema": {
        "type": "object", "required": ["versions"], "properties": {
            "versions": {"type": "string", "title": "Versions that will do"}}}}),
    "tested_with": ("Version", "Version", {}),
    "alternative_to": ("Package", "Package", {"unique_pair": True}),
}

Records = dict[str, list[dict[str, Any]]]
Links = list[tuple[str, str, str, dict[str, Any]]]


def records() -> tuple[Records, Links]:
    """Return the data of records by their type, and which of them are related.

    A relationship is the names of its source, its type and its target, and its data.
    """
    made: Records = {"Licence": [], "Package": [], "Version": []}
    links: Links = []
    for identifier, name, is_permissive in LICENCES:
        made["Licence"].append({"name": name, "identifier": identifier,
                                "is_permissive": is_permissive})
    names = {identifier: name for identifier, name, _ in LICENCES}
    newest: dict[str, str] = {}
    for place, line in enumerate(_PACKAGES.strip().splitlines()):
        package, summary, licence, kind, keywords, releases = line.split("|")
        made["Package"].append({
            "name": package, "kind": kind, "summary": summary, "keywords": keywords.split(),
            "homepage": f"https://example.org/{package}", "downloads": 1200 * (23 - place) ** 2,
            "is_maintained": package != "gridlock"})
        links.append((package, "licensed_under", names[licence], {}))
        before = ""
        for number, release in enumerate(releases.split()):
            name = f"{package} {release}"
            made["Version"].append({
                "name": name, "number": release, "size": 12.5 + 7.25 * place + 3 * number,
                "released": f"2025-{1 + (place + 4 * number) % 12:02d}-{1 + place % 28:02d}",
                "yanked": "It forgot the last line." if name == "linefeed 1.0.0" else None})
            links.append((package, "has_version", name, {}))
            if before:
                links.append((name, "follows", before, {}))
            before = newest[package] = name
    for package, wanted in _DEPENDS_ON.items():
        for one in wanted.split():
            needed, _, least = one.partition(">=")
            links.append((package, "depends_on", needed, {"versions": f">={least}"}))
            links.append((newest[package], "tested_with", newest[needed], {}))
    links += [(one, "alternative_to", other, {}) for one, other in _ALTERNATIVES.items()]
    return made, links


def calls(tenant_id: str) -> list[dict[str, Any]]:
    """Return the calls that fill a tenant, as a transaction takes them."""
    types = {name: new_id() for name in SCHEMAS}
    of_types, links = records()
    ids = {data["name"]: new_id() for of_type in of_types.values() for data in of_type}
    made: list[tuple[str, dict[str, Any]]] = [
        *(("create_node_type", {"name": name, "id": types[name], "schema": schema})
          for name, schema in SCHEMAS.items()),
        *(("create_relationship_type", {
            "name": name, "source_node_type_ids": [types[source]],
            "target_node_type_ids": [types[target]], **more})
          for name, (source, target, more) in KINDS.items()),
        ("create_nodes", {"nodes": [
            {"node_type_id": types[name], "id": ids[data["name"]], "data": data}
            for name, of_type in of_types.items() for data in of_type]}),
        ("create_relationships", {"relationships": [
            {"source_node_id": ids[source], "relationship_type": kind,
             "target_node_id": ids[target], "data": data}
            for source, kind, target, data in links]})]
    return [{"method": method, "params": {"tenant_id": tenant_id} | params}
            for method, params in made]
