"""Events: who changed what the service or a tenant is, noted in the transaction that does it."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text, Time
from flexdb.contract.gives import paged
from flexdb.contract.ids import new_id
from flexdb.contract.json_fields import JsonText
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items
from flexdb.contract.operation import (
    CREATES,
    READS,
    TENANT,
    Loaded,
    Operation,
    guard,
    operation,
)
from flexdb.contract.params import Params
from flexdb.operations.statements import step
from flexdb.plan import Plan, Result, Statement, Steps, Walk, as_steps
from flexdb.query.paging import page, pagination
from flexdb.sql.loader import STATEMENTS
from flexdb.sql.pages import Key

CALLER = partial(Text, "Who did it: `key:<id>` for a key, `open` where none was needed, `command` "
                 "for one on the machine.", example="open")
OPERATION = partial(Text, "The method.", example="update_tenant")
ROW = partial(JsonText, "What the row is, without names of people, addresses and secrets; of one "
              "that was changed, only what differs.", allow_none=True)
# Of a value is kept what its JSON text begins with, in bytes.
MOST_BYTES = 2048
# What is never told; and of what is told no more than that it changed.
_SECRET = {"secret", "hash", "token", "password"}
# A URL may hold a secret.
_PERSONAL = {"email", "display_name", "attributes", "url"}
# What is told elsewhere in the event.
_ELSEWHERE = {"id", "tenant_id", "user_id", "created_at", "updated_at", "version", "used_nodes",
              "used_relationships", "used_bytes"}
_IDS = ("tenant_id", "id", "user_id")
_NEWEST_FIRST = (Key("at", "timestamptz", "DESC"), Key("id", "uuid", "DESC"))
_NOTED = {Access.MANAGE, Access.OWN, Access.PLATFORM}

Object = dict[str, Any]


class Event(Schema):
    """A change of what the service or a tenant is, and who made it."""

    id = Id("The event's id.")
    at = Time("When it was.")
    tenant_id = Id("The id of the tenant that it was about, if any.", allow_none=True)
    caller = CALLER()
    operation = OPERATION()
    request_id = Text("The id of the request, as in the log; empty for a command.")
    about = Id("The id of what was changed; of a membership, the user's.", allow_none=True)
    changed = Items("The names of what differs.", Text("A name."))
    before = ROW()
    after = ROW()


class EventList(Params):
    tenant_id = TENANT_ID()
    caller = CALLER()
    operation = OPERATION()
    since = Time("Only from this time on.", load_default=None)
    until = Time("Only before this time.", load_default=None)
    pagination = pagination()


@operation(EventList, gives=paged(Event, "events"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def list_events(context: Context, params: Loaded) -> Statement:
    """List who changed tenants, users, members and keys, newest first.

    Who is bound to a tenant sees its events; an operator those of all, and of none.
    """
    return page(context, "list_events", params, ("tenant_id", "caller", "operation"),
                _NEWEST_FIRST, of="service", takes=("since", "until"))


@guard(lambda declared: declared.access in _NOTED and declared.effect is not READS)
def noted(declared: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Return a plan that also notes who did it, and what the row was before and after."""
    def steps() -> Walk:
        before = yield from _before(declared, context, params)
        result: Result = yield as_steps(plan)
        yield step(context, "note_event", _event(declared, context, params, before, result))
        return result

    # Who waits for the row waits as long as the work may take.
    return Steps(declared.name, steps, declared.long)


def _before(declared: Operation, context: Context, params: Loaded) -> Any:
    """Read and lock the row that is going to be changed, where there is one."""
    table = "tenant_users" if _is_membership(declared) else declared.kind
    # What has an id of its own making was not there.
    is_new = declared.effect is CREATES and "id" in declared.fields
    if is_new or f"before_{table}" not in STATEMENTS["value"]:
        return {}
    ids = {name: params[name] for name in _IDS if name in params}
    row = yield Statement(STATEMENTS["value"][f"before_{table}"], context.limits._asdict() | ids)
    return orjson.loads(row[0]) if row else {}


def _event(declared: Operation, context: Context, params: Loaded, before: Object, result: Result
           ) -> Loaded:
    after = orjson.loads(result.text).get(declared.gives.wrapper) or {}
    names = {name for name in before.keys() | after.keys()
             if before.get(name) != after.get(name)} - _SECRET - _ELSEWHERE
    return {
        "id": new_id(), "days": context.limits.events_keep, "caller": context.caller.name,
        "tenant_id": params["id"] if declared.kind == "tenants" else params.get("tenant_id"),
        "operation": declared.name, "request_id": context.request_id(),
        "about": (params.get("user_id") if _is_membership(declared)
                  else result.id or params.get("id") or params.get("webhook_id")),
        "changed": orjson.dumps(sorted(names)), "before": _told(before, names),
        "after": _told(after, names)}


def _is_membership(declared: Operation) -> bool:
    return declared.kind == "users" and declared.of is TENANT


def _told(row: Object, names: set[str]) -> bytes | None:
    return orjson.dumps({name: _bounded(row[name]) for name in sorted(names - _PERSONAL)
                         if name in row}) if row else None


def _bounded(value: Any) -> Any:
    text = orjson.dumps(value)
    return value if len(text) <= MOST_BYTES else text[:MOST_BYTES].decode(errors="ignore") + "…"
