"""A client of flexdb in Python: every method, typed; and on top what programs do with them.

It knows nothing of the service beside the version and the wording of numbers: no Flask, no
PostgreSQL::

    import flexdb.client as fx

    with fx.connect("http://localhost:5000") as db:
        tenant = db.create_tenant(slug="acme-corp", name="Acme Corporation")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexdb.client.absent import ABSENT as ABSENT
from flexdb.client.failures import BatchFailed as BatchFailed
from flexdb.client.failures import Closed as Closed
from flexdb.client.failures import ConnectionFailed as ConnectionFailed
from flexdb.client.failures import Error as Error
from flexdb.client.failures import ServiceError as ServiceError
from flexdb.client.failures import Timeout as Timeout
from flexdb.client.reasons import *  # noqa: F403 (a class for each reason)
from flexdb.client.synchronous.client import Client as Client
from flexdb.client.synchronous.client import connect as connect

if TYPE_CHECKING:
    from flexdb.client.asynchronous.client import AsyncClient as AsyncClient
    from flexdb.client.asynchronous.client import aconnect as aconnect


def __getattr__(name: str) -> Any:
    # What is awaited is loaded by those who await.
    if name in ("AsyncClient", "aconnect"):
        from flexdb.client.asynchronous import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
