"""gunicorn's log: without a line for each request, and at the start without gunicorn's own."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

# What the lines of flexdb's own start tell already.
_AT_THE_START = ("Starting gunicorn", "Listening at", "Using worker", "Booting worker")


class Logger(GunicornLogger):  # type: ignore[misc]
    """gunicorn's log.

    ``starting`` says that the workers of the start are still being made; those that follow, after
    a reload or another one's end, are told of.
    """

    starting = True

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Write what gunicorn says, at the start only for who debugs."""
        quiet = self.starting and msg.startswith(_AT_THE_START)
        self.error_log.log(logging.DEBUG if quiet else logging.INFO, msg, *args, **kwargs)

    def _compute_access_log_enabled(self) -> bool:
        # gunicorn takes any logging configuration for a wish for a line for each request, and
        # spends a tenth of a call on them even if they go nowhere.
        return bool(self.cfg.accesslog)
