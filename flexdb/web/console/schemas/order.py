"""In which order an object has its members, which what is stored forgets."""

from __future__ import annotations

from typing import Any

from flexdb.web.console.forms import ordered
from flexdb.web.console.schemas.rows import DEEPEST


def in_order(schema: Any, is_stored: bool = False, depth: int = 0) -> Any:
    """Return a schema whose members stand in their order, and which says it by ``x-order``.

    :param is_stored: whether the order in which they stand says nothing
    """
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    members, said = made.get("properties"), made.get("x-order", [])
    if isinstance(members, dict) and depth < DEEPEST:
        listed = said if isinstance(said, list) else []
        order = [*dict.fromkeys(name for name in [
            *listed, *(ordered(made) if is_stored else []), *members]
            if isinstance(name, str) and name in members)]
        made["properties"] = {name: in_order(members[name], is_stored, depth + 1)
                              for name in order}
        if len(order) > 1 and isinstance(said, list):
            made["x-order"] = order
    if isinstance(made.get("items"), dict) and depth < DEEPEST:
        made["items"] = in_order(made["items"], is_stored, depth + 1)
    return made
