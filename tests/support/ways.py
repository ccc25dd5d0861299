"""The ways that lead to a database."""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.config import Settings


class Way(NamedTuple):
    """Settings that lead to a database, and a node type that is there."""

    settings: Settings
    node_type: dict[str, Any]
