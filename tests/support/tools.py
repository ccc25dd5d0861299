"""The programs that check what deploys flexdb."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from flexdb.config import Settings
from tests.support.paths import ROOT

_SETTINGS = {name.upper() for name in Settings.__dataclass_fields__}


def tool(name: str) -> str:
    """Return the path of a program that requirements-dev.txt installs where it can."""
    path = shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed: it has no package for this Python or this machine")
    return path


def run(*command: str) -> str:
    """Run a command in the repository, hold that it succeeds, and return what it said."""
    # What the environment says would go before .env.
    variables = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
