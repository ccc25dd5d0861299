"""Costs that grow where they must not, each put into a copy of the service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.data import connect
from bench.stage import Stage
from tests.support.paths import ROOT

_NODES = "(SELECT count(*) FROM nodes x WHERE x.tenant_id = %(tenant_id)s) >= 0 AND "
_ALL_NODES = "(SELECT count(*) FROM nodes x) >= 0 AND "
_REPLIES = ("CASE WHEN (SELECT count(*) FROM flexdb_idempotency_keys x"
            " WHERE x.tenant_id = %(tenant_id)s::uuid) < 0 THEN '' END")
_CHANGES = "(SELECT count(*) FROM flexdb_changes x WHERE x.tenant_id = %(tenant_id)s) >= 0 AND "
_UNIQUE = """CASE WHEN EXISTS (
    SELECT FROM flexdb_declarations d
    WHERE d.tenant_id = %(tenant_id)s AND d.node_type_id = %(node_type_id)s
) THEN (SELECT count(*) FROM flexdb_unique x WHERE x.tenant_id = %(tenant_id)s) >= 0 ELSE TRUE END
AND """
_COUNT = """
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count(*) FROM {table};
    RETURN NULL;
END $$;
CREATE TRIGGER planted AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION planted()"""


class Edit(NamedTuple):
    """Other words in a file of the package: the first that are found behind a heading."""

    file: str
    heading: str
    old: str
    new: str

    def made(self, text: str) -> str:
        """Return the file's text with the edit.

        :raises ValueError: when the heading is not there once, or the words are not behind it
        """
        before, behind = text.split(self.heading)
        kept, after = behind.split(self.old, 1)
        return f"{before}{self.heading}{kept}{self.new}{after}"


class Growth(NamedTuple):
    """A cost that grows.

    :param row: where the smoke form looks at it
    :param misses: what the texts of the limits contain that it must miss
    :param edits: what makes it grow in the service
    :param counted: the table whose rows PostgreSQL counts with each new one
    :param kept: the databases in which it does, by their tenants and the nodes of each
    """

    row: str
    misses: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    counted: str = ""
    kept: tuple[tuple[int, int], ...] = ()


def _where(file: str, heading: str, condition: str) -> Edit:
    return Edit(f"sql/{file}", heading, "WHERE ", f"WHERE {condition}")


GROWTHS = {
    "a get counts": Growth("sizes", ("get,",), (
        _where("nodes.sql", "-- read: get_node ->", _NODES),)),
    "a key is looked for among all": Growth("sizes", ("with one of the keys",), (
        Edit("sql/keys.sql", "-- read: find_key", "k.hash =", "k.hash || ''::bytea ="),)),
    "a list counts": Growth("sizes", ("list", "find", "expand", "aggregate", "console's page"), (
        _where("nodes.sql", "-- list: list_nodes of", _NODES),)),
    "a search counts": Growth("sizes", ("search",), (
        _where("search.sql", "-- list: best_nodes of", _NODES),)),
    "neighbours are counted": Growth("sizes", ("related",), (
        _where("related.sql", "-- frame: neighbors_one_way", _NODES),)),
    "a page of the log counts it": Growth("sizes", ("changes",), (
        _where("changes.sql", "-- read: list_changes", _CHANGES),)),
    "a create counts": Growth("sizes", ("create,",), (
        _where("nodes.sql", "-- write: create_node ->", _NODES),)),
    "an answer is looked for among all": Growth("sizes", ("create with an Idempotency-Key",), (
        Edit("sql/idempotency.sql", "-- read: get_reply", "NULL", _REPLIES),
        Edit("sql/idempotency.sql", "-- read: take_free_keys", "NULL, true", f"{_REPLIES}, true"))),
    "what is unique is looked for among all": Growth("sizes", ("create of a note",), (
        _where("nodes.sql", "-- write: create_node ->", _UNIQUE),)),
    "many creates count": Growth("sizes", ("create_nodes",), (
        Edit("sql/bulk.sql", "-- frame: inserting_nodes", "ORDER BY",
             f"WHERE {_NODES} TRUE ORDER BY"),)),
    "an update counts": Growth("sizes", ("update",), (
        _where("nodes.sql", "-- write: update_node ->", _NODES),)),
    "an upsert counts": Growth("sizes", ("upsert",), (
        _where("upserts.sql", "-- write: upsert_nodes", _NODES),)),
    "a page is walked to": Growth("page_depth", ("page after",), (
        Edit("sql/pages.py", "def _after(", "({', '.join(values)})\"",
             "({', '.join(values)}) IS TRUE\""),)),
    "all tenants' nodes are counted": Growth("many_tenants", ("get", "list"), (
        _where("nodes.sql", "-- read: get_node ->", _ALL_NODES),
        _where("nodes.sql", "-- list: list_nodes of", _ALL_NODES))),
    "a filter looks at all tenants' nodes": Growth("small_tenant", ("one fits",), (
        _where("nodes.sql", "-- list: list_nodes of", _ALL_NODES),)),
    "the log counts": Growth("bulk_changes", ("unlogged",), counted="flexdb_changes",
                             kept=((1, 1000),)),
    "an import counts": Growth("import_nodes", ("imported",), counted="nodes", kept=((1, 0),)),
    "gets of a batch go one by one": Growth("batch_get", ("in a batch",), (
        Edit("db/run.py", "def _run(", "len(plans) > 1", "len(plans) > 1000"),)),
    "creates of a batch go one by one": Growth("batch_create", ("in a batch",), (
        Edit("db/run.py", "def _run(", "len(plans) > 1", "len(plans) > 1000"),)),
    "secrets are hashed slowly": Growth("key", ("with a key", "with a token"), (
        Edit("api/callers.py", "def _look(", "digest = ",
             "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2000); digest = "),)),
    "one tenant at the gate keeps others out": Growth("quiet_tenant", ("refused",), (
        Edit("db/gate.py", "def enter(", "with self._lock:\n",
             "with self._lock:\n            if self._held.keys() - {tenant}:\n"
             "                raise Overloaded\n"),)),
    "each event sorts all streams": Growth("streams", ("1,000 streams",), (
        Edit("changes/hub.py", "def _answer(", "self._give(listener, page)",
             "sorted(self._listeners, key=lambda one: one.began)\n"
             "                self._give(listener, page)"),)),
}


@contextmanager
def planted(growth: Growth, stage: Stage, folder: Path) -> Iterator[Path]:
    """Give a copy of the service in which a cost grows, as it does in the stage's databases.

    :param folder: where the copy is made
    """
    for part in ("flexdb", "migrations"):
        shutil.copytree(ROOT / part, folder / part)
    for file in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy2(ROOT / file, folder)
    for edit in growth.edits:
        edited = folder / "flexdb" / edit.file
        edited.write_text(edit.made(edited.read_text()))
    databases = [stage.data(*size) for size in growth.kept]
    for data in databases:
        with connect(data.settings) as connection:
            connection.execute(_COUNT.format(table=growth.counted).encode())
    try:
        yield folder
    finally:
        for data in databases:
            with connect(data.settings) as connection:
                connection.execute("DROP FUNCTION planted CASCADE")
