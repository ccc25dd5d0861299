"""A real Prometheus watches a real service by the files of deploy/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support.commands import finish, flexdb
from tests.support.http import JSON
from tests.support.monitoring import ALERTS, Prometheus, expressions
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.longest]

# What has a sample when something went wrong that does not here, or with replicas.
RARE = ("INTERNAL", "refused", "replica", "retries", "validation_gap")


def test_prometheus_collects_all_that_is_asked_of_it_and_tells_who_is_down(
        tmp_path: Path, start: Callable[..., Served], new_database: Callable[..., Settings]
        ) -> None:
    settings = new_database()
    key = finish(flexdb(settings, "create-key"))[1].strip()
    served = start(**variables_of(settings), AUTH="required", WORKERS=1).wait()
    (folder := tmp_path / "prometheus").mkdir()
    with Prometheus(folder, served.port, key) as prometheus:
        def call(times: int) -> None:
            connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
            body = '[{"jsonrpc": "2.0", "id": 1, "method": "list_tenants", "params": {}}, ' \
                   '{"jsonrpc": "2.0", "id": 2, "method": "list_users", "params": {}}]'
            for _ in range(times):
                connection.request("POST", "/jsonrpc", body,
                                   JSON | {"Authorization": f"Bearer {key}"})
                assert connection.getresponse().read()
            connection.close()

        wait_until(lambda: prometheus.values("up") == [1])
        call(3)
        for expression in expressions(alerts=False):
            if not any(word in expression for word in RARE):
                wait_until(partial(prometheus.values, expression))
        wait_until(lambda: prometheus.values("flexdb_calls_total") == [3, 3])
        assert prometheus.values("flexdb_ready") == prometheus.values("flexdb_workers") == [1]
        rules = prometheus.ask("rules")["groups"][0]["rules"]
        assert {rule["name"] for rule in rules} == ALERTS.keys()
        wait_until(lambda: all(rule["health"] == "ok" for rule in
                               prometheus.ask("rules")["groups"][0]["rules"]))
        assert prometheus.ask("alerts")["alerts"] == []
        assert served.end() == 0
        wait_until(lambda: firing(prometheus) == {"FlexdbDown"})


def firing(prometheus: Prometheus) -> set[str]:
    return {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]
            if alert["state"] == "firing"}
