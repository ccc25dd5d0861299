"""Statements of a kind that wait at the same time travel together, in one transaction.

While one is at the database those of its kind that come gather, and go next in one pipeline: one
connection, one wake-up of PostgreSQL's process and one commit do for all of them. Who meets no
other waits for nothing. Where one of them fails each goes alone, and learns what is wrong with it.
What is done once goes with its like, and alone where it was done before.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import TypeGuard

from flexdb.db.attempts import attempt
from flexdb.db.connection import WAIT_BRIEFLY, Connection
from flexdb.db.fence import Bound
from flexdb.db.once import Keyed, do_together
from flexdb.db.pool import Pool
from flexdb.db.verdict import Verdict
from flexdb.db.walk import Walker, travels_together
from flexdb.plan import Outcome, Plan, Row, Statement
from flexdb.telemetry import watch

# What travels so, by the arguments that all of a group have in common: where one of them has to
# wait, as for a schema that changes, the others would have to wait alone too. A get never does,
# unless it looks for more than a node by its id, as for neighbours or for what a rule asks.
_IN_COMMON = {
    "create_node": ("tenant_id", "node_type_id"),
    "create_relationship": ("tenant_id", "relationship_type"),
    "get_node": (),
    # First pages that are not filtered, of which only those of one tenant wait for each other.
    "list_nodes": ("tenant_id",),
}
_BY_ID = {"tenant_id", "id"}
# One that has to wait for others' writes all the same is not to hold its group up for long.
_BRIEFLY = Statement(WAIT_BRIEFLY, {})
# How many go together at most, and how long one waits until they go, in seconds.
_MOST = 32
_PATIENCE = 0.05
# What weighs more, in bytes, takes as long as many others, and goes alone.
_LARGE = 32 * 1024
# How many of a kind go alone after a group of which one failed; of how many kinds that is known.
_ALONE = 32
_MOST_KINDS = 1000


def goes_together(plan: Plan) -> TypeGuard[Statement]:
    """Tell whether a plan is of a kind that goes together with others."""
    return (isinstance(plan, Statement) and plan.query.name in _IN_COMMON
            and travels_together(plan) and len(plan.arguments.get("data") or b"") <= _LARGE
            and (plan.query.writes or plan.short or _BY_ID.issuperset(plan.query.arguments)))


class Grouped:
    """A statement that was run with others, or is to be run alone.

    :param kind: what it has in common with those others
    :param tenant: for whose call it counts; "" where that is no tenant's
    :param keyed: it, where it is done once

    ``is_done`` tells which; ``found`` is its row then, what came of it where it is done once, or
    the error that it ended with.
    """

    __slots__ = ("statement", "kind", "tenant", "keyed", "is_done", "found", "group", "next",
                 "turn", "began", "position")

    def __init__(self, statement: Statement, kind: Hashable, tenant: str, keyed: Keyed | None
                 ) -> None:
        self.statement, self.kind, self.tenant, self.keyed = statement, kind, tenant, keyed
        self.is_done = False
        self.found: Row | Outcome | None = None
        # Those that it is to run, of which it is the first, and who is told after it how that went.
        self.group: list[Grouped] = []
        self.next: Grouped | None = None
        self.turn = threading.Lock()
        self.turn.acquire()
        # When the group began, and how far PostgreSQL was when it ended.
        self.began, self.position = 0.0, 0


class _Gathered(deque[Grouped]):
    """Those that wait; ``is_late`` tells that one of them has waited for as long as one does."""

    is_late = False


class Gathering:
    """Brings together the statements of a process that wait for those before them.

    :param pool: where connections come from
    :param walker: says how large pages may be
    """

    def __init__(self, pool: Pool, walker: Walker) -> None:
        self._pool, self._walker = pool, walker
        self._lock = threading.Lock()
        # Those that wait, by what they have in common: while one of these is at the database.
        self._waiting: dict[Hashable, _Gathered] = {}
        # How many of a kind are still to go alone.
        self._alone: dict[Hashable, int] = {}

    def enter(self, statement: Statement, bound: Bound, keyed: Keyed | None = None) -> Grouped:
        """Return when a statement was run with others, or is to be run alone, until :meth:`leave`.

        :param bound: the tenants that the caller sees; None for all
        :param keyed: the statement, where it is to be done once
        """
        query, given, tenant = statement.query, statement.arguments, watch.current().tenant
        # Who has to wait for a connection lets those of its own tenant alone wait with it.
        waits_for = "" if self._pool.gate.is_open_to(tenant) else tenant
        kind = (query.text, bound if bound is None else tuple(bound), waits_for,
                *map(given.__getitem__, _IN_COMMON[query.name]),
                keyed and keyed.once.key.tenant_id)
        member = Grouped(statement, kind, tenant, keyed)
        with self._lock:
            if left := self._alone.pop(member.kind, 0):
                if left > 1:
                    self._alone[member.kind] = left - 1
                return member
            waiting = self._waiting.get(member.kind)
            if waiting is None:
                self._waiting[member.kind] = _Gathered()
                member.group = [member]
                return member
            if waiting.is_late:
                return member
            waiting.append(member)
        self._wait(member, waiting)
        try:
            if member.group:
                self._run(member.group, bound)
        finally:
            self.leave(member)
            # One after the other, so that they do not all want the interpreter's lock at once.
            if member.next:
                member.next.turn.release()
        return member

    def leave(self, member: Grouped) -> None:
        """Let those go that came since a member went."""
        if not member.group:
            return
        with self._lock:
            waiting = self._waiting[member.kind]
            group = [waiting.popleft() for _ in range(min(len(waiting), _MOST))]
            waiting.is_late = False
            if not group:
                del self._waiting[member.kind]
            began = perf_counter()
            for one, following in zip(group, [*group[1:], None]):
                one.began, one.next = began, following
        member.group = []
        if group:
            group[0].group = group
            group[0].turn.release()

    def _wait(self, member: Grouped, waiting: _Gathered) -> None:
        """Wait until others have run a statement, or it is to run them, or it is to go alone."""
        came = perf_counter()
        if not member.turn.acquire(timeout=_PATIENCE):
            with self._lock:
                if not member.began:
                    waiting.remove(member)
                    waiting.is_late = True
            if member.began:
                member.turn.acquire()
        ended, watched = perf_counter(), watch.current()
        began = member.began or ended
        watched.pool += began - came
        watched.database += ended - began
        watched.see_position(member.position)

    def _run(self, group: Sequence[Grouped], bound: Bound) -> None:
        """Run the statements of a group, where all go well."""
        # It counts for the one whose calls are fewest, so that nobody is refused for another's.
        tenant = self._pool.gate.quietest([member.tenant for member in group])
        found = self._attempt(group, bound, tenant)
        if not found:
            with self._lock:
                if len(self._alone) >= _MOST_KINDS:
                    self._alone.clear()
                self._alone[group[0].kind] = _ALONE
        # Of reads none is told here: what was told of one before is none of the others'.
        position = watch.current().position if group[0].statement.query.writes else 0
        for member, one in zip(group, found):
            if one is not None or member.keyed is None:
                member.is_done, member.found, member.position = True, one, position

    def _attempt(self, group: Sequence[Grouped], bound: Bound, tenant: str
                 ) -> Sequence[Row | Outcome | None]:
        """Run the statements of a group in one transaction, and return their rows, what came of
        those that are done once, or what is told of the end of the connection; nothing where each
        is to go alone.

        :param tenant: whose share of the connections they take of
        """
        statements = [member.statement for member in group]
        keyed = [member.keyed for member in group if member.keyed]
        reads = not statements[0].query.writes
        found: list[Row | Outcome | None] = []

        def send(connection: Connection) -> Verdict:
            try:
                found.extend(do_together(connection, keyed) if keyed
                             else self._fetch(connection, statements, reads))
                return Verdict([])
            finally:
                self._walker.release(connection)

        verdict = attempt(self._pool, statements, bound, send, reads,
                          may_repeat=bool(keyed), tenant=tenant)
        return [] if verdict.again else found or verdict.outcomes

    def _fetch(self, connection: Connection, statements: Sequence[Statement], reads: bool
               ) -> list[Row | None]:
        ahead = [] if reads else [_BRIEFLY]
        fitted = [self._walker.fitted(connection, one, len(statements)) for one in statements]
        # A pipeline is a transaction already.
        is_whole = connection.may_prepare and (reads or not connection.tells_position)
        with nullcontext() if is_whole else connection.transaction():
            return [*connection.fetch_all([*ahead, *fitted])][len(ahead):]
