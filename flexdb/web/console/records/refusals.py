"""Why what was filled in for a record is refused, at the places where it is wrong."""

from __future__ import annotations

import json
from typing import NamedTuple

from flexdb.documents.paths import parts_of
from flexdb.documents.pointers import pointer_of
from flexdb.errors import FlexdbError


class Refusal(NamedTuple):
    """What is wrong.

    :param places: by the JSON Pointer of the place in the record's data
    :param further: what is at no place
    """

    places: dict[str, str]
    further: list[str]


# Another variant was chosen and sent before its fields were seen.
SWITCHED = Refusal({}, ["Another variant was chosen: look at its fields first."])


def refused(error: FlexdbError) -> Refusal:
    """Return what an error says of each place of a record's data, and what of none."""
    places: dict[str, str] = {}
    violations: list[dict[str, str]] = error.data.get("violations", [])
    for violation in violations:
        _add(places, *_place_of(violation))
    if violations:
        return Refusal(places, [])
    further = []
    for name, told in error.data.get("fields", {}).items():
        if name.startswith("data."):
            _add(places, _pointer_of(name.removeprefix("data.")), "; ".join(told))
        else:
            further.append(f"{name} {'; '.join(told)}")
    return Refusal(places, further or ([] if places else [str(error)]))


def _add(places: dict[str, str], at: str, told: str) -> None:
    places[at] = f"{places[at]}; {told}" if at in places else told


def _place_of(violation: dict[str, str]) -> tuple[str, str]:
    """Return where to tell a violation, and what.

    What is missing is told of the object that it is missing in; its name begins the message.
    """
    at, told = str(violation["path"]), str(violation["message"])
    if violation["keyword"] in ("required", "dependentRequired"):
        try:
            name, end = json.JSONDecoder().raw_decode(told)
        except ValueError:
            return at, told
        if isinstance(name, str):
            return at + pointer_of([name]), f"must be there:{told[end:]}".replace(
                "must be there: is a required property", "must be filled in")
    return at, told


def _pointer_of(path: str) -> str:
    try:
        return pointer_of(parts_of(path))
    except ValueError:
        return ""
