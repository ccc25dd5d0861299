"""flexdb as pip installs it: one wheel with all that is needed, and the command flexdb."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from flexdb.version import __version__
from tests.support.pages import quoted, table
from tests.support.paths import ROOT
from tests.support.requirements import FILES, asked, pinned
from tests.support.served import Installed
from tests.support.tools import run

# What an installation asks for, and the files that pin just that.
EQUAL = [(("", "server"), "requirements-service.txt"), (("embedded",), "requirements.txt"),
         (("console",), "requirements-assets.txt")]


@pytest.mark.parametrize("extras, name", EQUAL)
def test_an_extra_asks_for_what_a_file_pins(extras: tuple[str, ...], name: str) -> None:
    wanted = {one.name for extra in extras for one in asked()[extra]}
    assert wanted == {pin.name for pin in pinned(name)}


def test_every_extra_is_told() -> None:
    told = [quoted(row[0])[0] for row in table("docs/how-to/install.md", "# Install")]
    assert ["", *told] == [*asked()]


def test_what_is_pinned_lies_within_what_an_installation_asks_for() -> None:
    files = [*(name for _, name in EQUAL), "requirements-dev.txt"]
    for wanted in (one for extra in asked().values() for one in extra):
        pins = [pin for name in files for pin in pinned(name) if pin.name == wanted.name]
        assert pins, wanted
        for pin in pins:
            (exact,) = pin.specifier
            assert exact.version in wanted.specifier and pin.extras == wanted.extras


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_says_what_it_is_for(name: str) -> None:
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        assert not re.match("[a-z]", line) or re.search(r"==\S+.*  # \S+ \S+", line), line


@pytest.mark.long
def test_the_wheel_has_each_file_of_the_package_and_every_migration(wheel: Path) -> None:
    assert wheel.name == f"flexdb_service-{__version__}-py3-none-any.whl"
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "flexdb").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}
    assert held == kept | {f"flexdb/migrations/{path.name}"
                           for path in (ROOT / "migrations").glob("*.sql")}


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs in which the wheel was installed.

    What flexdb needs is the test's own.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    (Path(paths["purelib"]) / "shared.pth").write_text(sysconfig.get_path("purelib"))
    programs = folder / "bin"
    run(sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet",
        "--no-index", "--no-deps", str(wheel))
    return programs


@pytest.mark.long
def test_an_installed_flexdb_serves_from_an_empty_folder_and_keeps_its_data_there(
        programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is installed is not what coverage counts.
    for name in [name for name in os.environ if name.startswith("COV")]:
        monkeypatch.delenv(name)
    with Installed(programs, tmp_path) as served:
        served.wait()
        created = served.call("create_tenant", slug="acme", name="Acme")
        assert created["result"]["tenant"]["slug"] == "acme"
        # A worker's first request: the pages are installed too.
        assert served.get("/openrpc.json")[1]["info"]["version"] == __version__
        assert [path.name for path in tmp_path.iterdir()] == [".flexdb"]
        exported = run("env", f"--chdir={tmp_path}", str(programs / "flexdb"), "export",
                       "--tenant", "acme")
        assert '"slug":"acme"' in exported
        assert served.end() == 0


@pytest.mark.long
def test_the_installed_command_tells_its_version(programs: Path) -> None:
    assert run(str(programs / "flexdb"), "--version") == f"flexdb {__version__}\n"
