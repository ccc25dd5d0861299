"""The Flask application: where the rooms meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from flask_cors import CORS

from flexdb import operations  # noqa: F401 (registers them)
from flexdb.api import health, http, idempotency, jsonrpc, middleware, rates, rest
from flexdb.api.callers import Callers
from flexdb.api.figures import Figures
from flexdb.api.limits import KnownLimits
from flexdb.api.listening import Listening
from flexdb.api.questions import ask
from flexdb.api.usage import Usage
from flexdb.changes.hub import Hub, Where
from flexdb.config import Settings
from flexdb.config.reading import environment, read_settings
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.documents.schemas import SchemaCache
from flexdb.operations.tenants import find_absent_tenants
from flexdb.telemetry.metrics import Metrics
from flexdb.web import console, pages


class _NoSessions(SessionInterface):
    """Leave out cookies; nothing here reads or writes one."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the session that all requests have."""
        return self._none


class Application(Flask):
    """A Flask application that spends nothing on what this service never has.

    Neither sessions nor coroutines: Flask would look for them several times in every request.
    """

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is, since none is a coroutine."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Put the service together; nothing is connected before the first call.

    :param settings: read from the environment and the ``.env`` files of this folder when absent
    :raises flexdb.config.ConfigError: when a setting has a wrong value
    """
    if settings is None:
        settings = read_settings(environment(Path.cwd())[0])
    app = Application("flexdb", static_folder=None)
    # A chunked body is cut off here without a word; one byte more shows that there was more.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    # Merging slashes would redirect, in HTML.
    app.url_map.merge_slashes = False
    metrics = Metrics()
    pool = Pool(settings, metrics)
    runner = Runner(pool, settings.statement_timeout, settings.long_timeout, find_absent_tenants)
    callers = Callers(settings, runner)
    limits = KnownLimits(runner)
    counted = rates.Rates(settings, limits, runner)
    contexts = http.Contexts(settings, SchemaCache(), callers, counted, limits)
    usage = Usage(runner)
    hub = Hub(settings, metrics, partial(_where, runner, settings.db_row_security))
    listening = Listening(settings, runner, callers, hub)
    middleware.init_app(app, settings, metrics, callers, usage, counted,
                        Figures(runner, metrics))
    http.init_app(app)
    health.init_app(app, runner, callers)
    jsonrpc.init_app(app, settings, contexts, runner, listening)
    pages.init_app(app, settings)
    if settings.rest_enabled:
        rest.init_app(app, settings, contexts, runner, listening)
    if settings.console_enabled:
        console.init_app(app, settings, contexts, runner, callers)
    if settings.cors_origins:
        origins = [origin.strip() for origin in settings.cors_origins.split(",")]
        CORS(app, origins=origins, expose_headers=[
            "ETag", "Location", "Preference-Applied", "Retry-After", "WWW-Authenticate",
            idempotency.REPLAYED, *middleware.HEADERS, *rates.HEADERS])
    app.extensions["flexdb"] = pool
    app.extensions["flexdb_usage"] = usage
    app.extensions["flexdb_hub"] = hub
    return app


def _where(runner: Runner, is_blind: bool, tenants: list[str]) -> Where:
    """Tell of tenants where they are in what changes there."""
    found: Where = ask(runner, "look_at_changes", {
        "tenants": list(tenants), "is_blind": is_blind}, 200 * len(tenants))
    return found
