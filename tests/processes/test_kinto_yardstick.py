"""Kinto, which the benchmark measures beside flexdb, has the same records and the same checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testing.postgresql import Postgresql

from bench.data import Data, empty, fresh
from bench.kinto_records import RECORDS, ask, check_kinto, copy_nodes, migrate_kinto
from bench.servers import KINTO, KINTO_PYTHON, SERVICE, Server
from tests.support import postgres

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    not KINTO_PYTHON.exists(), reason="Kinto, which `make bench` installs")]


@pytest.fixture
def data(server: Postgresql) -> Iterator[Data]:
    with fresh(postgres.settings_of(server, "postgres"), "beside_kinto", nodes=30) as data:
        yield data


def test_kinto_has_the_same_records_and_refuses_what_flexdb_does(
        data: Data, tmp_path: Path) -> None:
    started = [Server(SERVICE, data.settings, tmp_path)]
    with empty(data.settings, "kinto") as settings:
        try:
            migrate_kinto(settings)
            started.append(Server(KINTO, settings, tmp_path))
            ours, kinto = started
            copy_nodes(data, settings, kinto)
            check_kinto(data, ours, kinto)
            wrong = {"data": {"title": "Task", "status": "neither"}}
            assert ask(kinto, "POST", RECORDS, wrong)["error"] == "Invalid parameters"
            right = {"data": data.new_node(1)["data"]}
            assert ask(kinto, "POST", RECORDS, right)["data"]["title"] == "Task 1"
            # What one of them has more is seen.
            with pytest.raises(RuntimeError, match="flexdb has"):
                check_kinto(data, ours, kinto)
        finally:
            for server in started:
                server.stop()
