"""Lists that are read page by page, as far as somebody looks.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

from collections.abc import Iterator, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flexdb.client.synchronous.connection import Connection
from flexdb.client.extras import extra
from flexdb.client.shapes import shaped
from flexdb.client.tables import Found, FoundShapes, rows

if TYPE_CHECKING:
    import pandas
    import polars

T = TypeVar("T")
M = TypeVar("M")
# How many a page has, where nothing else is said.
_PAGE = 100


class List(Generic[T]):
    """A list of what fits a question, of which nothing is read before it is walked through.

    :param name: the method
    :param member: of its result, which has the objects
    :param params: what is asked
    :param read: makes what is given of an object
    :param kept: what holds those that are given together
    """

    def __init__(self, connection: Connection, name: str, member: str,
                 params: dict[str, Any], read: Callable[[Any], T],
                 kept: type[Found[T]] = Found) -> None:
        self._connection, self._name, self._member = connection, name, member
        self._params, self._read, self._kept = params, read, kept

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._member}, of which all() gives all>"

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            for one in page:
                yield one

    def pages(self, size: int = _PAGE) -> Iterator[Found[T]]:
        """Give one page after the other, each when it is asked for.

        :param size: how many each has; the service gives less where they are large
        """
        token = ""
        while True:
            page = self._page(size, "none", token)
            yield self._kept(self._read(one) for one in page[self._member])
            token = page["pagination"]["next_page_token"]
            if not token:
                return

    def of(self, shape: type[M]) -> List[M]:
        """Return the same list, whose data are objects of a class.

        :param shape: a TypedDict, a dataclass, a Struct of msgspec or a model of pydantic
        """
        return List(self._connection, self._name, self._member, self._params,
                         lambda found: shaped(found["data"], shape), FoundShapes)

    def first(self) -> T | None:
        """Return the first; None where there is none."""
        found = (self._page(1, "none"))[self._member]
        return self._read(found[0]) if found else None

    def count(self) -> int | None:
        """Return how many there are; None where rules hold for the caller and there are many."""
        page = self._page(1, "exact")
        total: int | None = page["pagination"]["total_count"]
        return total

    def all(self) -> Found[T]:
        """Return all of them at once."""
        return self._kept([one for one in self])

    def to_dataframe(self) -> pandas.DataFrame:
        """Return all as a table of pandas, with a column for each member of their data.

        :raises ImportError: when pandas is not installed
        """
        with extra("frames"):
            import pandas

        return pandas.DataFrame(rows(self._whole()))

    def to_polars(self) -> polars.DataFrame:
        """Return all as a table of polars, with a column for each member of their data.

        :raises ImportError: when polars is not installed
        """
        with extra("frames"):
            import polars

        found = rows(self._whole())
        # Of no rows at all it makes no table.
        return polars.from_dicts(found, infer_schema_length=None) if found else polars.DataFrame()

    def _whole(self) -> list[Any]:
        plain: List[Any] = List(self._connection, self._name, self._member,
                                          self._params, lambda one: one)
        return [one for page in plain.pages(1000) for one in page]

    def _page(self, size: int, count: str, token: str = "") -> Any:
        paging = {"page_size": size} | ({"page_token": token} if token else {})
        return self._connection.call(
            self._name, self._params | {"pagination": paging, "count": count})
