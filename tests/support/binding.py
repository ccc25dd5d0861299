"""Whether SQL is bound to a tenant, as PostgreSQL's own parser reads it.

A reference to a tenant's table is bound where all its rows are the tenant's: its column equals the
argument that is the tenant, or a column of something else that carries it, in a condition that
holds for each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pglast
from pglast import ast

from tests.support.sql_tree import (
    Condition,
    column_of,
    equalities,
    is_a,
    names,
    of_joins,
    statements_within,
)

# The column that says whose a row is.
TABLES = {"tenants": "id", "tenant_users": "tenant_id", "node_types": "tenant_id",
          "nodes": "tenant_id", "relationships": "tenant_id", "flexdb_keys": "tenant_id",
          "flexdb_events": "tenant_id", "flexdb_invitations": "tenant_id",
          "flexdb_declarations": "tenant_id", "flexdb_unique": "tenant_id",
          "flexdb_search": "tenant_id", "flexdb_index": "tenant_id",
          "flexdb_index_builds": "tenant_id", "flexdb_webhooks": "tenant_id",
          "flexdb_deliveries": "tenant_id",
          "flexdb_changes": "tenant_id", "flexdb_change_positions": "tenant_id",
          "flexdb_change_heads": "tenant_id", "flexdb_histories": "tenant_id",
          "flexdb_idempotency_keys": "tenant_id"}
Columns = list[tuple[str, bool]]


class Source:
    """What stands in a FROM under an alias.

    :param table: a tenant's table; "" for anything else
    :param columns: of anything else, which of its columns carry the tenant
    """

    def __init__(self, table: str = "", columns: Columns | None = None) -> None:
        self.table, self.columns, self.bound = table, columns or [], False

    def carries(self, name: str) -> bool:
        """Tell whether a column is the tenant's id in every row."""
        if self.table:
            return self.bound and name == TABLES[self.table]
        return dict(self.columns).get(name, False)

    @property
    def outputs(self) -> Columns:
        """Return what ``alias.*`` gives."""
        return [(TABLES[self.table], self.bound)] if self.table else self.columns


Scope = dict[str, Source]


class Reader:
    """Reads one statement.

    :param tenant: the number of the argument that is the tenant; 0 for none
    :param within: what another one found of the same statement: the statements in its expressions
    """

    def __init__(self, tenant: int, within: dict[int, list[Any]] | None = None) -> None:
        self._tenant = tenant
        self.within: dict[int, list[Any]] = {} if within is None else within
        self.references = 0
        self.unbound: list[str] = []
        # Those conditions that bound something: without one of them, something is bound no more.
        self.binding: list[Any] = []

    def read(self, node: Any, outer: list[Scope], ctes: Mapping[str, Columns]) -> Columns:
        """Return the columns that a statement gives, and which of them carry the tenant."""
        ctes = dict(ctes)
        clause: Any = getattr(node, "withClause", None)
        for cte in clause.ctes if clause else ():
            given = names(cte.aliascolnames)
            if clause.recursive:
                # What its first arm gives, which refers to nothing of itself.
                first = cte.ctequery.larg or cte.ctequery
                before = (self.references, list(self.unbound), list(self.binding))
                ctes[cte.ctename] = _renamed(self.read(first, outer, ctes), given)
                self.references, self.unbound, self.binding = before
            ctes[cte.ctename] = _renamed(self.read(cte.ctequery, outer, ctes), given)
        if is_a(node, ast.SelectStmt) and node.larg:
            left, right = (self.read(arm, outer, ctes) for arm in (node.larg, node.rarg))
            return [(name, one and other) for (name, one), (_, other) in zip(left, right)]
        if values := getattr(node, "valuesLists", None):
            self._inner(values, outer, ctes)
            return [("", all(self._carries(one, outer) for one in column))
                    for column in zip(*values)]
        return self._statement(node, outer, ctes)

    def _statement(self, node: Any, outer: list[Scope], ctes: Mapping[str, Columns]) -> Columns:
        scope: Scope = {}
        scopes = [*outer, scope]
        conditions = [Condition(one) for one in equalities(getattr(node, "whereClause", None))]
        items = [*(getattr(node, "fromClause", None) or ()),
                 *(getattr(node, "usingClause", None) or ())]
        target: Any = getattr(node, "relation", None)
        for item in items:
            conditions += of_joins(item)
        if is_a(node, ast.UpdateStmt, ast.DeleteStmt):
            items.insert(0, target)
        for item in items:
            self._add(item, scopes, ctes, conditions)
        if is_a(node, ast.InsertStmt):
            self._insert(node, scopes, ctes)
        for alias, source in scope.items():
            if source.table and not source.bound:
                self.unbound.append(f"{source.table} {alias}")
        for one in [item for item in items if is_a(item, ast.JoinExpr)]:
            self._inner(one, scopes, ctes)
        returned = getattr(node, "returningClause", None)
        given = (returned.exprs if returned else
                 node.targetList if is_a(node, ast.SelectStmt) else ()) or ()
        for name in node.__slots__:
            if name not in ("fromClause", "usingClause", "withClause", "larg", "rarg",
                            "selectStmt", "relation"):
                self._inner(getattr(node, name), scopes, ctes)
        if is_a(node, ast.UpdateStmt) and target.relname in TABLES:
            for one in node.targetList:
                if one.name == TABLES[target.relname] and not self._carries(one.val, scopes):
                    self.unbound.append(f"{target.relname}: another {one.name} is set")
        return [column for one in given for column in self._output(one, scopes)]

    def _add(self, item: Any, scopes: list[Scope], ctes: Mapping[str, Columns],
             conditions: list[Condition]) -> None:
        """Put what stands in a FROM into the scope, and see what is bound by then."""
        scope = scopes[-1]
        if is_a(item, ast.JoinExpr):
            self._add(item.larg, scopes, ctes, conditions)
            self._add(item.rarg, scopes, ctes, conditions)
            return
        alias = item.alias.aliasname if item.alias else getattr(item, "relname", "")
        given = names(item.alias.colnames) if item.alias else []
        if is_a(item, ast.RangeVar):
            if item.relname in ctes:
                scope[alias] = Source(columns=_renamed(ctes[item.relname], given))
            else:
                self.references += item.relname in TABLES
                scope[alias] = Source(item.relname if item.relname in TABLES else "")
        elif is_a(item, ast.RangeSubselect):
            seen = scopes if item.lateral else scopes[:-1]
            scope[alias] = Source(columns=_renamed(self.read(item.subquery, seen, ctes), given))
        else:
            self._inner(item, scopes, ctes)
            scope[alias] = Source()
        self._bind(scopes, conditions)

    def _bind(self, scopes: list[Scope], conditions: list[Condition]) -> None:
        found = True
        while found:
            found = False
            for node, binds in conditions:
                for own, other in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
                    alias, name = column_of(own)
                    source = scopes[-1].get(alias)
                    if (source and source.table and not source.bound
                            and name == TABLES[source.table] and (binds is None or alias in binds)
                            and self._carries(other, scopes)):
                        source.bound = found = True
                        self.binding.append(node)

    def _insert(self, node: Any, scopes: list[Scope], ctes: Mapping[str, Columns]) -> None:
        table = node.relation.relname
        given = self.read(node.selectStmt, scopes[:-1], ctes)
        alias = node.relation.alias.aliasname if node.relation.alias else table
        source = scopes[-1][alias] = Source(table if table in TABLES else "")
        if source.table:
            self.references += 1
            columns = [one.name for one in node.cols]
            source.bound = given[columns.index(TABLES[table])][1]

    def _inner(self, node: Any, scopes: list[Scope], ctes: Mapping[str, Columns]) -> None:
        """Read the statements within expressions."""
        if id(node) not in self.within:
            self.within[id(node)] = [*statements_within(node)]
        for one in self.within[id(node)]:
            self.read(one, scopes, ctes)

    def _output(self, target: Any, scopes: list[Scope]) -> Columns:
        fields = target.val.fields if is_a(target.val, ast.ColumnRef) else ()
        if fields and is_a(fields[-1], ast.A_Star):
            return [column for scope in scopes for alias, source in scope.items()
                    if alias == fields[0].sval for column in source.outputs]
        return [(target.name or (fields[-1].sval if fields else ""),
                 self._carries(target.val, scopes))]

    def _carries(self, node: Any, scopes: list[Scope]) -> bool:
        if is_a(node, ast.TypeCast):
            return self._carries(node.arg, scopes)
        if is_a(node, ast.ParamRef):
            return bool(node.number == self._tenant)
        alias, name = column_of(node)
        for scope in reversed(scopes):
            if alias in scope:
                return scope[alias].carries(name)
        return False


def read(sql: str, tenant: int) -> Reader:
    """Read a statement and return what was found of it."""
    reader = Reader(tenant)
    reader.read(pglast.parse_sql(sql)[0].stmt, [], {})
    return reader


def without_each(sql: str, tenant: int) -> Iterator[Reader]:
    """Read a statement as often as it has conditions that bind, each time without one of them."""
    parsed = pglast.parse_sql(sql)[0].stmt
    whole = Reader(tenant)
    whole.read(parsed, [], {})
    always = ast.A_Const(val=ast.Integer(ival=1))
    for condition in whole.binding:
        sides = condition.lexpr, condition.rexpr
        # Now it holds for every row. What binds has no statement within it.
        condition.lexpr = condition.rexpr = always
        reader = Reader(tenant, whole.within)
        reader.read(parsed, [], {})
        condition.lexpr, condition.rexpr = sides
        yield reader


def _renamed(columns: Columns, given: list[str]) -> Columns:
    """Return columns under the names that an alias gives to the first of them."""
    return [(given[place] if place < len(given) else name, carries)
            for place, (name, carries) in enumerate(columns)]
