"""All statements that stand under a name, as they are sent."""

from __future__ import annotations

from collections.abc import Iterator

from flexdb.config import JsonFields
from flexdb.plan import Query
from flexdb.sql.loader import FORMS, NAMES, STATEMENTS, filled

# What a statement that has a slot for a condition is filled with, on rows of its alias.
CONDITIONS = ("TRUE", "{}.version > 1")


def statements(forms: tuple[JsonFields, ...] = FORMS) -> Iterator[Query]:
    """Give each in each form, and those with a slot with several conditions."""
    for form in forms:
        for name in sorted(NAMES):
            for condition in CONDITIONS:
                yield STATEMENTS[form].get(name) or filled_with(name, condition, form)


def filled_with(name: str, condition: str, form: JsonFields = "value") -> Query:
    """Return a statement with a condition in its slot, in which ``{}`` is the rows' alias."""
    alias = "r" if name.endswith("_relationship") else "n"
    return filled(name, form, condition.format(alias))
