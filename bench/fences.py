"""What it costs that PostgreSQL itself keeps tenants apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from bench.data import Data
from bench.load import load
from bench.measure import Claim, Round, Row
from bench.rows import row
from bench.stage import Stage
from flexdb.config import Settings
from flexdb.db.address import conninfo
from flexdb.db.row_security import FILTERS, switch

_USER = "bench_app"


@row("the same without row security")
def row_security(stage: Stage) -> Row:
    """The same calls where row security is on and where it is not."""
    plain, fenced = stage.small("plain"), stage.small("fenced")
    switch(replace(fenced.settings, db_row_security=True), on=True)
    _make_user(fenced.settings)
    servers = {
        "without": (plain, stage.service(plain)),
        "row security": (fenced, stage.service(fenced, DB_USER=_USER, DB_ROW_SECURITY="true"))}
    return Row(
        "Row security",
        {f"{what}, {how}": load(server, stage.postgres, bodies(data))
         for how, (data, server) in servers.items()
         for what, bodies in (("get", _gets), ("create", _creates), ("filter", _filters))},
        [Claim(f"CPU of a {what}, times that without", _ratio(what), limit)
         for what, limit in (("get", 1.25), ("create", 1.1), ("filter", 1.2))],
        "The user of the service owns nothing, and what filters use is LEAKPROOF "
        "(docs/operations.md).")


def _ratio(what: str) -> Callable[[Round], float]:
    return lambda turn: turn[f"{what}, row security"].cost / turn[f"{what}, without"].cost


def _gets(data: Data) -> list[Any]:
    return data.gets(1000)


def _creates(data: Data) -> list[Any]:
    return data.creates(1000)


def _filters(data: Data) -> list[Any]:
    return data.pages(filter={"data.group": 0}, count="none")


def _make_user(settings: Settings) -> None:
    """Make the user that the service is there, who sees what policies let through."""
    user = sql.Identifier(_USER)
    with psycopg.connect(conninfo(settings, 60), autocommit=True) as connection:
        for name in FILTERS:
            connection.execute(f"ALTER FUNCTION pg_catalog.{name} LEAKPROOF".encode())
        if connection.execute("SELECT FROM pg_roles r WHERE r.rolname = %s",
                              (_USER,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(user))
        connection.execute(sql.SQL(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"
        ).format(user))
