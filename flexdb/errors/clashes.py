"""What only one node of a type may have, and several would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flexdb.errors import AlreadyExists


class Clash(NamedTuple):
    """Two nodes that have what only one may have."""

    id: str
    other: str | None
    members: list[str]

    def fields(self, wrong: str = "is taken", prefix: str = "") -> dict[str, list[str]]:
        """Return what is wrong with each of the members, whose names follow a prefix."""
        found = {}
        for member in self.members:
            others = [one for one in self.members if one != member]
            together = f" together with {' and '.join(others)}" if others else ""
            found[f"{prefix}{member}"] = [f"{wrong}{together}"]
        return found


class NotUnique(AlreadyExists):
    """What only one node of a type may have, another has."""

    clashes: Sequence[Clash] = ()

    @classmethod
    def of(cls, clashes: Sequence[Clash]) -> NotUnique:
        """Return the error for nodes that were to be written.

        It tells of the first of them; who wrote several looks at ``clashes``.

        :param clashes: each with the id of such a node, that of the other, which may be one that
            was to be written too, and the members that are equal, such as ``data.email``
        """
        first = clashes[0]
        fields: dict[str, list[str]] = {}
        for clash in clashes:
            if clash.id == first.id:
                fields |= clash.fields()
        made = cls(fields=fields, **({} if first.other is None else {"id": first.other}))
        made.clashes = clashes
        return made
