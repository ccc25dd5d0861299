"""The wheel in environments that have nothing else: the client by itself, and the service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from flexdb.config import Settings
from flexdb.version import __version__
from tests.support.pages import blocks
from tests.support.served import Installed, variables_of
from tests.support.tools import run

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PRESENT = f"{sys.version_info.major}.{sys.version_info.minor}"
# Nothing of the tests' own: neither settings nor paths.
EMPTY = {"PATH": os.defpath}
TYPED = """
from typing_extensions import assert_type

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient

with fx.connect("http://localhost:5000") as db:
    assert_type(db.tenant("acme"), TenantClient)
    db.tenant("acme").craete("Task", {})
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where packages cannot be had."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest",
         str(tmp_path_factory.mktemp("download")), "click"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no registry of packages is reached")


def interpreter(version: str) -> str | None:
    """Return the program of a version of Python, or None where it is not installed."""
    if version == PRESENT:
        return sys.executable
    name = f"python{version}"
    # pyenv has a program of each name, which runs the version that is named to it.
    done = shutil.which(name) and subprocess.run(
        [name, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True,
        env=os.environ | {"PYENV_VERSION": version})
    return done.stdout.strip() if done and not done.returncode else None


def environment(folder: Path, python: str, *wanted: str) -> Path:
    """Make an environment with what is wanted, and return the folder of its programs."""
    run(python, "-m", "venv", "--without-pip", str(folder))
    run(sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet",
        "--no-compile", *wanted)
    return folder / "bin"


def session(programs: Path, address: str, slug: str) -> str:
    """Run README's session in Python, on a tenant of its own, and return what it printed."""
    ((_, text),) = blocks("README.md", "python")
    text = text.replace("localhost:5000", address).replace("acme-corp", slug)
    done = subprocess.run([programs / "python", "-I", "-c", text], env=EMPTY, capture_output=True,
                          text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize("version", [version if version == PRESENT else pytest.param(
    version, marks=pytest.mark.longest) for version in PYTHONS])
def test_the_client_is_there_alone_and_runs_the_readme_s_session(
        registry: None, wheel: Path, address: str, tmp_path: Path, version: str) -> None:
    if not (python := interpreter(version)):
        pytest.skip(f"Python {version} is not installed")
    programs = environment(tmp_path / "environment", python, str(wheel))
    slug = f"python-{version}"
    assert session(programs, address, slug) == "Ship 1\n['Ship', 'Test']\n"
    assert not [*tmp_path.glob("environment/lib/*/site-packages/flask")]
    flexdb = str(programs / "flexdb")
    for asked, told in ((["--version"], __version__), (["--help"], "demo"),
                        (["tenants", "list", "--url", f"http://{address}", "-o", "table"], slug),
                        (["types", "code", slug, "--url", f"http://{address}"], "class Task")):
        done = subprocess.run([flexdb, *asked], env=EMPTY | {"HOME": str(tmp_path)},
                              capture_output=True, text=True)
        assert done.returncode == 0 and told in done.stdout, done.stderr
    for command in (["serve"], ["demo"], ["migrate"], ["create-key"], ["psql"],
                    ["export", "--all"]):
        done = subprocess.run([flexdb, *command], env=EMPTY, cwd=tmp_path, capture_output=True,
                              text=True)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "pip install 'flexdb-service[server]'" in line


@pytest.mark.long
@pytest.mark.longest
def test_a_checker_of_types_finds_those_of_the_installed_client(
        registry: None, wheel: Path, tmp_path: Path) -> None:
    programs = environment(tmp_path / "environment", sys.executable, str(wheel))
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir",
         str(tmp_path / "cache"), "--python-executable", str(programs / "python"), program.name],
        cwd=tmp_path, env=EMPTY, capture_output=True, text=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith('program.py:9: error: "TenantClient" has no attribute "craete"')


@pytest.mark.long
@pytest.mark.longest
def test_the_service_is_an_extra_and_serves_from_an_empty_folder(
        registry: None, wheel: Path, new_database: Callable[..., Settings], tmp_path: Path) -> None:
    python = next(filter(None, map(interpreter, reversed(PYTHONS))), sys.executable)
    programs = environment(tmp_path / "environment", python, f"{wheel}[server,console]")
    folder, variables = tmp_path / "empty", variables_of(new_database())
    folder.mkdir()
    done = subprocess.run(
        [programs / "flexdb", "migrate"], cwd=folder, capture_output=True, text=True,
        env=EMPTY | {name: str(value) for name, value in variables.items()})
    assert done.returncode == 0 and "Migrations completed successfully" in done.stderr
    done = subprocess.run([programs / "flexdb", "demo"], cwd=folder, env=EMPTY, text=True,
                          capture_output=True)
    assert done.returncode == 1 and "pip install 'flexdb-service[embedded]'" in done.stderr
    with Installed(programs, folder, **variables) as served:
        served.wait()
        address = f"127.0.0.1:{served.port}"
        assert session(programs, address, "acme-corp") == "Ship 1\n['Ship', 'Test']\n"
        for path in ("/", "/docs", "/redoc", "/console", "/console/assets/ace.js"):
            with urlopen(f"http://{address}{path}", timeout=30) as answer:
                assert answer.status == 200
        assert served.end() == 0
    assert [*folder.iterdir()] == []
