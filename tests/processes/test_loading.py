"""What a start loads, and in which process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from flexdb import create_app
from flexdb.api import openapi
from flexdb.config import Settings
from tests.support.paths import ROOT
from tests.support.served import Served
from tests.support.service import Service


@pytest.mark.long
def test_what_workers_need_is_loaded_before_they_are_forked(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=3, PYTHONPROFILEIMPORTTIME=1)
    assert "result" in served.call("list_tenants") and served.answers("/openapi.json")
    before, after = (re.findall(r"^import time: .*\| +(\S+)$", said, re.MULTILINE)
                     for said in served.said.split("Starting JSON-RPC server"))
    # By one interpreter, each of which reads this.
    assert before.count("site") == 1
    for name in ("flask_jsonrpc.site", "flexdb.application", "flexdb.web.console.forms.fields"):
        assert name in before
    assert [name for name in after if name.startswith(("flexdb", "flask", "psycopg"))] == []


def printed_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, check=True,
                          env={"PATH": os.environ["PATH"]}, capture_output=True).stdout


def loaded_by(code: str) -> set[str]:
    """Return the packages that a process has loaded when it has run some code."""
    told = printed_by(f"import sys; {code}; print(*sys.modules)")
    return {name.partition(".")[0] for name in told.split()}


def test_the_application_loads_nothing_that_few_need() -> None:
    loaded = loaded_by("import flexdb; flexdb.create_app()")
    assert {"flask_jsonrpc", "psycopg"} <= loaded
    assert not loaded & {"cryptography", "joserfc", "yoyo", "tqdm", "rich", "httpx2", "gunicorn",
                         "opentelemetry", "flask_cors", "multiprocessing"}


def test_garbage_is_not_looked_for_in_what_the_application_is_made_of() -> None:
    looked, enabled = printed_by(
        "import gc; from flexdb.server import memory; looked = []; "
        "gc.callbacks.append(lambda phase, _: looked.append(phase) if phase == 'start' else 0); "
        "import flexdb; flexdb.create_app(); print(len(looked), gc.isenabled())").split()
    # Once when all is there.
    assert int(looked) <= 1 and enabled == "True"


@pytest.mark.parametrize("form", ["value", "string"])
def test_the_statements_that_most_calls_ask_for_are_there_before_the_first(form: str) -> None:
    made = printed_by(
        "from flexdb import application; from flexdb.config import Settings; "
        "from flexdb.sql.loader import STATEMENTS; "
        f"application.load(Settings(json_fields={form!r})); print(*STATEMENTS)").split()
    assert set(made) == {"value", form}


def test_what_delivers_webhooks_loads_nothing_of_the_web() -> None:
    loaded = loaded_by("import flexdb.cli, flexdb.server.delivery, flexdb.server.startup")
    assert "psycopg" in loaded
    assert not loaded & {"flask", "werkzeug", "jinja2", "flask_jsonrpc", "gunicorn"}


def test_the_document_of_rest_is_made_for_whoever_asks_for_it(
        monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    made: list[Settings] = []

    def document(settings: Settings) -> dict[str, str]:
        made.append(settings)
        return {}

    monkeypatch.setattr(openapi, "document", document)
    # Limits that no other test has.
    settings = replace(service.settings, max_body_bytes=123_456)
    client = create_app(settings).test_client()
    assert client.get("/health").status_code == 200 and made == []
    assert [client.get("/openapi.json").json for _ in range(2)] == [{}, {}] and len(made) == 1
