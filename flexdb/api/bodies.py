"""Bodies of requests: how they arrive, are unpacked and parsed, and how large they may be."""

from __future__ import annotations

import logging
import zlib
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from flexdb import errors
from flexdb.api.environ import current_environ
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError
from flexdb.telemetry import watch

logger = logging.getLogger(__name__)

# How much of a gzip body is unpacked at once, in bytes, and how many members it may have: each
# costs something, however little it unpacks to.
_PIECE, _MOST_MEMBERS = 65536, 1000
# How many bytes of a body that nobody wants are read past.
_SMALL = 65536
# From how many bytes on it is looked at what a body takes when it is parsed, and how much that may
# be; what the marks of JSON stand for: a value, an object, an array, and half of a string.
_LARGE, _MOST_PARSED = 1024 * 1024, 160 * 1024 * 1024
_MARKS = {b",": 32, b"{": 100, b"[": 70, b'"': 30}


def read_body(limit: int) -> bytes:
    """Read the current request's body.

    :param limit: the most bytes
    :raises TooLarge: when there are more
    :raises InvalidRequest: when they do not arrive
    """
    environ = current_environ()
    length = environ.get("CONTENT_LENGTH") or ""
    known = length.isdecimal() and "HTTP_TRANSFER_ENCODING" not in environ
    if known and int(length) > limit:
        raise errors.TooLarge(f"the body may have at most {limit} bytes")
    try:
        # Of a known length it needs none of the layers that werkzeug puts around it.
        body: bytes = (environ["wsgi.input"].read(int(length)) if known
                       else request.get_data())
    except HTTPException:
        raise
    except Exception as error:
        # gunicorn's own errors get here, as of a malformed chunk; they quote it.
        logger.info("a body could not be read: %s", type(error).__name__)
        raise errors.InvalidRequest("the body could not be read") from error
    if len(body) > limit:
        raise errors.TooLarge(f"the body may have at most {limit} bytes")
    if known and len(body) < int(length):
        raise errors.InvalidRequest("the body ended before its Content-Length")
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    return _decoded(body, encoding, limit) if encoding else body


def leave_unread() -> None:
    """Have the connection end with the answer, where it would take long to read past the body."""
    environ = current_environ()
    length = environ.get("CONTENT_LENGTH") or "0"
    if ("HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal()
            or int(length) > _SMALL):
        watch.current().must_close = True


def _decoded(body: bytes, asked: str, limit: int) -> bytes:
    """Return a body without its encoding (RFC 9110, section 8.4).

    :param asked: what it is encoded in, as its header says

    :raises UnsupportedEncoding: when that is another than gzip
    :raises TooLarge: when more comes out than there may be
    :raises InvalidRequest: when it is broken off or none
    """
    encodings = {word.strip().lower() for word in asked.split(",")} - {"", "identity"}
    if not encodings:
        return body
    if asked.count("gzip") > 1 or not encodings <= {"gzip", "x-gzip"}:
        raise errors.UnsupportedEncoding()
    try:
        return _unzipped(memoryview(body), limit)
    except zlib.error:
        raise errors.InvalidRequest("the body is no gzip file") from None


def _unzipped(zipped: memoryview, limit: int) -> bytes:
    """Unpack gzip, in which one member may follow another (RFC 1952, section 2.2)."""
    parts: list[bytes] = []
    size = members = read = 0
    while read < len(zipped):
        members += 1
        if members > _MOST_MEMBERS:
            raise errors.InvalidRequest(f"the body may have at most {_MOST_MEMBERS} gzip members")
        member = zlib.decompressobj(wbits=31)
        # What follows a member is copied, so no more is given to it at once than it may need.
        while not member.eof and read < len(zipped):
            given = zipped[read:read + _PIECE]
            parts.append(member.decompress(given, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise errors.TooLarge(f"the body may have at most {limit} bytes, unpacked")
            read += len(given) - len(member.unused_data)
        if not member.eof:
            raise errors.InvalidRequest("the body is a gzip file that is broken off")
    return b"".join(parts)


def _parsed_bytes(text: bytes) -> int:
    """Return how much memory the values of JSON text take, parsed, as far as its marks tell."""
    return sum(text.count(mark) * size for mark, size in _MARKS.items())


def parse_body(text: bytes, max_depth: int) -> Any:
    """Parse a request's body.

    :raises ParseError: when it is not JSON
    :raises InvalidRequest: when it is nested deeper than max_depth
    :raises TooLarge: when it has so many values that they would fill the memory
    """
    if len(text) > _LARGE and _parsed_bytes(text) > _MOST_PARSED:
        raise errors.TooLarge("the body has more values than one may have: send them in parts")
    fault: FlexdbError | None = None
    try:
        parsed = json_text.parse(text)
    except ValueError as error:
        fault = errors.ParseError(f"the body is not JSON: {error}")
    # What is nested far too deep, the parser refuses as if it were not JSON.
    if json_text.depth(text, max_depth) > max_depth:
        fault = errors.InvalidRequest(f"JSON may be nested at most {max_depth} deep")
    if fault:
        raise fault
    return parsed
