"""The rows of the table that are lists: the first page, one far behind it, and a filter."""

from __future__ import annotations

from bench.data import GROUP, Data
from bench.load import load
from bench.measure import Row
from bench.rows import (
    CALLS_PROFILE,
    FASTAPI,
    SCRIPTS,
    SERVICE,
    cpu,
    fastapi,
    growth,
    postgres,
    rate,
    row,
)
from bench.stage import Stage
from bench.yardsticks import psql

PSQL = "psql, page"
_PAGE = """SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at
FROM nodes n WHERE {} ORDER BY n.created_at DESC, n.id DESC LIMIT 10;"""


def bare_page(data: Data, depth: int = 0) -> str:
    """Return the SQL of the page after so many of a tenant's nodes, without a total."""
    (tenant_id,) = data.tenant().values()
    where = f"n.tenant_id = '{tenant_id}'"
    if depth:
        moment, id = data.before(depth)
        where += f" AND (n.created_at, n.id) < ('{moment}', '{id}')"
    return _PAGE.format(where)


@row("FastAPI, asyncpg; a bare page in psql", CALLS_PROFILE)
def list_nodes(stage: Stage) -> Row:
    """The first page and its total, and the same in FastAPI and in plain SQL."""
    data = stage.data(1, stage.rows)
    pages = data.pages()
    return Row(
        f"`list_nodes`, 10 of {stage.rows:,} with `total_count`",
        {SERVICE: load(stage.service(data), stage.postgres, pages),
         FASTAPI: fastapi(stage, data, pages),
         PSQL: psql(stage.postgres, data.settings, [bare_page(data)])},
        [rate(FASTAPI), cpu(FASTAPI),
         postgres("times that of a bare page in psql", SERVICE, PSQL)],
        "The page in psql is planned each time, and has no total.")


@row("the first page of few")
def list_first_page(stage: Stage) -> Row:
    """The first page and its total, of many and of few."""
    many, few = stage.data(1, stage.rows), stage.data(1, 1000)
    return Row(
        "`list_nodes`, 10 on the first page, with `total_count`",
        {f"of {data.nodes:,}": load(stage.service(data), stage.postgres, data.pages())
         for data in (many, few)},
        [growth(f"of {many.nodes:,}", "of 1,000", 1.3, smoke=2)])


@row("the same page in psql; the first page", "what-reads-cost-beside-bare-sql")
def page_depth(stage: Stage) -> Row:
    """A page in the middle of a long list."""
    data = stage.data(1, stage.rows)
    first, deep = "first page", f"page after {stage.rows // 2:,}"
    return Row(
        f"`list_nodes`, 10 of {stage.rows:,}",
        {deep: load(stage.service(data), stage.postgres, data.pages([stage.rows // 2])),
         first: load(stage.service(data), stage.postgres, data.pages()),
         PSQL: psql(stage.postgres, data.settings, [bare_page(data, stage.rows // 2)])},
        [growth(deep, first, 1.2, smoke=2),
         postgres(f"of a {deep}, times that of the same in psql", deep, PSQL)],
        "The page in psql is planned each time, and has no total.")


@row("the same filter in psql", "what-reads-cost-beside-bare-sql")
def equality_filter(stage: Stage) -> Row:
    """A list by what the data holds, and the same in plain SQL."""
    data = stage.data(1, stage.rows)
    groups = range(min(SCRIPTS, stage.rows // GROUP))
    bodies = [body for group in groups for body in data.pages(filter={"data.group": group})]
    uncounted = [body for group in groups
                 for body in data.pages(filter={"data.group": group}, count="none")]
    tenant_id = data.tenant()["tenant_id"]
    where = (f"n.tenant_id = '{tenant_id}' AND jsonb_set('{{{{}}}}', ARRAY[n.tenant_id::text], "
             f"n.data) @> '{{{{\"{tenant_id}\": {{{{\"group\": {{}}}}}}}}}}'")
    pages = [_PAGE.format(where).format(group) for group in groups]
    counts = [f"SELECT count(*) FROM nodes n WHERE {where};".format(group) for group in groups]
    both = [page + count for page, count in zip(pages, counts)]
    counted, plain, bare, bare_page = (
        "with `total_count`", "without", "psql, page and count(*)", "psql, page")
    return Row(
        f"`list_nodes`, 10 of the {GROUP:,} of {stage.rows:,} that an equality filter matches",
        {counted: load(stage.service(data), stage.postgres, bodies),
         plain: load(stage.service(data), stage.postgres, uncounted),
         bare: psql(stage.postgres, data.settings, both),
         bare_page: psql(stage.postgres, data.settings, pages)},
        [postgres("times bare SQL's", counted, bare, 2),
         postgres("without the count, times bare SQL's", plain, bare_page, 2)],
        "The bare SQL is the page, `SELECT … WHERE tenant_id = … AND jsonb_set('{}', ARRAY["
        "tenant_id::text], data) @> … ORDER BY … LIMIT 10`, which finds by the same index, and "
        "`SELECT count(*)` with the same condition, one after the other in one psql.")
