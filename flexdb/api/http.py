"""What every door has in common: the form of errors and the preferences of a request."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, cast, get_args

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from flexdb import errors
from flexdb.access.callers import ANYONE
from flexdb.access.limits import OwnLimitsOf, as_settings
from flexdb.access.sealing import Seals
from flexdb.api import bodies
from flexdb.api.callers import Callers
from flexdb.api.environ import current_environ
from flexdb.api.rates import Rates
from flexdb.config import JsonFields, Settings
from flexdb.context import Context, Limits
from flexdb.documents.schemas import SchemaCache
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Room
from flexdb.telemetry import watch

logger = logging.getLogger(__name__)

JSONRPC_PATH = "/jsonrpc"
JSON = "application/json"
_BY_STATUS: dict[int, type[FlexdbError]] = {
    404: errors.MethodNotFound, 405: errors.VerbNotAllowed, 413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}


class CallsResponse(Response):
    """The answer to calls, whose headers and body are as they are to be sent."""

    def get_wsgi_response(self, environ: dict[str, Any]
                          ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return the body, the status and the headers, in which nothing is to be mended."""
        if self._on_close or self.status_code != 200:
            return super().get_wsgi_response(environ)
        return cast(list[bytes], self.response), self.status, [*self.headers]


class Contexts:
    """Makes the context of each request.

    :param schemas: the compiled schemas that the app keeps
    :param callers: finds out who calls
    :param rates: counts the calls
    :param own_limits: gives the limits of a tenant's own
    """

    def __init__(self, settings: Settings, schemas: SchemaCache, callers: Callers, rates: Rates,
                 own_limits: OwnLimitsOf = as_settings) -> None:
        self._callers = callers
        self.rates = rates
        self._usual = settings.json_fields
        seal = Seals(settings.secret_key).seal
        self._by_form: dict[JsonFields, Context] = {
            form: Context(Limits.of(settings), form, ANYONE, schemas, settings.enforce_schemas,
                          None, _request_id, own_limits, seal)
            for form in get_args(JsonFields)}
        self._room = Room(settings.max_answer_bytes, settings.db_pool_timeout)
        self._most = settings.max_answer_bytes

    def budget(self) -> Budget:
        """Return how much the answer to a request may weigh, beside those to others."""
        return Budget(self._most, self._room)

    def current(self) -> Context:
        """Return the context of the current request, of which nothing else need be read.

        :raises Unauthenticated: when nobody who is known makes it, and anyone is not enough
        :raises RateLimited: when the caller has made as many calls as there may be
        """
        try:
            caller = self._callers.current()
            self.rates.enter(caller)
        except FlexdbError:
            bodies.leave_unread()
            raise
        context = self._by_form[_preferred(current_environ()) or self._usual]
        if caller is ANYONE:
            return context
        return Context(context.limits, context.json_fields, caller, context.schemas,
                       context.enforce_schemas, None, _request_id, context.own_limits,
                       context.seal)


def _request_id() -> str:
    return watch.current().request_id


def _preferred(environ: dict[str, Any]) -> JsonFields | None:
    """Return the form in which a request wants JSON columns back (``Prefer``, RFC 7240)."""
    asked = environ.get("HTTP_PREFER")
    for preference in asked.split(",") if asked else ():
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "json-fields":
            wanted = value.strip().strip('"').lower()
            if wanted == "string" or wanted == "value":
                return "string" if wanted == "string" else "value"
    return None


def jsonrpc_url() -> str:
    """Return the URL of JSON-RPC, as the current request reaches the service."""
    return request.host_url.rstrip("/") + JSONRPC_PATH


def accepts(accept: str, given: str = JSON) -> bool:
    """Tell whether a header Accept lets an answer be of a type (RFC 9110, section 12.5.1).

    Parameters of a media range other than its weight choose among forms of it, of which there
    is one; the most specific range that fits counts.
    """
    ranges = ("*/*", f"{given.partition('/')[0]}/*", given)
    best: tuple[int, bool] = (-1, not accept.strip())
    for part in accept.split(","):
        media_range, *parameters = (word.strip().lower() for word in part.split(";"))
        rank = ranges.index(media_range) if media_range in ranges else -1
        weights = [value for name, _, value in (one.partition("=") for one in parameters)
                   if name.strip() == "q"]
        wanted = not weights or bool(weights[0].strip("0. "))
        if rank >= 0:
            best = max(best, (rank, wanted))
    return best[1]


def apply_preference(response: Response) -> Response:
    """Say in the response which preference was followed, and that it is one caller's."""
    varies = []
    environ = current_environ()
    # Of other verbs no cache keeps an answer that does not ask for it (RFC 9110, section 9.2.3).
    if "HTTP_AUTHORIZATION" in environ and environ["REQUEST_METHOD"] == "GET":
        varies.append("Authorization")
        response.headers["Cache-Control"] = (
            "private, no-cache" if "ETag" in response.headers else "private, no-store")
    if fields := _preferred(environ):
        response.headers["Preference-Applied"] = f"json-fields={fields}"
        varies.append("Prefer")
    if varies:
        response.headers["Vary"] = ", ".join([*response.headers.getlist("Vary"), *varies])
    return response


def hold_until_sent(budget: Budget, response: Response) -> Response:
    """Let an answer have its room until it is sent, or given up."""
    response.call_on_close(budget.release)
    return response


def unforeseen(error: BaseException) -> errors.Internal:
    """Log an error that is ours with its traceback, and return what the caller may know of it."""
    told = errors.Internal()
    logger.error("error_id %s: %s %s failed", told.data["error_id"], request.method,
                 watch.current().method or request.endpoint, exc_info=error)
    return told


def error_response(error: FlexdbError) -> Response:
    """Return an error that is the whole answer, in the form of the door it came through."""
    watch.current().outcome = error.reason
    body: dict[str, object] = {"error": error.to_json()}
    environ = current_environ()
    if environ["PATH_INFO"] == JSONRPC_PATH:
        body = {"jsonrpc": "2.0", **body, "id": None}
    response = Response(orjson.dumps(body), error.status, content_type=JSON)
    # What would be read (RFC 9110, section 15.5.16; RFC 5789, section 2.2).
    if isinstance(error, errors.UnsupportedEncoding):
        response.headers["Accept-Encoding"] = "gzip"
    if isinstance(error, errors.UnsupportedMediaType):
        response.headers["Accept"] = ", ".join(error.accepted)
        if environ["REQUEST_METHOD"] == "PATCH":
            response.headers["Accept-Patch"] = ", ".join(error.accepted)
    if isinstance(error, errors.Unauthenticated):
        # RFC 6750, section 3
        response.headers["WWW-Authenticate"] = 'Bearer realm="flexdb"' + (
            ', error="invalid_token"' if error.sent else "")
    elif isinstance(error, errors.PermissionDenied):
        response.headers["WWW-Authenticate"] = 'Bearer realm="flexdb", error="insufficient_scope"'
    if retry_after := error.data.get("retry_after"):
        response.headers["Retry-After"] = str(retry_after)
    return response


def error_of(error: HTTPException) -> FlexdbError:
    """Return the error of ours that says what one of Flask's does."""
    kind = _BY_STATUS.get(error.code or 500)
    if kind is None:
        kind = errors.InvalidRequest if (error.code or 500) < 500 else None
    if kind is errors.MethodNotFound:
        return errors.MethodNotFound("there is nothing at this URL")
    return kind() if kind else unforeseen(error)


def _on_http_error(error: HTTPException) -> Response:
    response = error_response(error_of(error))
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def without_html(response: Response) -> Response:
    """Take Flask's default type from an answer that has no body."""
    if (response.headers.get("Content-Type", "").startswith("text/html")
            and not response.content_length):
        response.headers.pop("Content-Type", None)
        response.status_code = 204
    return response


def init_app(app: Flask) -> None:
    """Make every error that Flask would answer in HTML a JSON one."""
    app.after_request(without_html)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(FlexdbError, error_response)
    app.register_error_handler(Exception, lambda error: error_response(unforeseen(error)))
