"""The field of an update: operators on the members of a document, named by paths."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from marshmallow import ValidationError

from flexdb.contract.json_fields import JsonText
from flexdb.contract.operation import Loaded
from flexdb.contract.violations import NAME_LENGTH
from flexdb.documents.patches import Change
from flexdb.documents.text import parse_exactly
from flexdb.documents.updates import (
    MOST_MEMBERS,
    OPERATORS,
    Assignment,
    Part,
    Update,
    conflicts,
    read_value,
)
from flexdb.errors import InvalidParams
from flexdb.query.paths import split_inside

# A place in an array, written in the one way that it has.
_PLACE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


class UpdateField(JsonText):
    """An update of a document: an object of operators, each an object of paths and values."""

    def _read(self, text: bytes) -> Update:
        asked = parse_exactly(text)
        if not asked:
            raise ValidationError("may not be empty: say what to change")
        wrong: dict[str, Any] = {}
        assignments: list[Assignment] = []
        for operator, members in asked.items():
            if operator not in OPERATORS:
                wrong[operator] = [f"is no operator: there are {', '.join(OPERATORS)}"]
            elif not isinstance(members, dict) or not members:
                wrong[operator] = ["must be an object of paths inside the data, and values"]
            else:
                found, refused = _read_members(operator, members)
                assignments += found
                wrong |= {operator: refused} if refused else {}
        if wrong:
            raise ValidationError(wrong)
        if len(assignments) > MOST_MEMBERS:
            raise ValidationError(f"may name at most {MOST_MEMBERS:,} members, not "
                                  f"{len(assignments):,}")
        if pair := conflicts(assignments):
            one, other = pair
            raise ValidationError({other.operator: {other.path: [
                f"stands in what {one.name} changes: each member may be named once"]}})
        return Update(assignments)


def _read_members(operator: str, members: dict[str, Any]
                  ) -> tuple[list[Assignment], dict[str, list[str]]]:
    """Return what an operator does to each member, and what is wrong by the path."""
    found, wrong = [], {}
    for path, value in members.items():
        try:
            parts = tuple(Part(name, int(name) if _PLACE.fullmatch(name) else None)
                          for name in split_inside(path))
            found.append(Assignment(operator, path, parts, read_value(operator, value)))
        except ValueError as error:
            wrong[path[:NAME_LENGTH]] = [str(error)]
    return found, wrong


UPDATE = partial(
    UpdateField, "What to change in place, instead of a patch: operators, each with paths inside "
    f"the data and values. There are {', '.join(f'`{name}`' for name in OPERATORS)}.",
    example={"$inc": {"views": 1}, "$addToSet": {"tags": "urgent"}})


def change_of(params: Loaded) -> Change:
    """Return the one change that parameters ask for, a patch or an update.

    :raises InvalidParams: when they ask for none, or for both
    """
    given: list[Change] = [params[name] for name in ("patch", "update") if name in params]
    if not given:
        raise InvalidParams(fields={"patch": ["is missing, and so is update: give one of them"]})
    if len(given) > 1:
        raise InvalidParams(fields={"update": ["stands beside patch: give one of them"]})
    return given[0]
