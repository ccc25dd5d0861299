"""Calls that the service makes for a page, in the name of whoever asks to see it."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

from flexdb.api import bodies, consistency, http
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db.run import Runner
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError
from flexdb.plan import Outcome, Plan, Result
from flexdb.telemetry import watch


class Call(NamedTuple):
    """A call of an operation.

    :param method: its name
    :param params: by name; numbers that are to keep their digits are of documents.text
    """

    method: str
    params: dict[str, Any]


class PageCalls:
    """Makes the calls of one request, and remembers them.

    :raises Unauthenticated: when nobody who is known makes it, and anyone is not enough
    :raises RateLimited: when the caller has made as many calls as there may be
    """

    def __init__(self, settings: Settings, contexts: http.Contexts, runner: Runner) -> None:
        self.settings = settings
        self._contexts = contexts
        self.runner = runner
        # Pages show JSON as values, whatever form answers have elsewhere.
        self.context: Context = replace(contexts.current(), json_fields="value")
        self.made: list[Call] = []
        self.seconds = 0.0

    def one(self, method: str, /, **params: Any) -> Any:
        """Make a call and return its result, in which numbers are as they were written.

        :raises FlexdbError: what it was answered with
        """
        return self.all(Call(method, params))[0]

    def all(self, *calls: Call) -> list[Any]:
        """Make calls in one round trip and return their results.

        :raises FlexdbError: what the first was answered with that failed
        """
        told = self.outcomes(*calls)
        for one in told:
            if isinstance(one, FlexdbError):
                raise one
        return told

    def outcomes(self, *calls: Call, remembered: bool = True) -> list[Any]:
        """Make calls in one round trip and return the result or the error of each.

        :param remembered: whether they are told as what the page is made of
        """
        began = perf_counter()
        if remembered:
            self.made += calls
        tally = self._contexts.rates.tally(self.context.caller)
        planned: list[Plan | FlexdbError] = []
        watched = watch.current()
        for call in calls:
            watched.tenants.append("")
            planned.append(self._plan(call))
            if tally:
                tally.add()
        if tally:
            planned = [refused or one for one, refused in zip(planned, tally.refused())]
        plans = [one for one in planned if not isinstance(one, FlexdbError)]
        budget = self._contexts.budget()
        freshness = consistency.freshness((call.method, call.params) for call in calls)
        ran = iter(self.runner.run(plans, budget, self.context.caller.tenants, freshness)
                   if plans else [])
        told = [self._parsed(one if isinstance(one, FlexdbError) else next(ran))
                for one in planned]
        budget.release()
        watched.calls = watched.calls + [
            (call.method, one.reason if isinstance(one, FlexdbError) else "ok")
            for call, one in zip(calls, told)]
        self.seconds += perf_counter() - began
        return told

    def _plan(self, call: Call) -> Plan | FlexdbError:
        text = json_text.dump_exactly(call.params)
        try:
            params = bodies.parse_body(text, self.settings.max_depth)
            return OPERATIONS[call.method].plan(self.context, params, lambda: text)
        except FlexdbError as error:
            return error

    @staticmethod
    def _parsed(outcome: Outcome) -> Any:
        if not isinstance(outcome, Result):
            return outcome
        watch.current().rows += outcome.rows
        return json_text.parse_exactly(outcome.text) if outcome.text else None
