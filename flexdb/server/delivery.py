"""The process that delivers webhooks, from its start to its end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from flexdb.api.readiness import look
from flexdb.changes.deliverer import Deliverer
from flexdb.config import ConfigError, Settings
from flexdb.db.address import NotReachable
from flexdb.db.migrate import MigrationError
from flexdb.db.upkeep import keep_up
from flexdb.server.signals import ENDING

logger = logging.getLogger(__name__)

# How long the end of who delivers beside is waited for, in seconds.
_PATIENCE = 3


def deliver(settings: Settings, parent: int | None) -> None:
    """Deliver until a signal; deliveries under way end first, within WEBHOOK_TIMEOUT.

    :param parent: a process with which it ends too; None for none
    """
    ended: list[int] = []
    for number in ENDING:
        # No more than that: what it interrupts may hold any lock.
        signal.signal(number, lambda number, _: ended.append(number))
    logger.info("Delivering webhooks")
    Deliverer(settings, ready=look(settings), upkeep=partial(_begin_upkeep, settings)).run(
        lambda: not ended and parent in (None, os.getppid()))
    logger.info("No longer delivering webhooks")


def _begin_upkeep(settings: Settings, is_ended: Callable[[], bool]) -> None:
    """Keep up in a thread of its own: it may take long, and no delivery is to wait for it."""
    threading.Thread(target=_keep_up, args=(settings, is_ended), name="upkeep").start()


def _keep_up(settings: Settings, is_ended: Callable[[], bool]) -> None:
    try:
        keep_up(settings, is_ended)
    except (NotReachable, ConfigError, MigrationError) as error:
        logger.warning("what is no longer to be kept stays for now: %s", error)


def start_beside() -> subprocess.Popen[bytes]:
    """Start it as a process that ends with this one."""
    return subprocess.Popen([sys.executable, "-m", "flexdb", "deliver", "--beside"],
                            stdin=subprocess.DEVNULL, start_new_session=True)


def end_beside(process: subprocess.Popen[bytes]) -> None:
    """End it, and wait for that for a moment: what is being sent may take longer."""
    process.terminate()
    # What it then cannot note any more is sent again.
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
