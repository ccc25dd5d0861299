"""The Makefile: what it lists, what it refuses, and which tests it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", folder)
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("MAKE", "MFLAGS")) and name != "T"}
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=folder, text=True,
                          capture_output=True, env=environment)


def test_make_alone_prints_every_target(tmp_path: Path) -> None:
    done = make(tmp_path)
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["make", target] for target in phony.split()]
    assert all(len(line.split()) > 3 for line in done.stdout.splitlines())


@pytest.mark.parametrize("target", ["run", "test", "migrate"])
def test_a_python_that_is_too_old_is_refused_in_one_clear_line(tmp_path: Path, target: str) -> None:
    old = tmp_path / "python2.7"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 2.7.18" >&2\nexit 1\n')
    old.chmod(0o755)
    done = make(tmp_path, target, "PYTHON=./python2.7")
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0 and not (tmp_path / ".venv").exists()
    assert len(said) == 1 and "needs Python 3.10 or later" in said[0] and "2.7.18" in said[0]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which all is installed, and Python tells how it was called, a word a line."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    for file in ROOT.glob("requirements*.txt"):
        (tmp_path / file.name).touch()
    for stamp in ("python", "run", "test"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


def words(folder: Path, *arguments: str) -> list[str]:
    """Return what pytest is called with, after the options that each run has."""
    done = make(folder, "test", *arguments)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:6] == ["-m", "pytest", "-n", "auto", "--dist", "worksteal"]
    return said[6:]


def test_without_more_all_tests_are_run_but_for_those_that_take_long(installed: Path) -> None:
    assert words(installed) == ["-m", "not long and not faults"]


@pytest.mark.parametrize("path", ["tests", "tests/test_it.py", "tests/test_it.py::test_that[a b]"])
def test_a_path_is_run_whole(installed: Path, path: str) -> None:
    (installed / "tests").mkdir()
    (installed / "tests/test_it.py").touch()
    assert words(installed, f"T={path}") == ["-m", "not faults", path]


@pytest.mark.parametrize("expression", ["reload", "patches and not rest", "it's"])
def test_what_is_no_path_names_the_tests_that_are_run(installed: Path, expression: str) -> None:
    assert words(installed, f"T={expression}") == ["-m", "not faults", "-k", expression]
