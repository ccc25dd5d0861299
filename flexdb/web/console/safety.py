"""What keeps pages of other sites from using the console, and forms from filling the memory."""

from __future__ import annotations

from flask import Response, request

from flexdb.errors import PermissionDenied, TooLarge

# Scripts and styles are files of ours; nothing is asked of anyone else.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; "
          "form-action 'self'; frame-ancestors 'none'")
_SAFE = ("GET", "HEAD", "OPTIONS")
# How many fields a form may have, those of an import with two for each column included; what
# browsers write as %XX, and how many of those; and how many bytes the fields beside a file have.
# Each field and each mark takes some 200 bytes when it is read, and each value of JSON as many.
_MOST_FIELDS, _MARKS, _MOST_MARKS = 20_000, (b"%", b",", b"[", b"{"), 1_000_000
_MOST_PARTS, _MOST_BESIDE = 2000, 1024 * 1024


def check_site() -> None:
    """Refuse what a page of another site makes a browser send.

    Sec-Fetch-Site decides; where a browser sends none, as to a name over plain HTTP, the host of
    Origin must be the one that is called (https://web.dev/articles/fetch-metadata).

    :raises PermissionDenied: saying so
    """
    site = request.headers.get("Sec-Fetch-Site")
    if request.method in _SAFE:
        # It may link here; what it loads would tell by its time or its size what is found.
        if (site in ("cross-site", "same-site")
                and request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"):
            raise PermissionDenied("a page of another site may not use the console")
        return
    origin = request.headers.get("Origin")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        # What is no browser sends neither, and holds no cookie either.
        is_own = origin is None or origin.partition("://")[2] == request.host
    if not is_own:
        raise PermissionDenied("a page of another site may not use the console")


def check_form(most: int) -> None:
    """Refuse a form that would take very much to read, before it is read.

    :param most: how large one may be, in bytes; the service's own limit holds as well
    :raises TooLarge: when it has too many fields or values
    :raises werkzeug.exceptions.RequestEntityTooLarge: when it is too large
    """
    if request.method in _SAFE:
        return
    request.max_content_length = min(most, request.max_content_length or most)
    if request.mimetype == "multipart/form-data":
        request.max_form_parts, request.max_form_memory_size = _MOST_PARTS, _MOST_BESIDE
        return
    request.max_form_memory_size = most
    sent = request.get_data()
    if sent.count(b"&") >= _MOST_FIELDS:
        raise TooLarge(f"a form may have at most {_MOST_FIELDS:,} fields")
    if sum(map(sent.count, _MARKS)) > _MOST_MARKS:
        raise TooLarge("the form has more values than one may have: send them by a call, or in "
                       "parts")


def protect(response: Response) -> Response:
    """Say what the page may load, and that it is nobody else's."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
