"""What the result of an operation holds, as the operation declares it."""

from __future__ import annotations

from typing import NamedTuple

from marshmallow import Schema


class Gives(NamedTuple):
    """What a result holds.

    :param schema: of the object; None for the empty result
    :param wrapper: the member of the result that holds the object or the list of objects; empty
        where the object is the result
    :param many: whether it holds a list of objects
    :param paged: whether that list is one page of a longer one
    :param explanation: of what stands beside the page under ``explain``, where that is asked for
    """

    schema: type[Schema] | None = None
    wrapper: str = ""
    many: bool = False
    paged: bool = False
    explanation: type[Schema] | None = None

    @property
    def tagged(self) -> bool:
        """Tell whether it holds one object that has an id, and with it an ETag."""
        return self.schema is not None and not self.many and "id" in self.schema().fields


NOTHING = Gives()


def one(schema: type[Schema], wrapper: str = "") -> Gives:
    """Return the declaration of a result with one object."""
    return Gives(schema, wrapper)


def many(schema: type[Schema], wrapper: str) -> Gives:
    """Return the declaration of a result with a whole list."""
    return Gives(schema, wrapper, many=True)


def paged(schema: type[Schema], wrapper: str, explanation: type[Schema] | None = None) -> Gives:
    """Return the declaration of a result with a page of a list."""
    return Gives(schema, wrapper, many=True, paged=True, explanation=explanation)
