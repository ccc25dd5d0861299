"""The pages and documents that tell what the service does; they need nothing from elsewhere."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import orjson
from flask import (
    Blueprint,
    Flask,
    Response,
    make_response,
    render_template,
    request,
    send_from_directory,
)

from flexdb.api import http, openapi, openrpc
from flexdb.config import Settings
from flexdb.contract.ids import new_id
from flexdb.version import __version__

STATIC = Path(__file__).parent / "static"
# Files of Swagger UI and ReDoc come from installed packages, which are not imported for them.
_PACKAGES = {
    "swagger-ui-bundle.js": ("flask_swagger_ui", "dist"),
    "swagger-ui.css": ("flask_swagger_ui", "dist"),
    "redoc.standalone.js": ("flask_openapi3_redoc", "templates/redoc/js"),
}
# What a file would ask of elsewhere: a picture, without which it does as well.
_WITHOUT = {"redoc.standalone.js": b"https://cdn.redoc.ly/redoc/logo-mini.svg"}
_OWN = ("docs.js", "redoc.js", "index.css", "index.js")
# Both viewers set styles from their scripts; scripts run only from here.
_POLICY = ("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
           "img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; "
           "form-action 'none'; frame-ancestors 'none'")


def _page(name: str, settings: Settings) -> Response:
    response = make_response(render_template(
        name, rest=settings.rest_enabled, console=settings.console_enabled,
        needs_key=settings.auth_mode == "required", address=request.host_url.rstrip("/"),
        ids=[new_id() for _ in range(3)], version=__version__))
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _without(file: Path) -> bytes:
    """Return a file without what it would ask of elsewhere."""
    return file.read_bytes().replace(_WITHOUT[file.name], b"data:,")


def _asset(name: str) -> Response:
    folder = STATIC
    if name in _PACKAGES:
        package, inner = _PACKAGES[name]
        found = find_spec(package)
        folder = Path(found.origin).parent / inner if found and found.origin else STATIC
    if name in _WITHOUT:
        response = Response(_without(folder / name), content_type="text/javascript; charset=utf-8")
        response.cache_control.max_age = 3600
    else:
        response = send_from_directory(folder, name, max_age=3600)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@lru_cache(maxsize=1)
def _openapi_text(settings: Settings) -> bytes:
    return orjson.dumps(openapi.document(settings))


def _openapi(settings: Settings) -> Response:
    return Response(_openapi_text(settings), content_type=http.JSON)


def _openrpc(settings: Settings) -> Response:
    return Response(openrpc.text(http.jsonrpc_url(), settings.json_fields),
                    content_type=http.JSON)


def init_app(app: Flask, settings: Settings) -> None:
    """Add the front page and the OpenRPC document, and where REST is served its documentation."""
    blueprint = Blueprint("pages", __name__, template_folder=str(STATIC))

    def add(url: str, view: partial[Response]) -> None:
        blueprint.add_url_rule(url, endpoint=url.replace(".", "-"), view_func=view)

    add("/openrpc.json", partial(_openrpc, settings))
    add("/", partial(_page, "index.html", settings))
    assets = [name for name in (*_OWN, *_PACKAGES)
              if settings.rest_enabled or name in ("index.css", "index.js")]
    for name in assets:
        add(f"/assets/{name}", partial(_asset, name))
    if settings.rest_enabled:
        add("/openapi.json", partial(_openapi, settings))
        add("/docs", partial(_page, "docs.html", settings))
        add("/redoc", partial(_page, "redoc.html", settings))
    app.register_blueprint(blueprint)
