"""Indexes that node types declare, filled where a type had too many nodes to do it at once."""

from __future__ import annotations

from collections.abc import Iterator

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.operations.statements import one_object
from flexdb.server.keys import answering, tenant_id_of
from flexdb.wording import number_of

_CONTEXT = Context()
# So many nodes are read in one transaction, for which whoever changes one of them waits.
_BATCH = 1000


def fill_indexes(settings: Settings, tenant: str | None) -> Iterator[str]:
    """Fill what is not filled yet, and give a line on each index that is declared.

    It may be ended anywhere, and goes on from there when it is called again.

    :param tenant: the id or slug of the tenant whose they are; None for all
    :raises FlexdbError: when there is no such tenant, or the database does not answer
    """
    with answering(settings) as run:
        of = {"tenant_id": tenant_id_of(run, tenant)}
        for index in run(one_object(_CONTEXT, "list_indexes", of, "indexes"))["indexes"]:
            nodes = index["nodes"]
            batch = one_object(_CONTEXT, "build_index", index | {"most": _BATCH}, "nodes")
            while nodes is not None and (further := run(batch)["nodes"]):
                nodes += further
            filled = "" if nodes is None else f", {number_of(nodes, 'node')} filled"
            yield f"{index['slug']}  {index['node_type_id']}  {index['member']}  ready{filled}"
