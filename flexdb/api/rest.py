"""REST: the same operations, reached by URL and verb."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.routing import BaseConverter

from flexdb import errors
from flexdb.api import bodies, consistency, http, idempotency, preconditions
from flexdb.api.listening import EVENTS, SINCE, WAIT, Listening, without_wait
from flexdb.api.routes import IN_URL, PATCHES, Route, routes, words_for_ids
from flexdb.config import Settings
from flexdb.context import Context, Precondition
from flexdb.contract.fields import Boolean, Integer
from flexdb.contract.objects import Items
from flexdb.contract.violations import NAME_LENGTH, UnknownName, with_hints
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, InvalidParams
from flexdb.plan import Budget, Outcome, Plan, Result
from flexdb.query.paging import PAGING, Pagination
from flexdb.telemetry import watch

# JSON that says no more of itself is a patch of either kind.
_A_PATCH = ((dict, list), "patch")
_PAGING_FIELDS = Pagination().fields
_WHOLE_NUMBER = re.compile(r"\A-?[0-9]{1,40}\Z", re.ASCII)


class _Segment(BaseConverter):
    """A part of a URL that names something: any but the words that end another URL there."""

    regex = f"(?!(?:{'|'.join(words_for_ids())})$)[^/]+"
    part_isolating = True


class _View:
    """Answer the requests of one route."""

    # Of which type an answer is.
    gives = http.JSON

    def __init__(self, route: Route, settings: Settings, contexts: http.Contexts, runner: Runner,
                 listening: Listening) -> None:
        self.route = route
        self.listening = listening
        self.settings = settings
        self.contexts = contexts
        self.runner = runner
        self.keys = idempotency.Keys(settings, runner)
        self.is_shown = route.is_shown
        self.pages = route.operation.gives.paged and not route.has_body
        self.in_query = {**route.operation.fields, **_PAGING_FIELDS}
        gone = {*route.in_url, "pagination", *(() if self.pages else PAGING)}
        # A stream waits for ever.
        gone |= {WAIT} if route.streams else set()
        # What may stand in the query.
        self.taken = [name for name in (route.in_query if route.has_body else self.in_query)
                      if name not in gone]

    def __call__(self, **in_url: str) -> Response:
        watch.current().method = self.route.operation.name
        if not http.accepts(request.headers.get("Accept", ""), self.gives):
            raise errors.NotAcceptable(
                f"the answer is {self.gives}, which the header Accept excludes")
        context = self.contexts.current()
        text = bodies.read_body(self.settings.max_body_bytes) if self.route.has_body else b"{}"
        params = self._query(in_url) | self._body(text, in_url) | in_url
        params, seconds = without_wait(self.route.operation, params)
        if self.route.verb == "PATCH":
            text = b'{"%b":%b}' % (PATCHES.get(request.mimetype, _A_PATCH)[1].encode(), text)
        asked = preconditions.precondition()
        if self.route.is_conditional and asked:
            context = replace(context, precondition=asked)
        named = [(self.route.operation.name, params)]
        freshness = consistency.freshness(named)
        keyed = self.keys.keyed(context.caller, named, text)
        if keyed and (refusal := keyed.refusal()):
            raise refusal
        try:
            plan = self.route.operation.plan(context, params, lambda: text)
        except InvalidParams as error:
            if not keyed:
                raise _in_rest_names(error) if self.pages else error from None
            plan = idempotency.refused(error)
        if self.route.verb == "POST" and asked:
            self._check_untagged(asked)
        if tally := self.contexts.rates.tally(context.caller):
            tally.add()
            if refused := tally.refused()[0]:
                raise refused
        budget = self.contexts.budget()
        if keyed:
            return self._once(keyed, plan, budget, context)
        result = self.runner.result(plan, budget, context.caller.tenants, freshness)
        response = self._listen(result, context, params, seconds) or self._respond(result, context)
        return http.hold_until_sent(budget, response) if budget.held else response

    def _once(self, keyed: idempotency.KeyedRequest, plan: Plan, budget: Budget, context: Context
              ) -> Response:
        """Answer a request that is done once."""
        def respond(outcomes: Sequence[Outcome]) -> Response:
            (outcome,) = outcomes
            return (http.error_response(outcome) if isinstance(outcome, FlexdbError)
                    else self._respond(outcome, context))

        try:
            outcomes = keyed.run([plan], budget,
                                 lambda outcomes: idempotency.reply_of(respond(outcomes)))
        except idempotency.Repeated as before:
            return before.response()
        response = respond(outcomes)
        return http.hold_until_sent(budget, response) if budget.held else response

    def _check_untagged(self, asked: Precondition) -> None:
        """Refuse a POST that is meant for a state, since what it is sent to has no tag.

        :raises PreconditionFailed: also where something is there, and nothing should be
        """
        if asked.only is not None:
            raise errors.PreconditionFailed(excluded=False)
        if self.is_shown and "*" in asked.never:
            raise errors.PreconditionFailed(excluded=True)

    def _listen(self, result: Result, context: Context, params: dict[str, Any], seconds: float
                ) -> Response | None:
        """Answer later, where that is asked for and there is nothing to tell yet."""
        return self.listening.wait(self.route.operation, context, params, result, seconds
                                   ) if seconds else None

    def _respond(self, result: Result, context: Context) -> Response:
        watch.current().rows = result.rows
        if not self.route.operation.gives.schema:
            return Response(status=204)
        response = Response(result.text, content_type=http.JSON)
        if result.tag is not None:
            preconditions.set_etag(response, result.tag, context.json_fields)
        if self.route.verb == "GET":
            if preconditions.is_excluded(response):
                raise errors.PreconditionFailed(excluded=False, version=result.version)
            if preconditions.is_known(response):
                response.status_code = 304
                response.set_data(b"")
                return response
        if self.route.creates and result.created:
            response.status_code = 201
            if result.id:
                response.headers["Location"] = f"{request.path}/{result.id}"
        return http.apply_preference(response)

    def _body(self, text: bytes, in_url: dict[str, str]) -> dict[str, Any]:
        if not self.route.has_body:
            return {}
        if not request.is_json:
            raise errors.UnsupportedMediaType(*PATCHES if self.route.verb == "PATCH" else ())
        body = bodies.parse_body(text, self.settings.max_depth)
        if self.route.verb == "PATCH":
            wanted, name = PATCHES.get(request.mimetype, _A_PATCH)
            if not isinstance(body, wanted):
                raise errors.InvalidRequest(f"the body is not {request.mimetype}")
            return {name: body}
        if not isinstance(body, dict):
            raise errors.InvalidRequest("the body must be a JSON object")
        if twice := body.keys() & in_url.keys():
            raise InvalidParams(fields={
                name: ["stands in the URL, not in the body"] for name in sorted(twice)})
        return body

    def _query(self, in_url: dict[str, str]) -> dict[str, Any]:
        """Return the parameters in the query; those of paging are one parameter over JSON-RPC."""
        found: dict[str, Any] = {}
        wrong: dict[str, list[str]] = {}
        for name, values in request.args.lists():
            field = self.in_query.get(name)
            value: str | int | list[str] = values[0]
            if isinstance(field, Items):
                # As OpenAPI has it, an array is a parameter that is repeated.
                value = values if any(values) else ""
            elif isinstance(field, Integer) and _WHOLE_NUMBER.match(values[0]):
                value = int(values[0])
            elif isinstance(field, Boolean) and values[0] in ("true", "false"):
                value = values[0] == "true"
            if name in in_url:
                wrong[name] = ["stands in the URL, not in the query"]
            elif len(values) > 1 and not isinstance(value, list):
                wrong[name[:NAME_LENGTH]] = ["may be given only once"]
            elif name not in self.taken:
                wrong[name[:NAME_LENGTH]] = [UnknownName(self.taken)]
            elif name in PAGING and self.pages:
                found.setdefault("pagination", {})[name] = value
            else:
                found[name] = value
        if wrong:
            raise InvalidParams(fields=with_hints(wrong))
        return found


class _Stream(_View):
    """Answer with a stream of events."""

    gives = EVENTS

    def _query(self, in_url: dict[str, str]) -> dict[str, Any]:
        """Return the parameters in the query; where the client was comes before where it began."""
        found = super()._query(in_url)
        place = request.headers.get("Last-Event-ID", "")
        return found | {SINCE: place} if place else found

    def _listen(self, result: Result, context: Context, params: dict[str, Any], seconds: float
                ) -> Response | None:
        return self.listening.stream(self.route.operation, context, params, result, self.route.id)


def _in_rest_names(error: InvalidParams) -> InvalidParams:
    """Name the parameters of paging as they stand in a query."""
    fields = error.data.get("fields", {})
    return InvalidParams(str(error).replace(" pagination.", " "), {
        name.removeprefix("pagination."): messages for name, messages in fields.items()})


def init_app(app: Flask, settings: Settings, contexts: http.Contexts, runner: Runner,
             listening: Listening) -> None:
    """Expose every operation under its URL; each kind of object has a blueprint."""
    app.url_map.converters["segment"] = _Segment
    for tag, of_tag in groupby(routes(), lambda route: route.tag):
        blueprint = Blueprint(f"rest-{tag.lower().replace(' ', '-')}", __name__)
        for route in of_tag:
            blueprint.add_url_rule(
                IN_URL.sub(r"<segment:\1>", route.url), endpoint=route.id,
                view_func=(_Stream if route.streams else _View)(
                    route, settings, contexts, runner, listening), methods=[route.verb])
        app.register_blueprint(blueprint)
