"""New records: made by a form that can be sent twice, be it of another record's data."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.contract.ids import new_id
from flexdb.errors import AlreadyExists, FlexdbError, NotFound
from flexdb.web.console import forms
from flexdb.web.console.forms import ABSENT, Posted
from flexdb.web.console.labels import label
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, Within, page, show, within
from flexdb.web.console.records.refusals import SWITCHED, Refusal, refused


def _opened(calls: PageCalls, tenant_id: str, id: str, *further: Call
            ) -> tuple[Within, dict[str, Any], list[Any]]:
    place, (found, *told) = within(
        calls, tenant_id, Call("get_node_type", {"tenant_id": tenant_id, "id": id}), *further)
    return place, found["node_type"], told


@page("/t/<tenant_id>/types/<id>/new")
def new(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show the form of a new record, with what its type says that it begins with."""
    copied = request.args.get("copy")
    place, node_type, told = _opened(calls, tenant_id, id, *(
        [Call("get_node", {"tenant_id": tenant_id, "id": copied})] if copied else []))
    schema = node_type["schema"]
    value = told[0]["node"]["data"] if told else forms.begin(schema)
    return _form(place, node_type, Posted({} if value is ABSENT or value is None else value),
                 new_id())


def _form(place: Within, node_type: dict[str, Any], filled: Posted, new: str, status: int = 200,
          told: Refusal | None = None) -> Shown:
    form = forms.widgets(node_type["schema"], filled.value,
                         filled.wrong | (told.places if told else {}), filled.variants)
    return show("records/new_record.html", status=status, place=place, node_type=node_type,
                form=form, new=new, further=told.further if told else [])


def instead(calls: PageCalls, tenant_id: str) -> Shown:
    """Show what was typed for a record that was deleted meanwhile as a new one.

    :raises FlexdbError: when what it is to be of is not there either
    """
    place, node_type, _ = _opened(calls, tenant_id, request.form.get("node_type_id", ""))
    if (text := request.form.get("data")) is None:
        filled = forms.posted(node_type["schema"], request.form)
    else:
        filled = forms.posted({}, {"json:": text})
    return _form(place, node_type, filled, new_id(), NotFound.status, Refusal({}, [
        "The record was deleted meanwhile. What you typed can become a new one."]))


@page("/t/<tenant_id>/types/<id>/new", "POST")
def create(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Create a record, or do what a button in the form says."""
    place, node_type, _ = _opened(calls, tenant_id, id)
    new, do = request.form.get("id", "") or new_id(), request.form.get("do", "")
    filled = forms.posted(node_type["schema"], request.form)
    if forms.act(node_type["schema"], filled, do):
        return _form(place, node_type, filled, new,
                     told=None if forms.is_action(do) else SWITCHED)
    if filled.wrong:
        return _form(place, node_type, filled, new, 400)
    value = {} if filled.value is ABSENT else filled.value
    try:
        made = calls.one("create_node", tenant_id=tenant_id, node_type_id=id, id=new,
                         data=value)["node"]
    except FlexdbError as error:
        # Sent once more, it is there already.
        sent = isinstance(error, AlreadyExists) and "id" in error.data.get("fields", {})
        known = calls.outcomes(Call("get_node", {"tenant_id": tenant_id, "id": new})) if sent else [
            error]
        if isinstance(known[0], FlexdbError):
            return _form(place, node_type, filled, new, error.status, refused(error))
        made = known[0]["node"]
        # It may have been changed in the form since.
        if not (isinstance(value, dict) and isinstance(made["data"], dict) and all(
                made["data"].get(name, ABSENT) == one for name, one in value.items())):
            return _form(place, node_type, filled, new_id(), error.status, Refusal({}, [
                f"{label(made)} was created by this form already, with other data. "
                "Create makes another record of what stands here now."]))
    name = label(made, forms.ordered(node_type["schema"]))
    if do == "another":
        return redirect_with(f"{place.url}/types/{id}/new", f"Created {name}.")
    return redirect_with(f"{place.url}/nodes/{new}", f"Created {name}.")
