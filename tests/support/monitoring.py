"""What deploy/ has for Prometheus and Grafana, and a Prometheus that runs with it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.tools import tool

ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in yaml.safe_load(
    (ROOT / "deploy/prometheus-alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]}
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana.json").read_text(encoding="utf-8"))


def expressions(alerts: bool = True) -> list[str]:
    """Return what the dashboard asks Prometheus for any instance, and also what alerts do."""
    shown = [re.sub(r"\$__rate_interval", "1m", target["expr"].replace("$instance", ".*"))
             for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*(alert["expr"] for alert in ALERTS.values() if alerts), *shown]


class Prometheus:
    """A Prometheus that watches a service by the files of deploy/, in a ``with`` block.

    It looks five times a second, and tells each alert at once.

    :param folder: where it keeps its files and its data
    :param target: the service's port
    :param key: of an operator
    """

    def __init__(self, folder: Path, target: int, key: str) -> None:
        (folder / "flexdb.key").write_text(key)
        edits = {r"127\.0\.0\.1:5000": f"127.0.0.1:{target}", r"(interval: )\d+s": r"\g<1>200ms",
                 r"(for: )\d+m": r"\g<1>0s", "/etc/prometheus/flexdb.key": "flexdb.key"}
        for name in ("prometheus.yml", "prometheus-alerts.yml"):
            text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
            for found, instead in edits.items():
                text = re.sub(found, instead, text)
            (folder / name).write_text(text)
        self._port = free_port()
        self._log = (folder / "log").open("wb+")
        self._process = subprocess.Popen([
            tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{self._port}"], cwd=folder, stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=subprocess.STDOUT)

    def ask(self, path: str, **query: str) -> Any:
        """Return the data of an answer of its API.

        :raises OSError: when it does not answer
        """
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urlencode(query)}"
        with urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str) -> list[float]:
        """Return the values of an expression at this moment; nothing while it does not answer."""
        assert self._process.poll() is None, self._log
        try:
            found = self.ask("query", query=expression)["result"]
        except ConnectionError:
            return []
        except URLError as error:
            if isinstance(error, HTTPError) and error.code != 503:
                raise AssertionError(f"{expression}: {error.read().decode()}") from error
            return []
        return [float(one["value"][1]) for one in found]

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
