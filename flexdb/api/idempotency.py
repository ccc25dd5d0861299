"""Requests with a key of their own: each is done once, however often it comes, and answered alike.

draft-ietf-httpapi-idempotency-key-header-07: the key stands in the header ``Idempotency-Key``, and
counts for each caller and tenant by itself. What was answered is kept in the transaction that did
it, so it is there exactly when that was done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from flask import Response

from flexdb import errors
from flexdb.access.callers import Caller
from flexdb.api.environ import current_environ
from flexdb.config import Settings
from flexdb.contract.callers import check_caller, tenants_of
from flexdb.contract.operation import OPERATIONS, READS, Operation
from flexdb.db.once import DoneBefore, IdempotencyKey, Once, Together
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, NotFound, PermissionDenied
from flexdb.errors.repeats import KeyReused
from flexdb.plan import Budget, Outcome, Plan, Result, Row, Statement, Steps, Walk
from flexdb.sql.loader import STATEMENTS

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
# How large an answer may be that is kept, in bytes.
MOST_KEPT = 1024 * 1024
# A string of RFC 8941 (section 3.3.3), and what may stand in one.
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"')
_KEY = re.compile(r"[!-~]{1,255}")
_NIL = "00000000-0000-0000-0000-000000000000"
# What else makes two requests with the same body different ones.
_TELLING = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "HTTP_PREFER",
            "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
# What keeps the answers of several takes, and what of that keeps one.
_OF_ALL = {"callers": "caller", "keys": "key", "fingerprints": "fingerprint",
           "statuses": "status", "headers": "headers", "replies": "reply"}
# The operation that a call names, and its parameters as they came.
Call = tuple[Operation, Any]


class Reply(NamedTuple):
    """An answer as it is sent, but for what each request is told anew.

    :param body: its parts
    """

    status: int
    headers: list[tuple[str, str]]
    body: list[bytes]


class Repeated(Exception):
    """The request was answered before.

    :param reply: the answer
    """

    # How the calls that it asked for ended, by all that is told of it.
    reason = "ok"

    def __init__(self, reply: Reply) -> None:
        super().__init__("the request was answered before")
        self.reply = reply

    def response(self) -> Response:
        """Return the answer, which says that it was given before."""
        return Response(b"".join(self.reply.body), self.reply.status,
                        [*self.reply.headers, (REPLAYED, "true")])


class KeyedRequest:
    """A request that is done once.

    :param runner: does it
    :param caller: who makes it
    :param hours: for how long its answer is kept
    :param key: its key
    :param calls: what it asks for
    :param body: as it came
    """

    def __init__(self, runner: Runner, caller: Caller, hours: int, key: str, calls: Sequence[Call],
                 body: bytes) -> None:
        self._runner = runner
        self._caller = caller
        self._calls = calls
        self._refusal: FlexdbError | None = None
        tenants = {tenant for called, params in calls
                   for tenant in tenants_of(called, params, caller)}
        self._key = IdempotencyKey(tenants.pop() if len(tenants) == 1 else _NIL, caller.name, key)
        self._named = {**self._key._asdict(), "hours": hours}
        environ = current_environ()
        telling = orjson.dumps([environ.get(name, "") for name in _TELLING])
        self._fingerprint = sha256(telling + body).digest()

    def planned(self, found: Plan | Result | FlexdbError) -> Plan | Result | FlexdbError:
        """Return what planning a call gave; in place of an error what stands for it.

        The same call may have been done before, when there was no reason to refuse it.
        """
        if not isinstance(found, FlexdbError):
            return found
        if isinstance(found, (PermissionDenied, NotFound)):
            self._refusal = self._refusal or found
            return found
        return refused(found)

    def refusal(self, others: Iterable[FlexdbError | None] = ()) -> FlexdbError | None:
        """Return why nothing may be done, and nothing told that was; None where all may.

        :param others: why each call is not to be done
        """
        try:
            for called, params in self._calls:
                check_caller(called, params, self._caller)
        except FlexdbError as error:
            return error
        return self._refusal or next(filter(None, others), None)

    def run(self, plans: Sequence[Plan], budget: Budget,
            reply_of: Callable[[Sequence[Outcome]], Reply]) -> list[Outcome]:
        """Run what it asks for in one transaction, and keep the answer in it.

        :param reply_of: makes the answer of the outcomes
        :raises Repeated: with the answer, when it was done before
        :raises KeyReused: when its key is that of another request, or the answer was not kept
        """
        once = Once(self._key,
                    [Statement(STATEMENTS["value"][name], self._named)
                     for name in ("take_key", "get_reply")],
                    partial(self._keep, reply_of), Together(_take_all, _keep_all))
        try:
            return self._runner.run_once(plans, budget, self._caller.tenants, once)
        except DoneBefore as before:
            raise self._told(before.row) from None

    def _keep(self, reply_of: Callable[[Sequence[Outcome]], Reply], outcomes: Sequence[Outcome]
              ) -> Statement:
        reply = reply_of(outcomes)
        is_kept = sum(map(len, reply.body)) <= MOST_KEPT and not any(
            isinstance(outcome, Result) and outcome.secret for outcome in outcomes)
        return Statement(STATEMENTS["value"]["keep_reply"], self._named | {
            "fingerprint": _hex(self._fingerprint), "status": reply.status,
            "headers": orjson.dumps(reply.headers),
            "reply": _hex(b"".join(reply.body)) if is_kept else None})

    def _told(self, row: Row) -> Repeated | KeyReused:
        fingerprint, status, headers, body, _ = row
        if fingerprint != self._fingerprint:
            return KeyReused()
        if body is None:
            return KeyReused(done=True)
        return Repeated(Reply(status, [(name, value) for name, value in orjson.loads(headers)],
                              [body]))


class Keys:
    """Finds requests that are to be done once.

    :param settings: say for how long answers are kept
    :param runner: does them
    """

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self._hours = settings.idempotency_hours
        self._runner = runner

    def keyed(self, caller: Caller, calls: Iterable[tuple[str, Any]], body: bytes
              ) -> KeyedRequest | None:
        """Return the current request where it has a key and writes; None where it has not.

        :param calls: the method that each call names, and its parameters as they came
        :param body: as it came
        :raises InvalidRequest: when the key is none
        """
        sent = current_environ().get("HTTP_IDEMPOTENCY_KEY")
        if sent is None:
            return None
        known = [(OPERATIONS[method], params) for method, params in calls if method in OPERATIONS]
        if known and all(called.effect is READS for called, _ in known):
            return None
        key = _read(sent)
        return KeyedRequest(self._runner, caller, self._hours, key, known, body) if known else None


def _take_all(keys: Sequence[IdempotencyKey]) -> list[Statement]:
    named = {"tenant_id": keys[0].tenant_id, "callers": [key.caller for key in keys],
             "keys": [key.key for key in keys]}
    return [Statement(STATEMENTS["value"][name], named)
            for name in ("begin_keys", "take_free_keys")]


def _keep_all(kept: Sequence[Statement]) -> Statement:
    named = {name: kept[0].arguments[name] for name in ("tenant_id", "hours")}
    return Statement(STATEMENTS["value"]["keep_replies"], named | {
        name: [one.arguments[of_one] for one in kept] for name, of_one in _OF_ALL.items()})


def refused(error: FlexdbError) -> Plan:
    """Return what stands for a call that is refused before it is run."""
    def steps() -> Walk:
        raise error
        yield

    return Steps(error.reason, steps)


def reply_of(response: Response) -> Reply:
    """Return a response as it is kept."""
    return Reply(response.status_code, [
        (name, value) for name, value in response.headers if name != "Content-Length"],
        [response.get_data()])


def _read(sent: str) -> str:
    """Return the key that a header holds, quoted or bare.

    :raises InvalidRequest: saying what would be right
    """
    sent = sent.strip()
    found = _QUOTED.fullmatch(sent)
    key = re.sub(r"\\(.)", r"\1", found[1]) if found else sent
    if not _KEY.fullmatch(key) or not found and key.startswith('"'):
        raise errors.InvalidRequest(
            f"the header {HEADER} must hold 1 to 255 visible characters of ASCII without spaces, "
            'in quotation marks: "8e03978e-40d5-43dd-bc93-6894a57f9324"')
    return key


def _hex(value: bytes) -> str:
    """Return bytes as PostgreSQL reads them."""
    return f"\\x{value.hex()}"
