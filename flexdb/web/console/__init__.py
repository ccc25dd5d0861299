"""The console: everything that flexdb does, for people who would rather look than type.

A page is some calls and a template; it works with scripts off. It comes by the same choke points
as every other call, since it makes calls of operations and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pkgutil import walk_packages
from urllib.parse import quote

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.utils import redirect

from flexdb import errors
from flexdb.api import http
from flexdb.api.callers import Callers
from flexdb.api.calls import PageCalls
from flexdb.config import Settings
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.telemetry import watch
from flexdb.version import __version__
from flexdb.web.console import assets, faults, login, newest, safety, words
from flexdb.web.console.page import PAGES, ConsolePage, PageContext, Shown, render

_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What is shown to anyone.
_FREE = ("console.asset", "console.login", "console.log-in", "console.log-out")


def _view(page: ConsolePage, begin: Callable[[], PageCalls], most: int) -> Callable[..., Response]:
    def view(**in_url: str) -> Response:
        g.calls = begin()
        # Not before it is known who sends it. A form may be as large as any other body.
        safety.check_form(most)
        shown = page.view(g.calls, **in_url)
        return render(shown, g.calls) if isinstance(shown, Shown) else shown

    return view


def _on_fault(error: FlexdbError) -> Response:
    watch.current().outcome = error.reason
    if isinstance(error, errors.Unauthenticated):
        shown = login.refuse(error)
    else:
        shown = faults.fault(error)
    response = render(shown, g.get("calls"))
    if isinstance(error, errors.Unauthenticated) and login.is_logged_in():
        # Where no key is needed, the next page is shown without one.
        login.forget(response)
    if retry_after := error.data.get("retry_after"):
        response.headers["Retry-After"] = str(retry_after)
    return response


def _on_http_error(error: HTTPException) -> Response:
    response = _on_fault(http.error_of(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def _on_surprise(error: Exception) -> Response:
    return _on_fault(http.unforeseen(error))


def _nowhere(path: str) -> Response:
    # What no rule of the console takes would be told in the words of the API.
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(["GET", "HEAD", "OPTIONS"])
    raise errors.MethodNotFound(f"there is no page /console/{path[:80]}")


@cache
def load() -> None:
    """Load the modules of the pages, each of which adds its own to the others."""
    for module in walk_packages(__path__, f"{__name__}."):
        import_module(module.name)


def init_app(app: Flask, settings: Settings, contexts: http.Contexts, runner: Runner,
             callers: Callers) -> None:
    """Add the console's pages and files below ``/console``."""
    load()
    console = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
    begin = partial(PageCalls, settings, contexts, runner)

    @console.before_request
    def enter() -> None:
        safety.check_site()
        login.take_key()
        newest.take()
        # Who has a key is no page of another site; and everyone may log in.
        if (settings.auth_mode != "required" and "HTTP_AUTHORIZATION" not in request.environ
                and request.endpoint not in _FREE):
            callers.check_host()

    console.after_request(safety.protect)
    console.after_request(newest.keep)
    console.register_error_handler(FlexdbError, _on_fault)
    console.register_error_handler(HTTPException, _on_http_error)
    console.register_error_handler(Exception, _on_surprise)
    for name, filter in words.FILTERS.items():
        app.jinja_env.filters[name] = filter
    app.jinja_env.globals.update(version=__version__, quote=quote, is_installed=assets.is_installed,
                                 is_logged_in=login.is_logged_in)
    app.jinja_env.context_class = PageContext
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    console.add_url_rule("/assets/<path:name>", "asset", assets.asset)
    console.add_url_rule("/login", "login",
                         lambda: render(login.ask("/console/", status=200), None))
    console.add_url_rule("/login", "log-in", partial(_log_in, callers), methods=["POST"])
    console.add_url_rule("/logout", "log-out", login.log_out, methods=["POST"])
    for page in PAGES:
        console.add_url_rule(page.url, f"{page.verb} {page.url}".replace(".", "-"),
                             _view(page, begin, settings.max_body_bytes),
                             methods=[page.verb])
    console.add_url_rule("/<path:path>", "nowhere", _nowhere, methods=_VERBS)
    console.add_url_rule("/", "nothing", partial(_nowhere, ""), methods=_VERBS[1:])
    app.register_blueprint(console)
    app.add_url_rule("/console", "console-home", lambda: redirect("/console/", 308))


def _log_in(callers: Callers) -> Response:
    safety.check_form(login.MOST_BYTES)
    shown = login.log_in(callers)
    response = render(shown, None) if isinstance(shown, Shown) else shown
    return login.keep(response) if response.status_code < 400 else response
