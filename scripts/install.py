"""Install packages and show how far that is, with the arguments of ``pip install``.

At a terminal one line tells what is done and for how long already; elsewhere a line tells of it now
and then. What pip warns of is shown, and where it fails all that it said.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from typing import TextIO

# How often a line is written where it cannot be written over, in seconds.
_PAUSE = 5


class Progress:
    """What is told of an installation that goes on.

    :param stream: where it is told
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._began, self._told_at = stream, time.monotonic(), 0.0
        self._doing, self._packages = "looking for packages", 0
        self._lock = threading.Lock()

    def read(self, line: str) -> None:
        """Take a line of pip's for what it says is being done."""
        if found := re.match(r"(?:Collecting|Processing) (?:\S*/)?([\w.-]+)", line):
            self._packages += 1
            self._doing = f"{_packages(self._packages)}, {found[1]}"
        elif found := re.match(r" *(?:Downloading|Building wheel for) ([^-\s(]+)", line):
            self._doing = f"{_packages(self._packages)}, {found[1]}"
        elif line.startswith("Installing collected"):
            self._doing = f"unpacking {_packages(line.count(',') + 1)}"
        self.tell()

    def tell(self) -> None:
        """Write what is being done, over what was written where that can be."""
        seconds = time.monotonic() - self._began
        with self._lock:
            if self._stream.isatty():
                self._stream.write(f"\r\x1b[K  {seconds:3.0f} s  {self._doing}")
            elif seconds - self._told_at >= _PAUSE:
                self._told_at = seconds
                self._stream.write(f"  {seconds:3.0f} s  {self._doing}\n")
            self._stream.flush()

    def warn(self, line: str) -> None:
        """Write a line that is to stay."""
        with self._lock:
            self._stream.write(("\r\x1b[K" if self._stream.isatty() else "") + line)

    def end(self, packages: str) -> None:
        """Write what was done."""
        self.warn(f"  {time.monotonic() - self._began:3.0f} s  {packages}\n")


def install(arguments: list[str]) -> int:
    """Install what arguments of ``pip install`` name, and return pip's exit status."""
    progress, said = Progress(sys.stdout), list[str]()
    with subprocess.Popen([sys.executable, "-m", "pip", "install", "--disable-pip-version-check",
                           "--no-color", "--progress-bar", "off", *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pip:
        assert pip.stdout and pip.stderr
        warnings = threading.Thread(target=lambda: [*map(progress.warn, pip.stderr)], daemon=True)
        warnings.start()
        ended = threading.Event()
        clock = threading.Thread(target=lambda: [progress.tell() for _ in iter(
            lambda: ended.wait(1), True)], daemon=True)
        clock.start()
        try:
            for line in pip.stdout:
                said.append(line)
                progress.read(line)
            warnings.join()
        except KeyboardInterrupt:
            # pip has it too, and ends.
            pip.wait()
            return 130
        finally:
            ended.set()
            clock.join()
    if pip.returncode:
        progress.warn("".join(said))
    else:
        new = next((line.count(" ") - 1 for line in reversed(said)
                    if line.startswith("Successfully installed")), 0)
        progress.end(f"{_packages(new)} installed" if new else "all packages are there already")
    return pip.returncode


def _packages(count: int) -> str:
    return f"{count} package{'s' * (count != 1)}"


if __name__ == "__main__":
    sys.exit(install(sys.argv[1:]))
