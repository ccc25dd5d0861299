"""Positions: where in the changes of a tenant a walk stands, as text.

``k3f9zq.a81c.1234`` is the feed's name, which is another one where a database was brought back to
what it was before; the tenant's epoch, which is another one where the tenant was made anew; and how
many changes came before, that one included. Changes are numbered without a gap.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from marshmallow import ValidationError

from flexdb.contract.fields import Text
from flexdb.errors.changes import ChangesGone

_POSITION = re.compile(r"\A([0-9a-z]{1,16}\.[0-9a-z]{1,16})\.(0|[1-9][0-9]{0,17})\Z", re.ASCII)


class Position(NamedTuple):
    """A place in the changes of a tenant.

    :param feed: the name and the epoch, with a dot between them
    :param number: that of the last change before it
    """

    feed: str
    number: int

    def __str__(self) -> str:
        return f"{self.feed}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that a text names.

        :raises ValueError: when it is none
        """
        if not (found := _POSITION.match(text)):
            raise ValueError("is no position: take one that a feed gave, as k3f9zq.a81c.1234")
        return cls(found[1], int(found[2]))

    def check(self, feed: str, oldest: int, last: int) -> None:
        """Refuse to go on from here where changes would be lost.

        :param feed: what positions of the tenant begin with now
        :param oldest: the number of the oldest change that is kept
        :param last: that of the last one
        :raises ChangesGone: when it is another feed's, too old, or of what was taken back
        """
        if self.feed != feed or not oldest - 1 <= self.number <= last:
            raise ChangesGone(str(Position(feed, oldest - 1)), str(Position(feed, last)))


class Since(Text):
    """A position, given on as that."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return Position.parse(super()._deserialize(value, attr, data, **kwargs))
        except ValueError as error:
            raise ValidationError(str(error)) from None
