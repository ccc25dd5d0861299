"""A page of records that a user would write instead: FastAPI, Jinja and asyncpg, flexdb's own SQL.

It shows what the console's page does, a type's newest records with their members, the names of all
types and how many records there are, and has none of its forms, filters, languages and rights.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from jinja2 import Environment

from bench.asyncpg_pool import open_pool
from bench.console import SHOWN
from bench.load import call
from bench.statements import statement_of
from flexdb.config import Settings

_SOME = str(UUID(int=0))
_LIST = statement_of(Settings(), call("list_nodes", {
    "tenant_id": _SOME, "node_type_id": _SOME, "pagination": {"page_size": SHOWN}}))
_TYPE = """SELECT t.name AS tenant, nt.name, nt.schema::text
FROM tenants t JOIN node_types nt ON nt.tenant_id = t.id WHERE t.id = $1 AND nt.id = $2"""
_TYPES = "SELECT nt.id, nt.name FROM node_types nt WHERE nt.tenant_id = $1 ORDER BY nt.name"
_PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ type.name }}</title></head>
<body><nav>{% for each in types %}<a href="/t/{{ tenant }}/types/{{ each.id }}">{{ each.name }}</a>
{% endfor %}</nav><h1>{{ type.tenant }}: {{ type.name }}</h1><p>{{ total }} records</p>
<table><tr><th></th>{% for name in members %}<th>{{ name }}</th>{% endfor %}<th>Created</th>
<th>Changed</th></tr>
{% for node in nodes %}<tr>
<td><a href="/t/{{ tenant }}/nodes/{{ node.id }}">{{ node.id[-12:] }}</a></td>
{% for name in members %}<td>{{ node.data.get(name, "") }}</td>{% endfor %}
<td><time datetime="{{ node.created_at }}">{{ node.created_at[:16] }}</time></td>
<td><time datetime="{{ node.updated_at }}">{{ node.updated_at[:16] }}</time></td></tr>
{% endfor %}</table></body></html>""")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with open_pool() as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/t/{tenant_id}/types/{type_id}")
async def records(request: Request, tenant_id: UUID, type_id: UUID) -> Response:
    """Show the newest records of a type."""
    arguments = {**_LIST.arguments, "tenant_id": tenant_id, "node_type_id": type_id}
    async with request.app.state.pool.acquire() as connection:
        found = await connection.fetchrow(_TYPE, tenant_id, type_id)
        if found is None:
            raise HTTPException(404)
        types = await connection.fetch(_TYPES, tenant_id)
        listed = await connection.fetchrow(
            _LIST.query.text.decode(), *map(arguments.__getitem__, _LIST.query.arguments))
    nodes, _, total, *_ = listed
    return Response(_PAGE.render(
        tenant=tenant_id, type=found, types=types, total=total, nodes=orjson.loads(nodes),
        members=orjson.loads(found["schema"])["properties"]), media_type="text/html")
