"""What a page says of what was done before it, once; and how that is undone."""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson
from flask import Response, request
from werkzeug.utils import redirect

from flexdb.web.console.words import cut

_COOKIE, _PATH, _MOST_SECONDS = "flexdb_message", "/console", 60
# How much is said, in characters; and in all, in bytes, each of which is two digits: browsers keep
# no cookie of more than 4,096 (RFC 6265, section 6.1).
_MOST_TEXT, _MOST_BYTES = 300, 1900

# What undoes something: nothing that deletes hides behind such a button.
_UNDOES = re.compile(rf"{_PATH}/t/[\w/-]+/(?:restore|revert|status|role)", re.ASCII)


class Message(NamedTuple):
    """One sentence, and what a button beside it does.

    :param text: what was done
    :param undo: the URL below ``/console`` that a POST is sent to; "" where there is none
    :param fields: what that POST says
    """

    text: str
    undo: str = ""
    fields: dict[str, str] = {}  # noqa: RUF012 (never changed)


def redirect_to(url: str) -> Response:
    """Lead to another page (303, RFC 9110, section 15.4.4)."""
    response: Response = redirect(url, 303, Response)  # type: ignore[assignment]
    return response


def redirect_with(url: str, message: Message | str) -> Response:
    """Lead to a page that says what was done."""
    told = Message(message) if isinstance(message, str) else message
    told = told._replace(text=cut(told.text, _MOST_TEXT))
    written = orjson.dumps(list(told))
    if len(written) > _MOST_BYTES:
        written = orjson.dumps([told.text, "", {}])
    response = redirect_to(url)
    response.set_cookie(_COOKIE, written.hex(), max_age=_MOST_SECONDS, path=_PATH,
                        httponly=True, samesite="Strict", secure=request.is_secure)
    return response


def current() -> Message | None:
    """Return the message that came with the request, unless it is none of ours."""
    try:
        text, undo, fields = orjson.loads(bytes.fromhex(request.cookies.get(_COOKIE, "")))
    except ValueError:
        return None
    # A cookie can be set by whoever has a name beside this one.
    if not (isinstance(text, str) and isinstance(undo, str) and isinstance(fields, dict)
            and (not undo or _UNDOES.fullmatch(undo))):
        return None
    return Message(text, undo, fields)


def forget(response: Response) -> None:
    """Say it no more."""
    response.delete_cookie(_COOKIE, path=_PATH)
