"""What a client gets whose request did not get as far as the app: an error object too."""

from __future__ import annotations

import logging
from http import HTTPStatus

import orjson
from gunicorn.http import errors

from flexdb.errors import FlexdbError, Internal, InvalidRequest, TooLarge

logger = logging.getLogger(__name__)

_STATUS: dict[type[Exception], int] = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
    errors.ExpectationFailed: 417,
}


def refusal(exc: Exception, request_id: str) -> bytes:
    """Return the whole answer to a request that gunicorn could not read, and log why.

    :param exc: what gunicorn raised
    :param request_id: by which the client finds the line in the log
    """
    error: FlexdbError
    if isinstance(exc, errors.ParseException):
        status = _STATUS.get(type(exc), 400)
        error = TooLarge() if status in (414, 431) else InvalidRequest("not an HTTP request")
        # Its message quotes the request, which may hold what no log should.
        logger.info("Invalid request: %s", type(exc).__name__)
    else:
        error, status = Internal(), 500
        logger.error("error_id %s: a request failed", error.data["error_id"], exc_info=exc)
    body = orjson.dumps({"jsonrpc": "2.0", "error": error.to_json(), "id": None})
    head = (f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-ID: {request_id}\r\n\r\n")
    return head.encode() + body
