"""The service at an address, and the command flexdb as who sits before it has it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from flexdb.cli import main
from tests.support.commands import Done, Flexdb
from tests.support.listening import listening
from tests.support.service import Service


@pytest.fixture(scope="session")
def url(service: Service) -> Iterator[str]:
    """Where the service is."""
    with listening(service.app, kept=True) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def environment(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of commands: it names the service, and has no profiles."""
    for name in ("FLEXDB_TOKEN", "FLEXDB_PROFILE", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLEXDB_URL", url)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return monkeypatch


@pytest.fixture
def flexdb(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Flexdb:
    """Run a command in this process."""
    def run(*arguments: str, stdin: str = "") -> Done:
        environment.setattr(sys, "stdin", io.TextIOWrapper(
            io.BytesIO(stdin.encode()), encoding="utf-8"))
        capsys.readouterr()
        status = main([*arguments])
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture
def acme(flexdb: Flexdb) -> str:
    """The slug of a tenant of its own with a type Task, whose title is a text."""
    slug = f"tenant-{uuid4().hex}"
    flexdb("tenants", "create", slug).object()
    flexdb("types", "create", slug, "Task", "--schema",
           '{"type": "object", "properties": {"title": {"type": "string"}}}').object()
    return slug
