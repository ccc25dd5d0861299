"""What the URL of a list of records asks for, in REST's own words."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson
from werkzeug.datastructures import MultiDict

from flexdb.api.calls import Call
from flexdb.documents import text as json_text
from flexdb.documents.paths import split_list
from flexdb.web.console.records.columns import TableColumn, column, is_path
from flexdb.web.console.records.filter_rows import FilterRow
from flexdb.web.console.words import as_json

PAGE, _MOST_GROUPS, _MOST_BROUGHT = 50, 50, 3
_DIRECTIONS = ("out", "in", "both")


class RecordQuery(NamedTuple):
    """Which records, in which order, and what of each; "" where the URL says nothing.

    :param group_by: the member by whose values they are counted, above them
    """

    filter: str = ""
    search: str = ""
    sort: str = ""
    fields: str = ""
    expand: str = ""
    group_by: str = ""
    # The name is that of REST; a tuple counts otherwise.
    count: str = ""  # type: ignore[assignment]

    @classmethod
    def read(cls, said: MultiDict[str, str]) -> RecordQuery:
        """Return what a query string or a form says."""
        return cls(**{name: said.get(name, "").strip() for name in cls._fields})

    def url(self, base: str, **changed: str) -> str:
        """Return the URL that asks for the same, but for what is changed."""
        said = (self._replace(**changed) if changed else self).kept()
        return f"{base}?{urlencode(said)}" if said else base

    def export_url(self, base: str, type_id: str) -> str:
        """Return the URL that exports what the filter finds, with these columns."""
        said = {"type": type_id, "filter": self.filter, "fields": self.fields}
        return f"{base}?{urlencode({name: value for name, value in said.items() if value})}"

    def kept(self, *but: str) -> list[tuple[str, str]]:
        """Return what it says, but for some of it, as a form sends it along that changes these."""
        return [(name, value) for name, value in zip(self._fields, self)
                if value and name not in but]

    def calls(self, tenant_id: str, type_id: str, token: str) -> list[Call]:
        """Return the calls that find the records; first their list, then what is told of them.

        :param token: of the page; "" for the first
        """
        of = {"tenant_id": tenant_id, "node_type_id": type_id}
        asked: dict[str, Any] = {name: value for name, value in (
            ("filter", self.filter), ("sort", self.sort), ("expand", self.expand),
            ("search", self.search), ("count", self.count)) if value}
        if self.fields:
            asked["fields"] = self._asked_fields()
        if self.search:
            asked["highlights"] = "offsets"
        if not token and (self.filter or self.sort):
            asked["explain"] = True
        # The pages that follow know the total from the first.
        if token and (self.filter or self.search):
            asked["count"] = "none"
        found = [Call("list_nodes", of | asked | {
            "pagination": {"page_size": PAGE} | ({"page_token": token} if token else {})})]
        if self.filter or self.search:
            found.append(Call("count_nodes", of))
        if self.group_by and not self.search:
            found.append(Call("aggregate_nodes", of | (
                {"filter": self.filter} if self.filter else {}) | {
                "group_by": {"value": self.group_by}, "measures": {"records": "count()"},
                "sort": ["-records"], "limit": _MOST_GROUPS}))
        return found

    def _asked_fields(self) -> list[str]:
        paths = split_list(self.fields)
        if not all(is_path(path) for path in paths):
            return paths  # The call says what is wrong with them.
        return list(dict.fromkeys([*(column([], path).asked for path in paths), "id", "version"]))

    def is_sorted_by(self, path: str) -> str:
        """Return ``ascending``, ``descending`` or "" for a column."""
        first = split_list(self.sort)[0] if self.sort else ""
        return {path: "ascending", f"-{path}": "descending"}.get(first, "")

    def heads(self, base: str, shown: list[TableColumn]) -> list[tuple[TableColumn, str, str]]:
        """Return each column with how it is sorted now, and the URL that its head leads to: up,
        down, and as it was.
        """
        as_it_was = self.url(base, sort="")
        start = f"{as_it_was}{'&' if '?' in as_it_was else '?'}sort="
        found = {"": "", "ascending": "-"}
        return [(one, now, start + quote(found[now] + one.path) if now in found else as_it_was)
                for one in shown for now in [self.is_sorted_by(one.path)]]

    def narrowed(self, path: str, value: Any) -> str:
        """Return the filter, as JSON text, that also wants a value at a path."""
        filter = json_text.parse_exactly(self.filter.encode()) if self.filter else {}
        wanted = {"$eq": value} if isinstance(value, dict) else value
        both = filter | {path: wanted} if path not in filter else {"$and": [filter, {path: wanted}]}
        return as_json(both)

    def brought(self) -> list[str]:
        """Return the names of what each record brings along."""
        try:
            said = orjson.loads(self.expand) if self.expand else {}
        except ValueError:
            return []
        return list(said) if isinstance(said, dict) else []

    def relation(self) -> tuple[str, str]:
        """Return the type and the direction of what each brings along first, "" for none."""
        for name in self.brought():
            one = orjson.loads(self.expand)[name]
            if isinstance(one, dict):
                return str(one.get("type", "")), str(one.get("direction", "both"))
        return "", "out"


def filter_rows(said: MultiDict[str, str]) -> list[FilterRow] | None:
    """Return the rows of a filter that a form sent; None when it sent none."""
    if "path" not in said:
        return None
    parts = [said.getlist(name) for name in ("path", "op", "value")]
    return [FilterRow(*row) for row in zip(*parts)]


def shown_fields(said: MultiDict[str, str]) -> str | None:
    """Return the paths of the columns that a form chose; None when it chose none.

    A button may move one up by a place.
    """
    if "show" not in said:
        return None
    paths = list(dict.fromkeys(path.strip() for path in said.getlist("show") if path.strip()))
    if (up := said.get("up")) in paths[1:]:
        place = paths.index(up)
        paths[place - 1:place + 1] = [up, paths[place - 1]]
    return ",".join(paths)


def expansion(said: MultiDict[str, str]) -> str | None:
    """Return, as JSON text, what records shall bring along; None when no form says it."""
    direction = said.get("direction")
    if direction not in _DIRECTIONS:
        return None
    type = said.get("related", "").strip()
    asked: dict[str, Any] = {"direction": direction, "limit": _MOST_BROUGHT, "count": True}
    return orjson.dumps({"related": ({"type": type} if type else {}) | asked}).decode()


def in_words(explain: dict[str, Any] | None, query: RecordQuery, known: list[TableColumn],
             whole: int | None) -> list[str]:
    """Return sentences that say what a list costs that no index serves; none where one does.

    :param explain: what ``list_nodes`` told
    :param whole: how many records of the type there are
    """
    if not explain:
        return []
    page, told = explain["page"], []
    if page["scans"]:
        is_found = any(name not in ("node_type_id", "id") for name in page["indexes"])
        everything = f"all {whole:,} records" if whole else "all records of the type"
        told.append("An index finds a part of it, which is read row by row to see what fits."
                    if is_found else f"No index serves this: {everything} are read row by row.")
    if page["sorts"]:
        told.append("All that fits is found and sorted before the page begins.")
    without = [one for one in known if one.is_data and not one.schema.get("x-index")
               and one.path in _ranged(query)]
    if told and without:
        told.append(f"“x-index” on {without[0].path} in the schema would serve it.")
    return told


def _ranged(query: RecordQuery) -> set[str]:
    """Return the paths of what is sorted or compared, which an index of its own may serve."""
    found = {path.removeprefix("-") for path in split_list(query.sort)} if query.sort else set()
    filter = json_text.parse_exactly(query.filter.encode()) if query.filter else {}
    return found | {path for path, asked in filter.items() if isinstance(asked, dict)
                    and not asked.keys().isdisjoint(("$gt", "$gte", "$lt", "$lte"))}
