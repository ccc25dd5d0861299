"""Aggregates: nodes and relationships counted, and measured in groups."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Id, Integer
from flexdb.contract.gives import one
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import NotFound
from flexdb.operations import nodes, relationships
from flexdb.plan import Result, Row, Statement
from flexdb.query.aggregates import Aggregate, read_aggregate
from flexdb.query.paging import count_of
from flexdb.query.parameters import FILTER
from flexdb.query.paths import Members

_NODES_BY = ("node_type_id",)


class Group(Schema):
    """A group: its keys and measures, under the names that were asked for."""

    class Meta:
        unknown = INCLUDE


class Groups(Schema):
    """Groups of a tenant's nodes or relationships."""

    groups = Items("The groups, in order.", Object(Group, "A group."))
    truncated = Boolean("Whether there are more than were asked for, or than an answer may hold.")


class Count(Schema):
    """How many there are."""

    count = Integer("How many there are; null where rules hold for the caller and there are more "
                    "than 10,000.", least=0, allow_none=True)


class NodeCount(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_id = Id("Only nodes of this type.")
    filter = FILTER()


class RelationshipCount(relationships.RelationshipChoice):
    filter = FILTER()


class NodeAggregate(Aggregate, NodeCount):
    """Which nodes, and what to measure of them."""


class RelationshipAggregate(Aggregate, RelationshipCount):
    """Which relationships, and what to measure of them."""


@operation(NodeCount, gives=one(Count), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def count_nodes(context: Context, params: Loaded) -> Statement:
    """Count a tenant's nodes, or those that fit a filter."""
    return count_of(context, "count_nodes", "list_nodes", params, _NODES_BY, nodes.MEMBERS)


@operation(RelationshipCount, gives=one(Count), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def count_relationships(context: Context, params: Loaded) -> Statement:
    """Count a tenant's relationships, or those that fit a filter."""
    return count_of(context, "count_relationships", "list_relationships", params,
                    relationships.CHOSEN_BY, relationships.MEMBERS)


@operation(NodeAggregate, gives=one(Groups), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def aggregate_nodes(context: Context, params: Loaded) -> Statement:
    """Measure a tenant's nodes in groups: count them, sum up what their data holds.

    Numbers keep their digits. Keys are equal as values of JSON are: 1 is 1.0 and not "1"; what is
    missing is null.
    """
    return _aggregate(context, "aggregate_nodes", "list_nodes", params, _NODES_BY, nodes.MEMBERS)


@operation(RelationshipAggregate, gives=one(Groups), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def aggregate_relationships(context: Context, params: Loaded) -> Statement:
    """Measure a tenant's relationships in groups, as ``aggregate_nodes`` does nodes."""
    return _aggregate(context, "aggregate_relationships", "list_relationships", params,
                      relationships.CHOSEN_BY, relationships.MEMBERS)


def _aggregate(context: Context, name: str, of: str, params: Loaded, filters: tuple[str, ...],
               members: Members) -> Statement:
    given = tuple(column for column in filters if column in params)
    query, arguments = read_aggregate(context, name, of, params, members, given)
    arguments |= {column: params[column] for column in given}

    def read(row: Row | None) -> Result:
        if row is None:
            raise NotFound.of("tenant_id")
        groups, rows, truncated = row
        return Result(b'{"groups":%b,"truncated":%b}' % (
            groups, b"true" if truncated else b"false"), rows=rows)

    return Statement(query, arguments, read)
