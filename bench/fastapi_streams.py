"""Streams of changes that a user would write instead: FastAPI, asyncpg and LISTEN/NOTIFY.

Each process hears of every new node and tells it to whoever listens to its tenant. It keeps
nothing: whoever was away does not learn what happened meanwhile, a change of more than 8,000 bytes
fails, and nobody's right to listen is looked at.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from bench.asyncpg_pool import address

# So long is a tenant's id, with which what is told begins.
_ID = 36
_listeners: dict[str, set[asyncio.Queue[bytes]]] = defaultdict(set)


def _tell(connection: Any, pid: int, channel: str, payload: str) -> None:
    event = b"event: change\ndata: %b\n\n" % payload[_ID:].encode()
    for queue in _listeners[payload[:_ID]]:
        queue.put_nowait(event)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    connection = await asyncpg.connect(**address())
    await connection.add_listener("changes", _tell)
    yield
    await connection.close()


app = FastAPI(lifespan=_lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that this process answers."""
    return {"status": "ok"}


@app.get("/tenants/{tenant_id}/changes/stream")
async def stream(request: Request, tenant_id: str) -> StreamingResponse:
    """Tell of a tenant's changes for as long as somebody listens."""
    async def events() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        _listeners[tenant_id].add(queue)
        try:
            yield b"retry: 1000\n\n"
            while True:
                yield await queue.get()
        finally:
            _listeners[tenant_id].discard(queue)

    return StreamingResponse(events(), media_type="text/event-stream")
