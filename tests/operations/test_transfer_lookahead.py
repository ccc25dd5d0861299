"""The lines of an import are read on while PostgreSQL takes those before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from flexdb.db.load import Line
from flexdb.errors import InvalidParams
from flexdb.transfer.lookahead import ahead

_MEGABYTE = 1024 * 1024


def _line(number: int, size: int = 100) -> Line:
    return Line(number, "node", (str(number),), size)


def test_lines_come_in_their_order_to_the_last() -> None:
    with ahead(map(_line, range(1234))) as lines:
        assert [line.number for line in lines] == [*range(1234)]


def test_lines_are_read_while_nobody_takes_them() -> None:
    is_read = threading.Event()

    def read() -> Iterator[Line]:
        yield from map(_line, range(2000))
        is_read.set()

    with ahead(read()) as lines:
        assert is_read.wait(30)
        assert sum(1 for _ in lines) == 2000


@pytest.mark.parametrize("size", [_MEGABYTE, 20 * _MEGABYTE])
def test_what_is_held_does_not_grow_with_the_file(size: int) -> None:
    taken, most = 0, 0

    def read() -> Iterator[Line]:
        nonlocal most
        for number in range(60):
            most = max(most, number - taken)
            yield _line(number, size)

    with ahead(read()) as lines:
        for _ in lines:
            taken += 1
    # What is held, what is handed over, and what is taken apart.
    assert most <= 3 * max(4 * _MEGABYTE // size, 1) + 1


def test_what_is_wrong_is_told_behind_the_lines_before_it() -> None:
    def read() -> Iterator[Line]:
        yield from map(_line, range(3))
        raise InvalidParams("line 4 is wrong")

    taken = []
    with ahead(read()) as lines, pytest.raises(InvalidParams, match="line 4 is wrong"):
        for line in lines:
            taken.append(line.number)
    assert taken == [0, 1, 2]


def test_who_leaves_is_not_read_for_any_longer() -> None:
    def read() -> Iterator[Line]:
        number = 0
        while True:
            number += 1
            yield _line(number, _MEGABYTE)

    before = set(threading.enumerate())
    with ahead(read()) as lines:
        assert next(lines).number == 1
        (reader,) = set(threading.enumerate()) - before
    reader.join(30)
    assert not reader.is_alive()
