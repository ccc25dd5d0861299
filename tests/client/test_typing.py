"""mypy and pyright tell what is wrong in programs that use the client, and only that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RIGHT = '''
from dataclasses import dataclass
from typing import Optional, TypedDict

from typing_extensions import assert_type

import flexdb.client as fx
from flexdb.client.objects import Node, NodesPage
from flexdb.client.synchronous.records import Record


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


class Task(TypedDict):
    title: str


@dataclass
class Job:
    title: str


def use_objects(db: fx.Client) -> None:
    acme = db.tenant("acme", create=True)
    task = acme.type("Task", schema={"type": "object"})
    record = acme.create(task, {"title": "A"})
    with record.edit() as data:
        data["title"] = "B"
    with acme.transaction() as tx:
        made = tx.create(task)
        tx.relate(made, "depends_on", record)
    assert_type(made.result(), Node)
    for one in acme.nodes("Task", where={"data.title": "A"}, sort="-created_at"):
        assert_type(one, Record)
    assert_type(acme.nodes().first(), Optional[Record])
    assert_type(record.of(Task), Task)
    for job in acme.nodes("Task").of(Job):
        assert_type(job, Job)
        acme.create("Task", job)
    for change in acme.changes(follow=False):
        print(change["op"], change["position"])


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
    'db.tenant("x").nodes(wher={})': 'Unexpected keyword argument "wher"',
    'db.tenant("x").create(7)': 'incompatible type "int"',
    'db.tenant("x").get("y").edit().data': 'has no attribute "data"',
    'db.get_nod(tenant_id="x", id="y")': '"Client" has no attribute "get_nod"',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both programs beside the client alone: what else is in the package is no matter of theirs."""
    folder = tmp_path_factory.mktemp("programs")
    lines = ["import flexdb.client as fx", "", "", "def use(db: fx.Client) -> None:",
             *(f"    {line}" for line in WRONG)]
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text("\n".join(lines) + "\n")
    (folder / "flexdb").mkdir()
    for name in ("py.typed", "version.py", "client"):
        (folder / "flexdb" / name).symlink_to(ROOT / "flexdb" / name)
    (folder / "flexdb" / "__init__.py").touch()
    return folder


@pytest.mark.long
@pytest.mark.longest
def test_mypy_finds_each_mistake_in_its_line_and_no_others(folder: Path) -> None:
    # Of what is large and comes from others, only that it is there.
    (folder / "mypy.ini").write_text(
        "[mypy]\nstrict = True\nfollow_imports = silent\n"
        "[mypy-networkx.*,pandas.*,polars.*]\nfollow_imports = skip\n")
    done = subprocess.run([sys.executable, "-m", "mypy", "right.py", "wrong.py"], cwd=folder,
                          capture_output=True, text=True)
    told: dict[int, str] = {}
    for place, text in re.findall(r"wrong\.py:(\d+): error: (.*)", done.stdout):
        told[int(place)] = told.get(int(place), "") + text.replace("'", '"')
    assert "right.py" not in done.stdout and "flexdb/" not in done.stdout, done.stdout
    assert told.keys() == {*range(5, 5 + len(WRONG))}, done.stdout
    for place, wanted in enumerate(WRONG.values(), 5):
        assert wanted.replace("'", '"') in told[place], done.stdout


@pytest.mark.long
@pytest.mark.longest
def test_so_does_pyright(folder: Path) -> None:
    (folder / "pyrightconfig.json").write_text(json.dumps(
        {"typeCheckingMode": "strict", "include": ["right.py", "wrong.py"]}))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=folder, capture_output=True, text=True)
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert {Path(one["file"]).name for one in found} == {"wrong.py"}, found
    assert {one["range"]["start"]["line"] + 1 for one in found} == {*range(5, 5 + len(WRONG))}
