"""Restores: a node or a relationship becomes what it was, be it there or deleted.

What the schema, the uniqueness, the quotas and the contracts of relationships demand of what is
written today holds for it too.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Integer
from flexdb.contract.gives import one
from flexdb.contract.members import TENANT_ID
from flexdb.contract.operation import CHANGES, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.errors import NotFound
from flexdb.operations import nodes, relationships
from flexdb.operations.contracts import THING, held_schemas
from flexdb.operations.node_types import stored_schema
from flexdb.operations.statements import one_object, step
from flexdb.operations.versions import MOST_VERSION, state_then
from flexdb.plan import Plan, Result, Statement, Steps, Walk, as_steps

VERSION = partial(Integer, "Which version it is to be again; that before its last change when "
                  "absent.", least=1, most=MOST_VERSION, example=1)
# How many changes before and behind that of a node those of its relationships are looked for.
_AROUND = 100_000


class NodeRestoration(Params):
    id = nodes.ID(required=True)
    tenant_id = TENANT_ID(required=True)
    version = VERSION()
    with_relationships = Boolean("Whether the relationships that were deleted together with it "
                                 "come back too, where their other end is there.",
                                 load_default=False)


class RelationshipRestoration(Params):
    id = relationships.ID(required=True)
    tenant_id = TENANT_ID(required=True)
    version = VERSION()


class _Past(NamedTuple):
    """What an object was, and what became of it.

    :param members: what it was, each member as JSON text
    :param is_there: whether it is there
    :param last: the version that its last change led to
    :param seq: which change that was; None where there is none in the log
    :param tx: in which transaction
    """

    members: dict[str, Any]
    is_there: bool
    last: int
    seq: int | None
    tx: str | None

    @property
    def data(self) -> bytes:
        """Return the data; of an adopted database it may be null."""
        text = bytes(self.members["data"])
        return b"{}" if text == b"null" else text

    def text(self, name: str) -> str:
        """Return a member that is a text."""
        return str(json_text.parse(bytes(self.members[name])))


@operation(NodeRestoration, gives=one(nodes.Node, "node"), effect=CHANGES, of=TENANT,
           access=Access.WRITE, rules=Heed.REFUSED)
def restore_node(context: Context, params: Loaded) -> Steps:
    """Make a node what it was at a version, in a further one; one that was deleted is there again.

    Its data must fit the schema that its type has now.
    """
    return Steps("restore_node", partial(_restore_node, context, params))


def _restore_node(context: Context, params: Loaded) -> Walk:
    past = yield from _past(context, "get_last_change_of_node", "get_node_at", params, "node")
    key = {"tenant_id": params["tenant_id"], "id": params["id"]}
    data = past.data
    if past.is_there:
        result: Result = yield as_steps(nodes.update_node(
            context, key | {"data": data, "version": past.last}))
        return result
    type_id = past.text("node_type_id")
    row = yield step(context, "get_schema_of_type", key | {"node_type_id": type_id})
    if row is None:
        raise NotFound("the node's type is gone", {"id": ["is of a node type that is gone"]})
    version, schema = row
    stored_schema(context, key["tenant_id"], type_id, version, schema, "id").check(data)
    result = yield as_steps(one_object(context, "restore_node", key | {
        "node_type_id": type_id, "data": data, "last": past.last,
        "created_at": past.text("created_at")}, "node"))
    if params["with_relationships"] and past.seq is not None:
        yield from _restore_relationships(context, key | {"seq": past.seq, "tx": past.tx})
    return result


def _restore_relationships(context: Context, known: Loaded) -> Generator[Plan, Any, None]:
    """Bring back the relationships that were deleted with a node.

    :param known: the node, and the change that deleted it
    """
    known = known | {"after": known["seq"] - _AROUND, "until": known["seq"] + _AROUND,
                     "page_bytes": context.limits.max_page_bytes}
    # A few at a time: together they may be many, and large.
    while True:
        seqs, types, data = yield step(context, "get_relationships_to_restore", known)
        if seqs is None:
            return
        held = yield from held_schemas(context, known["tenant_id"], set(types))
        for name, text in zip(types, data):
            if name in held:
                held[name].check(text or b"{}", THING)
        yield step(context, "restore_relationships", known | {"seqs": seqs})
        known["after"] = max(seqs)


@operation(RelationshipRestoration, gives=one(relationships.Relationship, "relationship"),
           effect=CHANGES, of=TENANT, access=Access.WRITE, rules=Heed.REFUSED)
def restore_relationship(context: Context, params: Loaded) -> Steps:
    """Make a relationship what it was at a version, in a further one, be it there or deleted.

    Both of its nodes must be there, and it must keep the contract that its type has now.
    """
    return Steps("restore_relationship", partial(_restore_relationship, context, params))


def _restore_relationship(context: Context, params: Loaded) -> Walk:
    past = yield from _past(context, "get_last_change_of_relationship", "get_relationship_at",
                            params, "relationship")
    key = {"tenant_id": params["tenant_id"], "id": params["id"]}
    name, data = past.text("relationship_type"), past.data
    if past.is_there:
        result: Result = yield as_steps(relationships.update_relationship(
            context, key | {"relationship_type": name, "data": data, "version": past.last}))
        return result
    held = yield from held_schemas(context, key["tenant_id"], [name])
    if name in held:
        held[name].check(data, THING)
    ends = {end: past.text(end) for end in ("source_node_id", "target_node_id")}
    statement = one_object(context, "restore_relationship", key | ends | {
        "relationship_type": name, "data": data, "last": past.last,
        "created_at": past.text("created_at")}, "relationship")
    row = yield statement
    if row is None:
        raise NotFound("a node of the relationship is gone", {"id": ["has an end that is gone"]})
    return statement.result(row)


def _past(context: Context, of_last: str, of_state: str, params: Loaded, thing: str
          ) -> Generator[Plan, Any, _Past]:
    """Return what an object is to be again, and what it is.

    :param of_last: the statement that gives its last change
    :param of_state: the one that gives what it was
    :raises NotFound: when it was never there, or not in that state, or that is not kept
    """
    is_there, last, op, seq, tx = yield step(context, of_last, params)
    if last is None and not is_there:
        raise NotFound.of("id", thing)
    if "version" not in params and op in (None, "c"):
        raise NotFound(f"there is no change of the {thing} that could be taken back",
                       {"id": ["was not changed since it was created"]})
    version = params.get("version") or last - 1
    state: Statement = state_then(replace(context, json_fields="value"), of_state,
                                  {"tenant_id": params["tenant_id"], "id": params["id"],
                                   "version": version}, thing)
    result = state.result((yield state))
    members = json_text.members(json_text.members(result.text)[thing])
    return _Past(dict(members), is_there, last or version, seq, tx)
