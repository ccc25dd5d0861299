"""What marshmallow found wrong, by the path of each member that it is about."""

from __future__ import annotations

from itertools import islice
from typing import Any

from marshmallow import ValidationError

# A parameter that we do not know may have any name, and an object any number of them.
NAME_LENGTH, MOST_FIELDS = 64, 20


def by_path(error: ValidationError) -> dict[str, list[str]]:
    """Return the messages by the paths of what they are about."""
    found: dict[str, list[str]] = {}
    _flatten(error.messages, "", found)
    return found


def _flatten(messages: Any, path: str, found: dict[str, list[str]]) -> None:
    if not isinstance(messages, dict):
        found.setdefault(path, list(messages))
        return
    # Of a list's items, whose places are their names, every wrong one is told.
    most = None if all(isinstance(name, int) for name in messages) else MOST_FIELDS
    for name, inner in islice(messages.items(), most):
        name = str(name)[:NAME_LENGTH]
        _flatten(inner, f"{path}.{name}" if path else name, found)
