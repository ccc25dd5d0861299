"""What installs the packages tells how far it is, and what pip said where that fails."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.paths import ROOT

SCRIPT = ROOT / "scripts" / "install.py"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the wheels of two packages, of which one needs the other."""
    for name, needs in (("first", ""), ("second", "Requires-Dist: first\n")):
        info = f"{name}-1.0.dist-info"
        with ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{info}/METADATA",
                           f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                                            "Tag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return tmp_path


def command(packages: Path, name: str) -> list[str]:
    return [sys.executable, str(SCRIPT), "--isolated", "--no-index", "--find-links", str(packages),
            "--target", str(packages / "target"), name]


@pytest.mark.long
def test_at_a_terminal_one_line_goes_on_and_ends_with_what_was_installed(packages: Path) -> None:
    terminal, end = pty.openpty()
    subprocess.run(command(packages, "second"), stdout=end, check=True)
    os.close(end)
    said = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    done = said.rpartition("\r\x1b[K")[2]
    assert "2 packages, first" in said and "unpacking 2 packages" in said
    assert done.strip().endswith("2 packages installed")
    assert said.count("\n") == 1, "it is written over, not below"
    assert (packages / "target" / "first.py").exists()


@pytest.mark.long
def test_where_it_fails_all_that_pip_said_is_told_and_so_is_its_status(packages: Path) -> None:
    done = subprocess.run(command(packages, "third"), capture_output=True, text=True)
    assert done.returncode == 1
    assert "No matching distribution found for third" in done.stdout
    assert "\x1b" not in done.stdout and "installed" not in done.stdout
