"""The page that builds an application: every block runs as written, and prints what is shown."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from tests.support.commands import finish, flexdb
from tests.support.pages import blocks, quoted, table
from tests.support.served import Served, variables_of

PAGE = "docs/how-to/build-an-application.md"


@pytest.mark.long
def test_the_tracker_is_built_as_written(
        new_database: Callable[..., Settings], tmp_path: Path) -> None:
    settings = new_database()
    names: dict[str, Any] = {}
    shown = [*blocks(PAGE), ("", "")]
    assert {language for language, _ in shown} == {"python", "text", ""}
    with Served(tmp_path, **variables_of(settings)) as served:
        served.wait()
        for (language, text), (below, wanted) in zip(shown, shown[1:]):
            if language == "python":
                with redirect_stdout(io.StringIO()) as printed:
                    exec(text.replace("localhost:5000", f"localhost:{served.port}"), names)
                assert printed.getvalue() == (wanted if below == "text" else "")
            elif not language and text:
                run(settings, tmp_path, text)


def run(settings: Settings, folder: Path, text: str) -> None:
    """Run commands one after the other, whose files stand in a folder."""
    for line in text.splitlines():
        program, *words = shlex.split(line)
        assert (os.path.basename(program), words[:2]) == ("python", ["-m", "flexdb"])
        status, _, errors = finish(flexdb(settings, *[
            str(folder / word) if word.endswith(".csv") else word for word in words[2:]]))
        assert status == 0, errors


def test_each_need_names_methods_that_there_are() -> None:
    rows = table(PAGE, "## Need by need")
    named = {name for _, call in rows for name in quoted(call) if "_" in name} & OPERATIONS.keys()
    assert len(rows) >= 15 and len(named) >= 12
