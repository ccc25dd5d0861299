"""The second fence: what is sent for a caller who is bound to a tenant is about that tenant alone.

The first is the operation, which takes no other tenant's id. This one knows nothing of operations:
it looks at each statement as it leaves, so that one that forgot its tenant finds nothing.
"""

from __future__ import annotations

from flexdb.plan import Statement

# Where the argument that names the tenant is called otherwise; each statement by its name.
_TENANT_IN = {"get_tenant": "id", "update_tenant": "id", "delete_tenant": "id",
              "lock_tenants": "ids"}


class FenceError(Exception):
    """A statement is about more than the caller's tenant; it was not sent."""


def check(statement: Statement, bound: str) -> None:
    """Refuse what is not about the caller's tenant.

    :param bound: the id of the only tenant that the caller sees
    :raises FenceError: naming the statement, when it has no tenant or another one
    """
    query = statement.query
    name = _TENANT_IN.get(query.name, "tenant_id")
    if name not in query.arguments:
        raise FenceError(f"{query.name} is bound to no tenant, and its caller is")
    given = statement.arguments[name]
    # Several are an array, as PostgreSQL reads it.
    if given != bound and given != f"{{{bound}}}":
        raise FenceError(f"{query.name} is about another tenant than its caller's")
