"""Pages: what is shown of some calls, and what a form does by others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from flask import Response, g, render_template, request
from jinja2.runtime import Context
from markupsafe import Markup

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError
from flexdb.web.console import messages, snippets, words

_CURRENT = ' aria-current="page"'
# How many node types the frame lists, and how many rows a page of a list has.
MOST_TYPES, ROWS = 200, 50


@dataclass
class Shown:
    """A template and what it shows."""

    template: str
    names: dict[str, Any]
    status: int = 200


View = Callable[..., "Shown | Response"]


@dataclass(frozen=True)
class ConsolePage:
    """A view at a URL below ``/console``."""

    url: str
    view: View
    verb: str


PAGES: list[ConsolePage] = []


def page(url: str, verb: str = "GET") -> Callable[[View], View]:
    """Register the decorated view: it is given the request's calls and what stands in the URL.

    :param url: below ``/console``, with Flask's converters
    :param verb: GET to show something, POST to do it
    """
    def register(view: View) -> View:
        PAGES.append(ConsolePage(url, view, verb))
        return view

    return register


def show(template: str, *, status: int = 200, **names: Any) -> Shown:
    """Return what a view shows."""
    return Shown(template, names, status)


class Within(NamedTuple):
    """The tenant that a page is within, and what the frame says of it."""

    tenant: dict[str, Any]
    node_types: list[dict[str, Any]]

    @property
    def url(self) -> str:
        """Return the URL of the tenant's own page."""
        return f"/console/t/{self.tenant['id']}"

    @property
    def type_names(self) -> dict[str, str]:
        """Return the names of the frame's node types by their ids."""
        return {one["id"]: one["name"] for one in self.node_types}

    def node_type(self, id: str) -> dict[str, Any] | None:
        """Return a node type of the frame's; None where it is not there."""
        return next((one for one in self.node_types if one["id"] == id), None)


def within(calls: PageCalls, tenant_id: str, *further: Call) -> tuple[Within, list[Any]]:
    """Look a tenant and its node types up, and make further calls in the same round trip.

    :raises FlexdbError: what the first was answered with that failed
    """
    tenant, listed, *told = calls.outcomes(
        Call("get_tenant", {"id": tenant_id}),
        Call("list_node_types", {
            "tenant_id": tenant_id, "count": "none", "fields": ["id", "name"],
            "pagination": {"page_size": MOST_TYPES}}),
        *further)
    for one in (tenant, listed):
        if isinstance(one, FlexdbError):
            raise one
    # What is refused from here on is told within the tenant.
    # Sorted here: a list in its usual order is prepared by PostgreSQL.
    g.place = Within(tenant["tenant"], sorted(listed["node_types"], key=itemgetter("name", "id")))
    # In the order in which they were made, so that another one leaves theirs to the others.
    g.hues = {id: place for place, id in enumerate(sorted(
        one["id"] for one in listed["node_types"]))}
    for one in told:
        if isinstance(one, FlexdbError):
            raise one
    return g.place, told


def paging(size: int = ROWS) -> dict[str, Any]:
    """Return which page of its list the request asks for, as operations take it.

    :param size: how many rows it has
    """
    token = request.args.get("page_token", "")
    return {"page_size": size} | ({"page_token": token} if token else {})


@dataclass
class Request:
    """What the frame shows beside the page itself."""

    calls: PageCalls | None = None
    message: messages.Message | None = field(default_factory=messages.current)
    contexts: list[PageContext] = field(default_factory=list)

    @property
    def who(self) -> str:
        """Return in words who looks; "" where that is not known."""
        if self.calls is None:
            return ""
        caller = self.calls.context.caller
        if caller.name == "open":
            return "anyone"
        place: Within | None = g.get("place")
        there = caller.within(place.tenant["id"]) if place else caller
        kind, _, id = caller.name.partition(":")
        return f"{(there or caller).title or kind} {words.short(id)}"

    @property
    def sees_all(self) -> bool:
        """Tell whether the pages of the whole service are for who looks."""
        return self.calls is None or self.calls.context.caller.sees_all

    @cached_property
    def above(self) -> set[str]:
        """Return the paths below which the page is, its own among them."""
        parts = request.path.split("/")
        return {"/".join(parts[:place]) for place in range(2, len(parts) + 1)}

    def links(self, base: str, pages: Iterable[tuple[str, str]]) -> Markup:
        """Return links to pages, each marked on the page itself and on those below it.

        :param base: what their URLs begin with
        :param pages: the rest of the URL of each, and what it is called
        """
        above = self.above
        return Markup("\n".join([
            f'<a href="{base}{below}"{_CURRENT if base + below in above else ""}>{text}</a>'
            for below, text in pages]))

    @property
    def is_code_asked(self) -> bool:
        """Tell whether the page is to say at once what it is as code."""
        return "code" in request.args

    @property
    def code(self) -> list[snippets.Snippet] | None:
        """Return the calls that the page made, as code; None where another page says it."""
        if self.calls is None or not self.calls.made:
            return []
        # What a form sent is not sent again to tell of it.
        if request.method == "GET" and not self.is_code_asked:
            return None
        return as_code(self.calls, self.calls.made)

    @property
    def code_url(self) -> str:
        """Return where the page says what it is as code."""
        asked = request.query_string.decode(errors="replace")
        return f"?{asked}{'&' if asked else ''}code#code"


def as_code(calls: PageCalls, asked: list[Call]) -> list[snippets.Snippet]:
    """Return calls as whoever looks at the page would make them elsewhere.

    :param calls: those of the request
    """
    settings = calls.settings
    return snippets.snippets(
        asked, request.host_url.rstrip("/"),
        settings.auth_mode == "required" or "HTTP_AUTHORIZATION" in request.environ,
        settings.rest_enabled)


class PageContext(Context):
    """The names that a template of a page has, which render() forgets when the page is written.

    Macros lead back to the names around them: a ring, which would keep all that the page shows
    until the garbage collector comes by. What is imported is no page's, and stays.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "asked" in self.parent:
            self.parent["asked"].contexts.append(self)


def render(shown: Shown, calls: PageCalls | None) -> Response:
    """Return a page in its frame."""
    asked = Request(calls)
    try:
        text = render_template(shown.template, asked=asked, **shown.names)
    finally:
        while asked.contexts:
            asked.contexts.pop().vars.clear()
    response = Response(text, shown.status, content_type="text/html; charset=utf-8")
    if asked.message:
        messages.forget(response)
    return response
