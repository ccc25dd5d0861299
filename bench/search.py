"""Full text: a search of many titles, and the same in bare SQL."""

from __future__ import annotations

import orjson

from bench.data import Data, connect
from bench.load import call, load
from bench.measure import Row
from bench.rows import SERVICE, postgres, row
from bench.stage import Stage
from bench.yardsticks import psql

# A word stands in one title of so many; of two words together, in one of their product.
_OFTEN, _SELDOM = 100, 101
_CHUNK = 50_000
# More would take minutes to make.
_MOST = 100_000
_SCHEMA = {"properties": {"title": {"type": "string", "x-search": True}}}
_NODES = """
INSERT INTO nodes (tenant_id, id, node_type_id, data)
SELECT nt.tenant_id, gen_random_uuid(), nt.id, jsonb_build_object('title', concat_ws(
           ' ', 'Task', i, 'of the often' || i %% {often}, 'and the seldom' || i %% {seldom}))
FROM node_types nt, generate_series(%s::bigint, %s::bigint) i
""".format(often=_OFTEN, seldom=_SELDOM)
# What somebody would write who has but one tenant.
_BARE = """
CREATE TABLE bare AS
SELECT n.id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at,
       to_tsvector('simple', n.data ->> 'title') AS words
FROM nodes n;
CREATE INDEX bare_words ON bare USING gin (words);
ANALYZE bare;
"""
_PAGE = """
SELECT b.id, b.node_type_id, b.data, b.version, b.created_at, b.updated_at FROM bare b
WHERE b.words @@ websearch_to_tsquery('simple', '{0}')
ORDER BY ts_rank(b.words, websearch_to_tsquery('simple', '{0}')) DESC, b.id DESC LIMIT 10;
SELECT count(*) FROM (
    SELECT FROM bare b WHERE b.words @@ websearch_to_tsquery('simple', '{0}') LIMIT 10001) counted;
"""


@row("the same search in bare SQL, in psql", "what-reads-cost-beside-bare-sql")
def full_text(stage: Stage) -> Row:
    """A search of titles, and the same in plain SQL."""
    data = stage.small("titles", 0)
    rows = min(stage.rows, _MOST)
    _fill(data, rows)
    searches = {"one word": [f"often{place}" for place in range(8)],
                "two words": [f"often{place} seldom{place}" for place in range(8)]}
    subjects = {}
    for what, words in searches.items():
        calls = [call("list_nodes", data.tenant() | {"search": search}) for search in words]
        subjects[f"{what}, {SERVICE}"] = load(stage.service(data), stage.postgres, calls)
        subjects[f"{what}, psql"] = psql(stage.postgres, data.settings,
                                         [_PAGE.format(search) for search in words])
    return Row(
        f"`list_nodes` with `search`: 10 of the {rows // _OFTEN:,} and of the "
        f"{rows // (_OFTEN * _SELDOM):,} of {rows:,} titles, with `total_count`",
        subjects,
        [postgres(f"of {what}, times bare SQL's", f"{what}, {SERVICE}", f"{what}, psql", 1.5)
         for what in searches],
        "The bare SQL is the page by `ts_rank` and a count up to the same bound, over a table of "
        "one tenant with a `tsvector` and its index, in one psql. What a search costs before it "
        "looks at a row, to make its query in the language of each type, shows where little is "
        "found.")


def _fill(data: Data, rows: int) -> None:
    with connect(data.settings) as connection:
        connection.execute("UPDATE node_types SET schema = %s::jsonb",
                           (orjson.dumps(_SCHEMA).decode(),))
        for first in range(0, rows, _CHUNK):
            connection.execute(_NODES, (first, min(first + _CHUNK, rows) - 1))
        connection.execute(_BARE)
        connection.execute("VACUUM (ANALYZE)")
