"""Who uses the console: a key, kept in a cookie that no other door takes."""

from __future__ import annotations

from flask import Response, request
from werkzeug.utils import redirect

from flexdb.api.callers import Callers
from flexdb.errors import Unauthenticated
from flexdb.web.console.page import Shown, show

_COOKIE, _PATH = "flexdb_key", "/console"
# A browser forgets it when it ends, and in any case after a working day, in seconds.
_MOST_SECONDS = 12 * 3600


def take_key() -> None:
    """Make the current request one of the key that was given at the log-in."""
    if (key := request.cookies.get(_COOKIE)) and "HTTP_AUTHORIZATION" not in request.environ:
        request.environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"


def is_logged_in() -> bool:
    """Tell whether the request brought a key in its cookie."""
    return bool(request.cookies.get(_COOKIE))


def ask(next_url: str, told: str = "") -> Shown:
    """Return the page that asks for a key.

    :param next_url: where it leads; elsewhere than to the console it leads to the console
    :param told: why the key before was not taken
    """
    return show("login.html", status=401, next=_own(next_url), told=told)


def log_in(callers: Callers) -> Shown | Response:
    """Keep the key that a form sent, if it is good."""
    key, next_url = request.form.get("key", "").strip(), request.form.get("next", "")
    if not key:
        return ask(next_url, "Paste a key: it begins with fdb_.")
    try:
        callers.of(f"Bearer {key}", request.environ)
    except (Unauthenticated, UnicodeError):
        return ask(next_url, "This key is not good: it may have expired, or have been deleted.")
    response: Response = redirect(_own(next_url), 303, Response)  # type: ignore[assignment]
    response.set_cookie(_COOKIE, key, max_age=_MOST_SECONDS, path=_PATH, httponly=True,
                        samesite="Strict", secure=request.is_secure)
    return response


def log_out() -> Response:
    """Forget the key."""
    response: Response = redirect(_PATH + "/", 303, Response)  # type: ignore[assignment]
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _own(url: str) -> str:
    # "//" and "/\" lead to other hosts.
    return url if url.startswith(f"{_PATH}/") and "\\" not in url else f"{_PATH}/"
