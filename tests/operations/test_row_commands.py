"""The commands export and import with --type: pipes, statuses, memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexdb.cli import main
from flexdb.config import Settings
from tests.support.commands import finish, flexdb
from tests.support.paths import ROOT
from tests.support.service import Service

ROWS = ("--tenant", "acme", "--type", "Task")


@pytest.fixture
def database(new_database: Callable[..., Settings]) -> Any:
    settings = new_database()
    service = Service.of(settings)
    service.node_type(service.tenant(slug="acme"), name="Task",
                      schema={"properties": {"n": {"type": "integer"}}})
    service.close()
    return settings


@pytest.mark.parametrize("arguments, told", [
    (["import", "--type", "Task", "x.csv"], "Missing option '--tenant'"),
    (["import", "--dry-run", "x.csv"], "'--dry-run' needs '--type'"),
    (["import", "--format", "csv"], "'--format' needs '--type'"),
    (["import", "--check", *ROWS], "'--check' is for whole tenants"),
    (["import", *ROWS, "--map", "title"], "'--map title' must be COLUMN=MEMBER"),
    (["import", *ROWS, "--delimiter", ", "], "'--delimiter' must be one character"),
    (["export", "--all", "--type", "Task"], "'--type' needs '--tenant'"),
    (["export", "--tenant", "acme", "--fields", "n"], "'--fields' needs '--type'"),
    (["export", *ROWS, "--output", "a", "b"], "exclude each other")])
def test_options_that_make_no_sense_together_are_told(
        arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.long
def test_rows_go_through_pipes_and_files_and_the_status_tells_of_refused_ones(
        database: Settings, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.TSV", tmp_path / "out.tsv.gz"
    rows.write_text("n\tNumber\n1\tone\nx\ttwo\n")
    status, output, errors = finish(flexdb(
        database, "import", *ROWS, "--map", "Number=name", str(rows)))
    assert (status, output) == (1, "line 3: n must be an integer, not x\n")
    assert errors.splitlines()[-1] == "flexdb: 1 of 2 rows was refused"
    assert "Imported: 1 created, 1 refused" in errors
    status, output, errors = finish(flexdb(
        database, "export", *ROWS, "--fields", "n,name", str(out)))
    assert (status, output) == (0, "") and "Exported 1 row\n" in errors
    status, output, errors = finish(flexdb(database, "import", *ROWS, str(out)))
    assert status == 0 and "Imported: 1 created" in errors
    status, output, errors = finish(flexdb(
        database, "export", *ROWS, "--format", "csv", "--fields", "n,name", "-"))
    assert (status, output) == (0, "n,name\n1,one\n1,one\n")


_MEASURED = """
import re, sys
from flexdb.cli import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.long
@pytest.mark.longest
def test_memory_does_not_grow_with_the_rows(database: Settings, tmp_path: Path) -> None:
    named = {name: str(getattr(database, name.lower()))
             for name in ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME")}
    peaks: dict[str, list[int]] = {"import": [], "export": []}
    file = tmp_path / "rows.json"
    for count in (3_000, 12_000):
        item = '{"n":1,"text":"%s"}' % ("x" * 2000)
        file.write_text(f"[{','.join([item] * count)}]")
        for command in ("import", "export"):
            name = [str(file)] if command == "import" else ["--format", "csv", "-"]
            done = subprocess.run(
                [sys.executable, "-c", _MEASURED, command, *ROWS, *name], cwd=ROOT, check=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | named)
            peaks[command].append(int(done.stderr.split()[-1]) * 1024)
    for less, more in peaks.values():
        assert more - less < file.stat().st_size / 4 and more < 200 * 1024 * 1024
