"""The unit for systemd: as systemd reads it, and what gunicorn tells it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of

pytestmark = pytest.mark.long

UNIT = (ROOT / "deploy/flexdb.service").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", ["flexdb.service", "flexdb-deliver.service"])
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
