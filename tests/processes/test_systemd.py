"""The units for systemd: as systemd reads them, and what they do."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flexdb.config import Settings
from flexdb.server.status import look_at_status
from tests.support.commands import finish, flexdb
from tests.support.pages import PAGES, blocks
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of

pytestmark = pytest.mark.long

UNIT = (ROOT / "deploy/flexdb.service").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", ["flexdb.service", "flexdb-deliver.service",
                                  "flexdb-backup.service"])
def test_systemd_finds_nothing_wrong_with_a_unit_and_little_that_it_may_do(
        tmp_path: Path, name: str) -> None:
    # Here, there is no /opt/flexdb.
    unit = tmp_path / name
    unit.write_text((ROOT / "deploy" / name).read_text(encoding="utf-8").replace(
        "/opt/flexdb/.venv/bin/python", "/bin/true"))
    for check in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(["systemd-analyze", *check, str(unit)], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0 and f"{name}:" not in done.stderr, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_timer_and_starts_a_backup_by_it(
        tmp_path: Path) -> None:
    for name in ("flexdb-backup.service", "flexdb-backup.timer"):
        (tmp_path / name).write_text((ROOT / "deploy" / name).read_text(encoding="utf-8").replace(
            "/opt/flexdb/.venv/bin/python", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(tmp_path / "flexdb-backup.timer")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "flexdb-backup" not in done.stderr, done.stderr
    (when,) = re.findall(r"^OnCalendar=(.*)$", (tmp_path / "flexdb-backup.timer").read_text(),
                         re.MULTILINE)
    subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=True)


def test_the_command_hands_what_it_is_given_to_flexdb_as_the_service_has_it(tmp_path: Path) -> None:
    fake = tmp_path / "systemd-run"
    fake.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    fake.chmod(0o755)
    given = ["psql", "--command", "SELECT  'a b'; \"$x\"", ""]
    told = subprocess.run([ROOT / "deploy/flexdb", *given], capture_output=True, text=True,
                          check=True, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
                          ).stdout
    words = told.split("\0")[:-1]
    place = words.index("/opt/flexdb/.venv/bin/python")
    assert words[place + 1:] == ["-m", "flexdb", *given]
    for line in ("DynamicUser", "EnvironmentFile", "WorkingDirectory"):
        (value,) = re.findall(rf"^{line}=(.*)$", UNIT, re.MULTILINE)
        assert any(word in words[:place] for word in (
            f"--property={line}={value}", f"--property={line}=yes", f"--working-directory={value}"))
    if shutil.which("systemd-run"):
        known = subprocess.run(["systemd-run", "--help"], capture_output=True, text=True).stdout
        assert all(word.partition("=")[0] in known for word in words[:place]), known


def test_the_steps_install_what_they_need_and_overwrite_nothing_of_others() -> None:
    (steps, _) = [text for _, text in blocks("docs/operations.md", "bash", "### Under systemd")]
    (packages,) = re.findall(r"apt-get install --yes (.*)", steps)
    needed = {"git clone": "git", "-m venv": "python3-venv", "createuser": "postgresql"}
    assert all(command in steps for command in needed)
    assert {*needed.values()} == {*packages.split()}
    assert "install deploy/flexdb /usr/local/bin/" in steps
    for page in PAGES:
        for _, text in blocks(page, "bash"):
            for path in re.findall(r"^(?:sudo )?cp (?!--backup).* (/etc/\S+)$", text, re.MULTILINE):
                # A folder, into which files of ours go by their own names.
                assert path.endswith("/") and "prometheus.yml" not in text.split(path)[0].split(
                    "cp ")[-1], (page, path)


def back_up(folder: Path, settings: Settings) -> bool:
    """Do what the unit of backups does, one step after the other, and tell whether all was done.

    :param folder: in the place of /var/lib, as ``%S`` is
    """
    text = (ROOT / "deploy/flexdb-backup.service").read_text(encoding="utf-8")
    for line in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE):
        # systemd.service(5), "Command lines", and systemd.unit(5), "Specifiers".
        words = [re.sub(r"%(.)", lambda found: {"S": str(folder), "%": "%"}[found[1]], word)
                 .replace("$$", "$") for word in shlex.split(line)]
        words[0] = words[0].replace("/opt/flexdb/.venv/bin/python", sys.executable)
        given = {name: str(value) for name, value in variables_of(settings).items()}
        if subprocess.run(words, cwd=ROOT, env=os.environ | given).returncode:
            return False
    return True


def test_a_backup_is_kept_for_two_weeks_and_longer_where_none_is_made_since(
        tmp_path: Path, new_database: Callable[..., Settings]) -> None:
    # systemd.exec(5), DynamicUser=: the folder itself lies in private/, and a link leads to it.
    kept = tmp_path / "private/flexdb-backup"
    kept.mkdir(parents=True)
    (tmp_path / "flexdb-backup").symlink_to(kept)
    weeks = {name: kept / f"dbaas-{name}.dump" for name in ("one", "three")}
    for file, days in zip((*weeks.values(), kept / "others"), (7, 21, 21)):
        file.touch()
        os.utime(file, (time.time() - days * 24 * 3600,) * 2)
    settings = new_database()
    assert not back_up(tmp_path, replace(settings, db_name="missing"))
    assert weeks["three"].exists() and len([*kept.iterdir()]) == 3
    assert back_up(tmp_path, settings)
    (made,) = {*kept.iterdir()} - {weeks["one"], kept / "others"}
    assert re.fullmatch(r"dbaas-20\d\d-\d\d-\d\dT\d{6}Z\.dump", made.name)
    other = new_database(template=None)
    status, _, errors = finish(flexdb(other, "pg_restore", "--exit-on-error", str(made)))
    assert (status, errors) == (0, "")
    assert look_at_status(other, 0)["problems"] == []


def test_the_service_has_longer_to_end_than_its_calls() -> None:
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(seconds) > Settings().graceful_timeout + 5
    unit = (ROOT / "deploy/flexdb-deliver.service").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > Settings().webhook_timeout + 5


def test_systemd_is_told_when_the_service_listens(
        tmp_path: Path, start: Callable[..., Served], new_database: Callable[..., Settings]
        ) -> None:
    assert "Type=notify" in UNIT and "python -m gunicorn wsgi:app" in UNIT
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        served = start(**variables_of(new_database()), NOTIFY_SOCKET=tmp_path / "notify",
                       LOG_LEVEL="DEBUG")
        assert b"READY=1" in systemd.recv(4096)
        assert "Listening at" in served.said
        assert served.wait().end(signal.SIGTERM) == 0
