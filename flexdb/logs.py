"""The form of log lines, the same for flexdb, gunicorn and the libraries."""

from __future__ import annotations

import logging.config
from typing import Any


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for :func:`logging.config.dictConfig`.

    :param level: the least severe lines to write
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s - %(levelname)s - %(message)s",
                                "datefmt": "%Y-%m-%d %H:%M:%S"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": level, "handlers": [], "propagate": True},
                    "yoyo.migrations": {"level": "WARNING"}},
    }


def configure(level: str) -> None:
    """Write log lines of this process to standard error."""
    logging.config.dictConfig(logging_config(level))
