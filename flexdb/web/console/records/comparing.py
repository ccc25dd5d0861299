"""What differs between what is there and what was typed, side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.web.console.changes.differences import Step, text_of
from flexdb.web.console.forms import ABSENT

# How many places are shown.
MOST = 100


class Comparison(NamedTuple):
    """What a page shows of two values.

    :param base: the version that both began with
    :param is_apart: whether different members were changed, so that both can be kept
    """

    differing: list[Step]
    base: str
    is_apart: bool


def together(before: Any, theirs: Any, yours: Any) -> Any:
    """Return what two made of an object that changed different members of it; else ABSENT.

    :param before: what both began with
    """
    if not (isinstance(before, dict) and isinstance(theirs, dict) and isinstance(yours, dict)):
        return ABSENT
    made = dict(theirs)
    for name in {**before, **yours}:
        was, their, your = (one.get(name, ABSENT) for one in (before, theirs, yours))
        if text_of(your) == text_of(was):
            continue
        if text_of(their) not in (text_of(was), text_of(your)):
            return ABSENT
        if your is ABSENT:
            made.pop(name, None)
        else:
            made[name] = your
    return made
