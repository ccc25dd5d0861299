"""``python -m flexdb`` as an operator runs it, and as who calls the service from afar does."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from flexdb.config import Settings
from tests.support.paths import ROOT


def flexdb(settings: Settings, *arguments: str, prefix: tuple[str, ...] = (),
           without: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a command on a database.

    :param prefix: what runs the command, as another user for instance
    :param without: the names of variables that its environment is to lack
    """
    named = {name: str(getattr(settings, name.lower()))
             for name in ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME",
                          "DB_REPLICA_HOST", "DB_REPLICA_PORT")}
    kept = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.Popen([*prefix, sys.executable, "-m", "flexdb", *arguments], cwd=ROOT,
                            env=kept | named, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a command; return its status, its output and its errors."""
    with process:
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, output, errors


def failure(process: subprocess.Popen[str]) -> str:
    """Return what a failed command told; beside log lines that is one line, and its status is 1."""
    status, output, errors = finish(process)
    told = [line for line in errors.splitlines() if " - INFO - " not in line]
    assert (status, output, len(told)) == (1, "", 1), errors
    return told[0]


@dataclass
class Done:
    """What a command did that was run in this process.

    :param output: what it wrote to standard output
    :param errors: what it told beside that
    """

    status: int
    output: str
    errors: str

    def objects(self) -> list[Any]:
        """Return what it wrote as NDJSON, its numbers to the digit."""
        assert self.status == 0, self.errors
        return [json.loads(line, parse_float=Decimal) for line in self.output.splitlines()]

    def object(self) -> Any:
        """Return the one object that it wrote."""
        (found,) = self.objects()
        return found


class Flexdb(Protocol):
    """Runs a command in this process."""

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        """Run it to its end."""


def at_terminal(*arguments: str, asked: str = "", answer: str = "", columns: int = 120,
                **variables: str) -> Done:
    """Run a command at a terminal of its own; what it shows is all output.

    :param asked: what it shows when an answer is typed
    :param columns: how wide the terminal is
    :param variables: of its environment, beside this process's
    """
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", **variables}
    with subprocess.Popen([sys.executable, "-m", "flexdb", *arguments], cwd=ROOT,
                          env=environment, stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        shown = b""
        # Where the other end is closed, Linux tells EIO.
        with suppress(OSError):
            while select.select([terminal], [], [], 30)[0]:
                shown += os.read(terminal, 1 << 16)
                if answer and asked.encode() in shown:
                    os.write(terminal, answer.encode())
                    answer = ""
        os.close(terminal)
    assert not answer, shown
    return Done(process.returncode, shown.decode().replace("\r\n", "\n"), "")
