"""Locks on the rows that several calls of one transaction will write, taken in one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from flexdb.plan import Lock, Result, Row, Statement
from flexdb.sql.loader import STATEMENTS

# One row alone is locked by what writes it.
_LEAST = 2


def lock_statements(locks: Iterable[Lock]) -> list[Statement]:
    """Return what locks rows before they are written; nothing where that is not two or more.

    Without it, who writes the same rows in another order would wait for the one who waits for it,
    until PostgreSQL ends one of them.
    """
    wanted = set(locks)
    if len({(lock.table, lock.tenant_id, lock.id) for lock in wanted}) < _LEAST:
        return []
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for lock in wanted:
        found[lock.tenant_id][lock.table].add(lock.id)
        if lock.deletes:
            found[lock.tenant_id][f"deleted_{lock.table}"].add(lock.id)
    made = []
    for table in ("tenants", "users"):
        if ids := found[""][table]:
            made.append(_statement(f"lock_{table}", ids=ids))
    for tenant_id in sorted(found.keys() - {""}):
        tables = found[tenant_id]
        arguments = {name: tables[name] for name in (
            "tenant_users", "node_types", "nodes", "relationships", "deleted_nodes")}
        if arguments["tenant_users"]:
            made.append(_statement("lock_tenant_users", tenant_id, **arguments))
        if arguments["node_types"]:
            made.append(_statement("lock_node_types", tenant_id, **arguments))
        if arguments["nodes"] or arguments["relationships"]:
            deletes = arguments["deleted_nodes"] or tables["deleted_relationships"]
            made.append(_statement("lock_deleted" if deletes else "lock_changed", tenant_id,
                                   **arguments))
    return made


def _statement(name: str, tenant_id: str = "", **ids: set[str]) -> Statement:
    arguments: dict[str, Any] = {
        name: sorted(rows) for name, rows in ids.items()}
    return Statement(STATEMENTS["value"][name], arguments | {"tenant_id": tenant_id}, _locked)


def _locked(row: Row | None) -> Result:
    return Result(b"")
