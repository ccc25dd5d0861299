"""The page about the client: every block runs as written, and prints what is shown."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

from tests.support.pages import blocks

PAGE = "docs/how-to/python.md"


def test_the_page_runs_as_written(address: str) -> None:
    names: dict[str, Any] = {}
    shown = [*blocks(PAGE), ("", "")]
    compared = 0
    for (language, text), (below, wanted) in zip(shown, shown[1:]):
        if language == "python":
            with redirect_stdout(io.StringIO()) as printed:
                exec(text.replace("localhost:5000", address), names)
            assert printed.getvalue() == (wanted if below == "text" else "")
            compared += below == "text"
    assert compared >= 3


def test_what_the_readme_shows_runs_as_written_and_again(address: str) -> None:
    ((_, text),) = blocks("README.md", "python")
    with redirect_stdout(io.StringIO()) as printed:
        for _ in range(2):
            exec(text.replace("localhost:5000", address), {})
    assert printed.getvalue() == (
        "Ship 1\n['Ship', 'Test']\nShip 1\nShip 1\n['Ship', 'Test']\n")
