"""Answers that come later: streams of changes, and calls that wait for the first one.

The thread of the request looks at all that can be refused, reads the first page and sends the
headers. Then the hub has the socket, and the thread is free.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Response

from flexdb.api import http
from flexdb.api.callers import Callers
from flexdb.api.environ import current_environ
from flexdb.api.messages import method_of, reply_to
from flexdb.changes.handover import HandedOver
from flexdb.changes.hub import Hub
from flexdb.changes.listeners import Listener, Stream, Waiter
from flexdb.changes.questions import Page, Question
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.callers import check_caller
from flexdb.contract.operation import OPERATIONS, Loaded, Operation
from flexdb.db.run import Runner
from flexdb.documents import text as json_text
from flexdb.errors import Aborted
from flexdb.plan import Result
from flexdb.query.changes import MOST_WAIT
from flexdb.telemetry import watch

EVENTS = "text/event-stream"
# After how long a client comes back, in ms; drawn, so that not all come at once.
_RETRY = (1000, 5000)
# The parameters that say from where on a list of changes goes, and for how long to wait for more.
SINCE, WAIT = "since", "wait"


class Listening:
    """Opens streams, and lets calls wait.

    :param settings: say how often a stream says its position
    :param runner: reads what changed
    :param callers: finds out who still may
    :param hub: has all who listen
    """

    def __init__(self, settings: Settings, runner: Runner, callers: Callers, hub: Hub) -> None:
        self._heartbeat = settings.heartbeat
        self._runner, self._callers, self._hub = runner, callers, hub

    def stream(self, operation: Operation, context: Context, params: Loaded, result: Result,
               name: str) -> Response:
        """Answer with the events of a list of changes.

        :param params: its parameters by name
        :param result: its first page
        :param name: by which the log knows it
        :raises Overloaded: when there are too many
        """
        page, question = Page(result.text), self._question(operation, context, params)
        if not params.get(SINCE):
            page = question.behind(page)
        opened = Stream(*self._listener(question, context, page, name), heartbeat=self._heartbeat)
        first = b"retry: %d\n\n" % random.randint(*_RETRY) + opened.place(
            params.get(SINCE) or page.position)
        response = self._response(opened, page, first, EVENTS)
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Cache-Control"] = "no-store"
        return response

    def wait(self, operation: Operation, context: Context, params: Loaded, result: Result,
             seconds: float, reply: Callable[[bytes], bytes] = bytes) -> Response | None:
        """Answer when something changes; None where something has.

        :param seconds: how long at most
        :param reply: makes the answer's body of a result's text
        :raises Overloaded: when too many wait
        """
        page = Page(result.text)
        if page.count or page.more:
            return None
        question = self._question(operation, context, params)
        waiter = Waiter(*self._listener(question, context, page, operation.name),
                        until=time.monotonic() + seconds, reply=reply, nothing=result.text)
        return self._response(waiter, page, b"", http.JSON)

    def wait_in_call(self, context: Context, call: Loaded, seconds: float, reply: list[bytes]
                     ) -> Response | None:
        """Answer a call of JSON-RPC when something changes; None where its reply is to be given.

        :param call: without its time to wait
        :param reply: the parts of what is answered as long as nothing changes
        :raises Overloaded: when too many wait
        """
        found = json_text.members(b"".join(reply))
        if "result" not in found:
            return None
        return self.wait(OPERATIONS[call["method"]], context, call["params"],
                         Result(bytes(found["result"])), seconds,
                         lambda text: b"".join(reply_to(Result(text), bytes(found["id"]))))

    def _question(self, operation: Operation, context: Context, params: Loaded) -> Question:
        return Question(operation, context, {key: value for key, value in params.items()
                                             if key not in (SINCE, WAIT)}, self._runner)

    def _listener(self, question: Question, context: Context, page: Page, name: str
                  ) -> tuple[Any, ...]:
        credential = current_environ().get("HTTP_AUTHORIZATION", "")
        watched = watch.current()
        told: dict[str, object] = {"method": name, "outcome": "ended",
                                   "request_id": watched.request_id}
        if watched.caller:
            told["caller"] = watched.caller
        return (question, page.position, credential,
                partial(self._check, question, context, credential),
                told | {"tenant": question.tenant})

    def _check(self, question: Question, context: Context, credential: str) -> None:
        """Refuse who may listen no longer.

        :raises FlexdbError: saying why
        """
        caller = self._callers.of(credential)
        if caller != context.caller:
            check_caller(question.operation, question.params, caller)
            raise Aborted("what the caller may do has changed: ask again")

    def _response(self, listener: Listener, page: Page, first: bytes, content_type: str
                  ) -> Response:
        self._hub.places[listener.name].enter(listener.question.tenant)
        watch.current().must_close = True
        protocol = current_environ().get("SERVER_PROTOCOL", "")
        takes = self._hub.takes_sockets and protocol in ("HTTP/1.0", "HTTP/1.1")
        listener.is_chunked = takes and protocol == "HTTP/1.1"
        body = _Body(self._hub, listener, page, first, takes)
        return http.apply_preference(Response(body, content_type=content_type))


class _Body:
    """What an answer begins with; behind it the socket is the hub's.

    :param takes: whether the server gives it away; else this thread passes on what the hub says
    """

    def __init__(self, hub: Hub, listener: Listener, page: Page, first: bytes, takes: bool) -> None:
        self._take = partial(hub.take, listener, page)
        self._leave = partial(hub.places[listener.name].leave, listener.question.tenant)
        self._first, self._is_given_away = first, takes
        self._is_taken = False

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        self._is_taken = True
        if self._is_given_away:
            raise HandedOver(self._take)
        here, there = socket.socketpair()
        with here:
            self._take(there)
            yield from iter(partial(here.recv, 65536), b"")

    def close(self) -> None:
        """Give the place back, where nobody came to have it."""
        if not self._is_taken:
            self._is_taken = True
            self._leave()


def without_wait(operation: Operation, params: Any) -> tuple[Any, float]:
    """Take the time to wait out of the parameters of a call that may wait, being alone.

    What is no such time stays, and is refused with the parameters.

    :return: the parameters, and the time in seconds
    """
    if WAIT not in operation.fields or not params:
        return params, 0
    by_name = dict(zip(operation.fields, params)) if isinstance(params, list) else params
    if len(by_name) < len(params):
        return params, 0
    seconds = by_name.get(WAIT)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not (
            0 < seconds <= MOST_WAIT and seconds == int(seconds)):
        return params, 0
    return {name: value for name, value in by_name.items() if name != WAIT}, seconds


def without_wait_of_call(call: Any) -> tuple[Any, float]:
    """Take the time to wait out of a call of JSON-RPC, as :func:`without_wait` does."""
    called = OPERATIONS.get(method_of(call))
    # A call that is not answered has nothing to wait for.
    if called is None or "id" not in call or not isinstance(call.get("params"), (dict, list)):
        return call, 0
    params, seconds = without_wait(called, call["params"])
    return call | {"params": params} if seconds else call, seconds
