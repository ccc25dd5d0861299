"""``python -m flexdb`` as an operator runs it."""

from __future__ import annotations

import os
import subprocess
import sys

from flexdb.config import Settings
from tests.support.paths import ROOT


def flexdb(settings: Settings, *arguments: str, prefix: tuple[str, ...] = (),
           without: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a command on a database.

    :param prefix: what runs the command, as another user for instance
    :param without: the names of variables that its environment is to lack
    """
    named = {name: str(getattr(settings, name.lower()))
             for name in ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME")}
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
