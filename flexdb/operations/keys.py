"""Keys, by which callers are known, and who the caller is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema

from flexdb.access.callers import ROLES, Access
from flexdb.access.keys import hash_of, hint_of, make_secret
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Integer, Text, Time, moment
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.ids import new_id
from flexdb.contract.json_fields import Attributes
from flexdb.contract.members import CREATED_AT, TENANT_ID
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import (
    CREATES,
    DELETES,
    OPERATIONS,
    READS,
    SERVICE,
    TENANT,
    Loaded,
    operation,
)
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams, NotFound, PermissionDenied, QuotaExceeded
from flexdb.operations.statements import one_object, with_secret
from flexdb.plan import Result, Row, Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT

ID = partial(Id, "The key's id.")
NAME = partial(Text, "What it is for.", example="web shop")
ROLE = partial(Text, "What it is let do: `viewer` reads, `member` writes, `admin` makes types and "
               "keys, `owner` changes the tenant; or a role that the tenant made.",
               length=64, example="member")
ATTRIBUTES = partial(Attributes, "What a role's grants may ask of its holder: an object of texts, "
                     "numbers, booleans and lists of them.", allow_none=True,
                     example={"team": ["red", "blue"]})
OPERATIONS_OF = "Where it may do less than the role: names of methods, and {}.".format(
    ", ".join(f"`{access.word}`" for access in Access if access is not Access.ANY))
EXPIRES_AT = partial(Time, "When it ends to be good: in 90 days when absent, at most in 10 years.")
# Those that ended are among them, until they are deleted.
MOST_KEYS = 1000
MOST_OPERATIONS, MOST_DAYS, MOST_OVERLAP = 100, 3653, 30 * 86400
_THINGS = {"replaces": "key", "role": "role"}


class ApiKey(Schema):
    """A key of a tenant; its secret is told once, by `create_key`."""

    id = ID()
    tenant_id = TENANT_ID()
    name = NAME()
    role = ROLE()
    attributes = ATTRIBUTES()
    operations = Items(OPERATIONS_OF, Text("A name."), allow_none=True)
    hint = Text("How its secret begins.", example="fdb_t_4Zk9")
    created_by = Text("Who made it.")
    created_at = CREATED_AT()
    expires_at = EXPIRES_AT()
    last_used_at = Time("When it was last used, within an hour.", allow_none=True)


MEMBERS = ApiKey().fields


class ApiKeyWithSecret(ApiKey):
    """A key that was just made, with its secret, which is told once."""

    secret = Text("Send it as `Authorization: Bearer …`; only its SHA-256 is kept.")


class InTenant(Schema):
    """What a user is in a tenant."""

    tenant_id = TENANT_ID()
    role = Text("The role there; one that flexdb does not know gives nothing.", example="member")


class Me(Schema):
    """Who calls."""

    name = Text("`open` for anyone, `key:<id>` for a key, `user:<id>` for a user.")
    role = Text("What the caller is let do; empty where the memberships say so.", example="member")
    tenant = Text("The id of the only tenant that the caller sees; empty for all, or for several.")
    operations = Items(OPERATIONS_OF, Text("A name."), allow_none=True)
    memberships = Items("The tenants of a user; null for who is none.",
                        Object(InTenant, "A membership."), allow_none=True)


class NewKey(Params):
    tenant_id = TENANT_ID(required=True)
    name = NAME(required=True)
    role = ROLE(load_default="member")
    operations = Items(OPERATIONS_OF, Text("A name."), most=MOST_OPERATIONS, load_default=None)
    expires_at = EXPIRES_AT(load_default=None)
    replaces = Id("The id of a key that it stands in for, which ends after `overlap`.",
                  load_default=None)
    overlap = Integer("How long that one is good yet, in seconds.", least=0, most=MOST_OVERLAP,
                      load_default=86400)
    attributes = ATTRIBUTES(load_default=None, allow_none=False)
    id = Id("The id to give it, for who sees all tenants; made by the server when absent.",
            load_default=None)


class KeyId(Params):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)


class KeyList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER()
    sort = MEMBERS_SORT()
    fields = MEMBERS_FIELDS()  # type: ignore[assignment]
    count = COUNT()


class NoParams(Params):
    """Nothing can be asked."""


@operation(NewKey, gives=one(ApiKeyWithSecret, "key"), effect=CREATES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def create_key(context: Context, params: Loaded) -> Statement:
    """Create a key for a tenant, with no role above the caller's; its secret is told once."""
    return make_key(context, params)


@operation(KeyList, gives=paged(ApiKey, "keys"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED, fresh=True)
def list_keys(context: Context, params: Loaded) -> Statement:
    """List a tenant's keys, newest first; their secrets are not kept."""
    return page(context, "list_keys", params, members=MEMBERS)


@operation(KeyId, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def delete_key(context: Context, params: Loaded) -> Statement:
    """Delete a key, which is good nowhere any more a second later."""
    statement = one_object(context, "delete_key", params | {
        "above": list(context.caller.above)}, thing="key")

    def read(row: Row | None) -> Result:
        if row and dict(zip(statement.query.columns, row))["denied"]:
            raise PermissionDenied("the key has a role above the caller's")
        return statement.result(row)

    return replace(statement, read=read)


@operation(NoParams, gives=one(Me, "caller"), effect=READS, of=SERVICE,
           access=Access.ANY, rules=Heed.FREE, fresh=True)
def get_caller(context: Context, params: Loaded) -> Steps:
    """Tell who the caller is, and what the caller is let do."""
    caller = context.caller

    def steps() -> Walk:
        yield from ()
        return Result(orjson.dumps({"caller": {
            "name": caller.name, "role": caller.title, "tenant": caller.tenant_id or "",
            "operations": caller.allowed and sorted(caller.allowed),
            "memberships": None if caller.memberships is None else [
                {"tenant_id": tenant_id, "role": there.title}
                for tenant_id, there in caller.memberships.items()]}}))

    return Steps("get_caller", steps)


def make_key(context: Context, params: Loaded) -> Statement:
    """Return the statement that makes a key, and whose result alone holds its secret.

    :param params: those of :func:`create_key`; without a tenant the key is an operator's
    :raises PermissionDenied: when it would be let do more than the caller
    :raises InvalidParams: when it names no operation, or ends too late
    """
    caller = context.caller
    role = params["role"]
    if role in caller.above:
        raise PermissionDenied(f"a caller with the role {caller.role} makes no key with the role "
                               f"{role}")
    if params["tenant_id"] and role == ROLES[-1]:
        raise InvalidParams(fields={"role": [
            "must be viewer, member, admin or owner, or a role that the tenant made"]})
    allowed = params["operations"]
    _check_operations(allowed or ())
    if caller.allowed is not None:
        allowed = sorted(caller.allowed) if allowed is None else allowed
        if surplus := [name for name in allowed if not _lets(caller.allowed, name)]:
            raise PermissionDenied(f"the caller itself is not let {surplus[0]}")
    _check_end(params["expires_at"])
    if params["id"] and not caller.sees_all:
        # An id that is taken would tell of another tenant's key.
        raise InvalidParams(fields={"id": ["is chosen by operators alone"]})
    secret = make_secret(params["tenant_id"] is not None)
    made = one_object(context, "create_key", params | {
        "above": list(caller.above), "is_known": role in ROLES, "id": params["id"] or new_id(),
        "operations": allowed, "hash": hash_of(secret),
        "hint": hint_of(secret), "created_by": caller.name, "most_keys": MOST_KEYS}, "key")

    def read(row: Row | None) -> Result:
        found = dict(zip(made.query.columns, row or ()))
        missing = found.get("missing")
        if missing in _THINGS:
            raise NotFound.of(missing, _THINGS[missing])
        if found and found["object"] is None and missing is None:
            raise QuotaExceeded(f"a tenant may have {MOST_KEYS:,} keys: delete those that ended",
                                limit="keys", most=MOST_KEYS, used=found["keys"])
        return made.result(row)

    return with_secret(replace(made, read=read), secret)


def _check_operations(names: Any) -> None:
    known = OPERATIONS.keys() | {access.word for access in Access}
    if wrong := {f"operations.{place}": ["is the name of no method, and no word for some"]
                 for place, name in enumerate(names) if name not in known}:
        raise InvalidParams(fields=wrong)


def _lets(allowed: frozenset[str], name: str) -> bool:
    """Tell whether a name of an operation, or a word for some, is among what is allowed."""
    word = OPERATIONS[name].access.word if name in OPERATIONS else name
    return name in allowed or word in allowed


def _check_end(expires_at: str | None) -> None:
    if expires_at is None:
        return
    now = datetime.now(timezone.utc)
    if not now < moment(expires_at) <= now + timedelta(days=MOST_DAYS):
        raise InvalidParams(fields={"expires_at": ["must lie ahead, and at most 10 years"]})
