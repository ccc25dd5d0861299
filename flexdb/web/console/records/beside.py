"""The records before and after one: those of the list that it was opened from."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError
from flexdb.web.console.records.query import PAGE, RecordQuery

# How long what a record's URL says of its list may be, which each row of the list repeats.
_LONGEST = 4000


class Beside(NamedTuple):
    """The URLs of the records before and after one in a list, "" where there is none.

    :param is_lost: whether the record is not where it was opened from in the list any more
    """

    previous: str = ""
    next: str = ""
    is_lost: bool = False


class Origin(NamedTuple):
    """The list that a record was opened from, which the record's own URL repeats.

    :param token: of the page of that list; "" for its first
    """

    query: RecordQuery = RecordQuery()
    token: str = ""

    @classmethod
    def asked(cls) -> Origin:
        """Return the one that the request's URL names, or that of all records in the place of one
        that is said at great length.
        """
        asked = cls(RecordQuery.read(request.args)._replace(count="", group_by=""),
                    request.args.get("page_token", ""))
        return asked if sum(map(len, (*asked.query, asked.token))) <= _LONGEST else cls()

    @property
    def is_chosen(self) -> bool:
        """Tell whether it is other than all records of the type, the newest first."""
        return bool(self.query.filter or self.query.search or self.query.sort)

    @property
    def suffix(self) -> str:
        """Return what the URL of a record ends in that is opened from it."""
        asked = self.query.url("")
        if not self.is_chosen or not self.token:
            return asked
        return f"{asked}&{urlencode({'page_token': self.token})}"

    def calls(self, node: dict[str, Any]) -> list[Call]:
        """Return the calls that find what is beside a record."""
        if self.is_chosen:
            return [self._page(node, self.token, PAGE)]
        return [_by_time(node, "$gt", ["created_at", "id"]),
                _by_time(node, "$lt", ["-created_at", "-id"])]

    def beside(self, calls: PageCalls, node: dict[str, Any], url: str, told: list[Any]) -> Beside:
        """Return what is beside a record.

        :param url: what the id of a record follows in its URL
        :param told: what its calls told, an error where one failed
        """
        listed = [[] if isinstance(one, FlexdbError) else [each["id"] for each in one["nodes"]]
                  for one in told]
        if not self.is_chosen:
            newer, older = (url + ids[0] + self.suffix if ids else "" for ids in listed)
            return Beside(newer, older)
        ids, id = listed[0], node["id"]
        if id not in ids:
            return Beside(is_lost=True)
        place = ids.index(id)
        previous = url + ids[place - 1] + self.suffix if place else ""
        if place + 1 < len(ids):
            return Beside(previous, url + ids[place + 1] + self.suffix)
        return Beside(previous, self._over_the_end(calls, node, url, told[0]["pagination"]))

    def _over_the_end(self, calls: PageCalls, node: dict[str, Any], url: str,
                      paging: dict[str, Any]) -> str:
        """Return the URL of the first record of the next page: within a page that begins in the
        middle of this one, so that it has neighbors on both sides.
        """
        if not paging["next_page_token"]:
            return ""
        told = calls.outcomes(self._page(node, paging["next_page_token"], 1),
                              self._page(node, self.token, PAGE // 2))
        if any(isinstance(one, FlexdbError) or not one["nodes"] for one in told):
            return ""
        (first,), token = told[0]["nodes"], told[1]["pagination"]["next_page_token"]
        return f"{url}{first['id']}{self._replace(token=token).suffix}"

    def _page(self, node: dict[str, Any], token: str, size: int) -> Call:
        asked = {name: value for name in ("filter", "sort", "search")
                 if (value := getattr(self.query, name))}
        return Call("list_nodes", {
            "tenant_id": node["tenant_id"], "node_type_id": node["node_type_id"], **asked,
            "count": "none", "fields": ["id"],
            "pagination": {"page_size": size} | ({"page_token": token} if token else {})})


def _by_time(node: dict[str, Any], than: str, sort: list[str]) -> Call:
    """Return the call that gives the record that was made next to one, of those of its type."""
    time = node["created_at"]
    # The first condition is what an index can look up.
    return Call("list_nodes", {
        "tenant_id": node["tenant_id"], "node_type_id": node["node_type_id"], "count": "none",
        "fields": ["id"], "sort": sort, "pagination": {"page_size": 1},
        "filter": {"created_at": {f"{than}e": time},
                   "$or": [{"created_at": {than: time}}, {"id": {than: node["id"]}}]}})
