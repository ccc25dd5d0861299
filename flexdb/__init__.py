"""flexdb: flexible JSON records and typed relationships between them, for many tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from flexdb.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Put the service together; nothing is connected before the first call.

    Flask and all that stands on it is imported only here, so that a part of the package can be had
    without it.

    :param settings: read from the environment and the ``.env`` files of this folder when absent
    :raises flexdb.config.ConfigError: when a setting has a wrong value
    """
    from flexdb.server.memory import without_collection

    with without_collection():
        from flexdb.application import create_app

        return create_app(settings)
