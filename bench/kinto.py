"""Kinto beside flexdb: the same records in the same PostgreSQL, asked for the same things."""

from __future__ import annotations

from typing import Any, NamedTuple

from bench.data import Data
from bench.kinto_records import FITTING, GROUP, PAGE, RECORDS, check_kinto, place
from bench.load import CONNECTIONS, Asks, Subject, load
from bench.measure import Claim, Row
from bench.rows import CALLS_PROFILE, SERVICE, batches, row
from bench.stage import Stage

KINTO = "Kinto"
_NEW = 1000
# As many as Kinto takes by default; on few connections, or a turn would end before an answer.
_BATCH, _FEW = 25, 4
_BATCHES = Asks("/v1/batch")


class _Asked(NamedTuple):
    """The same of both: bodies for flexdb and for Kinto, how Kinto is asked, and calls in each.

    :param connections: on how many both are asked
    """

    ours: list[Any]
    theirs: list[Any]
    asks: Asks
    each: int = 1
    connections: int = CONNECTIONS


@row("Kinto", CALLS_PROFILE)
def kinto(stage: Stage) -> Row:
    """Single calls, batches, a filter, and a page with its total; and the same of Kinto."""
    data = stage.small("beside_kinto", stage.rows // 10)
    ours, theirs = stage.service(data), stage.kinto(data)
    check_kinto(data, ours, theirs)
    subjects: dict[str, Subject] = {}
    claims = []
    for what, asked in _all_asked(data).items():
        subjects[f"{what}, {SERVICE}"] = load(ours, stage.postgres, asked.ours, asked.each,
                                              asked.connections)
        subjects[f"{what}, {KINTO}"] = load(theirs, stage.postgres, asked.theirs, asked.each,
                                            asked.connections, asked.asks)
        claims += _claims(what, f"{what}, {SERVICE}", f"{what}, {KINTO}")
    return Row(
        f"{data.nodes:,} nodes, and the same as records of Kinto", subjects, claims,
        "Kinto has the same rows, by COPY, in a database of its own, with the index that its "
        "documentation recommends for filters; its collection has the same JSON Schema, and "
        "everybody may write to it. A page with its total is a batch of a GET and a HEAD there. "
        f"Calls in batches are counted one by one; batches are sent on {_FEW} connections. A GET "
        "there is eight statements in a transaction, none of them prepared.")


def _claims(what: str, one: str, other: str) -> list[Claim]:
    return [Claim(f"{what}: calls/s, of {KINTO}'s",
                  lambda turn: turn[one].rate / turn[other].rate, 1, at_least=True,
                  beside=KINTO),
            Claim(f"{what}: CPU, times {KINTO}'s",
                  lambda turn: turn[one].cost / turn[other].cost, 1, beside=KINTO)]


def _all_asked(data: Data) -> dict[str, _Asked]:
    gets, creates = data.gets(_BATCH), data.creates(_NEW)
    places = [place(get["params"]["id"]) for get in gets]
    new = [{"data": create["params"]["data"]} for create in creates]
    got = {"requests": [{"method": "GET", "path": path} for path in places]}
    created = [{"defaults": {"method": "POST", "path": RECORDS},
                "requests": [{"body": body} for body in new[first:first + _BATCH]]}
               for first in range(0, _NEW, _BATCH)]
    fitting = data.pages(filter={"data.group": GROUP}, count="none")
    return {
        "get": _Asked(gets[:1], [], Asks(places[0])),
        "create": _Asked(creates, new, Asks(RECORDS, 201)),
        f"gets in batches of {_BATCH}": _Asked(
            batches(gets, _BATCH), [got], _BATCHES, _BATCH, _FEW),
        f"creates in batches of {_BATCH}": _Asked(
            batches(creates, _BATCH), created, _BATCHES, _BATCH, _FEW),
        "filter": _Asked(fitting, [], Asks(FITTING)),
        "page with its total": _Asked(data.pages(), [PAGE], _BATCHES),
    }
