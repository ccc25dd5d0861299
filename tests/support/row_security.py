"""Row security as it is meant to be: on, and flexdb a user who owns nothing."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from psycopg import sql

from flexdb.config import Settings
from flexdb.db.row_security import FILTERS, switch
from tests.support import postgres


def user(settings: Settings, owns: bool = False) -> Settings:
    """Make a user who may do with the rows of a database what flexdb does, and return its settings.

    :param owns: whether the tables are the user's
    """
    name = f"app_{uuid4().hex}"
    with postgres.connect(settings) as connection:
        def run(text: str, **names: sql.Composable) -> None:
            connection.execute(sql.SQL(text).format(user=sql.Identifier(name), **names))

        run("CREATE ROLE {user} LOGIN PASSWORD 'postgres'")
        run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}")
        if owns:
            for table, in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                run("ALTER TABLE {table} OWNER TO {user}", table=sql.Identifier(table))
    return replace(settings, db_user=name)


def switched_on(settings: Settings) -> Settings:
    """Switch row security on, filters with their index, and return the settings of a user."""
    with postgres.connect(settings) as connection:
        for name in FILTERS:
            connection.execute(f"ALTER FUNCTION pg_catalog.{name} LEAKPROOF".encode())
    fenced = replace(settings, db_row_security=True)
    switch(fenced, on=True)
    return user(fenced)
