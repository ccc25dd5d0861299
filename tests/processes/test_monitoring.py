"""What watches flexdb: Prometheus' configuration and alerts, and Grafana's dashboard."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.contract.describe import error_kinds
from flexdb.telemetry.metrics import Metrics
from tests.support.commands import finish, flexdb
from tests.support.monitoring import ALERTS, DASHBOARD, expressions
from tests.support.pages import quoted, tables
from tests.support.paths import ROOT
from tests.support.service import Service
from tests.support.tools import run, tool

# What Prometheus adds to all that it collects, and to what it makes of a histogram.
ADDED = {"job", "instance", "le"}
HISTOGRAMS = {"flexdb_call_duration_seconds", "flexdb_batch_calls", "flexdb_pool_wait_seconds",
              "flexdb_replica_wait_seconds"}
CALLS = 'flexdb_calls_total{method="get_node",outcome="ok",instance="a"}'
# Of each alert: series with what they say from minute to minute where it is to be told, and where
# it is not.
EXAMPLES: dict[str, dict[str, tuple[str, str]]] = {
    "FlexdbDown": {'up{job="flexdb",instance="a"}': ("0x40", "0x37 1x3")},
    "FlexdbNotReady": {'flexdb_ready{instance="a"}': ("0x40", "0x37 1x3")},
    "FlexdbSendsCallersAway": {
        CALLS: ("0+98x40", "0+998x40"),
        'flexdb_calls_total{method="get_node",outcome="OVERLOADED",instance="a"}':
            ("0+2x40", "0+2x40")},
    # The first of its kind, and one long ago.
    "FlexdbFault": {'flexdb_calls_total{method="get_node",outcome="INTERNAL",instance="a"}':
                    ("_x37 1x3", "_x3 1x37")},
    "FlexdbFence": {'flexdb_fence_total{instance="a"}': ("0x37 1x3", "0x3 1x37")},
    "FlexdbWorkersMissing": {'flexdb_workers{instance="a"}': ("3x40", "4x40"),
                             'flexdb_workers_limit{instance="a"}': ("4x40", "4x40")},
    "FlexdbWebhooksLag": {'flexdb_webhook_lag_seconds{instance="a"}': ("0+60x40", "0 300x39")},
    "FlexdbSlow": {
        'flexdb_call_duration_seconds_bucket{method="a",le="0.5"}': ("0+98x40", "0+995x40"),
        'flexdb_call_duration_seconds_bucket{method="a",le="2"}': ("0+100x40", "0+1000x40"),
        'flexdb_call_duration_seconds_bucket{method="a",le="+Inf"}': ("0+100x40", "0+1000x40")},
    "FlexdbPoolBusy": {'flexdb_pool_in_use{instance="a"}': ("15x40", "12x40"),
                       'flexdb_pool_size_limit{instance="a"}': ("16x40", "16x40")},
    "FlexdbConnectionsLost": {'flexdb_connections_lost_total{instance="a"}':
                              ("0+1x40", "0x20 8x20")},
    "FlexdbConflicts": {CALLS: ("0+100x40", "0+100x40"),
                        'flexdb_retries_total{reason="conflict",instance="a"}':
                        ("0+10x40", "0+1x40")},
    "FlexdbValidationGap": {'flexdb_validation_gap_total{method="a",instance="a"}':
                            ("_x37 1x3", "_x40")},
    "FlexdbWebhooksDead": {'flexdb_webhook_deliveries{status="dead",instance="a"}':
                           ("3x37 4x3", "3x40")},
}


def test_promtool_takes_the_configuration_and_the_alerts(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch()
    for name in ("prometheus.yml", "prometheus-alerts.yml"):
        text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/etc/prometheus/flexdb.key", str(key)))
    said = run(tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml"))
    assert f"{len(ALERTS)} rules found" in said


@pytest.mark.long
def test_each_alert_is_told_when_it_should_be_and_not_else(tmp_path: Path) -> None:
    assert EXAMPLES.keys() == ALERTS.keys()
    shutil.copy(ROOT / "deploy/prometheus-alerts.yml", tmp_path)
    tests = [{
        "interval": "1m",
        "input_series": [{"series": series, "values": values[place]}
                         for series, values in EXAMPLES[name].items()],
        "promql_expr_test": [{
            "expr": f'count by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}})',
            "eval_time": "40m",
            "exp_samples": [] if place else [
                {"labels": f'{{alertname="{name}"}}', "value": 1}]}],
    } for name in EXAMPLES for place in (0, 1)]
    (tmp_path / "tests.yml").write_text(json.dumps(
        {"rule_files": ["prometheus-alerts.yml"], "evaluation_interval": "1m", "tests": tests}))
    run(tool("promtool"), "test", "rules", str(tmp_path / "tests.yml"))


def test_an_alert_says_how_urgent_it_is_and_of_what_it_tells() -> None:
    for alert in ALERTS.values():
        assert alert["labels"] in ({"severity": "page"}, {"severity": "ticket"})
        assert alert["annotations"].keys() == {"summary"}


def test_operators_are_told_of_each_alert_by_how_urgent_it_is() -> None:
    told = [[quoted(row[0])[0] for row in rows]
            for rows in tables("docs/operations.md", "## What to watch")]
    assert told == [[name for name, alert in ALERTS.items()
                     if alert["labels"]["severity"] == severity]
                    for severity in ("page", "ticket")]


@pytest.mark.parametrize("expression", expressions())
def test_what_is_asked_of_prometheus_is_what_the_service_gives(
        service: Service, expression: str) -> None:
    given = set(re.findall(r"^# TYPE (\S+)", service.client().get("/metrics").text, re.MULTILINE))
    labels = {metric._name: set(metric._labelnames)
              for metric in vars(Metrics()).values() if hasattr(metric, "describe")}
    asked = re.findall(r"\b(flexdb_\w+)(?:\{(.*?)\})?", expression)
    assert asked or expression.startswith("up{")
    known: set[str] = set()
    for name, matchers in asked:
        family = re.sub(r"_bucket$", "", name)
        assert family in given and (name == family) == (family not in HISTOGRAMS)
        known |= labels[family.removesuffix("_total")] | ADDED
        for label, values in re.findall(r'(\w+)=~?"(.*?)"', matchers):
            assert label in labels[family.removesuffix("_total")] | ADDED
            if label == "outcome":
                assert {*values.split("|")} <= {kind.reason for kind in error_kinds()}
    for names in re.findall(r"by \((.*?)\)", expression):
        assert {*names.split(", ")} <= known


def test_the_dashboard_shows_all_that_is_measured() -> None:
    shown = "".join(expressions(alerts=False))
    for metric in vars(Metrics()).values():
        if hasattr(metric, "describe"):
            assert metric._name in shown or metric._name == "flexdb_info"
    assert "flexdb_info" in DASHBOARD["templating"]["list"][1]["query"]


def test_the_dashboard_is_one_that_grafana_knows_to_the_last_member() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="it is for Python 3.11 or later")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert missing(DASHBOARD, read) == []


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Return the paths of what is wanted and not found, or found otherwise."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [gap for name, value in wanted.items()
                for gap in missing(value, found.get(name), f"{path}.{name}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [gap for place, value in enumerate(wanted)
                for gap in missing(value, found[place], f"{path}[{place}]")]
    return [] if wanted == found else [path]


def test_the_panels_have_ids_of_their_own_and_stand_side_by_side() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        taken |= cells


@pytest.mark.long
def test_prometheus_gets_a_key_by_the_command_that_is_shown(
        new_database: Callable[..., Settings]) -> None:
    text = (ROOT / "deploy/prometheus.yml").read_text(encoding="utf-8")
    (command,) = re.findall(r"^#   flexdb (.*)$", text, re.MULTILINE)
    settings = new_database(auth="required")
    status, secret, errors = finish(flexdb(settings, *command.split()))
    assert status == 0, errors
    service = Service.of(settings)
    try:
        def asks(sent: str) -> int:
            return service.app.test_client().get("/metrics", headers={
                "Authorization": f"Bearer {sent.strip()}"}).status_code

        assert (asks(secret), asks("x" * 43)) == (200, 401)
        for method in ("list_tenants", "create_tenant"):
            reply = service.app.test_client().post(
                "/jsonrpc", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": {}},
                headers={"Authorization": f"Bearer {secret.strip()}"}).get_json()
            assert reply["error"]["data"]["reason"] == "PERMISSION_DENIED", reply
    finally:
        service.close()
