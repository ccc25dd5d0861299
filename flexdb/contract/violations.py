"""What marshmallow found wrong, by the path of each member that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any

from marshmallow import ValidationError

# A parameter that we do not know may have any name, and an object any number of them.
NAME_LENGTH, MOST_FIELDS = 64, 20
# For how many of them names like theirs are looked for, and how many names are listed.
_MOST_HINTS, _MOST_NAMES = 5, 40


class UnknownName(str):
    """The message for a name that is not known; what is known is told where it is told.

    :param known: the names that there are
    """

    known: Sequence[str]

    def __new__(cls, known: Sequence[str]) -> UnknownName:
        made = super().__new__(cls, "is not a parameter here")
        made.known = known
        return made

    def told(self, name: str) -> str:
        """Return the message for a name, with the one it is like and those that there are."""
        near = get_close_matches(name, self.known, n=1)
        listed = ", ".join(self.known[:_MOST_NAMES]) or "none"
        if len(self.known) > _MOST_NAMES:
            listed += ", …"
        return f"{self}{f': did you mean {near[0]}?' if near else ','} there are: {listed}"


def by_path(error: ValidationError) -> dict[str, list[str]]:
    """Return the messages by the paths of what they are about."""
    found: dict[str, list[str]] = {}
    _flatten(error.messages, "", found)
    return with_hints(found)


def with_hints(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return messages where the first of unknown names also have what there is."""
    # An object may have any number of them, and so may a list of objects.
    unknown = ((path, messages[0]) for path, messages in fields.items()
               if messages and isinstance(messages[0], UnknownName))
    told = {path: [message.told(path.rpartition(".")[2])]
            for path, message in islice(unknown, _MOST_HINTS)}
    return {path: told.get(path) or [str(one) for one in messages]
            for path, messages in fields.items()}


def _flatten(messages: Any, path: str, found: dict[str, list[str]]) -> None:
    if not isinstance(messages, dict):
        found.setdefault(path, list(messages))
        return
    # Of a list's items, whose places are their names, every wrong one is told.
    most = None if all(isinstance(name, int) for name in messages) else MOST_FIELDS
    for name, inner in islice(messages.items(), most):
        name = str(name)[:NAME_LENGTH]
        _flatten(inner, f"{path}.{name}" if path else name, found)
