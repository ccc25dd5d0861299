"""What the fault suite trusts: its ledger notices a write that is lost, undone or done twice."""

from __future__ import annotations

import pytest

from tests.support.ledger import Ledger, Row, State, Write

Found = dict[str, tuple[str, State]]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("client")


def created(ledger: Ledger) -> Row:
    row = ledger.new()
    ledger.done([Write(row, State(1, 1))])
    return row


def found(*rows: tuple[Row, int, int]) -> Found:
    return {row.key: (row.id, State(value, version)) for row, value, version in rows}


def test_what_was_acknowledged_must_be_there_as_it_was_written(ledger: Ledger) -> None:
    row = created(ledger)
    assert not list(ledger.wrong(found((row, 1, 1))))
    assert list(ledger.wrong({}))
    assert list(ledger.wrong(found((row, 2, 1))))


def test_a_write_that_was_done_twice_is_seen_by_its_version(ledger: Ledger) -> None:
    row = created(ledger)
    ledger.done([Write(row, State(2, 2))])
    assert not list(ledger.wrong(found((row, 2, 2))))
    assert list(ledger.wrong(found((row, 2, 3))))


def test_what_was_refused_must_not_be_there(ledger: Ledger) -> None:
    row = ledger.new()
    assert not list(ledger.wrong({}))
    assert list(ledger.wrong(found((row, 1, 1))))


def test_what_nobody_asked_for_must_not_be_there(ledger: Ledger) -> None:
    assert list(ledger.wrong({"client-9": ("id", State(1, 1))}))


def test_what_was_deleted_must_stay_away(ledger: Ledger) -> None:
    row = created(ledger)
    ledger.done([Write(row, None)])
    assert not list(ledger.wrong({}))
    assert list(ledger.wrong(found((row, 1, 1))))


def test_what_is_in_doubt_may_be_either_and_is_written_no_more(ledger: Ledger) -> None:
    row = created(ledger)
    ledger.unknown([Write(row, State(2, 2))])
    assert row not in ledger.living()
    assert not list(ledger.wrong(found((row, 1, 1)))) + list(ledger.wrong(found((row, 2, 2))))
    assert list(ledger.wrong({})) and list(ledger.wrong(found((row, 2, 3))))


def test_a_transaction_in_doubt_is_done_as_a_whole_or_not_at_all(ledger: Ledger) -> None:
    row, new = created(ledger), ledger.new()
    ledger.unknown([Write(row, State(2, 2)), Write(new, State(3, 1))])
    assert not list(ledger.wrong(found((row, 1, 1))))
    assert not list(ledger.wrong(found((row, 2, 2), (new, 3, 1))))
    assert list(ledger.wrong(found((row, 2, 2)))) and list(
        ledger.wrong(found((row, 1, 1), (new, 3, 1))))
