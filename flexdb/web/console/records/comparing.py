"""What differs between what is there and what was typed, side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.documents.differences import difference
from flexdb.documents.pointers import names_of
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


class Comparison(NamedTuple):
    """What a page shows of two values.

    :param base: the version that both began with
    :param is_apart: whether different members were changed, so that both can be kept
    """

    differing: list[Differing]
    base: str
    is_apart: bool


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


def together(before: Any, theirs: Any, yours: Any) -> Any:
    """Return what two made of an object that changed different members of it; else ABSENT.

    :param before: what both began with
    """
    if not (isinstance(before, dict) and isinstance(theirs, dict) and isinstance(yours, dict)):
        return ABSENT
    made = dict(theirs)
    for name in {**before, **yours}:
        was, their, your = (one.get(name, ABSENT) for one in (before, theirs, yours))
        if _text(your) == _text(was):
            continue
        if _text(their) not in (_text(was), _text(your)):
            return ABSENT
        if your is ABSENT:
            made.pop(name, None)
        else:
            made[name] = your
    return made


def _at(value: Any, pointer: str) -> Any:
    for part in names_of(pointer):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (LookupError, TypeError, ValueError):
            return ABSENT
    return value


def _text(value: Any) -> str | None:
    return None if value is ABSENT else dump_exactly(value).decode()
