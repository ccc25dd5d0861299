"""The relationships of a tenant: all, or those of a type, or between some records."""

from __future__ import annotations

from flexdb.api.calls import Call, PageCalls
from flexdb.web.console.finding import ENDS, names, types_of
from flexdb.web.console.page import ROWS, Shown, page, paging, show, within
from flexdb.web.console.picks import Picks, given


@page("/t/<tenant_id>/relationships")
def relationships(calls: PageCalls, tenant_id: str) -> Shown:
    """Show a tenant's relationships, the newest first."""
    picks = Picks(calls, tenant_id, *ENDS)
    name = given("relationship_type")
    asked = {"tenant_id": tenant_id, "pagination": paging(), **picks.ids()} | (
        {"relationship_type": name} if name else {})
    place, (listed, types) = within(calls, tenant_id, Call("list_relationships", asked),
                                    types_of(tenant_id))
    if picks.wrong:
        listed = {"relationships": [], "pagination": {}}
    found = listed["relationships"]
    ends = names(calls, tenant_id, (one[end] for one in found for end in ENDS))
    return show("relationships/table.html", status=400 if picks.wrong else 200, place=place,
                listed=listed, ends=ends, picks=picks, name=name, page_size=ROWS,
                types=[one["name"] for one in types["relationship_types"]],
                chosen={field: value for field in (*ENDS, "relationship_type")
                       if (value := given(field))})
