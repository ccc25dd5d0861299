"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bench.servers import changed_settings
from flexdb.server.embedded import binaries

_PACKAGES = ("flask", "flask-jsonrpc", "gunicorn", "marshmallow", "orjson", "psycopg")
_BESIDE = ("asyncpg", "fastapi", "uvicorn")


def describe() -> dict[str, str]:
    """Return what there is to know, by its name."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    postgres = subprocess.run([binaries() / "postgres", "--version"], capture_output=True,
                              text=True, check=True).stdout.split()[-1]
    settings = changed_settings()
    return {
        "Day": date.today().isoformat(),
        "Processor": f"{os.cpu_count()} × {model[1] if model else platform.machine()}",
        "Memory": f"{memory:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "PostgreSQL": f"{postgres}, its own defaults",
        "Packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "Beside it": ", ".join(f"{name} {version(name)}" for name in _BESIDE),
        "Settings": ", ".join(f"{name}={value}" for name, value in settings.items())
                    or "flexdb's defaults",
    }


def load_average() -> float:
    """Return how many processes ran or wanted to in the last minute."""
    return os.getloadavg()[0]
