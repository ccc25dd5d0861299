"""Whole tenants in, by COPY, in one transaction: all that a file brings, or nothing of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import psycopg

from flexdb.config import Settings
from flexdb.db.address import reason
from flexdb.db.contracts import breaks_contract
from flexdb.db.copy import transaction
from flexdb.db.sqlstate import clashes_of, to_error
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams
from flexdb.plan import Row

# What one COPY takes. PostgreSQL remembers its rows until it has checked their keys, and so do we,
# to name the line of one that is wrong.
_ROWS, _BYTES = 10_000, 8 * 1024 * 1024
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Whose id a node has that stands for a user, and what leads to it or from it.
_OF_USERS = {"tenant_user": ("user_id",), "node": ("id",),
             "relationship": ("source_node_id", "target_node_id")}
# An id goes before a slug. Those who only refer to the tenant do not wait.
_FIND_TENANT = """
SELECT t.id::text FROM tenants t WHERE t.slug = %(slug)s OR t.id = %(id)s::uuid
ORDER BY t.id = %(id)s::uuid DESC LIMIT 1 FOR NO KEY UPDATE"""
_CHANGE_TENANT = """
UPDATE tenants SET slug = %s, name = %s, status = %s, created_at = %s, updated_at = %s
WHERE id = %s"""
_FIND_USER = """
SELECT u.id::text FROM users u WHERE u.id = %(id)s::uuid OR u.email = %(email)s
ORDER BY u.id = %(id)s::uuid DESC LIMIT 1"""


class Line(NamedTuple):
    """A row to be loaded, and where it came from.

    :param number: the place of its line in the file, from 1
    :param kind: the name of the object that it is
    :param values: its columns, in the order of the object's members
    :param size: how long its line is, in bytes
    """

    number: int
    kind: str
    values: Row
    size: int


class Place(NamedTuple):
    """Where the tenants of a file go, other than to a new place under their own id and slug.

    :param clears: what takes away of a tenant that is there what a file brings; none where one that
        is there is refused
    :param slug: that of the one tenant of the file, in place of its own; "" for its own
    :param id: the id of that tenant then, where none with the slug is replaced
    """

    clears: Sequence[bytes] = ()
    slug: str = ""
    id: str = ""


def load(settings: Settings, statements: Mapping[str, bytes], lines: Iterable[Line],
         place: Place | None = None) -> Counter[str]:
    """Load lines in their order, all or none, and return how many there were of each kind.

    Lines of one kind that follow each other travel together. A user whose e-mail address is there
    under another id is the one who is there.

    :param statements: what takes the rows of a kind: a COPY, or an INSERT for rows that may be
        there already
    :raises FlexdbError: naming the first line that PostgreSQL does not take
    :raises NotReachable: when PostgreSQL does not answer
    """
    loaded: Counter[str] = Counter()
    with transaction(settings) as connection, connection.cursor() as cursor:
        # Whatever it brings is of tenants that begin with it.
        cursor.execute("SET LOCAL flexdb.unlogged = 'on'")
        sender = _Sender(cursor, statements, place or Place())
        for kind, run in groupby(lines, key=attrgetter("kind")):
            while sent := sender.send(kind, run):
                loaded[kind] += sent
    return loaded


class _Sender:
    """Sends lines, each to its place."""

    def __init__(self, cursor: psycopg.Cursor[Any], statements: Mapping[str, bytes], place: Place
                 ) -> None:
        self._cursor, self._statements, self._place = cursor, statements, place
        # By ids of the file, those that they are here, where these are others.
        self._tenants: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._placed: set[str] = set()

    def send(self, kind: str, lines: Iterator[Line]) -> int:
        """Send as many lines of a kind as travel together, and return how many that were."""
        if kind == "user":
            return _each(self._user, lines)
        if kind == "tenant" and (self._place.clears or self._place.slug):
            return _each(self._tenant, lines)
        # Most files need none of it.
        if self._tenants or self._users:
            lines = self._moved(kind, lines)
        return _copy(self._cursor, self._statements[kind], lines)

    def _tenant(self, line: Line) -> None:
        id, slug, *others = line.values
        place = self._place
        if place.slug and self._placed:
            raise InvalidParams(f"line {line.number}: the file has several tenants, and one alone "
                                f"can be {place.slug}")
        slug, there = place.slug or slug, None
        if place.clears:
            there = self._cursor.execute(_FIND_TENANT, {
                "slug": slug, "id": None if place.slug else id}).fetchone()
        here = there[0] if there else place.id or id
        if here in self._placed:
            raise AlreadyExists(f"line {line.number}: the tenant is in the file twice")
        self._placed.add(here)
        if here != id:
            self._tenants[str(id)] = here
        if not there:
            _copy(self._cursor, self._statements["tenant"],
                  iter([line._replace(values=(here, slug, *others))]))
            return
        for statement in place.clears:
            self._cursor.execute(statement, {"tenant_id": here})
        self._cursor.execute(_CHANGE_TENANT, (slug, *others, here))

    def _user(self, line: Line) -> None:
        id, email, *_ = line.values
        self._cursor.execute(self._statements["user"], line.values)
        if not self._cursor.rowcount:
            there = self._cursor.execute(_FIND_USER, {"id": id, "email": email}).fetchone()
            if there and there[0] != id:
                self._users[str(id)] = there[0]

    def _moved(self, kind: str, lines: Iterator[Line]) -> Iterator[Line]:
        """Give lines with the ids that they have here."""
        names = [name.strip().decode() for name in
                 self._statements[kind].partition(b"(")[2].partition(b")")[0].split(b",")]
        ids = [(names.index(name), self._users) for name in _OF_USERS.get(kind, ())]
        if "tenant_id" in names:
            ids.append((names.index("tenant_id"), self._tenants))
        for line in lines:
            values = list(line.values)
            for at, here in ids:
                values[at] = here.get(values[at], values[at])
            yield line._replace(values=tuple(values))


def _each(send: Callable[[Line], None], lines: Iterator[Line]) -> int:
    """Send the next line by itself, and return how many that were."""
    for line in lines:
        try:
            send(line)
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            raise _refused(error, [line]) from error
        return 1
    return 0


def _copy(cursor: psycopg.Cursor[Any], statement: bytes, lines: Iterator[Line]) -> int:
    """Send as many lines as one COPY takes and return how many that were."""
    sent: list[Line] = []
    size = 0
    try:
        with cursor.copy(statement) as copy:
            for line in lines:
                sent.append(line)
                copy.write_row(line.values)
                size += line.size
                if len(sent) == _ROWS or size >= _BYTES:
                    break
    except psycopg.Error as error:
        if error.sqlstate is None or not sent:
            raise
        raise _refused(error, _blamed(error, sent)) from error
    return len(sent)


def _blamed(error: psycopg.Error, sent: list[Line]) -> list[Line]:
    """Return the line that an error of COPY is about, or all that it may be about.

    What is told of the row's place and key is worded in the server's language, so only the numbers
    and ids in it are read.
    """
    if taken := {clash.id for clash in clashes_of(error)}:
        return [line for line in sent if taken & set(line.values)][:1] or sent
    if error.sqlstate == "23503" or breaks_contract(error):
        ids = _UUID.findall(error.diag.message_detail or "")
        return [line for line in sent if ids and ids[-1] in line.values][:1] or sent
    place = re.match(r"COPY \w+\D+(\d+)", error.diag.context or "")
    return sent[int(place[1]) - 1:int(place[1])] if place else sent


def _refused(error: psycopg.Error, lines: list[Line]) -> FlexdbError:
    first, last = lines[0], lines[-1]
    place = (f"line {first.number}" if first is last else
             f"one of the lines {first.number} to {last.number}")
    told = to_error(error)
    fields = told.data.get("fields", {}) if told else {}
    kind: type[FlexdbError] = type(told) if fields and told else InvalidParams
    why = "; ".join(f"{first.kind}.{name} {' '.join(words)}" for name, words in fields.items())
    return kind(f"{place}: {why or f'{first.kind}: {reason(error)}'}")
