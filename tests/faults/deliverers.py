"""Processes that deliver as usual, but do so again soon; and which of them a request is from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from flexdb.changes.deliverer import Deliverer
from flexdb.changes.schedule import Schedule
from flexdb.config.reading import read_settings
from tests.support.paths import ROOT
from tests.support.receivers import LEAVE

# A lease is longer than an attempt and the note of it.
SCHEDULE = Schedule(delays=(0.1,) * 60, pause=0.1, probe=0.05, poll=0.1, rest=0.1, lease=8)
TIMEOUT = 1


class Deliverers:
    """Several such processes; one that is killed gets a successor.

    :param variables: the settings
    """

    def __init__(self, count: int, variables: dict[str, Any]) -> None:
        self._environment = {
            **os.environ, "PYTHONPATH": str(ROOT), **LEAVE, "WEBHOOK_TIMEOUT": str(TIMEOUT),
            **{name: str(value) for name, value in variables.items()}}
        self.killed = 0
        self._processes = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.faults.deliverers"],
                                env=self._environment, cwd=ROOT, stdin=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def kill_who_sends(self, port: int) -> None:
        """Kill the process whose connection is from a port, and start another."""
        inode = _inode_of(port)
        for place, process in enumerate(self._processes):
            if inode and inode in _sockets_of(process.pid):
                process.kill()
                process.wait()
                self.killed += 1
                self._processes[place] = self._start()

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.wait()


def _inode_of(port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"0100007F:{port:04X}":
            return f"socket:[{fields[9]}]"
    return ""


def _sockets_of(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(os.readlink(descriptor))
        except OSError:
            # It was closed meanwhile.
            pass
    return found


if __name__ == "__main__":
    Deliverer(read_settings(os.environ), SCHEDULE).run()
