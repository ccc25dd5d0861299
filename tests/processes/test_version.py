"""One version: whoever asks the service what it is gets the same answer everywhere."""

from __future__ import annotations

import re

import orjson

from flexdb.version import __version__
from tests.support.service import Service


def test_the_version_is_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_front_page_the_documents_and_the_figures_tell_the_version(service: Service) -> None:
    get = service.app.test_client().get
    assert f"<small>{__version__}</small>" in get("/").text
    for document in ("/openapi.json", "/openrpc.json"):
        assert orjson.loads(get(document).data)["info"]["version"] == __version__
    assert service.call("rpc.discover")["info"]["version"] == __version__
    assert re.search(rf'flexdb_info{{.*version="{__version__}"}} 1.0', get("/metrics").text)
