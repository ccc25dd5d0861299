"""What a user would write instead: FastAPI, uvicorn and asyncpg, with flexdb's own SQL.

Three of flexdb's methods, to the same requests the same answers, each checked as there: its members
and their types, the size of the body and of the data, the schema of the node type in the form that
it has when the node is written. It has no batches, roles, quotas and metrics, and of lists only the
first page; numbers in ``data`` are those of Python.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import orjson
from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from jsonschema_rs import validator_for
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.asyncpg_pool import open_pool
from bench.load import call
from bench.statements import statement_of
from flexdb.config import Settings
from flexdb.contract.ids import new_id
from flexdb.documents.schemas import VIOLATES
from flexdb.errors import FlexdbError, InvalidParams, NotFound, TooLarge
from flexdb.plan import Query
from flexdb.sql.loader import STATEMENTS

_LIMITS = Settings()
_GET, _SCHEMA, _CREATE = (STATEMENTS["value"][name]
                          for name in ("get_node", "get_schema_of_type", "create_node"))
_LIST = statement_of(_LIMITS, call("list_nodes", {"tenant_id": str(UUID(int=0))})).query


# What tells whether data fits a schema, and before it the write that the schema comes from.
Check = Callable[[Any], bool]
Schema = tuple[str, Check]


class Members(BaseModel):
    """What may have no other members than it says."""

    model_config = ConfigDict(extra="forbid")


class NodeQuery(Members):
    """Which node to get."""

    tenant_id: UUID
    id: UUID


class NewNode(Members):
    """A node to create."""

    tenant_id: UUID
    node_type_id: UUID
    data: dict[str, Any] = {}


class Pagination(Members):
    """How much to give."""

    page_size: Annotated[int, Field(ge=1, strict=True)] = 10


class NodeList(Members):
    """Which nodes to list."""

    tenant_id: UUID
    pagination: Pagination = Pagination()


class Call(Members):
    """What all calls have."""

    jsonrpc: Literal["2.0"]
    id: int | str | None = None


class GetNode(Call):
    """A call of ``get_node``."""

    method: Literal["get_node"]
    params: NodeQuery


class CreateNode(Call):
    """A call of ``create_node``."""

    method: Literal["create_node"]
    params: NewNode


class ListNodes(Call):
    """A call of ``list_nodes``."""

    method: Literal["list_nodes"]
    params: NodeList


class BodyLimit:
    """Refuses bodies that are larger than they may be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        length = next((int(value) for name, value in scope.get("headers", ())
                       if name == b"content-length"), 0)
        if length > _LIMITS.max_body_bytes:
            await _refusal(TooLarge(), 413)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class Nodes:
    """The nodes of a database.

    :param pool: connections to it
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self.pool = pool
        self.schemas: dict[tuple[UUID, UUID], Schema] = {}

    async def get(self, asked: NodeQuery) -> str:
        """Return a node as JSON."""
        row = await self._row(_GET, tenant_id=asked.tenant_id, id=asked.id)
        if row is None:
            raise NotFound.of("id", "node")
        return f'{{"node":{row["object"]}}}'

    async def create(self, new: NewNode) -> str:
        """Create a node, and return it as JSON."""
        data = orjson.dumps(new.data)
        if len(data) > _LIMITS.max_json_bytes:
            raise InvalidParams(fields={"data": ["is too large"]})
        of = (new.tenant_id, new.node_type_id)
        known = self.schemas.get(of)
        row = await self._insert(new, data, *known) if known and known[1](new.data) else None
        if row is None:
            # It is not known yet, or may be another by now, or the type is gone.
            known = self.schemas[of] = await self._read_schema(*of)
            if not known[1](new.data):
                raise InvalidParams(fields={"data": [VIOLATES]})
            row = await self._insert(new, data, *known)
        if row is None:
            raise NotFound.of("node_type_id")
        return f'{{"node":{row["object"]}}}'

    async def list(self, asked: NodeList) -> str:
        """Return the first page of a tenant's nodes as JSON."""
        row = await self._row(_LIST, tenant_id=asked.tenant_id,
                              page_size=min(asked.pagination.page_size, 1000),
                              page_bytes=_LIMITS.max_page_bytes)
        if row is None:
            raise NotFound.of("tenant_id")
        items, _, total, *last = row
        token = urlsafe_b64encode(orjson.dumps(last)).decode() if last[0] else ""
        return (f'{{"nodes":{items},"pagination":{{"next_page_token":"{token}",'
                f'"total_count":{total}}}}}')

    async def _read_schema(self, tenant_id: UUID, node_type_id: UUID) -> Schema:
        row = await self._row(_SCHEMA, tenant_id=tenant_id, node_type_id=node_type_id)
        if row is None:
            raise NotFound.of("node_type_id")
        text = row["schema"]
        return row["schema_version"], validator_for(text).is_valid if text else _takes_all

    async def _insert(self, new: NewNode, data: bytes, version: str, _: Check
                      ) -> asyncpg.Record | None:
        return await self._row(
            _CREATE, id=new_id(), tenant_id=new.tenant_id, node_type_id=new.node_type_id,
            data=data.decode(), schema_version=version, actor="")

    async def _row(self, query: Query, **arguments: Any) -> asyncpg.Record | None:
        return await self.pool.fetchrow(query.text.decode(),
                                        *map(arguments.__getitem__, query.arguments))


def _takes_all(data: Any) -> bool:
    return True


def _refusal(error: FlexdbError, status: int = 200, id: object = None) -> Response:
    told = {"code": error.code, "message": str(error), "data": {"reason": error.reason}}
    return Response(orjson.dumps({"jsonrpc": "2.0", "error": told, "id": id}), status,
                    media_type="application/json")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with open_pool(command_timeout=_LIMITS.statement_timeout) as pool:
        app.state.nodes = Nodes(pool)
        yield


app = FastAPI(lifespan=_lifespan)
app.add_middleware(BodyLimit)


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> Response:
    """Answer a call that is not as it should be."""
    id = error.body.get("id") if isinstance(error.body, dict) else None
    return _refusal(InvalidParams(), id=id)


@app.post("/jsonrpc")
async def jsonrpc(
    request: Request,
    call: Annotated[GetNode | CreateNode | ListNodes, Body(discriminator="method")],
) -> Response:
    """Answer a call."""
    nodes: Nodes = request.app.state.nodes
    try:
        if isinstance(call, GetNode):
            result = await nodes.get(call.params)
        elif isinstance(call, CreateNode):
            result = await nodes.create(call.params)
        else:
            result = await nodes.list(call.params)
    except FlexdbError as error:
        return _refusal(error, id=call.id)
    return Response(f'{{"jsonrpc":"2.0","result":{result},"id":{orjson.dumps(call.id).decode()}}}',
                    media_type="application/json")
