"""What a start loads, and in which process."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.served import Served

pytestmark = pytest.mark.long


def test_what_workers_need_is_loaded_before_they_are_forked(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=3, PYTHONPROFILEIMPORTTIME=1)
    assert "result" in served.call("list_tenants") and served.answers("/openapi.json")
    before, after = (re.findall(r"^import time: .*\| +(\S+)$", said, re.MULTILINE)
                     for said in served.said.split("Starting JSON-RPC server"))
    for name in ("flask_jsonrpc.site", "flexdb.application", "flexdb.web.console.forms.fields"):
        assert name in before
    assert [name for name in after if name.startswith(("flexdb", "flask", "psycopg"))] == []
