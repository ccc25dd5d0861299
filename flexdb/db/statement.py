"""What an operation asks of PostgreSQL: SQL, its arguments, and how the row becomes the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Row = tuple[Any, ...]


class Query(NamedTuple):
    """A statement's SQL in the two forms an answer can have.

    :param name: the operation's name
    :param value: gives JSON columns back as JSON values
    :param string: gives JSON columns back as strings that hold JSON text
    """

    name: str
    value: bytes
    string: bytes

    @property
    def reads(self) -> bool:
        """Tell whether the statement only reads, so that sending it twice does no harm."""
        return self.value.startswith(b"SELECT")


class Result(NamedTuple):
    """What an operation gives.

    :param text: the result as JSON text
    :param created: False where an operation that creates found the row there and changed it
    """

    text: bytes
    created: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; whoever runs it calls ``read`` with the row it gave.

    :param query: the SQL
    :param arguments: its arguments by name
    :param read: makes the operation's result of the row, or of None when there is no row; may
        raise an error of :mod:`flexdb.errors`
    :param long: whether it may take as long as LONG_TIMEOUT
    """

    query: Query
    arguments: Mapping[str, Any]
    read: Callable[[Row | None], Result]
    long: bool = False


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
