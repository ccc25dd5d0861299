"""What of the client is written by a program is what that would write now."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CLIENT = ROOT / "flexdb" / "client"
AWAITED = sorted((CLIENT / "asynchronous").glob("*.py"))
# What the service stands on, and what is imported when it is used.
HEAVY = {"flask", "psycopg", "marshmallow", "werkzeug", "gunicorn", "orjson", "msgspec", "anyio",
         "asyncio", "pandas", "polars", "networkx", "rich", "tqdm"}


def test_the_files_that_are_made_are_what_would_be_made_now() -> None:
    done = subprocess.run([sys.executable, "scripts/make_client.py", "--check"], cwd=ROOT,
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_file_is_left_of_one_that_was_awaited() -> None:
    assert [path.name for path in AWAITED] == [
        path.name for path in sorted((CLIENT / "synchronous").glob("*.py"))]


@pytest.mark.parametrize("path", AWAITED, ids=lambda path: path.name)
def test_nothing_is_awaited_in_what_is_written_for_those_who_do_not(path: Path) -> None:
    written = ast.parse((CLIENT / "synchronous" / path.name).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(written) if isinstance(
        node, (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef))]
    names = {node.id for node in ast.walk(written) if isinstance(node, ast.Name)}
    assert not [name for name in names if "Async" in name]


def test_whoever_imports_the_client_imports_nothing_of_the_service() -> None:
    code = "import sys; import flexdb.client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    loaded = done.stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert {name.split(".")[1] for name in loaded if name.startswith("flexdb.")} == {
        "client", "version", "wording"}
