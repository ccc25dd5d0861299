"""What an operation asks of PostgreSQL: SQL, its arguments, and how the row becomes the result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Row = tuple[Any, ...]


class Query(NamedTuple):
    """A statement's SQL in the two forms an answer can have.

    :param name: the operation's name
    :param value: gives JSON columns back as JSON values
    :param string: gives JSON columns back as strings that hold JSON text
    :param lasting: whether it is one of a fixed number, which connections may keep prepared
    """

    name: str
    value: bytes
    string: bytes
    lasting: bool = False

    @property
    def reads(self) -> bool:
        """Tell whether the statement only reads, so that sending it twice does no harm.

        What writes may begin with WITH, but nothing that writes is recursive.
        """
        return self.value.startswith((b"SELECT", b"WITH RECURSIVE"))


class Result(NamedTuple):
    """What an operation gives.

    :param text: the result as JSON text
    :param created: False where an operation that creates found the row there and changed it
    :param version: the version of the object in it, where it has one
    :param id: the id of what was created
    """

    text: bytes
    created: bool = True
    version: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; whoever runs it calls ``read`` with the row it gave.

    :param query: the SQL
    :param arguments: its arguments by name
    :param read: makes the operation's result of the row, or of None when there is no row; may
        raise an error of :mod:`flexdb.errors`, or LookAgain
    :param long: whether it may take as long as LONG_TIMEOUT
    """

    query: Query
    arguments: Mapping[str, Any]
    read: Callable[[Row | None], Result]
    long: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Several statements of one operation, which looks before it writes.

    They run in one transaction; when an error ends them, what they wrote is rolled back.

    :param name: the operation's name
    :param start: begins the steps: yields statements, is sent their rows and returns the result;
        an error of a statement is thrown in where it was yielded, and must come out again
    """

    name: str
    start: Callable[[], Generator[Statement, Row | None, Result]]


Plan = Statement | Steps


class LookAgain(Exception):
    """What a statement was planned on has changed meanwhile; its ``read`` raises this.

    :param steps: what is to be done in its place
    """

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps.name)
        self.steps = steps


class Line(NamedTuple):
    """A row to be loaded, and where it came from.

    :param number: the place of its line in the file, from 1
    :param kind: the name of the object that it is
    :param values: its columns, in the order of the object's members
    :param size: how long its line is, in bytes
    """

    number: int
    kind: str
    values: Row
    size: int


class RollBack(Exception):
    """Steps raise this in place of returning: the result counts, what they wrote does not.

    :param result: what the operation gives
    """

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result
