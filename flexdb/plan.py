"""What an operation asks of PostgreSQL: SQL, its arguments, and how the row becomes the result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from flexdb.errors import AnswerTooLarge, FlexdbError, Overloaded

Row = tuple[Any, ...]
# What a statement does: reads, locks what it read until the transaction ends, writes, or is the
# transaction's last, whenever it is asked for. Only what writes may not be sent twice.
Kind = Literal["read", "lock", "write", "late"]


class Query(NamedTuple):
    """A statement's SQL.

    :param name: the name it has in the ``.sql`` file, which is the operation's
    :param text: the SQL, with ``$1``, ``$2``, … for its arguments
    :param arguments: the names of the arguments in that order
    :param kind: what it does
    :param columns: the names of what its row holds, in order
    :param lasting: whether one plan does for all arguments, and connections may keep it prepared
    """

    name: str
    text: bytes
    arguments: tuple[str, ...] = ()
    kind: Kind = "read"
    columns: tuple[str, ...] = ()
    lasting: bool = False

    @property
    def writes(self) -> bool:
        """Tell whether it leaves something behind, so that sending it twice would do harm."""
        return self.kind == "write"


class Result(NamedTuple):
    """What an operation gives.

    :param text: the result as JSON text
    :param created: False where an operation that creates found the row there and changed it
    :param version: the version of the object in it, where it has one
    :param id: the id of the object in it, where the caller or the operation chose it
    :param tag: names this state of this very object, even if another one had its id before
    :param kept: False where what was written is to be rolled back all the same
    :param rows: how many objects it lists or tells to be written
    :param secret: whether it holds what is told once
    """

    text: bytes
    created: bool = True
    version: int | None = None
    id: str | None = None
    tag: str | None = None
    kept: bool = True
    rows: int = 1
    secret: bool = False


class Lock(NamedTuple):
    """A stored row that a call is going to write.

    :param table: where it is
    :param tenant_id: whose it is; "" where it is the service's
    :param id: its id; of a membership, the user's
    :param deletes: whether it goes, and not only changes
    """

    table: str
    tenant_id: str
    id: str
    deletes: bool = False


def _unread(row: Row | None) -> Result:
    raise TypeError("the row of a step is read by the steps")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; whoever runs it calls ``read`` with the row it gave.

    :param query: the SQL
    :param arguments: its arguments by name; they are the caller's, so no log shows them
    :param read: makes the operation's result of the row, or of None when there is no row; where
        what the statement was planned on has changed meanwhile, gives the steps to take instead;
        may raise an error of :mod:`flexdb.errors`; a step needs none, as the steps read its row
    :param long: whether it may take as long as LONG_TIMEOUT
    :param short: whether it reads few rows by an index, however many there are
    """

    query: Query
    arguments: Mapping[str, Any] = field(repr=False)
    read: Callable[[Row | None], Result | Steps] = field(default=_unread, repr=False)
    long: bool = False
    short: bool = False

    @property
    def name(self) -> str:
        """Return the statement's name."""
        return self.query.name

    def result(self, row: Row | None) -> Result:
        """Return what a row gives, where that cannot be steps to take instead."""
        found = self.read(row)
        if isinstance(found, Steps):
            raise TypeError(f"{self.name} leads to steps")
        return found


@dataclass(frozen=True, slots=True)
class Steps:
    """Several statements of one operation, which looks before it writes.

    They run in one transaction; when an error ends them, what they wrote is rolled back.

    :param name: the operation's name
    :param start: begins the steps. What they yield is run: a statement sends back its row, other
        steps their result. An error is thrown in where it was met; it, or another, comes out
    :param long: whether each statement may take as long as LONG_TIMEOUT
    :param only: the statement that is all of them, and needs no transaction around it; else None
    """

    name: str
    start: Callable[[], Walk] = field(repr=False)
    long: bool = False
    only: Statement | None = field(default=None, repr=False)


Outcome = Result | FlexdbError


class Room:
    """How much all answers that a process has under way may weigh together.

    :param most: in bytes
    :param patience: how long an answer waits until others have left, in seconds
    """

    def __init__(self, most: int, patience: float = 0) -> None:
        self.left, self._patience = most, patience
        self._changed = threading.Condition()

    def take(self, size: int) -> bool:
        """Wait for so much room, and tell whether there was."""
        with self._changed:
            fits = self._changed.wait_for(lambda: self.left >= size, self._patience)
            self.left -= size if fits else 0
            return fits

    def lend(self, most: int) -> int:
        """Take half of what is left at once, ``most`` at most and 1/16 of it at least; tell it."""
        with self._changed:
            size = max(min(most, self.left // 2), most // 16)
            self.left -= size
            return size

    def give(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self.left += size
            self._changed.notify_all()


class Budget:
    """How much an answer may still weigh, over all that stands in it.

    :param most: in bytes
    :param room: what it shares with others; a small answer needs nothing of that
    """

    __slots__ = ("left", "held", "_most", "_free", "_room", "_is_refused")

    def __init__(self, most: int, room: Room | None = None) -> None:
        self.left, self._most, self._room = most, most, room
        # So that what most callers ask for is never held up by the few large answers.
        self._free = most // 32
        self.held, self._is_refused = 0, False

    def take(self, size: int) -> bool:
        """Count bytes, and tell whether they still fit; once something did not, nothing does."""
        self.left -= size
        return self.left >= 0

    def hold(self, further: int = 0) -> bool:
        """Have room for what was counted until the answer is sent, and tell whether there is.

        :param further: how much will stand in it besides, in bytes
        """
        more = self._most - self.left + further - self._free - self.held
        # What is larger than an answer may be is refused as that, where it is put together.
        if self._room is None or more <= 0 or further > self.left:
            return True
        # Who has waited in vain once waits no more.
        self._is_refused = self._is_refused or not self._room.take(more)
        self.held += 0 if self._is_refused else more
        return not self._is_refused

    def release(self, is_sent: bool = True) -> None:
        """Give room back: the answer is sent, or is less than it was going to be."""
        needed = 0 if is_sent else max(self._most - self.left - self._free, 0)
        if self._room is not None and self.held > needed:
            self._room.give(self.held - needed)
            self.held = needed

    def __del__(self) -> None:
        self.release()

    def admit(self, outcome: Outcome, wrote: bool = False) -> Outcome:
        """Return an outcome, or what is told in its place where it no longer fits.

        :param wrote: whether what it tells of may have left something behind
        """
        if isinstance(outcome, FlexdbError):
            fits = self.take(len(orjson.dumps(outcome.to_json()))) and self.hold()
            self.release(is_sent=False)
            return outcome if fits else AnswerTooLarge()
        if self.take(len(outcome.text)) and self.hold():
            return outcome
        if not wrote:
            if self.left < 0:
                return AnswerTooLarge()
            self.left += len(outcome.text)
            return Overloaded()
        known = {"id": outcome.id, "version": outcome.version}
        return AnswerTooLarge({name: what for name, what in known.items() if what is not None})


Plan = Statement | Steps
# Typed as sending anything, since what is sent depends on what was yielded.
Walk = Generator[Plan, Any, Result]


def as_steps(plan: Plan) -> Steps:
    """Return a plan as steps, whose result other steps can wait for."""
    if isinstance(plan, Steps):
        return plan

    def start() -> Walk:
        found = plan.read((yield plan))
        return found if isinstance(found, Result) else (yield found)

    return Steps(plan.name, start, plan.long, plan)
