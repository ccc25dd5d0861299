"""The Flask application: where the rooms meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from flask import Flask, Request, Response
from flask.ctx import RequestContext
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from flask.signals import (
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from werkzeug.routing import MapAdapter, Rule

from flexdb import operations  # noqa: F401 (registers them)
from flexdb.api import (
    consistency,
    health,
    http,
    idempotency,
    jsonrpc,
    middleware,
    rates,
    rest,
)
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
from flexdb.db.replicas import Replicas
from flexdb.db.run import Runner
from flexdb.documents.schemas import SchemaCache
from flexdb.operations.tenants import find_absent_tenants
from flexdb.sql.loader import STATEMENTS
from flexdb.telemetry.metrics import Metrics
from flexdb.web import console, pages


class _NoSessions(SessionInterface):
    """Leave out cookies; nothing here reads or writes one."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the session that all requests have."""
        return self._none


class _CallContext(RequestContext):
    """The context of a call by JSON-RPC, all of which have one URL."""

    app: Application

    def match_request(self) -> None:
        """Take the rule that was found for the call before."""
        self.request.url_rule, self.request.view_args = self.app.rule_of_calls


class _Rule(Rule):
    """A rule of which code that writes URLs is compiled when one is to be written, if ever.

    Of two hundred a few are asked for that, and for all it takes half of a ``create_app``.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _compile_now if append_unknown else _compile_now_exactly


def _compile_now(rule: _Rule, **in_url: str) -> tuple[str, str]:
    rule._build_unknown = Rule._compile_builder(rule, True).__get__(rule, None)
    return rule._build_unknown(**in_url)


def _compile_now_exactly(rule: _Rule, **in_url: str) -> tuple[str, str]:
    rule._build = Rule._compile_builder(rule, False).__get__(rule, None)
    return rule._build(**in_url)


class Application(Flask):
    """A Flask application that spends nothing on what this service never has.

    Neither sessions nor coroutines: Flask would look for them several times in every request. And
    of the URL of JSON-RPC it finds out once where it leads.
    """

    session_interface = _NoSessions()
    url_rule_class = _Rule

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        """Return the context of a request."""
        if environ["PATH_INFO"] == http.JSONRPC_PATH and environ["REQUEST_METHOD"] == "POST":
            return _CallContext(self, environ)
        return RequestContext(self, environ)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches a request's URL; hosts are none of what it goes by."""
        if (request is not None and request.path == http.JSONRPC_PATH
                and request.method == "POST"):
            return self._adapter_of_calls
        return super().create_url_adapter(request)

    @cached_property
    def _adapter_of_calls(self) -> MapAdapter:
        return self.url_map.bind("", path_info=http.JSONRPC_PATH, default_method="POST")

    @cached_property
    def rule_of_calls(self) -> Any:
        """Return the rule of JSON-RPC, and the parts of its URL, of which there are none."""
        return self._adapter_of_calls.match(return_rule=True)

    def full_dispatch_request(self) -> Response:
        """Answer the current request; calls by JSON-RPC by their view, where nobody wants to be
        asked before or after.
        """
        context: RequestContext = request_ctx._get_current_object()  # type: ignore[attr-defined]
        if (type(context) is not _CallContext or self._has_hooks
                or request_started.receivers or request_finished.receivers):
            return super().full_dispatch_request()
        try:
            response: Response = self._view_of_calls()
        except Exception as error:
            response = self.make_response(self.handle_user_exception(error))
        for change in context._after_request_functions:
            response = cast(Response, change(response))
        return response

    @cached_property
    def _view_of_calls(self) -> Callable[[], Any]:
        return self.view_functions[self.rule_of_calls[0].endpoint]

    @cached_property
    def _has_hooks(self) -> bool:
        """Tell whether there are functions to be called before or after calls by JSON-RPC.

        Flask takes none any more when the first request has come.
        """
        self._got_first_request = True
        blueprint = self.rule_of_calls[0].endpoint.rpartition(".")[0]
        return any(functions not in ([], [http.without_html])
                   for hooks in (self.url_value_preprocessors, self.before_request_funcs,
                                 self.after_request_funcs)
                   for functions in (hooks.get(None, []), hooks.get(blueprint, [])))

    def do_teardown_request(self, *error: Any) -> None:
        """Tell that a request ends, where somebody wants to know."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*error)

    def do_teardown_appcontext(self, *error: Any) -> None:
        """Tell that what belonged to a request ends, likewise."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            super().do_teardown_appcontext(*error)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is, since none is a coroutine."""
        return func


def load(settings: Settings) -> None:
    """Load what is otherwise loaded when the service is put together, or by the first calls."""
    STATEMENTS[settings.json_fields]
    if settings.console_enabled:
        console.load()
    if settings.cors_origins:
        import flask_cors  # noqa: F401


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
    replicas = Replicas.of(settings, metrics)
    runner = Runner(pool, settings.statement_timeout, settings.long_timeout, find_absent_tenants,
                    replicas)
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
        from flask_cors import CORS

        origins = [origin.strip() for origin in settings.cors_origins.split(",")]
        CORS(app, origins=origins, expose_headers=[
            "ETag", "Location", "Preference-Applied", "Retry-After", "WWW-Authenticate",
            idempotency.REPLAYED, consistency.HEADER, *middleware.HEADERS, *rates.HEADERS])
    app.extensions["flexdb"] = pool
    app.extensions["flexdb_replicas"] = replicas
    app.extensions["flexdb_usage"] = usage
    app.extensions["flexdb_hub"] = hub
    return app


def _where(runner: Runner, is_blind: bool, tenants: list[str]) -> Where:
    """Tell of tenants where they are in what changes there."""
    found: Where = ask(runner, "look_at_changes", {
        "tenants": list(tenants), "is_blind": is_blind}, 200 * len(tenants))
    return found
