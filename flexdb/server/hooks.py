"""What flexdb does at gunicorn's turns (https://docs.gunicorn.org/en/stable/settings.html)."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from functools import partial
from typing import Any

from gunicorn.arbiter import Arbiter

from flexdb.config import ConfigError
from flexdb.config.reading import variables_of
from flexdb.db.migrate import MigrationError
from flexdb.server.embedded import EmbeddedError
from flexdb.server.endpoints import tell_endpoints
from flexdb.server.listening import StartError
from flexdb.server.memory import return_large_pieces
from flexdb.server.signals import ENDING, receive
from flexdb.server.startup import Startup
from flexdb.server.worker import Worker
from flexdb.telemetry.logs import configure
from flexdb.telemetry.metrics import free_place

logger = logging.getLogger(__name__)

# How long a thread may keep the interpreter's lock while others want it, in s. A worker's main
# thread wants it several times for each request that it hands on, behind all that are at work.
_SWITCH_INTERVAL = 0.001


class Hooks:
    """The hooks under the settings of one reading.

    A reload reads the settings anew and has hooks of its own, while what the start made is still
    the first reading's to stop: that one stands in ``server.flexdb``.

    :param startup: the master's part of the service, with these settings
    """

    def __init__(self, startup: Startup) -> None:
        self._startup = startup

    def on_starting(self, server: Arbiter) -> None:
        """Prepare what the workers need; a start that must fail says why in one line."""
        configure(self._startup.settings)
        server.flexdb = self._startup
        server.handle_hup = partial(_reload, server)
        ended = _end_at_signals()
        try:
            self._startup.start()
            # Where Python cannot raise, as in a finalizer, it goes on.
            if ended:
                sys.exit(0)
        except (ConfigError, StartError, EmbeddedError, MigrationError) as error:
            logger.error("%s", error)
            self._startup.stop()
            sys.exit(1)
        except SystemExit:
            self._startup.stop()
            raise

    def when_ready(self, server: Arbiter) -> None:
        """Tell where the service is reached."""
        tell_endpoints(self._startup.settings)

    def pre_fork(self, server: Arbiter, worker: Worker) -> None:
        """Give the worker a place that no living one has."""
        worker.place = free_place(other.place for other in server.WORKERS.values())
        server.log.starting = worker.age <= server.flexdb.settings.workers

    def post_fork(self, server: Arbiter, worker: Worker) -> None:
        """Leave the master's things to it, keep its settings, and count in the worker's place."""
        # What stands in .env by now is a reload's to take; it may even be wrong.
        os.environ.update(variables_of(self._startup.settings))
        return_large_pieces()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        server.flexdb.leave_to_parent()
        server.flexdb.metrics.join(worker.place)

    def worker_exit(self, server: Arbiter, worker: Worker) -> None:
        """Tell what the worker counted and has told nobody yet, if it came to have the app."""
        usage = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("flexdb_usage")
        if usage:
            usage.flush()

    def child_exit(self, server: Arbiter, worker: Worker) -> None:
        """Forget what the worker was doing."""
        server.flexdb.metrics.leave(worker.place)

    def on_exit(self, server: Arbiter) -> None:
        """Stop what was started beside the workers."""
        if not server.flexdb.stop():
            sys.exit(1)


def _end_at_signals() -> list[int]:
    """End the process at a signal; gunicorn listens to them only when the start is done.

    :return: a list that then has the signal's number in it
    """
    ended: list[int] = []

    def end(number: int, frame: Any) -> None:
        ended.append(number)
        sys.exit(0)

    def tell(unraisable: Any) -> None:
        # Where Python cannot raise it, as in a finalizer, there is nothing to tell of the end.
        if not isinstance(unraisable.exc_value, SystemExit):
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = tell
    for number in ENDING:
        signal.signal(number, end)
    receive()
    return ended


def _reload(server: Arbiter) -> None:
    """Start new workers in place of the old ones, if they can start.

    gunicorn ends when they cannot, with the old ones and without on_exit.
    """
    tried = subprocess.run([sys.executable, "-m", "gunicorn", "--check-config", *sys.argv[1:]],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        server.log.error("Not reloaded, the workers go on as they are: %s",
                         reason.removeprefix("flexdb: "))
    else:
        type(server).handle_hup(server)
