"""Versions as ETags, and the requests that ask for one (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request

from flexdb.config import JsonFields
from flexdb.errors import InvalidParams

_VERSION = re.compile(r"\A([0-9]{1,18})(?:-s)?\Z", re.ASCII)
# A tag that is none of ours matches no version; the error then tells the one that is there.
_NEVER = 2**62


def set_etag(response: Response, version: int, fields: JsonFields) -> None:
    """Give a response the ETag of a version, in one of the forms that JSON columns can have."""
    response.set_etag(f"{version}-s" if fields == "string" else str(version))
    response.vary.add("Prefer")


def is_known(response: Response) -> bool:
    """Tell whether the client says that it has what the response would give it."""
    tag, _ = response.get_etag()
    return bool(request.if_none_match and tag and request.if_none_match.contains_weak(tag))


def asked_version(params: dict[str, Any]) -> dict[str, int]:
    """Return the version that ``If-Match`` asks for, as a parameter, where it asks for one.

    :param params: the request's other parameters
    :raises InvalidParams: when it asks for several, or for another than the parameter ``version``
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return {}
    tags = [*request.if_match.as_set(include_weak=True)]
    found = _VERSION.match(tags[0]) if tags and request.if_match.is_strong(tags[0]) else None
    version = int(found.group(1)) if found else _NEVER
    if len(tags) > 1 or params.get("version", version) != version:
        wrong = "must be one ETag, and the same as the parameter version where that is given too"
        raise InvalidParams(fields={"If-Match": [wrong]})
    return {"version": version}
