"""What an installation asks for, and what the files of requirements pin."""

from __future__ import annotations

import re
from configparser import ConfigParser

from packaging.requirements import Requirement

from tests.support.paths import ROOT

NAME = "flexdb-service"
FILES = tuple(sorted(path.name for path in ROOT.glob("requirements*.txt")))


def pinned(name: str) -> list[Requirement]:
    """Return what a file of requirements pins itself."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line.partition("#")[0]) for line in lines if re.match("[a-z]", line)]


def asked() -> dict[str, list[Requirement]]:
    """Return what an installation asks for, by its extras; without any, by an empty name."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    told = {"": setup["options"]["install_requires"], **setup["options.extras_require"]}
    return {extra: [Requirement(line) for line in lines.splitlines()
                    if line and not line.startswith("#")] for extra, lines in told.items()}
