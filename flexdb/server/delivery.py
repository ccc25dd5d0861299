"""The process that delivers webhooks, from its start to its end."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from flexdb.api.readiness import look
from flexdb.changes.deliverer import Deliverer
from flexdb.config import ConfigError, Settings
from flexdb.db.address import NotReachable
from flexdb.db.migrate import MigrationError
from flexdb.db.upkeep import keep_up
from flexdb.server.signals import ENDING, receive

logger = logging.getLogger(__name__)

# How long the end of who delivers beside is waited for, in seconds.
_PATIENCE = 3


def deliver(settings: Settings, parent: int | None = None) -> None:
    """Deliver until a signal; deliveries under way end first, within WEBHOOK_TIMEOUT.

    :param parent: a process with which it ends too; None for none
    """
    ended: list[int] = []
    for number in ENDING:
        # No more than that: what it interrupts may hold any lock.
        signal.signal(number, lambda number, _: ended.append(number))
    receive()
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


def start_beside(settings: Settings, leave: Callable[[], None]) -> int:
    """Start it as a process that ends with this one, and shares with it what is loaded.

    It is forked: another would have to load most of that again, and keep all of it for itself.

    :param leave: lets go, in the new process, of what is this one's
    :return: the process id
    """
    parent = os.getpid()
    if made := os.fork():
        return made
    status = 1
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        with suppress(OSError):
            # Its command is the parent's; so whoever looks at processes can tell which it is.
            Path("/proc/self/comm").write_text("flexdb deliver")
        leave()
        deliver(settings, parent)
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()
        status = 0
    except Exception:
        logger.exception("Webhooks are no longer delivered")
    finally:
        # Nothing of the parent's is to be ended here.
        os._exit(status)


def end_beside(process: int) -> None:
    """End it, and wait for that for a moment: what is being sent may take longer."""
    until = time.monotonic() + _PATIENCE
    # Of one that has ended gunicorn knows, as of all children; its number may be another's by now.
    with suppress(ChildProcessError):
        if os.waitpid(process, os.WNOHANG) == (0, 0):
            os.kill(process, signal.SIGTERM)
        # What it cannot note any more is sent again.
        while os.waitpid(process, os.WNOHANG) == (0, 0) and time.monotonic() < until:
            time.sleep(0.01)
