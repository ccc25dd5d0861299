"""The page about the command line: every block of commands runs, and writes what is shown."""

from __future__ import annotations

import shlex

import pytest

from tests.support.commands import Flexdb
from tests.support.pages import blocks

PAGE = "docs/how-to/command-line.md"


def test_the_page_runs_as_written(
        flexdb: Flexdb, address: str, environment: pytest.MonkeyPatch) -> None:
    shown, compared, written = [*blocks(PAGE), ("", "")], 0, ""
    for (language, text), (below, wanted) in zip(shown, shown[1:]):
        if language != "bash":
            continue
        environment.setenv("FLEXDB_URL", f"http://{address}")
        for line in text.splitlines():
            if line.startswith("eval "):
                continue
            program, *arguments = shlex.split(line)
            titles = {"SOURCE_NODE_ID": "Announce project", "NODE_ID": "Complete project"}
            ids = {name: flexdb("nodes", "query", "shop", f"data.title={title}").object()["id"]
                   for name, title in titles.items() if name in arguments}
            done = flexdb(*(ids.get(one, one) for one in arguments), stdin="key")
            assert program == "flexdb" and done.status == 0, (line, done.errors)
            written = done.output
        if below == "text":
            assert written == wanted
            compared += 1
    assert compared >= 3
