"""What keeps pages of other sites from using the console."""

from __future__ import annotations

from flask import Response, request

from flexdb.errors import PermissionDenied

# Scripts and styles are files of ours; nothing is asked of anyone else.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; "
          "form-action 'self'; frame-ancestors 'none'")
_SAFE = ("GET", "HEAD", "OPTIONS")


def check_site() -> None:
    """Refuse what a page of another site makes a browser send.

    Sec-Fetch-Site decides; where a browser sends none, as to a name over plain HTTP, the host of
    Origin must be the one that is called (https://web.dev/articles/fetch-metadata).

    :raises PermissionDenied: saying so
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        # What is no browser sends neither, and holds no cookie either.
        is_own = origin is None or origin.partition("://")[2] == request.host
    if not is_own:
        raise PermissionDenied("a page of another site may not use the console")


def protect(response: Response) -> Response:
    """Say what the page may load, and that it is nobody else's."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
