"""JSON-RPC 2.0 at ``POST /jsonrpc``, to the letter (https://www.jsonrpc.org/specification)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from itertools import groupby
from typing import Any

from flask import Blueprint, Flask, Response, after_this_request
from flask.blueprints import BlueprintSetupState

from flexdb import errors
from flexdb.access.callers import Caller
from flexdb.api import bodies, consistency, http, openrpc
from flexdb.api.environ import current_environ
from flexdb.api.idempotency import Keys, Repeated, Reply
from flexdb.api.listening import Listening, without_wait_of_call
from flexdb.api.messages import Body, Told, check_call, let_go, method_of, params_of, reply_to
from flexdb.api.sources import sources_of
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.locks import lock_of
from flexdb.contract.operation import OPERATIONS, Operation
from flexdb.db.run import Runner
from flexdb.errors.repeats import KeyReused
from flexdb.plan import Plan, Result, Statement, Steps
from flexdb.sql.locks import lock_statements
from flexdb.telemetry import watch

with sources_of("flask_jsonrpc"):
    from flask_jsonrpc.site import JSONRPCSite
    from flask_jsonrpc.views import JSONRPCView

PLANS = (Statement, Steps)
# A body of so many bytes is sent as one.
_JOINED = 1024 * 1024


class Site(JSONRPCSite):
    """The methods at one endpoint, which blueprints contribute.

    flask-jsonrpc's steps are overridden where they fall short of the specification: what is not a
    request object is told so, a notification is never answered, parameters are strict, and a batch
    is planned before it is run.
    """

    def __init__(self, settings: Settings, contexts: http.Contexts, runner: Runner,
                 listening: Listening) -> None:
        super().__init__(version="2.0", path=http.JSONRPC_PATH)
        # The library's own description; OpenRPC's is rpc.discover.
        del self.view_funcs["rpc.describe"]
        self.settings = settings
        self.contexts = contexts
        self.runner = runner
        self.keys = Keys(settings, runner)
        self.listening = listening

    def dispatch_request(self) -> tuple[list[bytes] | Response, int, dict[str, str]]:
        """Answer the current request with the parts of a body, a status and headers.

        A call that waits is answered with a response that goes on.

        :raises errors.FlexdbError: when the body as a whole cannot be read as JSON-RPC
        """
        if current_environ().get("CONTENT_TYPE") != http.JSON and not self.is_json:
            raise errors.UnsupportedMediaType()
        context = self.contexts.current()
        body = bodies.read_body(self.settings.max_body_bytes)
        try:
            parsed = self.to_json(body)
            batch = self._is_batch_request(parsed)
            if batch and not parsed:
                raise errors.InvalidRequest("a batch may not be empty")
            if batch and len(parsed) > self.settings.max_batch:
                raise errors.TooLarge(f"a batch may have at most {self.settings.max_batch} calls, "
                                      f"not {len(parsed)}")
        except errors.FlexdbError as error:
            watch.current().outcome = error.reason
            return reply_to(error, b"null"), 200, {}
        call, seconds = (parsed, 0) if batch else without_wait_of_call(parsed)
        parts = self.batch_dispatch(context, Body(body, call))
        later = self.listening.wait_in_call(context, call, seconds, parts) if seconds else None
        return later or parts, 200 if parts else 204, {}

    def to_json(self, request_data: bytes) -> Any:
        """Parse a body.

        :raises ParseError: when it is not JSON
        :raises InvalidRequest: when it is nested too deep
        """
        return bodies.parse_body(request_data, self.settings.max_depth)

    def batch_dispatch(self, context: Context, body: Body  # type: ignore[override]
                       ) -> list[bytes]:
        """Plan all calls, run what they ask for together, and return the parts of the answer.

        :raises Repeated: with the answer, when it was given before
        """
        budget = self.contexts.budget()
        named = [(method_of(call), params_of(call)) for call in body.calls]
        freshness = consistency.freshness(named)
        keyed = self.keys.keyed(context.caller, named, body.text)
        found: list[Plan | Told] = []
        tally = self.contexts.rates.tally(context.caller)
        watched = watch.current()
        for place, call in enumerate(body.calls):
            watched.tenants.append("")
            planned = self._plan(context, call, partial(body.params_text, place))
            if keyed:
                planned = keyed.planned(planned)
            # As text at once: what a refusal is made of weighs many times as much.
            found.append(planned if isinstance(planned, PLANS) else
                         body.told(place, budget.admit(planned)))
            del planned
            if tally:
                tally.add()
        refusals: list[errors.FlexdbError | None] = [*tally.refused()] if tally else []
        if keyed and (refusal := keyed.refusal(refusals)):
            refusals = [refusal] * len(found)
        for place, refused in enumerate(refusals):
            if refused and isinstance(found[place], PLANS):
                found[place] = body.told(place, budget.admit(refused))
        plans = [plan for plan in found if isinstance(plan, PLANS)]
        locks = _locks((call for call, plan in zip(body.calls, found) if isinstance(plan, PLANS)),
                       context.caller) if len(found) > 1 else []
        if keyed and plans:
            try:
                outcomes = keyed.run([*locks, *plans], budget, lambda outcomes: _reply(
                    body.joined(body.answers(found, outcomes[len(locks):]))))
            except (Repeated, KeyReused) as before:
                watched.calls = [(method, before.reason) for method, _ in named]
                raise
        else:
            outcomes = self.runner.run([*locks, *plans], budget, context.caller.tenants, freshness)
        if budget.held:
            after_this_request(partial(http.hold_until_sent, budget))
        del outcomes[:len(locks)]
        watched.rows = sum(one.rows for one in outcomes if isinstance(one, Result))
        told = body.answers(found, let_go(outcomes))
        watched.calls = [(method, one.outcome) for (method, _), one in zip(named, told)]
        return body.joined(told)

    def _plan(self, context: Context, call: Any, params_text: Callable[[], bytes]
              ) -> Plan | Result | errors.FlexdbError:
        try:
            self.validate(call)
            planned = self.dispatch(context, call, params_text)
            if not isinstance(planned, (*PLANS, Result)):
                raise TypeError(f"{call['method']} gave {type(planned)}, no statement")
            return planned
        except errors.FlexdbError as error:
            return error
        except Exception as error:
            return http.unforeseen(error)

    def validate(self, call: Any) -> bool:
        """Check that a call is a request object.

        :raises InvalidRequest: when it is none
        """
        check_call(call)
        return True

    def dispatch(self, context: Context, call: dict[str, Any],  # type: ignore[override]
                 params_text: Callable[[], bytes]) -> Plan | Result:
        """Return the statement that a call asks for, or the result where none is needed.

        :raises MethodNotFound: when there is no such method
        :raises InvalidParams: when a parameter is wrong
        """
        plan = self.view_funcs.get(call["method"])
        if plan is None:
            near = get_close_matches(call["method"][:64], self.view_funcs, n=1)
            raise errors.MethodNotFound(
                f"there is no such method: did you mean {near[0]}?" if near else None)
        params = call.get("params")
        planned: Plan | Result = plan(context, {} if params is None else params, params_text)
        return planned


def _reply(parts: list[bytes]) -> Reply:
    return Reply(200 if parts else 204, [("Content-Type", http.JSON)], parts)


def _locks(calls: Iterable[dict[str, Any]], caller: Caller) -> list[Statement]:
    """Return what locks the rows that calls of a batch will write, in one order."""
    found = (lock_of(OPERATIONS[call["method"]], call.get("params"), caller) for call in calls
             if call["method"] in OPERATIONS)
    return lock_statements(lock for lock in found if lock)


class View(JSONRPCView):
    """The endpoint; a request with another verb than POST never gets here."""

    jsonrpc_site: Site
    init_every_request = False

    def dispatch_request(self, **in_url: Any) -> Response:
        """Answer a POST; Flask's own way looks the verb up in each request."""
        return self.post()

    def post(self) -> Response:
        """Answer with the bytes that the site made."""
        try:
            parts, status, _ = self.jsonrpc_site.dispatch_request()
        except errors.FlexdbError as error:
            # As Flask's handler would, which has to be looked for.
            return http.error_response(error)
        except Repeated as before:
            return http.apply_preference(before.response())
        if isinstance(parts, Response):
            return parts
        if (size := sum(map(len, parts))) <= _JOINED:
            response: Response = http.CallsResponse(b"".join(parts), status, content_type=http.JSON)
        else:
            # A large answer has no copies that it does not need.
            response = Response(parts, status, content_type=http.JSON)
            response.content_length = size
        return http.apply_preference(response)


def _discover(context: Context, params: Any, params_text: Callable[[], bytes]) -> Result:
    if params:
        raise errors.InvalidParams("rpc.discover takes no parameters")
    return Result(openrpc.text(http.jsonrpc_url(), context.json_fields))


def _methods_of(kind: str, operations: Iterable[Operation], site: Site) -> Blueprint:
    """Return the blueprint of a kind of object, which contributes its methods to the site."""
    def contribute(state: BlueprintSetupState) -> None:
        for operation in operations:
            site.register(operation.name, operation.plan)

    blueprint = Blueprint(f"jsonrpc-{kind}", __name__)
    blueprint.record_once(contribute)
    return blueprint


def init_app(app: Flask, settings: Settings, contexts: http.Contexts, runner: Runner,
             listening: Listening) -> None:
    """Expose every operation as a JSON-RPC method, each kind of object by a blueprint."""
    site = Site(settings, contexts, runner, listening)
    endpoint = Blueprint("jsonrpc", __name__)
    endpoint.add_url_rule(http.JSONRPC_PATH, view_func=View.as_view("jsonrpc", jsonrpc_site=site))
    endpoint.record_once(lambda state: site.register("rpc.discover", _discover))
    app.register_blueprint(endpoint)
    for kind, operations in groupby(OPERATIONS.values(), lambda operation: operation.kind):
        app.register_blueprint(_methods_of(kind, operations, site))
