"""Who uses the console: a key, kept in a cookie that no other door takes."""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson
from flask import Response, request

from flexdb.api.callers import Callers
from flexdb.errors import Unauthenticated
from flexdb.web.console.messages import redirect_to
from flexdb.web.console.page import Shown, show

_COOKIE, _PATH = "flexdb_key", "/console"
# A browser forgets it when it ends, and in any case after a working day, in seconds.
_MOST_SECONDS = 12 * 3600
# Browsers keep no cookie of more than 4,096 bytes, name and all (RFC 6265, section 6.1).
_MOST_KEY = 4000
# How much of what was sent without a good key is kept until there is one, in bytes; and how large
# the form of the log-in may be with it, in which each may be written as %XX.
_MOST_KEPT = 256 * 1024
MOST_BYTES = 4 * _MOST_KEPT


def take_key() -> None:
    """Make the current request one of the key that was given at the log-in."""
    if (key := request.cookies.get(_COOKIE)) and "HTTP_AUTHORIZATION" not in request.environ:
        request.environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"


def is_logged_in() -> bool:
    """Tell whether the request brought a key in its cookie."""
    return bool(request.cookies.get(_COOKIE))


def refuse(error: Unauthenticated) -> Shown:
    """Return the page that asks for a key in the place of what the request asked for.

    What a form sent is kept in it, and can be sent once more.
    """
    told = str(error) if error.sent else ""
    if request.method == "GET":
        return ask(request.full_path.rstrip("?"), told)
    if request.content_length is None or request.content_length > _MOST_KEPT:
        return ask(urlsplit(request.referrer or "").path, told)
    return ask(request.path, told, orjson.dumps([*request.form.items(multi=True)]).decode())


def ask(next_url: str, told: str = "", kept: str = "", status: int = 401) -> Shown:
    """Return the page that asks for a key.

    :param next_url: where it leads; elsewhere than to the console it leads to the console
    :param told: why the key before was not taken
    :param kept: the fields of a form that is to be sent there, as JSON
    """
    return show("login.html", status=status, next=_own(next_url), told=told, kept=kept)


def log_in(callers: Callers) -> Shown | Response:
    """Keep the key that a form sent, if it is good."""
    key, next_url, kept = (request.form.get(name, "") for name in ("key", "next", "kept"))
    key = key.strip()
    if not key:
        return ask(next_url, "Paste a key: it begins with fdb_.", kept)
    try:
        callers.of(f"Bearer {key}", request.environ)
    except Unauthenticated as error:
        # Of one that nobody has, nothing more is told.
        expired = "expired" in str(error)
        return ask(next_url, "This key has expired." if expired else
                   "This key is not good: it may have been deleted.", kept)
    except UnicodeError:
        return ask(next_url, "This is no key: it begins with fdb_.", kept)
    if len(key) > _MOST_KEY:
        return ask(next_url, f"This token has {len(key):,} characters, and a browser keeps "
                   f"{_MOST_KEY:,}: use one with fewer claims, or a key.", kept)
    if kept:
        return show("resend.html", next=_own(next_url), fields=_fields(kept))
    return redirect_to(_own(next_url))


def keep(response: Response) -> Response:
    """Have the browser keep the key that a form sent, which is good."""
    response.set_cookie(_COOKIE, request.form["key"].strip(), max_age=_MOST_SECONDS, path=_PATH,
                        httponly=True, samesite="Strict", secure=request.is_secure)
    return response


def forget(response: Response) -> Response:
    """Have the browser forget its key."""
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def log_out() -> Response:
    """Forget the key."""
    return forget(redirect_to(f"{_PATH}/"))


def _fields(kept: str) -> list[tuple[str, str]]:
    """Return the fields of a form that was kept; none of what is no such thing."""
    try:
        found = orjson.loads(kept or "[]")
        return [(str(name), str(value)) for name, value in found]
    except (ValueError, TypeError):
        return []


def _own(url: str) -> str:
    # "//" and "/\" lead to other hosts, and a header ends with its line.
    is_own = url.startswith(f"{_PATH}/") and "\\" not in url and url.isprintable()
    return url if is_own else f"{_PATH}/"
