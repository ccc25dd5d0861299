"""The page that keeps a mirror: its client stays in step, whoever is killed meanwhile."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.pages import blocks
from tests.support.ports import free_port
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

PAGE = "docs/how-to/stay-in-step.md"


class Mirror:
    """The page's client as a process of its own, with its file in a folder."""

    def __init__(self, folder: Path, port: int, tenant: str) -> None:
        ((_, text),) = blocks(PAGE, "python")
        text = text.replace("localhost:5000", f"localhost:{port}")
        self.folder, self.text = folder, text.replace("TENANT_ID", tenant)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, "-c", self.text], cwd=self.folder,
                                   stderr=subprocess.PIPE)
        try:
            yield process
            assert process.poll() is None, process.communicate()[1].decode()
        finally:
            process.kill()
            process.communicate()

    def objects(self) -> dict[str, Any]:
        try:
            with closing(sqlite3.connect(self.folder / "mirror.db")) as mirror:
                return {id: json.loads(text) for id, text in
                        mirror.execute("SELECT id, object FROM objects")}
        except sqlite3.OperationalError:
            return {}


def listed(served: Served, tenant: str) -> dict[str, Any]:
    """Return what the lists of a tenant give."""
    return {each["id"]: each for name in ("node_types", "nodes", "relationships")
            for each in served.call(f"list_{name}", tenant_id=tenant,
                                    pagination={"page_size": 1000})["result"][name]}


@pytest.mark.longest
@pytest.mark.long
def test_the_mirror_is_in_step_after_restarts_and_a_killed_server(
        new_database: Callable[..., Settings], tmp_path: Path) -> None:
    settings, port = new_database(), free_port()
    variables = variables_of(settings, JSONRPC_PORT=port, WORKERS=1)

    def write(served: Served, count: int) -> None:
        for number in range(count):
            made = call("create_node", node_type_id=type, data={"number": number})["node"]["id"]
            call("patch_node", id=made, patch={"number": -number})
            call("create_relationship", source_node_id=made, target_node_id=made,
                 relationship_type="is")
            if number % 3 == 0:
                call("delete_node", id=made)

    with Served(tmp_path, **variables) as served:
        served.wait()
        made = served.call("create_tenant", slug="acme", name="Acme")
        tenant = made["result"]["tenant"]["id"]

        def call(method: str, **params: Any) -> Any:
            return served.call(method, tenant_id=tenant, **params)["result"]

        type = call("create_node_type", name="Thing")["node_type"]["id"]
        write(served, 5)
        mirror = Mirror(tmp_path, port, tenant)

        def is_in_step() -> bool:
            return mirror.objects() == listed(served, tenant)

        with mirror.running():
            wait_until(is_in_step)
            write(served, 5)
        # It was killed in the midst of it; while it is away there is more.
        write(served, 5)
        with mirror.running():
            wait_until(is_in_step)
            served.process.send_signal(signal.SIGKILL)
            served.process.wait()
            with Served(tmp_path, **variables) as served:
                served.wait()
                write(served, 5)
                wait_until(is_in_step)
                # Positions of a feed that has another name are gone, and all is listed anew.
                with postgres.connect(settings) as connection:
                    connection.execute("TRUNCATE relationships")
                write(served, 1)
                wait_until(is_in_step)
