"""The command demo: example data to play with, kept or not, and nothing of anybody else's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

import flexdb.client as fx
from tests.support.listening import listening
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.service import Service


@contextmanager
def demo(folder: Path, port: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run it where temporary files go into a folder, with settings that lead elsewhere."""
    variables = {"TMPDIR": str(folder), "JSONRPC_PORT": str(port), "DB_HOST": "nowhere.invalid",
                 "AUTH": "required", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "flexdb", "demo", *arguments], cwd=folder,
                          env=os.environ | variables, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            # What it started ends with it, as with Ctrl-C.
            process.terminate()


def told(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the page that it says to open, and the address of the service."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := re.match(r"Open ((http://localhost:\d+)/console/t/\S+) · stop with", line):
            return found[1], found[2]
    pytest.fail("".join(said))


@pytest.mark.long
@pytest.mark.longest
def test_it_fills_a_tenant_says_what_to_open_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path, free_port()) as process:
        page, address = told(process)
        assert [path.name for path in tmp_path.iterdir()] != []
        with urlopen(page, timeout=30) as answer:
            assert b"Package" in answer.read()
        with fx.connect(address) as db:
            assert db.tenant("demo").nodes("Package").count() == 20
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout and "Traceback" not in process.stdout.read()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.long
@pytest.mark.longest
def test_in_a_folder_what_was_changed_is_there_the_next_time(tmp_path: Path) -> None:
    port = free_port()
    for number, ending in enumerate((signal.SIGHUP, signal.SIGTERM)):
        with demo(tmp_path, port, "kept") as process:
            _, address = told(process)
            with fx.connect(address) as db:
                packages = db.tenant("demo").nodes("Package")
                assert packages.count() == 20 + number
                db.tenant("demo").create("Package", {"name": f"mine-{number}", "kind": "tool"})
            process.send_signal(ending)
            assert process.wait(30) == 0
    assert (tmp_path / "kept/.flexdb").is_dir()


@pytest.mark.long
def test_another_service_at_its_port_is_not_filled(tmp_path: Path, service: Service) -> None:
    with listening(service.app) as port, demo(tmp_path, port) as process:
        assert process.wait(30) == 1
        assert process.stdout
        (line,) = process.stdout.read().splitlines()
        assert f"port {port} is taken by another program" in line
    assert not service.call("list_tenants", filter={"slug": "demo"})["tenants"]
