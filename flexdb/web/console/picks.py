"""What the fields of a form mean that take records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from flask import request

from flexdb.api.calls import PageCalls
from flexdb.web.console import finding
from flexdb.web.console.finding import Labelled


def given(name: str) -> str:
    """Return what a form says under a name: one that was chosen comes after what was typed."""
    return ([""] + request.values.getlist(name))[-1].strip()


class Picks:
    """The records that a form's fields mean.

    ``named`` has those that are clear, ``choices`` what the others may be, ``wrong`` what is to be
    told of those that mean nothing.
    """

    def __init__(self, calls: PageCalls, tenant_id: str, *fields: str,
                 among: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        """Look up what the fields say.

        :param among: by field, the ids of the node types that its record may be of
        """
        self.named: dict[str, Labelled] = {}
        self.choices: dict[str, list[Labelled]] = {}
        self.wrong: dict[str, str] = {}
        for field in fields:
            if not (words := given(field)):
                continue
            found = finding.picked(calls, tenant_id, words, among.get(field, ()))
            if isinstance(found, Labelled):
                self.named[field] = found
            elif found:
                self.choices[field] = found
                self.wrong[field] = "may be one of several: choose which"
            else:
                self.wrong[field] = "is no record's id, and none is called so" + (
                    " that may stand here" if among.get(field) else "")

    def ids(self) -> dict[str, str]:
        """Return the ids of the records that are clear, by their fields."""
        return {field: one.id for field, one in self.named.items()}
