"""Contracts: the schemas that relationship types have while a transaction writes relationships."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import orjson

from flexdb.context import Context
from flexdb.documents.schemas import Compiled
from flexdb.operations.node_types import stored_schema
from flexdb.operations.statements import step
from flexdb.plan import Statement

# What errors call it.
THING = "relationship type"


def known_schema(context: Context, tenant_id: str, name: str) -> Compiled | None:
    """Return the schema that a relationship type had last; the statement must carry its version.

    :return: None where none is known of
    """
    known = context.schemas.get(_key(tenant_id, name))
    return known if known and known.version else None


def held_schemas(context: Context, tenant_id: str, names: Iterable[str]
                 ) -> Generator[Statement, Any, dict[str, Compiled]]:
    """Read the schemas of relationship types, which stay until the transaction ends.

    :param names: of the types, whether there are such or not
    :return: those of the types that have one, by name
    :raises InvalidParams: when one is no JSON Schema, as an import may leave it
    """
    asked = {"tenant_id": tenant_id, "names": orjson.dumps(sorted(names))}
    found, versions = (yield step(context, "get_schema_versions", asked))
    given = dict(zip(found or (), versions or ()))
    held = {}
    for name in names:
        if compiled := (yield from held_schema(context, tenant_id, name, given.get(name, ""))):
            held[name] = compiled
    return held


def held_schema(context: Context, tenant_id: str, name: str, version: str
                ) -> Generator[Statement, Any, Compiled | None]:
    """Return the schema of a relationship type at a version that stays until the transaction ends.

    :param version: what names the write that it comes from; empty where there is none
    :return: None where there is none
    :raises InvalidParams: when it is no JSON Schema, as an import may leave it
    """
    known = known_schema(context, tenant_id, name)
    if known and known.version == version:
        return known
    if not version:
        if known:
            # It is no longer so.
            context.schemas.put(_key(tenant_id, name), "", None)
        return None
    row = yield step(context, "get_schema_of_relationship_type",
                     {"tenant_id": tenant_id, "relationship_type": name})
    return stored_schema(context, tenant_id, name, version, row[0], "relationship_type", THING)


def _key(tenant_id: str, name: str) -> tuple[str, str, str]:
    return tenant_id, THING, name
