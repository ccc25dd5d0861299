"""What differs between what is there and what was typed, side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.documents.differences import difference
from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.web.console.forms import ABSENT

# How many places are shown.
MOST = 100


class Differing(NamedTuple):
    """A place at which two values differ.

    :param theirs: what is there; None where nothing is
    :param yours: what was typed, likewise
    """

    at: str
    theirs: str | None
    yours: str | None


def compared(theirs: Any, yours: Any) -> list[Differing]:
    """Return where two values differ, as the difference of the one to the other says.

    :param theirs: what is there now
    :param yours: what was typed
    """
    found = []
    for one in parse_exactly(difference(dump_exactly(theirs), dump_exactly(yours)))[:MOST]:
        old = _at(theirs, one["path"]) if one["op"] != "add" else ABSENT
        found.append(Differing(one["path"] or "the whole", _text(old),
                               _text(one.get("value", ABSENT))))
    return found


def _at(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (LookupError, TypeError, ValueError):
            return ABSENT
    return value


def _text(value: Any) -> str | None:
    return None if value is ABSENT else dump_exactly(value).decode()
