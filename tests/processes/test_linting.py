"""The linter: what is about to be committed is looked at as ``make check`` looks at all."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT


def hooked(file: Path) -> subprocess.CompletedProcess[str]:
    """Do with a file what pre-commit does."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert repository["repo"] == "local" and hook["language"] == "system", "nothing is fetched"
    return subprocess.run([*shlex.split(hook["entry"]), str(file)], cwd=ROOT, capture_output=True,
                          text=True)


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the hook needs what make test makes")
@pytest.mark.parametrize("text, told", [
    ("import os\nimport abc\n\nprint(os, abc)\n", "I001"), ("import os\n", "F401"),
    ("print(1)  # " + "x" * 100 + "\n", "E501"), ("print(1)\n", "")],
    ids=["imports out of order", "an import too many", "a long line", "nothing wrong"])
def test_pre_commit_refuses_what_the_linter_of_make_check_would(
        tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "changed.py").write_text(text)
    done = hooked(tmp_path / "changed.py")
    assert (done.returncode == 0) == (not told) and told in done.stdout, done.stdout + done.stderr
    assert "python -m ruff check" in (ROOT / "Makefile").read_text().replace("$(BIN)/", "")
