"""The name that all positions of this database begin with.

In a copy of the database, or in one that was set back, a position of before leads to other changes,
so there the name is another.
"""

from __future__ import annotations

from flexdb.config import Settings
from flexdb.db.migrate import connected


def rename_feed(settings: Settings, anyway: bool = False) -> str | None:
    """Give the feed another name where the database is not the one that it was named in.

    :param anyway: whether to do it in any case
    :return: the name; None where it stays
    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when the user may not, or the database has no tables of this version
    """
    with connected(settings, "the feed cannot be named") as connection:
        row = connection.execute("SELECT flexdb_rename_feed(%s)", (anyway,)).fetchone()
        return row[0] if row else None
