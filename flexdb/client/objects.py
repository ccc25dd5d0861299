"""What the service takes and gives, as types: dicts with the members that are told.

Written by ``scripts/make_client.py``.
"""

import sys
from collections.abc import Mapping
from typing import Any, Literal

if sys.version_info >= (3, 11):
    from typing import NotRequired, TypedDict
else:
    from typing_extensions import NotRequired, TypedDict


class Again(TypedDict):
    """What is sent again."""

    count: int
    """How many deliveries."""


class ApiKeyWithSecret(TypedDict):
    """A key that was just made, with its secret, which is told once."""

    id: str
    """The key's id."""
    tenant_id: str
    """The tenant's id."""
    name: str
    """What it is for."""
    role: str
    """What it is let do: `viewer` reads, `member` writes, `admin` makes types and keys, `owner`
    changes the tenant; or a role that the tenant made.
    """
    attributes: dict[str, Any] | None
    """What a role's grants may ask of its holder: an object of texts, numbers, booleans and lists
    of them.
    """
    operations: list[str] | None
    """Where it may do less than the role: names of methods, and `read`, `write`, `people`,
    `schema`, `manage`, `own`, `platform`.
    """
    hint: str
    """How its secret begins."""
    created_by: str
    """Who made it."""
    created_at: str
    """When it was created."""
    expires_at: str
    """When it ends to be good: in 90 days when absent, at most in 10 years."""
    last_used_at: str | None
    """When it was last used, within an hour."""
    secret: str
    """Send it as `Authorization: Bearer …`; only its SHA-256 is kept."""


class BareNode(TypedDict):
    """What a node is by itself."""

    id: str
    """The node's id."""
    tenant_id: str
    """The tenant's id."""
    node_type_id: str
    """The id of the node's type."""
    data: dict[str, Any]
    """The record: a JSON object, kept to the digit."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class NodeType(TypedDict):
    """A node type of a tenant."""

    id: str
    """The node type's id."""
    tenant_id: str
    """The tenant's id."""
    name: str
    """A name that is unique within the tenant."""
    description: str | None
    """What the node type is for; null for none."""
    schema: dict[str, Any] | bool | None
    """A JSON Schema that the nodes' data must fit; null for none."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class Relationship(TypedDict):
    """A relationship from one node to another."""

    id: str
    """The relationship's id."""
    tenant_id: str
    """The tenant's id."""
    source_node_id: str
    """The id of the node it starts from."""
    target_node_id: str
    """The id of the node it leads to."""
    relationship_type: str
    """What kind of relationship it is."""
    data: dict[str, Any]
    """What is to be said of it: a JSON object, kept to the digit."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class ChangeRecord(TypedDict):
    """What was done to one object, and what the object was then."""

    position: str | None
    """Its place among the tenant's changes; null in a history where it has none, yet or any more.
    """
    op: Literal["create", "update", "delete"]
    """What was done."""
    kind: Literal["node", "relationship", "node_type"]
    """What it was done to; the object has this name."""
    id: str
    """The object's id."""
    version: int
    """1 at first, raised by every change."""
    at: str
    """When; the order of changes is that of their positions."""
    actor: str | None
    """Who did it: `key:<id>` for a key, `open` where none was needed; null where that is not known.
    """
    request_id: str | None
    """The id of the request."""
    transaction: str
    """Names the transaction: what was done together has the same."""
    node: NotRequired[BareNode | None]
    """The node at this version; null where it was deleted, or that is not known any more."""
    relationship: NotRequired[Relationship | None]
    """The relationship, likewise."""
    node_type: NotRequired[NodeType | None]
    """The node type, likewise."""
    old: NotRequired[dict[str, Any] | None]
    """What it was before, where that was asked for; null where it was created, or that is not kept.
    """


class Changes(TypedDict):
    """The next changes, in the order in which they are to be applied."""

    changes: list[ChangeRecord]
    """The changes."""
    position: str
    """How far this looked: `since` of the next call."""
    more: bool
    """Whether there are further ones already."""


class Duplicates(TypedDict):
    """Nodes that have what the schema lets only one have."""

    members: list[str]
    """The members that are equal."""
    values: list[str]
    """Their values as JSON text, of which 200 characters are told."""
    ids: list[str]
    """The ids of the oldest of the nodes, up to 10."""
    total: int
    """How many nodes there are."""


class FurtherNode(TypedDict):
    """What was asked for of a neighbour's neighbour."""

    id: NotRequired[str]
    """The node's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    node_type_id: NotRequired[str]
    """The id of the node's type."""
    data: NotRequired[dict[str, Any]]
    """The record: a JSON object, kept to the digit."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class FurtherNodes(TypedDict):
    """The neighbours of a neighbour under one name."""

    nodes: list[FurtherNode]
    """Each once: the last related first, or as `sort` says."""
    truncated: bool
    """Whether there may be more: a limit was met before the end."""
    total_count: NotRequired[int | None]
    """How many there are, where `count` was asked for; null above 10,000."""


class ExpandedNode(TypedDict):
    """What was asked for of a neighbour."""

    id: NotRequired[str]
    """The node's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    node_type_id: NotRequired[str]
    """The id of the node's type."""
    data: NotRequired[dict[str, Any]]
    """The record: a JSON object, kept to the digit."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""
    expanded: NotRequired[dict[str, FurtherNodes]]
    """What it brings along, by the names of `expand`."""


class ExpandedNodes(TypedDict):
    """The neighbours of a node under one name."""

    nodes: list[ExpandedNode]
    """Each once: the last related first, or as `sort` says."""
    truncated: bool
    """Whether there may be more: a limit was met before the end."""
    total_count: NotRequired[int | None]
    """How many there are, where `count` was asked for; null above 10,000."""


class Highlight(TypedDict):
    """Where a word that was searched for stands."""

    path: str
    """The member whose text it is, as in a filter."""
    start: int
    """How many characters (code points) stand before it."""
    length: int
    """How many characters it has."""


class Node(TypedDict):
    """A node: a JSON record of a node type."""

    id: str
    """The node's id."""
    tenant_id: str
    """The tenant's id."""
    node_type_id: str
    """The id of the node's type."""
    data: dict[str, Any]
    """The record: a JSON object, kept to the digit."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""
    highlights: NotRequired[list[Highlight]]
    """Where the words of a search stand, at most 100 places; only where that was asked for."""
    expanded: NotRequired[dict[str, ExpandedNodes]]
    """The neighbours that it brings along, by the names of `expand`; only where that was asked for.
    """


class Violation(TypedDict):
    """One thing in a node's data that does not fit."""

    path: str
    """The place in the data, as a JSON Pointer (RFC 6901)."""
    keyword: str
    """The keyword of JSON Schema."""
    message: str
    """What is wrong."""


class Refused(TypedDict):
    """A node that does not fit."""

    node: Node
    """The node."""
    violations: list[Violation]
    """What does not fit."""


class Check(TypedDict):
    """What came of checking some nodes."""

    checked: int
    """How many nodes were checked."""
    refused: list[Refused]
    """Those that do not fit."""
    clashes: list[Duplicates]
    """What several nodes of the type have and x-unique lets only one have, up to 100; told with the
    first nodes.
    """
    next_page_token: str
    """Where the next nodes to check begin; empty when these were the last."""


class CheckPagination(TypedDict):
    """Which nodes to check."""

    page_size: NotRequired[int]
    """How many to check; above 10,000 counts as 10,000."""
    page_token: NotRequired[str]
    """The `next_page_token` of the page before; none for the first page."""


class Count(TypedDict):
    """How many there are."""

    count: int | None
    """How many there are; null where rules hold for the caller and there are more than 10,000."""


class CountedPage(TypedDict):
    """Where a page of a list stands in it."""

    next_page_token: str
    """Where the next page begins; empty when this is the last."""
    total_count: int
    """How many there are on all pages."""


class DeletedNodesPage(TypedDict):
    """What is told of its members."""

    deleted_nodes: list[ChangeRecord]
    pagination: CountedPage


class Deletion(TypedDict):
    """What was deleted."""

    deleted: int
    """How many nodes were deleted."""


class Delivery(TypedDict):
    """One change that a webhook is told of, or a test."""

    tenant_id: str
    """The tenant's id."""
    webhook_id: str
    """The webhook's id."""
    position: int
    """The number of the change, with which its position in the feed ends; below 0 for a test. The
    header `webhook-id` ends with it.
    """
    object_id: str
    """The id of what was changed; of a test, the webhook's."""
    status: Literal["waiting", "done", "dead"]
    """`waiting` for the next attempt, `done`, or `dead`: given up."""
    attempts: int
    """How many there were."""
    due: str
    """When the next one is to be, where it is waiting."""
    last_status: int | None
    """The status that the receiver answered last with, if it did."""
    last_error: str | None
    """Why the last attempt failed."""
    created_at: str
    """When it was entered."""
    done_at: str | None
    """When it was done, or given up."""


class DeliveriesPage(TypedDict):
    """What is told of its members."""

    deliveries: list[Delivery]
    pagination: CountedPage


class DeliveryFigures(TypedDict):
    """How a webhook's deliveries are getting on."""

    waiting: int
    """How many deliveries wait for an attempt, up to 10,000."""
    dead: int
    """How many were given up, up to 10,000."""
    lag: int
    """For how many seconds the oldest change waits that the webhook is to be told of, be it entered
    as a delivery yet or not; it grows where `python -m flexdb deliver` does not run, and where the
    receiver fails.
    """


class Event(TypedDict):
    """A change of what the service or a tenant is, and who made it."""

    id: str
    """The event's id."""
    at: str
    """When it was."""
    tenant_id: str | None
    """The id of the tenant that it was about, if any."""
    caller: str
    """Who did it: `key:<id>` for a key, `open` where none was needed, `command` for one on the
    machine.
    """
    operation: str
    """The method."""
    request_id: str
    """The id of the request, as in the log; empty for a command."""
    about: str | None
    """The id of what was changed; of a membership, the user's."""
    changed: list[str]
    """The names of what differs."""
    before: dict[str, Any] | None
    """What the row is, without names of people, addresses and secrets; of one that was changed,
    only what differs.
    """
    after: dict[str, Any] | None
    """What the row is, without names of people, addresses and secrets; of one that was changed,
    only what differs.
    """


class EventsPage(TypedDict):
    """What is told of its members."""

    events: list[Event]
    pagination: CountedPage


class FurtherExpansion(TypedDict):
    """Which neighbours of a neighbour to bring along."""

    type: NotRequired[str]
    """Follow only relationships of this type; all when absent."""
    direction: NotRequired[Literal["out", "in", "both"]]
    """Which relationships to follow: `out` from source to target, `in` the other way, or `both`."""
    filter: NotRequired[Mapping[str, Any]]
    """Only what fits this: MongoDB's form of a condition on paths in `data` and on the other
    members. In a path, a name with dots is quoted: `data."a.b".c`.
    """
    sort: NotRequired[list[str]]
    """The paths to sort by, from the first on; `-` before one is descending."""
    fields: NotRequired[list[str]]
    """The paths to give back, instead of whole objects; of an array only the places that are named.
    """
    limit: NotRequired[int]
    """Bring at most so many."""
    count: NotRequired[bool]
    """Whether to tell `total_count`."""


class Expansion(TypedDict):
    """Which neighbours of a node to bring along."""

    type: NotRequired[str]
    """Follow only relationships of this type; all when absent."""
    direction: NotRequired[Literal["out", "in", "both"]]
    """Which relationships to follow: `out` from source to target, `in` the other way, or `both`."""
    filter: NotRequired[Mapping[str, Any]]
    """Only what fits this: MongoDB's form of a condition on paths in `data` and on the other
    members. In a path, a name with dots is quoted: `data."a.b".c`.
    """
    sort: NotRequired[list[str]]
    """The paths to sort by, from the first on; `-` before one is descending."""
    fields: NotRequired[list[str]]
    """The paths to give back, instead of whole objects; of an array only the places that are named.
    """
    limit: NotRequired[int]
    """Bring at most so many."""
    count: NotRequired[bool]
    """Whether to tell `total_count`."""
    expand: NotRequired[Mapping[str, FurtherExpansion]]
    """What each of them brings along."""


class PageFinding(TypedDict):
    """How the rows of the page are found."""

    indexes: list[str]
    """The members by whose values rows are looked up: `data` is the index of equality, `search`
    that of words, and `data.due` one that the type declares with `x-index`; `node_type_id`, `id`
    and others have their own.
    """
    scans: bool
    """Whether what was looked up, or all that the tenant has where `indexes` is empty, is read row
    by row, to see which of it fits.
    """
    sorts: bool
    """Whether all that fits is found and sorted before the page begins; else rows come in order,
    and the reading ends with the page.
    """


class TotalFinding(TypedDict):
    """How the rows of the total are found; one that is kept reads none."""

    indexes: list[str]
    """The members by whose values rows are looked up: `data` is the index of equality, `search`
    that of words, and `data.due` one that the type declares with `x-index`; `node_type_id`, `id`
    and others have their own.
    """
    scans: bool
    """Whether what was looked up, or all that the tenant has where `indexes` is empty, is read row
    by row, to see which of it fits.
    """


class Explanation(TypedDict):
    """How PostgreSQL finds what a list gives."""

    page: PageFinding
    """How the rows of the page are found."""
    total: TotalFinding | None
    """How those are found that `total_count` counts."""


class Grant(TypedDict):
    """What a role lets do with the nodes of a type."""

    node_type_id: str | None
    """The type; null for all that have no grant of their own."""
    read: bool | dict[str, Any]
    """Which nodes may be read: `true` for all, `false` for none, or a filter, in which `{"$caller":
    "id"}` or `{"$caller": "attributes.team"}` stands for what is known of the caller.
    """
    write: bool | dict[str, Any]
    """Which of them may be written, before it and after it, likewise."""


class Groups(TypedDict):
    """Groups of a tenant's nodes or relationships."""

    groups: list[dict[str, Any]]
    """The groups, in order."""
    truncated: bool
    """Whether there are more than were asked for, or than an answer may hold."""


class HistoryEntry(TypedDict):
    """A change in the history of an object."""

    position: str | None
    """Its place among the tenant's changes; null in a history where it has none, yet or any more.
    """
    op: Literal["create", "update", "delete"]
    """What was done."""
    kind: Literal["node", "relationship", "node_type"]
    """What it was done to; the object has this name."""
    id: str
    """The object's id."""
    version: int
    """1 at first, raised by every change."""
    at: str
    """When; the order of changes is that of their positions."""
    actor: str | None
    """Who did it: `key:<id>` for a key, `open` where none was needed; null where that is not known.
    """
    request_id: str | None
    """The id of the request."""
    transaction: str
    """Names the transaction: what was done together has the same."""
    node: NotRequired[BareNode | None]
    """The node at this version; null where it was deleted, or that is not known any more."""
    relationship: NotRequired[Relationship | None]
    """The relationship, likewise."""
    node_type: NotRequired[NodeType | None]
    """The node type, likewise."""
    old: NotRequired[dict[str, Any] | None]
    """What it was before, where that was asked for; null where it was created, or that is not kept.
    """
    diff: NotRequired[list[Any] | None]
    """The JSON Patch (RFC 6902) that makes `data` of what it was before, where that was asked for;
    null where there is no data before or behind it.
    """


class HistoryPage(TypedDict):
    """What is told of its members."""

    history: list[HistoryEntry]
    pagination: CountedPage


class InTenant(TypedDict):
    """What a user is in a tenant."""

    tenant_id: str
    """The tenant's id."""
    role: str
    """The role there; one that flexdb does not know gives nothing."""


class Invitation(TypedDict):
    """What makes somebody a member who is no user yet."""

    id: str
    """The invitation's id."""
    tenant_id: str
    """The tenant's id."""
    email: str
    """The e-mail address of who is invited."""
    role: str
    """The role that the user gets in the tenant."""
    created_by: str
    """Who invited."""
    created_at: str
    """When it was created."""
    expires_at: str
    """When it ends, 30 days later."""


class PartialInvitation(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The invitation's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    email: NotRequired[str]
    """The e-mail address of who is invited."""
    role: NotRequired[str]
    """The role that the user gets in the tenant."""
    created_by: NotRequired[str]
    """Who invited."""
    created_at: NotRequired[str]
    """When it was created."""
    expires_at: NotRequired[str]
    """When it ends, 30 days later."""


class QueriedPage(TypedDict):
    """Where a page of a query's list stands in it; without `total_count` where `count` is `none`.
    """

    next_page_token: str
    """Where the next page begins; empty when this is the last."""
    total_count: NotRequired[int]
    """How many there are on all pages."""


class InvitationsPage(TypedDict):
    """What is told of its members."""

    invitations: list[PartialInvitation]
    pagination: QueriedPage


class ItemRefusal(TypedDict):
    """Why one of several was refused."""

    code: int
    """The code of the error."""
    reason: str
    """Its reason."""
    message: str
    """What is wrong, and what would be right."""


class PartialApiKey(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The key's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    name: NotRequired[str]
    """What it is for."""
    role: NotRequired[str]
    """What it is let do: `viewer` reads, `member` writes, `admin` makes types and keys, `owner`
    changes the tenant; or a role that the tenant made.
    """
    attributes: NotRequired[dict[str, Any] | None]
    """What a role's grants may ask of its holder: an object of texts, numbers, booleans and lists
    of them.
    """
    operations: NotRequired[list[str] | None]
    """Where it may do less than the role: names of methods, and `read`, `write`, `people`,
    `schema`, `manage`, `own`, `platform`.
    """
    hint: NotRequired[str]
    """How its secret begins."""
    created_by: NotRequired[str]
    """Who made it."""
    created_at: NotRequired[str]
    """When it was created."""
    expires_at: NotRequired[str]
    """When it ends to be good: in 90 days when absent, at most in 10 years."""
    last_used_at: NotRequired[str | None]
    """When it was last used, within an hour."""


class KeysPage(TypedDict):
    """What is told of its members."""

    keys: list[PartialApiKey]
    pagination: QueriedPage


class Me(TypedDict):
    """Who calls."""

    name: str
    """`open` for anyone, `key:<id>` for a key, `user:<id>` for a user."""
    role: str
    """What the caller is let do; empty where the memberships say so."""
    tenant: str
    """The id of the only tenant that the caller sees; empty for all, or for several."""
    operations: list[str] | None
    """Where it may do less than the role: names of methods, and `read`, `write`, `people`,
    `schema`, `manage`, `own`, `platform`.
    """
    memberships: list[InTenant] | None
    """The tenants of a user; null for who is none."""


class PartialNode(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The node's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    node_type_id: NotRequired[str]
    """The id of the node's type."""
    data: NotRequired[dict[str, Any]]
    """The record: a JSON object, kept to the digit."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""
    highlights: NotRequired[list[Highlight]]
    """Where the words of a search stand, at most 100 places; only where that was asked for."""
    expanded: NotRequired[dict[str, ExpandedNodes]]
    """The neighbours that it brings along, by the names of `expand`; only where that was asked for.
    """


class Neighbor(TypedDict):
    """A node and the relationship that joins it to the one that was asked for."""

    node: PartialNode
    """The node at the other end, or what `fields` asked for of it."""
    relationship: Relationship
    """The relationship."""


class NeighborsPage(TypedDict):
    """What is told of its members."""

    neighbors: list[Neighbor]
    pagination: QueriedPage


class NewGrant(TypedDict):
    """What is told of its members."""

    node_type_id: NotRequired[str]
    """The type; absent for all that have no grant of their own."""
    read: NotRequired[bool | Mapping[str, Any]]
    """Which nodes may be read: `true` for all, `false` for none, or a filter, in which `{"$caller":
    "id"}` or `{"$caller": "attributes.team"}` stands for what is known of the caller.
    """
    write: NotRequired[bool | Mapping[str, Any]]
    """Which of them may be written, before it and after it, likewise."""


class NodeItem(TypedDict):
    """What is told of its members."""

    node_type_id: str
    """The id of the node's type."""
    data: NotRequired[Mapping[str, Any]]
    """The record: a JSON object, kept to the digit."""
    id: NotRequired[str]
    """The id to give it; made by the server when absent."""


class PartialNodeType(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The node type's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    name: NotRequired[str]
    """A name that is unique within the tenant."""
    description: NotRequired[str | None]
    """What the node type is for; null for none."""
    schema: NotRequired[dict[str, Any] | bool | None]
    """A JSON Schema that the nodes' data must fit; null for none."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class NodeTypesPage(TypedDict):
    """What is told of its members."""

    node_types: list[PartialNodeType]
    pagination: QueriedPage


class NodesPage(TypedDict):
    """What is told of its members."""

    nodes: list[PartialNode]
    pagination: QueriedPage
    explain: NotRequired[Explanation]


class OperatorKey(TypedDict):
    """A key of an operator; its secret was told once, by the command that made it."""

    id: str
    """The key's id."""
    name: str
    """What it is for."""
    role: str
    """`operator`."""
    operations: list[str] | None
    """Where it may do less than the role: names of methods, and `read`, `write`, `people`,
    `schema`, `manage`, `own`, `platform`.
    """
    hint: str
    """How its secret begins."""
    created_by: str
    """Who made it."""
    created_at: str
    """When it was created."""
    expires_at: str
    """When it ends to be good: in 90 days when absent, at most in 10 years."""
    last_used_at: str | None
    """When it was last used, within an hour."""


class OperatorKeysPage(TypedDict):
    """What is told of its members."""

    operator_keys: list[OperatorKey]
    pagination: CountedPage


class Pagination(TypedDict):
    """Where in a list to read, and how much."""

    page_size: NotRequired[int]
    """How many to give; above 1,000 counts as 1,000."""
    page_token: NotRequired[str]
    """The `next_page_token` of the page before; none for the first page."""


class PartialRelationship(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The relationship's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    source_node_id: NotRequired[str]
    """The id of the node it starts from."""
    target_node_id: NotRequired[str]
    """The id of the node it leads to."""
    relationship_type: NotRequired[str]
    """What kind of relationship it is."""
    data: NotRequired[dict[str, Any]]
    """What is to be said of it: a JSON object, kept to the digit."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class PartialRole(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The role's id."""
    tenant_id: NotRequired[str]
    """The tenant's id."""
    name: NotRequired[str]
    """By which keys and members have it; none of `viewer`, `member`, `admin`, `owner`, `operator`.
    """
    based_on: NotRequired[Literal["viewer", "member", "admin"]]
    """The role whose methods it lets call, those aside that are not for callers with rules."""
    grants: NotRequired[list[Grant]]
    """What it lets read and write of each node type; of types without a grant, nothing."""
    version: NotRequired[int]
    """1 at first, raised by every change."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class PartialTenant(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The tenant's id."""
    slug: NotRequired[str]
    """The short unique name."""
    name: NotRequired[str]
    """The full name."""
    status: NotRequired[str]
    """`active`, or what the application makes of it."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class PartialTenantMember(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    tenant_id: NotRequired[str]
    """The tenant's id."""
    user_id: NotRequired[str]
    """The user's id."""
    role: NotRequired[str]
    """The user's role in the tenant."""
    status: NotRequired[str]
    """`active`, or what the application makes of it."""
    email: NotRequired[str]
    """The user's e-mail address."""
    display_name: NotRequired[str]
    """The name to show."""


class PartialUser(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    id: NotRequired[str]
    """The user's id."""
    email: NotRequired[str]
    """The unique e-mail address."""
    display_name: NotRequired[str]
    """The name to show."""
    created_at: NotRequired[str]
    """When it was created."""
    updated_at: NotRequired[str]
    """When it was last changed."""


class PartialUserTenant(TypedDict):
    """What a query asked for of it: the whole, where it named no fields."""

    tenant_id: NotRequired[str]
    """The tenant's id."""
    user_id: NotRequired[str]
    """The user's id."""
    role: NotRequired[str]
    """The user's role in the tenant."""
    status: NotRequired[str]
    """`active`, or what the application makes of it."""
    slug: NotRequired[str]
    """The tenant's slug."""
    name: NotRequired[str]
    """The tenant's name."""


class Path(TypedDict):
    """A way from one node to another."""

    length: int
    """How many relationships it has."""
    nodes: list[Node]
    """All nodes on it, from the source to the target."""
    relationships: list[Relationship]
    """The relationships between them, in the same order."""


class RelatedTo(TypedDict):
    """Which relationships to follow from which node."""

    type: NotRequired[str]
    """Follow only relationships of this type; all when absent."""
    direction: NotRequired[Literal["out", "in", "both"]]
    """Which relationships to follow: `out` from source to target, `in` the other way, or `both`."""
    node: str
    """The id of the node."""


class RelationshipItem(TypedDict):
    """What is told of its members."""

    source_node_id: str
    """The id of the node it starts from."""
    target_node_id: str
    """The id of the node it leads to."""
    relationship_type: str
    """What kind of relationship it is."""
    data: NotRequired[Mapping[str, Any]]
    """What is to be said of it: a JSON object, kept to the digit."""
    id: NotRequired[str]
    """The id to give it; made by the server when absent."""


class RelationshipType(TypedDict):
    """A relationship type of a tenant: the contract that relationships of its name keep."""

    id: str
    """The relationship type's id."""
    tenant_id: str
    """The tenant's id."""
    name: str
    """A name that is unique within the tenant: the `relationship_type` of the relationships that
    keep the contract.
    """
    description: str | None
    """What the relationships are for; null for none."""
    source_node_type_ids: list[str] | None
    """The node types whose nodes they may start from; null for all."""
    target_node_type_ids: list[str] | None
    """The node types whose nodes they may lead to; null for all."""
    cardinality: Literal["n:m", "n:1", "1:n", "1:1"]
    """How many sources to how many targets: with `n:1` a node is the source of one such
    relationship at most, with `1:n` the target of one, with `1:1` both.
    """
    unique_pair: bool
    """Whether at most one leads from one node to another."""
    acyclic: bool
    """Whether none may lead back to where it starts, be it over others."""
    on_delete: Literal["cascade", "restrict"]
    """What becomes of one whose target is deleted: `cascade`, it is deleted too; `restrict`, the
    node is not deleted as long as the source stays.
    """
    schema: dict[str, Any] | bool | None
    """A JSON Schema that their data must fit; null for none."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class RelationshipTypesPage(TypedDict):
    """What is told of its members."""

    relationship_types: list[RelationshipType]
    pagination: CountedPage


class RelationshipsPage(TypedDict):
    """What is told of its members."""

    relationships: list[PartialRelationship]
    pagination: QueriedPage
    explain: NotRequired[Explanation]


class Role(TypedDict):
    """A role that a tenant made."""

    id: str
    """The role's id."""
    tenant_id: str
    """The tenant's id."""
    name: str
    """By which keys and members have it; none of `viewer`, `member`, `admin`, `owner`, `operator`.
    """
    based_on: Literal["viewer", "member", "admin"]
    """The role whose methods it lets call, those aside that are not for callers with rules."""
    grants: list[Grant]
    """What it lets read and write of each node type; of types without a grant, nothing."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class RolesPage(TypedDict):
    """What is told of its members."""

    roles: list[PartialRole]
    pagination: QueriedPage


class ShortestPath(TypedDict):
    """The answer to whether a path leads from one node to another."""

    path: Path | None
    """A shortest path; null when there is none."""
    truncated: bool
    """Whether the search was given up before its end: then a path that is null says nothing."""


class Tenant(TypedDict):
    """A tenant."""

    id: str
    """The tenant's id."""
    slug: str
    """The short unique name."""
    name: str
    """The full name."""
    status: str
    """`active`, or what the application makes of it."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class TenantLimits(TypedDict):
    """What a tenant may have and ask for, and how much it has."""

    tenant_id: str
    """The tenant's id."""
    max_nodes: int
    """How many nodes it may have; 0 for any number."""
    max_relationships: int
    """How many relationships it may have; 0 for any number."""
    max_bytes: int
    """How much the JSON of its node types, nodes and relationships may weigh, in bytes, as
    PostgreSQL writes it; 0 for any number.
    """
    calls_per_second: int | None
    """How many calls a second it may make; 0 for any number."""
    burst: int | None
    """How many of them at once."""
    own: list[str]
    """Which of these are the tenant's own; the others are the service's."""
    used_nodes: int
    """How many nodes it has."""
    used_relationships: int
    """How many relationships it has."""
    used_bytes: int
    """How much its JSON weighs, in bytes."""


class TenantUsage(TypedDict):
    """What a tenant asked for; some seconds may be missing at the end."""

    tenant_id: str
    """The tenant's id."""
    since: str
    """When the first hour began."""
    calls: int
    """How many calls there were; those of a batch count one by one."""
    errors: int
    """How many of them were answered with an error."""
    rows: int
    """How many objects the calls listed or wrote; any other call is one."""
    bytes: int
    """How much the answers weighed, in bytes."""
    database_ms: int
    """How long connections to PostgreSQL were held, in milliseconds."""


class TenantUser(TypedDict):
    """A user's membership in a tenant."""

    tenant_id: str
    """The tenant's id."""
    user_id: str
    """The user's id."""
    role: str
    """The user's role in the tenant."""
    status: str
    """`active`, or what the application makes of it."""


class TenantUsersPage(TypedDict):
    """What is told of its members."""

    tenant_users: list[PartialTenantMember]
    pagination: QueriedPage


class TenantsPage(TypedDict):
    """What is told of its members."""

    tenants: list[PartialTenant]
    pagination: QueriedPage


TransactionCall = TypedDict("TransactionCall", {
    "method": Literal["create_node_type", "get_node_type", "update_node_type", "delete_node_type",
        "list_node_types", "create_node", "get_node", "update_node", "patch_node", "delete_node",
        "list_nodes", "create_relationship", "get_relationship", "update_relationship",
        "patch_relationship", "delete_relationship", "list_relationships", "count_nodes",
        "count_relationships", "aggregate_nodes", "aggregate_relationships", "create_nodes",
        "create_relationships", "delete_nodes", "check_node_type", "test_webhook",
        "list_deliveries", "count_deliveries", "redeliver", "erase_node", "list_events", "traverse",
        "shortest_path", "get_neighbors", "get_node_history", "get_relationship_history",
        "list_deleted_nodes", "create_invitation", "list_invitations", "delete_invitation",
        "create_key", "list_keys", "delete_key", "get_caller", "get_limits", "update_limits",
        "list_operator_keys", "delete_operator_key", "create_relationship_type",
        "get_relationship_type", "update_relationship_type", "delete_relationship_type",
        "list_relationship_types", "restore_node", "restore_relationship", "create_role",
        "get_role", "update_role", "delete_role", "list_roles", "create_tenant", "get_tenant",
        "update_tenant", "delete_tenant", "list_tenants", "update_nodes", "upsert_node",
        "upsert_nodes", "get_usage", "list_usage", "create_user", "get_user", "update_user",
        "delete_user", "list_users", "add_user_to_tenant", "remove_user_from_tenant",
        "list_tenant_users", "list_user_tenants", "create_webhook", "get_webhook", "update_webhook",
        "rotate_webhook_secret", "delete_webhook", "list_webhooks"],
    "params": NotRequired[Mapping[str, Any]],
    "as": NotRequired[str],
})


class Visit(TypedDict):
    """A node that a walk reached, and by which relationship."""

    depth: int
    """How many relationships lead there from the start, at least."""
    node: Node
    """The node."""
    relationship: Relationship | None
    """The last one of them; null for the start itself."""


class Traversal(TypedDict):
    """The nodes that a walk reached."""

    visits: list[Visit]
    """Each node once, by depth and then by id."""
    truncated: bool
    """Whether there may be more: a limit was met before the end."""


class Updated(TypedDict):
    """What was changed."""

    updated: int
    """How many nodes were changed."""


class UpsertItem(TypedDict):
    """What is told of its members."""

    node_type_id: str
    """The id of the node's type."""
    data: Mapping[str, Any]
    """The record: a JSON object, kept to the digit."""
    id: NotRequired[str]
    """The id to give it; made by the server when absent."""


class UpsertResult(TypedDict):
    """What became of one of several nodes."""

    outcome: Literal["created", "changed", "unchanged", "refused"]
    """As for one, or that it was refused."""
    node: Node | None
    """The node as it is now; null where it was refused."""
    error: ItemRefusal | None
    """Why it was refused; else null."""


class Upserted(TypedDict):
    """What became of a node."""

    outcome: Literal["created", "changed", "unchanged"]
    """Whether it was made, was changed, or was so already."""
    node: Node
    """The node as it is now."""


class User(TypedDict):
    """A user, who may be a member of many tenants."""

    id: str
    """The user's id."""
    email: str
    """The unique e-mail address."""
    display_name: str
    """The name to show."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""


class UserTenantsPage(TypedDict):
    """What is told of its members."""

    user_tenants: list[PartialUserTenant]
    pagination: QueriedPage


class UsersPage(TypedDict):
    """What is told of its members."""

    users: list[PartialUser]
    pagination: QueriedPage


class Webhook(TypedDict):
    """Where what changes in a tenant is posted."""

    id: str
    """The webhook's id."""
    tenant_id: str
    """The tenant's id."""
    url: str
    """Where to post: https, on the port 443 or 8443, without a user."""
    events: list[Literal["node.created", "node.updated", "node.deleted", "relationship.created",
        "relationship.updated", "relationship.deleted", "node_type.created", "node_type.updated",
        "node_type.deleted"]] | None
    """Which events; null for all."""
    node_type_ids: list[str] | None
    """Only of nodes of these types, and of these types; beside `relationship_types`, of these
    relationships too; null for all.
    """
    relationship_types: list[str] | None
    """Only of relationships of these types, and of what `node_type_ids` names; null for all."""
    filter: dict[str, Any] | None
    """Only of what fits this before or after the change: a filter as `list_changes` takes it,
    without `$regex`; null for all.
    """
    ordering: Literal["record", "all"]
    """What a delivery waits for: earlier ones of the same object (`record`), or all earlier ones
    (`all`).
    """
    status: Literal["active", "paused", "disabled"]
    """`active`; `paused` by a caller; or `disabled`, as the receiver answered 410 or nothing but
    failures for 5 days. While it is not active nothing is sent, and then it goes on where it was.
    """
    reason: str | None
    """Why it is disabled."""
    failures: int
    """How many attempts failed since the last that did not."""
    failing_since: str | None
    """When the first of them was."""
    version: int
    """1 at first, raised by every change."""
    created_at: str
    """When it was created."""
    updated_at: str
    """When it was last changed."""
    secret: NotRequired[str]
    """What verifies its deliveries, by Standard Webhooks; told where it is made, and never again.
    """


class WebhooksPage(TypedDict):
    """What is told of its members."""

    webhooks: list[Webhook]
    pagination: CountedPage


class PatchValue(TypedDict):
    """Put a value at a path, or test that it is there."""

    op: Literal["add", "replace", "test"]
    path: str
    """A place in the document, as a JSON Pointer (RFC 6901)."""
    value: Any
    """Any JSON value."""


class PatchRemoval(TypedDict):
    """Remove what is at a path."""

    op: Literal["remove"]
    path: str
    """A place in the document, as a JSON Pointer (RFC 6901)."""


# Move or copy what is at one path to another.
PatchMove = TypedDict("PatchMove", {
    "op": Literal["move", "copy"],
    "from": str,
    "path": str,
})
