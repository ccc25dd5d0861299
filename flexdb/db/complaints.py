"""What the log is told again and again, of which it is to have a line once in a while."""

from __future__ import annotations

import logging
import time

# How often, in seconds.
_COMPLAINT = 5.0


class Seldom(logging.Filter):
    """Let the same complaint through once in a while: a database that is away is tried often."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be written."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        # The pool's name comes first, and then what varies.
        complaint, now = f"{record.msg} {arguments[:1]}", time.monotonic()
        if now < self._last.get(complaint, 0.0) + _COMPLAINT:
            return False
        self._last[complaint] = now
        return True


SELDOM = Seldom()
