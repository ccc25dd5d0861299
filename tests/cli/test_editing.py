"""A node in an editor: what differs is sent, and nothing that was typed is lost."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Flexdb, at_terminal


@pytest.fixture
def node(flexdb: Flexdb, acme: str) -> Any:
    return flexdb("nodes", "create", acme, "Task", "title=Build", "priority=high",
                  "price:=10.00").object()


@pytest.fixture
def editor(environment: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let a line of Python be the editor: ``text`` is what stands there, ``n`` how often before.
    """
    folder = tmp_path / "files"
    folder.mkdir()
    environment.setenv("TMPDIR", str(folder))
    environment.setattr("tempfile.tempdir", str(folder))

    def become(line: str) -> Path:
        script = tmp_path / "editor.py"
        script.write_text(
            "import os, pathlib, subprocess, sys\n"
            "path, count = pathlib.Path(sys.argv[1]), pathlib.Path(__file__ + '.count')\n"
            "n = count.stat().st_size if count.exists() else 0\n"
            "count.write_bytes(b'.' * (n + 1))\n"
            f"text = path.read_text()\n{line}\npath.write_text(text)\n")
        environment.setenv("EDITOR", f"{sys.executable} {script}")
        return folder

    return become


def test_what_differs_is_sent(flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    folder = editor("assert (path.stat().st_mode & 0o777) == 0o600\n"
                    "text = text.replace('high', 'low').replace('10.00', '12345678901234567.890')")
    changed = flexdb("nodes", "edit", acme, node["id"]).object()
    assert changed["data"] | {"price": 10} == node["data"] | {"priority": "low"}
    assert changed["version"] == 2 and str(changed["data"]["price"]) == "12345678901234567.890"
    history = flexdb("call", "get_node_history", f"tenant_id={acme}", f"id={node['id']}",
                     "diff:=true")
    assert sorted(step["path"] for step in history.object()["history"][0]["diff"]) == [
        "/price", "/priority"]
    assert list(folder.iterdir()) == []


def test_where_nothing_is_changed_nothing_is_sent(
        flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    folder = editor("")
    done = flexdb("nodes", "edit", acme, node["id"])
    assert (done.status, done.output, done.errors) == (0, "", "nothing is changed\n")
    assert flexdb("nodes", "get", acme, node["id"]).object() == node
    assert list(folder.iterdir()) == []


def other(acme: str, node: Any, said: str) -> str:
    """Return what an editor does in which somebody else is quicker."""
    return (f"subprocess.run([sys.executable, '-m', 'flexdb', 'nodes', 'edit', '{acme}', "
            f"'{node['id']}', '{said}'], check=True, stdout=subprocess.DEVNULL)\n"
            "text = text.replace('high', 'low')")


@pytest.mark.long
def test_what_somebody_else_changed_elsewhere_stays(
        flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    editor(other(acme, node, "title=Theirs"))
    changed = flexdb("nodes", "edit", acme, node["id"]).object()
    assert (changed["data"]["title"], changed["data"]["priority"]) == ("Theirs", "low")
    assert changed["version"] == 3


@pytest.mark.long
def test_a_conflict_is_told_and_what_was_typed_is_kept_and_can_be_sent(
        flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    folder = editor(other(acme, node, "priority=urgent"))
    done = flexdb("nodes", "edit", acme, node["id"])
    assert done.status == 6 and "VERSION_CONFLICT" in done.errors
    (kept,) = folder.iterdir()
    assert f"'@{kept}'" in done.errors and '"low"' in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert flexdb("nodes", "get", acme, node["id"]).object()["data"]["priority"] == "urgent"
    sent = flexdb("nodes", "edit", acme, node["id"], f"@{kept}").object()
    assert sent["data"] == node["data"] | {"priority": "low"}


@pytest.mark.parametrize(("line", "told"), [
    ("text = text.replace('{', '[')", "that is no JSON"), ("text = '[1]'", "data is an object"),
    ("text = '{\"a\": NaN}'", "that is no JSON"), ("text = ''", "that is no JSON"),
    ("path.write_bytes(b'\\xff'); sys.exit()", "that is no JSON"),
    ("text = text.replace('\"Build\"', '3')", "/title: ")])
def test_what_does_not_fit_is_told_and_kept(
        line: str, told: str, flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    folder = editor(line)
    done = flexdb("nodes", "edit", acme, node["id"])
    assert done.status == 3 and told in done.errors
    assert len(list(folder.iterdir())) == 1
    assert flexdb("nodes", "get", acme, node["id"]).object() == node


@pytest.mark.long
def test_at_a_terminal_it_is_edited_again(
        flexdb: Flexdb, acme: str, node: Any, editor: Any) -> None:
    folder = editor("text = text[:-3] if n == 0 else text + '}' if n == 1 else text")
    shown = at_terminal("nodes", "edit", acme, node["id"], asked="Edit it again?",
                        answer="y\n")
    assert shown.status == 0 and "that is no JSON" in shown.output
    assert list(folder.iterdir()) == []


def test_without_an_editor_that_is_told_and_nothing_is_changed(
        flexdb: Flexdb, acme: str, node: Any, environment: pytest.MonkeyPatch, editor: Any) -> None:
    folder = editor("")
    environment.setenv("EDITOR", "/no/such/editor")
    done = flexdb("nodes", "edit", acme, node["id"])
    assert done.status != 0 and "/no/such/editor" in done.errors
    assert list(folder.iterdir()) == []
