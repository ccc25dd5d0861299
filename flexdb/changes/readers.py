"""The threads that ask PostgreSQL for the one that serves the sockets, which never waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from flexdb.errors import FlexdbError, Internal

logger = logging.getLogger(__name__)

Work = Callable[[], Any]
Then = Callable[[Any], None]


class Readers:
    """Do work beside the thread that is told of its outcome.

    :param count: how many threads there are
    :param tell: has a function called in the other thread
    """

    def __init__(self, count: int, tell: Callable[[Work], None]) -> None:
        self._tell = tell
        self._work: SimpleQueue[tuple[Work, Then]] = SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._run, name=f"changes-{number}", daemon=True).start()

    def submit(self, work: Work, then: Then) -> None:
        """Have work done, and its outcome told: what it returns, or the error that it raises."""
        self._work.put((work, then))

    def _run(self) -> None:
        while True:
            work, then = self._work.get()
            outcome: Any
            try:
                outcome = work()
            except FlexdbError as error:
                outcome = error
            except Exception as error:
                outcome = Internal()
                logger.error("error_id %s: changes could not be read", outcome.data["error_id"],
                             exc_info=error)
            self._tell(lambda then=then, outcome=outcome: then(outcome))  # type: ignore[misc]
            del work, then, outcome
