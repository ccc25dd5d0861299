"""How a plan ends inside a transaction: what its row gives, and whether that may stay."""

from __future__ import annotations

from typing import NamedTuple

from flexdb import errors
from flexdb.db.absence import note_tenant
from flexdb.db.connection import Connection
from flexdb.db.verdict import unforeseen
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Outcome, Result, Row, Statement, Steps


class Ended(NamedTuple):
    """How a plan ended, inside a transaction.

    :param wrote: whether it may have written something
    :param undo: whether what the transaction wrote must not stay
    """

    outcome: Outcome
    wrote: bool
    undo: bool = False

    @property
    def stays(self) -> bool:
        """Tell whether it left something behind, also where the answer does not hold it."""
        done = (bool(self.outcome.data.get("done")) if isinstance(self.outcome, FlexdbError)
                else True)
        return self.wrote and not self.undo and done

    @property
    def is_void(self) -> bool:
        """Tell whether an error ended it before it wrote anything."""
        return not self.wrote and isinstance(self.outcome, FlexdbError)

    @property
    def fails(self) -> bool:
        """Tell whether an error takes all back, so that nothing more can be run before that."""
        return self.undo and isinstance(self.outcome, FlexdbError)


def admit(ended: Ended, budget: Budget) -> Ended:
    """Count what a plan gave, and let it go where the answer would weigh too much."""
    return ended._replace(outcome=budget.admit(ended.outcome, ended.wrote))


def end(statement: Statement, row: Row | None) -> Ended:
    """Say how a statement of a batch ended."""
    found = read(statement, row)
    if isinstance(found, Steps):
        # They would run behind what follows here, so all are run again, one by one.
        return Ended(errors.Aborted(), True, undo=True)
    return Ended(found, statement.query.writes)


def read(statement: Statement, row: Row | None) -> Outcome | Steps:
    """Return what a row gives, or the error that its reader raises."""
    try:
        found = statement.read(row)
        if not isinstance(found, Steps) and not (
                isinstance(found, Result) and isinstance(found.text, bytes)):
            raise TypeError(f"{statement.query.name} gave {type(found)}, no JSON text")
        return found
    except FlexdbError as error:
        note_tenant(error, statement)
        return error
    except Exception as error:
        return unforeseen(statement, error)


def conclude(connection: Connection, ended: list[Ended]) -> list[Ended]:
    """Run what was to be the last, once however often it was asked for, and in one order.

    Who waits for another then holds nothing that one may want, but for what comes before.
    """
    for _, statement in sorted(connection.late.items()):
        found = read(statement, connection.fetch(statement))
        if isinstance(found, FlexdbError):
            return [Ended(found, True, undo=True) for _ in ended]
    return ended
