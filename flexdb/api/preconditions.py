"""States of objects as ETags, and requests that ask for one (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import re

from flask import Response, request
from werkzeug.datastructures import ETags

from flexdb.api.environ import current_environ
from flexdb.config import JsonFields
from flexdb.context import Precondition

# What an answer gave, in one of the two forms that JSON columns can have.
_OURS = re.compile(r"\A((?:[0-9]{1,19}-)?[0-9a-f]{1,16})(?:-s)?\Z", re.ASCII)


def set_etag(response: Response, tag: str, fields: JsonFields) -> None:
    """Give a response the ETag of an object, in the form that its JSON columns have."""
    response.set_etag(f"{tag}-s" if fields == "string" else tag)
    response.vary.add("Prefer")


def precondition() -> Precondition | None:
    """Return which states of its target the current request is meant for; None for any.

    A tag that is none of ours, or a weak one in ``If-Match``, matches no state (section 13.1.1).
    """
    # An absent If-Match is as good as "*": whether anything is there, each change looks itself.
    only = request.if_match if "HTTP_IF_MATCH" in current_environ() else ETags(star_tag=True)
    never = request.if_none_match
    if only.star_tag and not never:
        return None
    return Precondition(None if only.star_tag else _ours(only.as_set()),
                        ("*",) if never.star_tag else _ours(never.as_set(include_weak=True)))


def _ours(tags: set[str]) -> tuple[str, ...]:
    return tuple(found[1] for tag in sorted(tags) if (found := _OURS.match(tag)))


def is_excluded(response: Response) -> bool:
    """Tell whether a GET is meant for other states than the one that a response shows."""
    tag, _ = response.get_etag()
    return "HTTP_IF_MATCH" in current_environ() and not (
        request.if_match.star_tag or (tag and request.if_match.is_strong(tag)))


def is_known(response: Response) -> bool:
    """Tell whether a client says of a GET that it has what a response would give it."""
    tag, _ = response.get_etag()
    known = request.if_none_match
    return known.star_tag or bool(tag and known.contains_weak(tag))
