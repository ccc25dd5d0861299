"""The form of log lines, the same for flexdb, gunicorn and the libraries: text, or JSON."""

from __future__ import annotations

import logging.config
import os
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from select import PIPE_BUF
from typing import Any

import orjson

from flexdb.config import Settings
from flexdb.telemetry import watch

Fields = dict[str, Any]


class Lines(logging.LogRecord):
    """Several lines at once, made of fields; made without asking who logs, which would take long.

    :param name: the logger
    :param lines: the fields of each line
    :param level: how severe they are
    """

    def __init__(self, name: str, lines: Sequence[Fields], level: int = logging.INFO) -> None:
        self.__dict__.update(_EMPTY, name=name, created=time.time(), levelno=level,
                             levelname=logging.getLevelName(level))
        self.lines = lines

    def getMessage(self) -> str:
        """Return the lines as ``name=value``."""
        return "\n".join([_fields(line) for line in self.lines])


_EMPTY = {**logging.LogRecord("", logging.INFO, "", 0, "", (), None).__dict__,
          "thread": None, "threadName": None, "process": None, "processName": None}


def _fields(fields: Fields) -> str:
    return " ".join([f"{name}={value}" for name, value in fields.items()])


class TextLines(logging.Formatter):
    """``time - LEVEL - message``; no message can look like a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, each with its end."""
        head = f"{_local(int(record.created))} - {record.levelname} - "
        if isinstance(record, Lines):
            return "".join([f"{head}{_fields(line)}\n" for line in record.lines])
        lines = [head + _printable(record.getMessage())]
        if about := _fields(_request()):
            lines[0] += f" {about}"
        if error := _error(record):
            lines += [f"    {line}" for line in _traceback_lines(error)]
        return "\n".join(lines) + "\n"


class JsonLines(logging.Formatter):
    """An object on each line, with its time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, each with its end."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        head: Fields = {"time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                        "level": record.levelname, "logger": record.name}
        if isinstance(record, Lines):
            return "".join([_json(head | {"message": "call"} | line) for line in record.lines])
        head["message"] = _printable(record.getMessage())
        head |= _request()
        if error := _error(record):
            head["exception"] = "\n".join(_traceback_lines(error))
        return _json(head)


class Stderr(logging.Handler):
    """Write each line by one write(2), so that the lines of threads and workers do not mix."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record without a lock, for which threads would wait while another writes."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; that nobody reads the log stops nothing."""
        try:
            lines = self.format(record).encode()
            for piece in (lines,) if len(lines) <= PIPE_BUF else _pieces(lines):
                os.write(2, piece)
        except OSError:
            pass
        except Exception:
            self.handleError(record)


def write(logger: logging.Logger, record: Lines) -> None:
    """Write a record, and where there is only our handler, straight by it: half the time."""
    handlers = logging.root.handlers
    if len(handlers) == 1 and type(handlers[0]) is Stderr:
        handlers[0].emit(record)
    else:
        logger.handle(record)


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Cut between lines where a pipe would not take all of them at once (pipe(7), PIPE_BUF)."""
    while len(lines) > PIPE_BUF:
        end = lines.rfind(b"\n", 0, PIPE_BUF) + 1 or lines.find(b"\n") + 1
        yield lines[:end]
        lines = lines[end:]
    if lines:
        yield lines


@lru_cache(maxsize=1)
def _local(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _request() -> Fields:
    """Return what a line of the request under way says of it; nothing where there is none."""
    watched = watch.current()
    if not watched.request_id:
        return {}
    tenant = "" if watched.has_others else watched.tenant
    return {"request_id": watched.request_id, **({"tenant": tenant} if tenant else {})}


def _json(fields: Fields) -> str:
    return orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE).decode()


def _printable(text: str) -> str:
    """Escape what moves a terminal's cursor, ends a line or is no character."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable()
                   else character.encode("unicode_escape").decode() for character in text)


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


def _traceback_lines(error: BaseException) -> list[str]:
    return [_printable(line) for line in "\n".join(_traceback(error)).split("\n")]


def _traceback(error: BaseException, after: tuple[BaseException, ...] = ()) -> Iterator[str]:
    """Give an error's traceback, and before it that of the error it came from.

    :param after: the errors that came from it, since an error may be its own cause
    """
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and before not in (*after, error):
        yield from _traceback(before, (*after, error))
        yield "which led to:"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_said(error)}"


def _said(error: BaseException) -> str:
    """Return an error's message, without what PostgreSQL quotes of rows and parameters."""
    state, diag = getattr(error, "sqlstate", None), getattr(error, "diag", None)
    if not state or diag is None:
        return str(error)
    # Messages about data (classes 22 and 23), and those that triggers raise, quote it themselves.
    message = "" if state.startswith(("22", "23", "P0")) else diag.message_primary or ""
    names = [f"{kind} {name}" for kind in ("table", "column", "constraint")
             if (name := getattr(diag, f"{kind}_name"))]
    return " ".join([state, *names, message]).strip()


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration for :func:`logging.config.dictConfig`."""
    level = settings.log_level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLines if settings.log_format == "json" else TextLines}},
        "handlers": {"stderr": {"()": Stderr, "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": level, "handlers": [], "propagate": True},
                    "yoyo.migrations": {"level": "WARNING"}},
    }


def configure(settings: Settings) -> None:
    """Write log lines of this process to standard error, whatever says something."""
    logging.config.dictConfig(logging_config(settings))
    logging.captureWarnings(True)
    threading.excepthook = lambda ended: logging.getLogger(__name__).error(
        "a thread ended", exc_info=ended.exc_value)
