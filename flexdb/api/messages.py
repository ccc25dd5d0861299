"""The messages of JSON-RPC 2.0: the calls that a body holds, and the replies to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from msgspec import Raw

from flexdb import errors
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError
from flexdb.plan import Outcome, Plan


class Told(NamedTuple):
    """What a call is told.

    :param outcome: ``ok``, or the reason of an error
    :param reply: its parts; empty where the call is not answered
    """

    outcome: str
    reply: list[bytes]


class Body:
    """The calls of a body, as parsed and, for what is stored as it came, as text."""

    def __init__(self, text: bytes, parsed: Any) -> None:
        self.text = text
        self.is_batch = isinstance(parsed, list)
        self.calls: list[Any] = parsed if self.is_batch else [parsed]

    @cached_property
    def _texts(self) -> list[Raw] | list[bytes]:
        return json_text.items(self.text) if self.is_batch else [self.text]

    def params_text(self, place: int) -> bytes:
        """Return the text of a call's params."""
        return bytes(json_text.members(self._texts[place])["params"])

    def told(self, place: int, outcome: Outcome) -> Told:
        """Return what a call is told of its outcome."""
        return Told(outcome.reason if isinstance(outcome, FlexdbError) else "ok",
                    reply_to(outcome, self.id_text(place))
                    if is_answered(self.calls[place], outcome) else [])

    def answers(self, found: Iterable[Plan | Told], outcomes: Iterable[Outcome]) -> list[Told]:
        """Return what each call is told.

        :param found: what was found of each: how it is done, or what it is told
        :param outcomes: of those that were done, in their order
        """
        given = iter(outcomes)
        return [one if isinstance(one, Told) else self.told(place, next(given))
                for place, one in enumerate(found)]

    def joined(self, told: Iterable[Told]) -> list[bytes]:
        """Return the parts of the answer to the whole body; none where nothing is answered."""
        parts = [part for one in told if one.reply for part in (b",", *one.reply)]
        if parts:
            parts[0] = b"[" if self.is_batch else b""
            parts += [b"]"] if self.is_batch else []
        return parts

    def id_text(self, place: int) -> bytes:
        """Return the text of a call's id, a number as it came, digit for digit; null for none."""
        call = self.calls[place]
        given = call.get("id") if isinstance(call, dict) else None
        if isinstance(given, float) or given == 0 and given is not False:
            # 1.0, 1e3 and 2**64 are floats by now, and -0 is 0.
            return bytes(json_text.members(self._texts[place])["id"])
        return orjson.dumps(given) if is_id(given) else b"null"


def let_go(outcomes: list[Outcome]) -> Iterator[Outcome]:
    """Give outcomes in their order, each of which can be let go when its reply is made."""
    outcomes.reverse()
    while outcomes:
        yield outcomes.pop()


def check_call(call: Any) -> None:
    """Check that a call is a request object (section 4).

    :raises InvalidRequest: when it is none
    """
    if not isinstance(call, dict):
        raise errors.InvalidRequest("a call must be an object")
    if call.get("jsonrpc") != "2.0":
        raise errors.InvalidRequest('the member "jsonrpc" must be "2.0"')
    if not isinstance(call.get("method"), str):
        raise errors.InvalidRequest('the member "method" must be a string')
    if not isinstance(call.get("params"), (dict, list, type(None))):
        raise errors.InvalidRequest('the member "params" must be an object or an array')
    if not is_id(call.get("id")):
        raise errors.InvalidRequest('the member "id" must be a string, a number or null')


def method_of(call: Any) -> str:
    """Return the method that a call names, as far as it is one."""
    method = call.get("method") if isinstance(call, dict) else None
    return method if isinstance(method, str) else ""


def params_of(call: Any) -> Any:
    """Return the parameters of a call, which may be anything."""
    return call.get("params") if isinstance(call, dict) else None


def is_id(value: Any) -> bool:
    """Tell whether a value may be a call's id (section 4): a string, a number or null."""
    return value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool))


def is_answered(call: Any, outcome: Outcome) -> bool:
    """Tell whether a call gets a reply: a notification gets none.

    What is not a request object is no notification either (section 7, "rpc call with invalid
    Request object"); its id is given back where it is one.
    """
    return isinstance(call, dict) and "id" in call or isinstance(outcome, errors.InvalidRequest)


def reply_to(outcome: Outcome, id_text: bytes) -> list[bytes]:
    """Return the parts of the reply to a call; what a result holds is large and not copied.

    :param id_text: the JSON text of its id
    """
    if isinstance(outcome, FlexdbError):
        return [b'{"jsonrpc":"2.0","error":', orjson.dumps(outcome.to_json()),
                b',"id":%b}' % id_text]
    return [b'{"jsonrpc":"2.0","result":', outcome.text, b',"id":%b}' % id_text]
