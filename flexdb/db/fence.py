"""The second fence: what is sent for a caller who sees some tenants is about these alone.

The first is the operation, which takes no other tenant's id. This one knows nothing of operations:
it looks at each statement as it leaves, so that one that forgot its tenant finds nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from flexdb.plan import Statement

# The ids of the tenants that somebody sees; None for all.
Bound = Collection[str] | None
# Where the argument that names tenants is called otherwise; each statement by its name.
NAMED_BY = {"get_tenant": "id", "update_tenant": "id", "delete_tenant": "id",
            "before_tenants": "id", "lock_tenants": "ids", "get_member": "tenant_ids",
            "get_member_by_email": "tenant_ids", "get_tenant_by_slug": "tenant_ids",
            "list_user_tenants": "tenant_ids"}


class FenceError(Exception):
    """A statement is about more than the caller's tenants; it was not sent."""


def named_by(statement: Statement) -> str:
    """Return the id of the one tenant whose rows a statement sees; "" where it is about no one."""
    if "tenant_id" not in statement.query.arguments:
        return ""
    return statement.arguments["tenant_id"] or ""


def check(statement: Statement, bound: Collection[str]) -> None:
    """Refuse what is not about the caller's tenants.

    :param bound: the ids of the only tenants that the caller sees
    :raises FenceError: naming the statement, when it has no tenant or another one
    """
    query = statement.query
    name = NAMED_BY.get(query.name, "tenant_id")
    if name not in query.arguments:
        raise FenceError(f"{query.name} is bound to no tenant, and its caller is")
    given = statement.arguments[name]
    if not all(one in bound for one in (given if isinstance(given, list) else [given])):
        raise FenceError(f"{query.name} is about another tenant than its caller's")
