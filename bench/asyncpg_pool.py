"""The connections of the services beside: as many in each process as a worker of flexdb has."""

from __future__ import annotations

import os
from typing import Any

import asyncpg

from flexdb.config import Settings

_SIZE = int(os.environ.get("DB_POOL_SIZE") or Settings().db_pool_size)


def address() -> dict[str, Any]:
    """Return where the database is, as asyncpg wants to be told."""
    return {"host": os.environ["DB_HOST"], "port": int(os.environ["DB_PORT"]),
            "user": os.environ["DB_USER"], "password": os.environ["DB_PASSWORD"],
            "database": os.environ["DB_NAME"]}


def open_pool(**options: Any) -> Any:
    """Return a pool whose connections are open as long as a ``with`` block.

    :param options: further ones of asyncpg's
    """
    return asyncpg.create_pool(
        **address(), min_size=_SIZE, max_size=_SIZE, reset=_leave,
        server_settings={"timezone": "UTC", "datestyle": "ISO"}, **options)


async def _leave(connection: Any) -> None:
    """Leave a session as it is: no call changes it, and a reset is a round trip."""
