"""Who writes programs with the client is told by mypy what is wrong in them, and only that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RIGHT = '''
from typing import assert_type

import flexdb.client as fx
from flexdb.client.objects import Node, NodesPage


def use(url: str) -> str:
    with fx.connect(url, token="secret", timeout=5) as db:
        tenant = db.create_tenant(slug="acme", name="Acme")
        made = db.create_node(tenant_id=tenant["id"], node_type_id="x", data={"title": "A"})
        assert_type(made, Node)
        page = db.list_nodes(tenant_id=tenant["id"], sort=["-version"], count="none",
                             pagination={"page_size": 10})
        assert_type(page, NodesPage)
        path = db.shortest_path(tenant_id=tenant["id"], source_node_id=made["id"],
                                target_node_id=made["id"])["path"]
        db.update_node_type(tenant_id="x", id="y", description=None)
        try:
            db.delete_node(tenant_id=tenant["id"], id=made["id"], version=1)
        except fx.VersionConflict as error:
            print(error.version, error.request_id)
        return page["pagination"]["next_page_token"] if path is None else made["created_at"]


async def use_later(url: str) -> Node:
    async with fx.aconnect(url) as db:
        return await db.get_node(tenant_id="x", id="y")
'''
WRONG = {
    'db.create_node(tenant_id="x", data={})': 'Missing named argument "node_type_id"',
    'db.create_node(tenant_id="x", node_type_id="y", dat={})': 'Unexpected keyword argument "dat"',
    'db.get_node("x", "y")': "Too many positional arguments",
    'db.get_node(tenant_id="x", id=7)': 'incompatible type "int"',
    'db.list_nodes(tenant_id="x", count="all")': "Literal['all']",
    'db.list_nodes(tenant_id="x", sort="-version")': 'expected "list[str] | None"',
    'db.get_node(tenant_id="x", id="y")["titel"]': 'has no key "titel"',
    'db.create_tenant(slug="x", name="y").slug': 'has no attribute "slug"',
    'db.get_nod(tenant_id="x", id="y")': '"Client" has no attribute "get_nod"',
}


def checked(folder: Path, text: str) -> tuple[int, str]:
    """Return what mypy says of a program in a folder of its own."""
    (folder / "program.py").write_text(text.replace(
        "from typing import assert_type", "from typing_extensions import assert_type"))
    # The client alone, as it is no matter of its users what else is in the package.
    (folder / "flexdb").mkdir()
    for name in ("py.typed", "version.py", "client"):
        (folder / "flexdb" / name).symlink_to(ROOT / "flexdb" / name)
    (folder / "flexdb" / "__init__.py").touch()
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent",
         "program.py"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.long
def test_a_program_without_a_mistake_has_none_to_mypy(tmp_path: Path) -> None:
    assert checked(tmp_path, RIGHT) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.long
def test_mypy_finds_each_mistake_in_its_line(tmp_path: Path) -> None:
    lines = ["import flexdb.client as fx", "", "", "def use(db: fx.Client) -> None:",
             *(f"    {line}" for line in WRONG)]
    status, said = checked(tmp_path, "\n".join(lines) + "\n")
    told: dict[int, str] = {}
    for place, text in re.findall(r"program\.py:(\d+): error: (.*)", said):
        told[int(place)] = told.get(int(place), "") + text
    assert status == 1
    for place, wanted in enumerate(WRONG.values(), 5):
        assert wanted.replace("'", '"') in told.get(place, "").replace("'", '"'), said
