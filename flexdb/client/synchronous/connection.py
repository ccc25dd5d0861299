"""How calls are sent and answers read, and what is sent again when something is lost.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import time
import httpx2

from flexdb.client.absent import given
from flexdb.client.synchronous.methods import Methods
from flexdb.client.attempts import Attempts
from flexdb.client.certificates import trusted
from flexdb.client.failures import (
    Closed,
    ConnectionFailed,
    Error,
    Timeout,
    repeated_after,
)
from flexdb.client.ids import new_id
from flexdb.client.newest import Newest
from flexdb.client.operations import OPERATIONS
from flexdb.client.reasons import AlreadyExists, NotFound
from flexdb.client.repeating import Repeated, new_key, operation
from flexdb.client.wire import (
    address_of,
    check_token,
    decode,
    encode,
    is_answer,
    service_error,
)
from flexdb.version import __version__

Self = TypeVar("Self", bound="Connection")
# What creates an object, and what reads it: it is done so often that an id made here stands for a
# key, which costs PostgreSQL as much again.
_OWN_IDS = {"create_node": "get_node", "create_relationship": "get_relationship"}
# How much longer large work may take.
_LONG = 10
# A server that is there takes a connection at once, in seconds.
_CONNECT = 5.0
# Both nginx and the service keep an idle connection longer, in seconds.
_IDLE = 45.0


class Connection(Methods):
    """The connections to a service, each used for many calls, and all its methods.

    :param url: where it is
    :param token: a key or a JWT
    :param timeout: in how many seconds a call is to be answered, its repetitions included; large
        work has ten times as long
    :param decimals: whether numbers that are no integers come as Decimal, to the digit
    :param once: whether each request that writes has an Idempotency-Key, or ids made here, so that
        it can be sent again when its answer is lost
    :param replicas: whether replicas may answer reads, where there are any: what this wrote is
        read there too, what others wrote a moment ago perhaps not
    :param http: what sends requests, where it is to have certificates or proxies of its own; it is
        closed with this
    :raises ValueError: when the URL is none
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 30, *,
                 decimals: bool = False, once: bool = True, replicas: bool = True,
                 http: httpx2.Client | None = None) -> None:
        if timeout <= 0:
            raise ValueError(f"a timeout is above 0 seconds, not {timeout}")
        self.url = address_of(url)
        self.timeout = timeout
        self._decimals, self._once = decimals, once
        self._http = http or httpx2.Client(
            verify=trusted(self.url),
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20,
                                 keepalive_expiry=_IDLE))
        self._headers = httpx2.Headers(self._http.headers)
        self._headers.update({
            "Content-Type": "application/json", "Accept": "application/json",
            "Prefer": "json-fields=value", "User-Agent": f"flexdb-python/{__version__}"})
        if token:
            self._headers["Authorization"] = f"Bearer {check_token(token)}"
        self._address = httpx2.URL(self.url)
        self._newest = Newest(replicas)
        self._closed = False
        # Whether a service was ever there.
        self.answered = False

    def close(self) -> None:
        """Close the connections; further calls are refused."""
        self._closed = True
        self._http.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.url}{', closed' if self._closed else ''}>"

    def call(self, name: str, params: dict[str, Any] | None = None, *,
                   timeout: float | None = None, own_ids: bool = False) -> Any:
        """Call a method by its name and return its result as it came.

        :param params: by name
        :param timeout: in how many seconds it is to be answered
        :param own_ids: whether it creates only what has an id of its own, so that it may be sent
            again as it is: if it was done, AlreadyExists tells it
        :raises Error: when it is not answered, or with an error
        """
        known = operation(name)
        body = encode({"jsonrpc": "2.0", "method": name, "params": params or {}, "id": 1})
        harmless = known.reads or own_ids
        return self._exchange(body, harmless, new_key(harmless, self._once),
                                    self._attempts(known.long, timeout), _result)

    def call_all(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> list[Any]:
        """Send independent calls as one request, and return the result or the error of each.

        :param calls: the name and the parameters of each
        :raises Error: when nothing is known of any
        """
        rest = Repeated(calls, self._once)
        attempts = self._attempts(rest.long, None)
        while rest.left:
            outcomes = self._exchange(rest.body, rest.harmless, rest.key, attempts, _outcomes)
            if outcomes.keys() != {*rest.left}:
                raise Error(f"{self.url} answered to other calls than were sent")
            pause = attempts.pause(rest.take(outcomes))
            if not rest.left or pause is None:
                break
            time.sleep(pause)
        return rest.found

    def _call(self, name: str, required: dict[str, Any], optional: dict[str, Any]) -> Any:
        params = given(required, optional)
        if self._once and name in _OWN_IDS and "id" not in params:
            result = self._create(name, params | {"id": new_id()})
        else:
            result = self.call(name, params)
        member = OPERATIONS[name].member
        return result[member] if member else result

    def _create(self, name: str, params: dict[str, Any]) -> Any:
        """Create an object with an id made here: if it is there, its answer was lost."""
        try:
            return self.call(name, params, own_ids=True)
        except AlreadyExists as error:
            try:
                return self.call(_OWN_IDS[name], {
                    "tenant_id": params["tenant_id"], "id": params["id"]})
            except NotFound:
                raise error from None

    def _attempts(self, long: bool, timeout: float | None) -> Attempts:
        return Attempts(timeout or self.timeout * (_LONG if long else 1))

    def _exchange(self, body: bytes, harmless: bool, key: str | None, attempts: Attempts,
                        read: Callable[[Any, str], Any]) -> Any:
        """Send a request until it is answered, or may not be sent again.

        :param harmless: whether it may be, though it was done
        :param key: with which it is done once
        :param read: makes what is asked for of an answer and the request's id, or raises
        """
        while True:
            try:
                return read(*self._post(body, key, attempts))
            except Error as error:
                # A service that never answered is probably none.
                lost = isinstance(error, ConnectionFailed) and not self.answered
                if lost or not error.may_repeat(harmless or key is not None):
                    raise
                pause = attempts.pause(repeated_after(error))
                if pause is None:
                    raise
            time.sleep(pause)

    def _post(self, body: bytes, key: str | None, attempts: Attempts) -> tuple[Any, str]:
        """Send a request once, and return the JSON of the answer and the request's id."""
        if self._closed:
            raise Closed("this client is closed: connect anew")
        left = max(attempts.left, 0.001)
        request = httpx2.Request(
            "POST", self._address, headers=self._headers, content=body,
            extensions={"timeout": {"connect": min(left, _CONNECT), "read": left, "write": left,
                                    "pool": left}})
        if key is not None:
            request.headers["Idempotency-Key"] = key
        self._newest.put(request.headers)
        try:
            response = self._http.send(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ConnectionFailed(f"{self.url} cannot be reached: {error}", sent=False) from error
        except httpx2.TimeoutException as error:
            raise Timeout(f"{self.url} did not answer within {attempts.seconds:g} s; a change may "
                          "have been made all the same") from error
        except httpx2.RequestError as error:
            raise ConnectionFailed(f"the answer of {self.url} was lost: {error}",
                                   sent=True) from error
        self._newest.see(response.headers)
        try:
            found = decode(response.content, self._decimals)
        except ValueError:
            found = None
        if not is_answer(found):
            passing = response.status_code in (429, 502, 503, 504)
            self.answered = self.answered or passing
            raise ConnectionFailed(
                f"{self.url} answered with HTTP {response.status_code} and no JSON-RPC"
                + ("" if passing else ": is this the address of flexdb?"), sent=True)
        self.answered = True
        return found, response.headers.get("X-Request-ID", "")


def _result(answer: Any, request_id: str) -> Any:
    outcome = _outcome(answer[0] if isinstance(answer, list) else answer, request_id)
    if isinstance(outcome, Error):
        raise outcome
    return outcome


def _outcomes(answer: Any, request_id: str) -> dict[Any, Any]:
    if isinstance(answer, dict):
        # Something is wrong with all of them.
        return {answer.get("id"): _result(answer, request_id)}
    return {one.get("id"): _outcome(one, request_id) for one in answer}


def _outcome(answer: Any, request_id: str) -> Any:
    error = answer.get("error")
    return answer["result"] if error is None else service_error(error, request_id)
