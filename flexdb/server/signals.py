"""The signals that end a process, held back while it is being made.

One that reached a worker between the fork and the moment it listens would be lost: it would end
late, killed. Whoever imports this module holds them back at every fork. One that reached the
service while it is still being read would end it with a traceback.
"""

from __future__ import annotations

import os
import signal
from functools import partial

ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

os.register_at_fork(
    before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, ENDING),
    after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, ENDING))


def hold() -> None:
    """Keep the signals until :func:`receive`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def receive() -> None:
    """Let the signals through, those included that came meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
