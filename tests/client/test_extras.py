"""What needs a package that is not installed says which extra brings it."""

from __future__ import annotations

import sys

import pytest

from flexdb.client.graphs import Graph
from flexdb.client.synchronous.tenant import TenantClient


@pytest.mark.parametrize("package, method", [
    ("pandas", "to_dataframe"), ("polars", "to_polars")])
def test_a_list_says_which_extra_makes_a_table_of_it(
        acme: TenantClient, monkeypatch: pytest.MonkeyPatch, package: str, method: str) -> None:
    # So it is as if there were none.
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as refused:
        getattr(acme.nodes(), method)()
    assert str(refused.value) == (
        f"{package} is not installed: pip install 'flexdb-service[frames]' brings it")


def test_a_graph_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"pip install 'flexdb-service\[graph\]' brings it"):
        Graph([], [], False).to_networkx()
