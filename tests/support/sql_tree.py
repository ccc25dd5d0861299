"""SQL as PostgreSQL's own parser reads it: conditions, columns, statements within statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType


class Condition(NamedTuple):
    """A condition that holds for each row.

    :param node: of the form ``left = right``
    :param binds: the aliases whose rows it leaves out; None for all
    """

    node: Any
    binds: frozenset[str] | None = None


def is_a(node: Any, *kinds: type) -> bool:
    """Tell whether a node is of some kind; without telling mypy, for which all may be unset."""
    return isinstance(node, kinds)


def _parts(node: Any) -> Iterator[Any]:
    """Give what a node or a list of a statement is made of."""
    if is_a(node, tuple):
        yield from node
    elif is_a(node, ast.Node):
        yield from (getattr(node, name) for name in node.__slots__)


def below(node: Any) -> Iterator[Any]:
    """Give a node of a statement and all below it."""
    if is_a(node, ast.Node):
        yield node
    for one in _parts(node):
        yield from below(one)


def called(node: Any) -> set[str]:
    """Return the names of the functions that something calls."""
    return {one.funcname[-1].sval for one in below(node) if is_a(one, ast.FuncCall)}


def column_of(node: Any) -> tuple[str, str]:
    """Return the alias and the name of a column; two empty ones of anything else."""
    if is_a(node, ast.ColumnRef) and all(is_a(one, ast.String) for one in node.fields):
        alias, name = ["", *(one.sval for one in node.fields)][-2:]
        return alias, name
    return "", ""


def equalities(node: Any) -> Iterator[Any]:
    """Give the equalities that all hold where a condition does."""
    if is_a(node, ast.BoolExpr) and node.boolop == BoolExprType.AND_EXPR:
        for one in node.args:
            yield from equalities(one)
    elif is_a(node, ast.A_Expr) and node.name[0].sval == "=" and node.kind in (
            A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_NOT_DISTINCT):
        yield node


def of_joins(item: Any) -> Iterator[Condition]:
    """Give the conditions of joins; an outer one's leaves out rows of its right side alone."""
    if is_a(item, ast.JoinExpr):
        yield from of_joins(item.larg)
        yield from of_joins(item.rarg)
        binds = (None if item.jointype == JoinType.JOIN_INNER else frozenset(_aliases(item.rarg))
                 if item.jointype == JoinType.JOIN_LEFT else frozenset())
        yield from (Condition(one, binds) for one in equalities(item.quals))


def _aliases(item: Any) -> Iterator[str]:
    if is_a(item, ast.JoinExpr):
        yield from _aliases(item.larg)
        yield from _aliases(item.rarg)
    else:
        yield item.alias.aliasname if item.alias else item.relname


def names(nodes: Any) -> list[str]:
    """Return the names that an alias gives to columns."""
    return [node.sval for node in nodes or ()]


def statements_within(node: Any) -> Iterator[Any]:
    """Give the outermost statements within expressions; a join's sides are no expressions."""
    if is_a(node, ast.SelectStmt):
        yield node
    elif is_a(node, ast.JoinExpr):
        yield from statements_within(node.quals)
        for side in (node.larg, node.rarg):
            if is_a(side, ast.JoinExpr):
                yield from statements_within(side)
    else:
        for one in _parts(node):
            yield from statements_within(one)
