"""A record: the form of its data, its JSON, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.documents.differences import difference
from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.errors import FlexdbError, NotFound, VersionConflict
from flexdb.web.console import forms
from flexdb.web.console.changes.differences import between
from flexdb.web.console.forms import ABSENT, Posted
from flexdb.web.console.labels import label
from flexdb.web.console.lines import line_of
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, Within, page, show, within
from flexdb.web.console.records import new_record
from flexdb.web.console.records.beside import Beside, Origin
from flexdb.web.console.records.comparing import MOST, Comparison, together
from flexdb.web.console.records.refusals import SWITCHED, Refusal, refused
from flexdb.web.console.typed import whole
from flexdb.web.console.words import indented

_NOTHING = Refusal({}, [])


class OpenRecord(NamedTuple):
    """A record with its type, and what is beside it in the list that it was opened from."""

    place: Within
    node: dict[str, Any]
    node_type: dict[str, Any]
    origin: Origin
    beside: Beside

    @property
    def url(self) -> str:
        """Return the URL of its page."""
        return f"{self.place.url}/nodes/{self.node['id']}"

    @property
    def list_url(self) -> str:
        """Return the URL of the list that it was opened from."""
        return self.origin.query.url(f"{self.place.url}/types/{self.node['node_type_id']}")

    @property
    def data(self) -> Any:
        """Return its data, in the order of its schema; null counts as an empty object."""
        data = {} if self.node["data"] is None else self.node["data"]
        if not isinstance(data, dict):
            return data
        first = [name for name in forms.ordered(self.node_type["schema"]) if name in data]
        return {name: data[name] for name in dict.fromkeys([*first, *data])}

    @property
    def name(self) -> str:
        """Return what it is called."""
        return label(self.node, forms.ordered(self.node_type["schema"]))


def opened(calls: PageCalls, tenant_id: str, id: str) -> OpenRecord:
    """Return a record.

    :raises FlexdbError: when it, or its type, is not there for the caller
    """
    place, (found,) = within(calls, tenant_id, Call("get_node", {"tenant_id": tenant_id, "id": id}))
    node, origin = found["node"], Origin.asked()
    node_type, *told = calls.outcomes(
        Call("get_node_type", {"tenant_id": tenant_id, "id": node["node_type_id"]}),
        *origin.calls(node))
    if isinstance(node_type, FlexdbError):
        raise node_type
    return OpenRecord(place, node, node_type["node_type"], origin,
                      origin.beside(calls, node, f"{place.url}/nodes/", told))


@page("/t/<tenant_id>/nodes/<id>")
def record(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a record as a form."""
    found = opened(calls, tenant_id, id)
    data = found.data
    if len(dump_exactly(data)) > forms.MOST_BYTES:
        return _json(found, indented(data))
    return _form(found, Posted(data))


def _form(found: OpenRecord, filled: Posted, status: int = 200, told: Refusal = _NOTHING,
          compare: Any = None) -> Shown:
    schema = found.node_type["schema"]
    form = forms.widgets(schema, filled.value, filled.wrong | told.places, filled.variants)
    return show("records/record.html", status=status, place=found.place, node=found.node,
                found=found, form=form, further=told.further, compare=compare)


@page("/t/<tenant_id>/nodes/<id>", "POST")
def save(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Change what a form has changed of a record, or do what a button in the form says."""
    try:
        found = opened(calls, tenant_id, id)
    except NotFound:
        return new_record.instead(calls, tenant_id)
    schema = found.node_type["schema"]
    filled = forms.posted(schema, request.form)
    do = request.form.get("do", "")
    if forms.act(schema, filled, do):
        return _form(_as_typed(found), filled, told=_NOTHING if forms.is_action(do) else SWITCHED)
    if filled.value is ABSENT:
        filled.wrong.setdefault("", "must be a JSON object")
    if filled.wrong:
        return _form(_as_typed(found), filled, 400)
    return _tried(calls, found, filled.value, _form, filled)


def _tried(calls: PageCalls, found: OpenRecord, value: Any, shown: Callable[..., Shown],
           typed: Posted | str) -> Shown | Response:
    """Save a record and lead on, or show what was typed with why it was not saved.

    :param shown: shows what was typed: :func:`_form` or :func:`_json`
    """
    told = _saved(calls, found, value)
    if isinstance(told, Response):
        return told
    if isinstance(told, VersionConflict):
        found = opened(calls, found.node["tenant_id"], found.node["id"])
        return shown(found, typed, told.status, compare=_comparison(calls, found, value))
    return shown(_as_typed(found), typed, told.status, refused(told))


def _as_typed(found: OpenRecord) -> OpenRecord:
    """Return a record at the version that the form is of."""
    return found._replace(node={**found.node, "version": request.form.get("version", "")})


def _saved(calls: PageCalls, found: OpenRecord, value: Any) -> Response | FlexdbError:
    """Patch a record with the difference to what it is to be; lead on, or return why not."""
    version, now = request.form.get("version", ""), found.node["version"]
    to = found.url + ("/json" if request.form.get("from") == "json" else "") + found.origin.suffix
    if request.form.get("do") == "next":
        to = found.beside.next or to
    if request.form.get("do") == "both":
        value = together(_before(calls, found, request.form.get("base", "")), found.data, value)
    if version != str(now) or value is ABSENT:
        return VersionConflict(int(now))
    patch = difference(dump_exactly(found.data), dump_exactly(value))
    if patch == b"[]":
        return redirect_with(to, f"Nothing of {found.name} was changed.")
    try:
        node = calls.one("patch_node", tenant_id=found.node["tenant_id"], id=found.node["id"],
                         patch=parse_exactly(patch), version=now)["node"]
    except FlexdbError as error:
        return error
    name = found._replace(node=node).name
    undo = {"version": str(now)}
    return redirect_with(to, Message(f"Saved {name}.", f"{found.url}/revert", undo))


def _comparison(calls: PageCalls, found: OpenRecord, value: Any) -> Comparison:
    """Return what was typed beside what is there now."""
    base = request.form.get("base") or request.form.get("version", "")
    before = _before(calls, found, base)
    return Comparison(between(found.data, value)[:MOST], base,
                      together(before, found.data, value) is not ABSENT)


def _before(calls: PageCalls, found: OpenRecord, version: str) -> Any:
    """Return a record's data at a version; ABSENT where that is not known to the caller."""
    if not version.isdecimal():
        return ABSENT
    told, = calls.outcomes(Call("get_node", {
        "tenant_id": found.node["tenant_id"], "id": found.node["id"],
        "version": int(version[:18])}))
    return ABSENT if isinstance(told, FlexdbError) else told["node"]["data"]


@page("/t/<tenant_id>/nodes/<id>/json")
def as_json(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a record as JSON."""
    found = opened(calls, tenant_id, id)
    return _json(found, indented(found.data))


def _json(found: OpenRecord, text: str, status: int = 200, told: Refusal = _NOTHING,
          compare: Any = None) -> Shown:
    lines = [(line_of(text, at), at, said) for at, said in told.places.items()]
    return show("records/json.html", status=status, place=found.place, node=found.node, found=found,
                text=text, further=told.further, lines=sorted(lines), compare=compare,
                is_large=request.path == found.url)


@page("/t/<tenant_id>/nodes/<id>/json", "POST")
def save_json(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Change what JSON has changed of a record."""
    try:
        found = opened(calls, tenant_id, id)
    except NotFound:
        return new_record.instead(calls, tenant_id)
    text = request.form.get("data", "").replace("\r\n", "\n")
    try:
        value = forms.read_text({}, text)
    except ValueError as error:
        return _json(_as_typed(found), text, 400, Refusal({}, [f"The text {error}"]))
    return _tried(calls, found, value, _json, text)


@page("/t/<tenant_id>/nodes/<id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, id: str) -> Response:
    """Delete a record as it was shown, with its relationships."""
    found = opened(calls, tenant_id, id)
    try:
        calls.one("delete_node", tenant_id=tenant_id, id=id,
                  version=whole(request.form.get("version", ""), "version"))
    except VersionConflict:
        return redirect_with(
            found.url + found.origin.suffix, f"Not deleted: {found.name} has been changed "
            "meanwhile, and is shown as it is now.")
    return redirect_with(found.list_url, Message(f"Deleted {found.name} with its relationships.",
                                                 f"{found.place.url}/restore", {"ids": id}))
