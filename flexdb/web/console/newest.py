"""How far the service was when it showed a browser a page, so that no later page is behind that."""

from __future__ import annotations

from flask import Response, request

from flexdb.api import consistency
from flexdb.errors import InvalidParams
from flexdb.telemetry import watch

_COOKIE, _PATH, _MOST_SECONDS = "flexdb_newest", "/console", 3600


def take() -> None:
    """Let replicas answer what the current request reads, as far as the pages before it were."""
    sent = request.cookies.get(_COOKIE, "")
    try:
        consistency.read(sent, ())
    except InvalidParams:
        # A cookie can be set by whoever has a name beside this one.
        return
    request.environ[consistency.VARIABLE] = sent


def keep(response: Response) -> Response:
    """Have the browser keep the greatest token."""
    if position := watch.current().position:
        newest = max(consistency.token(position), request.environ.get(consistency.VARIABLE, ""))
        response.set_cookie(_COOKIE, newest, max_age=_MOST_SECONDS, path=_PATH, httponly=True,
                            samesite="Strict", secure=request.is_secure)
    return response
