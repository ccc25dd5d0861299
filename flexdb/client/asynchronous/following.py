"""The changes of a tenant, followed for as long as one likes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio

from flexdb.client.asynchronous.connection import AsyncConnection
from flexdb.client.attempts import Attempts
from flexdb.client.failures import ConnectionFailed, Error, ServiceError, Timeout, repeated_after
from flexdb.client.objects import ChangeRecord

_MOST = 1000
_FOREVER = float("inf")


class AsyncFollower:
    """Each change once, in one order, while the service comes and goes.

    ``position`` is how far all is given: whoever keeps it goes on from there.

    :param params: what is asked, with ``since`` or from now on
    :param wait: for how many seconds the service waits for a change before it answers
    :param follow: whether to wait for further changes, or to end with the last one
    """

    def __init__(self, connection: AsyncConnection, params: dict[str, Any], wait: int,
                 follow: bool) -> None:
        self._connection, self._params = connection, params
        self._wait, self._follow = wait, follow
        self.position: str | None = params.get("since")

    def __repr__(self) -> str:
        where = f"behind {self.position}" if self.position else "from now on"
        return f"<{type(self).__name__} {where}>"

    async def __aiter__(self) -> AsyncIterator[ChangeRecord]:
        while self.position is None:
            now = await self._next(None)
            # Of much that was written just now, a part gets its places with each call.
            if not now["more"]:
                self.position = now["position"]
        while True:
            found = await self._next(self.position)
            for change in found["changes"]:
                # It counts as given when the next one is asked for.
                yield change
                self.position = change["position"]
            self.position = found["position"]
            if not self._follow and not found["more"]:
                return

    async def _next(self, since: str | None) -> Any:
        asked = self._params | {"limit": _MOST, "wait": 0}
        asked.pop("since", None)
        if since is not None:
            asked |= {"since": since, "wait": self._wait if self._follow else 0}
        attempts = Attempts(_FOREVER)
        while True:
            try:
                return await self._connection.call(
                    "list_changes", asked, timeout=self._connection.timeout + self._wait)
            except (ConnectionFailed, Timeout, ServiceError) as error:
                if not (self._follow and self._connection.answered and _passes(error)):
                    raise
                pause = attempts.pause(repeated_after(error))
            await anyio.sleep(pause or 0)


def _passes(error: Error) -> bool:
    """Tell whether it is the service that is away, and not the question that is wrong."""
    return not isinstance(error, ServiceError) or error.may_repeat(True) or (
        error.reason in ("INTERNAL", "DEADLINE_EXCEEDED"))
