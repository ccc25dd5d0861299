"""Where something is not found because the tenant is not there: that is told to who sees all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import orjson

from flexdb.errors import FlexdbError, NotFound
from flexdb.plan import Budget, Outcome, Result, Statement

# Gives, of tenants by their ids, the statement whose result is a JSON array of those that are not
# there.
AbsentOf = Callable[[Iterable[str]], Statement]
Ask = Callable[[Statement], Result | FlexdbError]


def note_tenant(error: FlexdbError, statement: Statement) -> None:
    """Note in an error which tenant it is about: that of the statement that it came after."""
    if not isinstance(error, NotFound) or error.within:
        return
    tenant_id = statement.arguments.get("tenant_id")
    if tenant_id and "tenant_id" not in error.data.get("fields", ()):
        error.within = (str(tenant_id), NotFound.of("tenant_id"))


def blamed(outcomes: list[Outcome], absent_of: AbsentOf, ask: Ask, budget: Budget
           ) -> list[Outcome]:
    """Return outcomes in which a tenant that is not there is what is not found.

    Where that cannot be asked, what was not found is not there all the same.

    :param ask: runs a statement
    :param budget: what is told instead is counted in it too
    """
    ids = {within[0] for outcome in outcomes if (within := _within(outcome))}
    if not ids:
        return outcomes
    found = ask(absent_of(sorted(ids)))
    absent = set() if isinstance(found, FlexdbError) else set(orjson.loads(found.text))
    told: list[Outcome] = []
    for outcome in outcomes:
        within = _within(outcome)
        if isinstance(outcome, NotFound):
            outcome.within = None
        told.append(budget.admit(within[1]) if within and within[0] in absent else outcome)
    return told


def _within(outcome: Outcome) -> tuple[str, NotFound] | None:
    return outcome.within if isinstance(outcome, NotFound) else None
