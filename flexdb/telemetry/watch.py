"""What is watched of the request under way: its id, its calls, and where its time goes."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter

# Calls: the method of each, as asked for, and its outcome.
Told = list[tuple[str, str]]


class Watch:
    """One request, from its arrival.

    :param request_id: by which the caller and the log know it; "" where there is no request
    """

    __slots__ = ("request_id", "began", "pool", "database", "method", "outcome", "calls",
                 "caller", "tenant", "has_others", "asked", "tenants", "rows",
                 "headers", "must_close", "position")

    def __init__(self, request_id: str = "") -> None:
        self.request_id = request_id
        self.began = perf_counter()
        # Seconds spent waiting for a connection, and holding one.
        self.pool = 0.0
        self.database = 0.0
        # Of a request that is one call: the operation, and the reason word of its error.
        self.method = ""
        self.outcome = ""
        # Of one that may hold several.
        self.calls: Told = []
        # Who calls, where that is not anyone; the tenant that the caller is bound to or that was
        # named first, and whether others were named too.
        self.caller = ""
        self.tenant = ""
        self.has_others = False
        # The tenant that the call planned last is about, and how many calls it counts as.
        self.asked: tuple[str, int] | None = None
        # Of a request that may hold several: the tenant of each that is planned, or "".
        self.tenants: list[str] = []
        # How many objects were listed or written; each call that does neither is one.
        self.rows = 0
        # What the answer says beside its own, and whether the connection ends with it.
        self.headers: tuple[tuple[str, str], ...] = ()
        self.must_close = False
        # How far PostgreSQL was behind what was written, or read where that may lag; 0 where
        # nothing is to be told of it.
        self.position = 0

    @property
    def told(self) -> Told:
        """Return each call's method and outcome; nothing where the request was no call."""
        if self.calls or not (self.method or self.outcome):
            return self.calls
        return [(self.method, self.outcome or "ok")]

    def see_position(self, position: int) -> None:
        """Note how far PostgreSQL was: the farthest is told."""
        self.position = max(self.position, position)

    def see(self, tenant: str, calls: int) -> None:
        """Note the tenant that a call is about.

        :param tenant: its id; "" where the call names none
        :param calls: how many calls it counts as
        """
        self.asked = tenant, calls
        if self.tenants:
            self.tenants[-1] = tenant
        if tenant and tenant != self.tenant:
            self.has_others = self.has_others or bool(self.tenant)
            self.tenant = self.tenant or tenant


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


def current() -> Watch:
    """Return what is watched in this thread; where there is no request, what nobody will see."""
    return _watch.get() or Watch()


def begin(request_id: str) -> Watch:
    """Watch a new request in this thread, until :func:`end`."""
    watch = Watch(request_id)
    _watch.set(watch)
    return watch


def end() -> None:
    """Stop watching: what this thread does next belongs to no request."""
    _watch.set(None)
