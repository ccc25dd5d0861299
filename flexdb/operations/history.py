"""History: what became of a node or a relationship, change by change, and which nodes are gone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import orjson
from msgspec import Raw

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Id
from flexdb.contract.gives import paged
from flexdb.contract.json_fields import JsonText
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items
from flexdb.contract.operation import READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.documents.differences import difference
from flexdb.errors import NotFound
from flexdb.operations import nodes, relationships
from flexdb.operations.changes import MOST_NAMED, ChangeRecord
from flexdb.operations.statements import step
from flexdb.plan import Result, Row, Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.sql.pages import Key

DIFF = partial(Boolean, "Whether to tell what differs from the version before.", load_default=False)
_LAST_FIRST = (Key("seq", "bigint", "DESC"),)


class HistoryEntry(ChangeRecord):
    """A change in the history of an object."""

    asked_for = (*ChangeRecord.asked_for, "diff")
    diff = JsonText("The JSON Patch (RFC 6902) that makes `data` of what it was before, where that "
                    "was asked for; null where there is no data before or behind it.",
                    kinds=("array",), allow_none=True)


class NodeHistory(Params):
    id = nodes.ID(required=True)
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    diff = DIFF()


class RelationshipHistory(Params):
    id = relationships.ID(required=True)
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    diff = DIFF()


class DeletedNodes(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_ids = Items("Only nodes of these types.", Id("A node type."), most=MOST_NAMED)
    pagination = pagination()


@operation(NodeHistory, gives=paged(HistoryEntry, "history"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.REFUSED)
def get_node_history(context: Context, params: Loaded) -> Statement:
    """List the changes of a node, be it there or deleted, the last first."""
    return _history(context, "get_node_history", "get_node", params, "node")


@operation(RelationshipHistory, gives=paged(HistoryEntry, "history"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.REFUSED)
def get_relationship_history(context: Context, params: Loaded) -> Statement:
    """List the changes of a relationship, be it there or deleted, the last first."""
    return _history(context, "get_relationship_history", "get_relationship", params,
                    "relationship")


@operation(DeletedNodes, gives=paged(ChangeRecord, "deleted_nodes"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.REFUSED)
def list_deleted_nodes(context: Context, params: Loaded) -> Statement:
    """List the deletions of nodes that can be restored, the last first; `old` is the node."""
    asked = params | {"node_type_ids": params.get("node_type_ids")}
    statement = page(context, "list_deleted_nodes", asked, order=_LAST_FIRST,
                     takes=("node_type_ids",), found="({deleted_nodes}) c")
    return replace(statement, arguments={**statement.arguments, "old": True})


def _history(context: Context, name: str, current: str, params: Loaded, thing: str) -> Statement:
    """Return the statement that gives a page of a history.

    :param current: the name of the statement that gives the object as it is
    """
    statement = page(context, name, params, order=_LAST_FIRST, takes=("id",),
                     found=f"({{changes_of_{thing}}}) c", wrapper="history")

    def read(row: Row | None) -> Result | Steps:
        if row is None:
            raise NotFound.of("id", thing)
        result = statement.result(row)
        if not result.rows:
            return Steps(statement.name, partial(
                _check_there, step(context, current, params), thing, result))
        return (_with_differences(result, thing, context.json_fields == "string")
                if params["diff"] else result)

    arguments = {**statement.arguments, "old": params["diff"]}
    return replace(statement, arguments=arguments, read=read)


def _check_there(current: Statement, thing: str, result: Result) -> Walk:
    """Give the empty result for what is there, and older than the log.

    :raises NotFound: where there is no such thing
    """
    if (yield current) is None:
        raise NotFound.of("id", thing)
    return result


def _with_differences(result: Result, thing: str, as_text: bool) -> Result:
    """Return a page with the difference in the place of what was before.

    :param as_text: whether data is given as a string that holds its JSON, and so this
    """
    members = json_text.members(result.text)
    entries = []
    for entry in map(json_text.members, json_text.items(members["history"])):
        before, after = (_data_in(entry[name], as_text) for name in ("old", thing))
        del entry["old"]
        told = b"null"
        if before is not None and after is not None:
            told = difference(before, after)
            told = orjson.dumps(told.decode()) if as_text else told
        entries.append(_object(entry | {"diff": Raw(told)}))
    return result._replace(text=_object(members | {"history": Raw(b"[%b]" % b",".join(entries))}))


def _data_in(thing: Raw, as_text: bool) -> bytes | None:
    """Return the text of an object's data; None where there is no object."""
    if bytes(thing) == b"null":
        return None
    text = bytes(json_text.members(thing)["data"])
    return json_text.parse(text).encode() if as_text and text.startswith(b'"') else text


def _object(members: dict[str, Raw]) -> bytes:
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), bytes(text))
                               for name, text in members.items())
