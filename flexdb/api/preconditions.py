"""States of objects as ETags, and requests that ask for one (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import re
from dataclasses import replace

from flask import Response, request

from flexdb.config import JsonFields
from flexdb.context import Context, Precondition
from flexdb.errors import InvalidParams, PreconditionFailed

# What an answer gave, in one of the two forms that JSON columns can have.
_OURS = re.compile(r"\A([0-9]{1,19}-[0-9]{1,19})(?:-s)?\Z", re.ASCII)


def set_etag(response: Response, tag: str, fields: JsonFields) -> None:
    """Give a response the ETag of an object, in the form that its JSON columns have."""
    response.set_etag(f"{tag}-s" if fields == "string" else tag)
    response.vary.add("Prefer")


def is_known(response: Response) -> bool:
    """Tell whether the client says that it has what the response would give it."""
    tag, _ = response.get_etag()
    return bool(request.if_none_match and tag and request.if_none_match.contains_weak(tag))


def with_precondition(context: Context, has_tags: bool) -> Context:
    """Return the context of a change that the request makes depend on the object's state.

    A tag that is none of ours, or a weak one in ``If-Match``, matches no state (section 13.1.1);
    the error then tells the version that is there.

    :param has_tags: whether the object has ETags at all
    :raises PreconditionFailed: when it has none, and the request asks for one
    :raises InvalidParams: when the request has both headers
    """
    match, none_match = "If-Match" in request.headers, "If-None-Match" in request.headers
    if match and none_match:
        raise InvalidParams(fields={"If-None-Match": ["may not stand beside If-Match"]})
    if not (match or none_match):
        return context
    asked = request.if_match if match else request.if_none_match
    if asked.star_tag:
        # There is something, or the answer is that there is not.
        return context if match else _wanting(context, has_tags, Precondition(()))
    tags = tuple(found[1] for tag in asked.as_set(include_weak=none_match)
                 if (found := _OURS.match(tag)))
    return _wanting(context, has_tags, Precondition(tags, unless=none_match))


def _wanting(context: Context, has_tags: bool, precondition: Precondition) -> Context:
    if has_tags:
        return replace(context, precondition=precondition)
    if precondition.unless:
        return context
    raise PreconditionFailed()
