"""Calls as code: in Python, as JSON-RPC, as commands of curl, as requests of REST."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flexdb.api.calls import Call
from flexdb.api.http import JSON, JSONRPC_PATH
from flexdb.api.routes import PATCHES, Route, routes
from flexdb.contract.objects import Items
from flexdb.documents.text import Number
from flexdb.web.console.words import as_json

# Where the key is, in what is shown; the key itself is never shown.
VARIABLE = "FLEXDB_TOKEN"
# How many calls are shown, and how long one may be, in characters.
_MOST_CALLS, _LONGEST = 30, 4000
_WIDTH = 88


class Snippet(NamedTuple):
    """Calls in one language.

    :param name: of the language
    :param text: what may be pasted
    """

    name: str
    text: str


class RestRequest(NamedTuple):
    """A call as a request of REST.

    :param target: the path, and the query after a ``?``
    :param kind: the type of the body; "" where there is none
    """

    verb: str
    target: str
    body: str = ""
    kind: str = ""


def snippets(calls: Iterable[Call], address: str, asks: bool, rest: bool) -> list[Snippet]:
    """Return calls in each language; those that are very long are left out.

    :param address: that of the service, without a slash at its end
    :param asks: whether a key is wanted
    :param rest: whether REST is served
    """
    shown = [call for call in calls if len(as_json(call.params)) <= _LONGEST][:_MOST_CALLS]
    if not shown:
        return []
    made = [Snippet("Python", python(shown, address, asks)), Snippet("JSON-RPC", jsonrpc(shown))]
    requests = [rest_request(call) if rest else None for call in shown]
    made.append(Snippet("curl", "\n\n".join(
        curl(request or RestRequest("POST", JSONRPC_PATH, jsonrpc([call]), JSON), address, asks)
        for call, request in zip(shown, requests))))
    if any(requests):
        made.append(Snippet("REST", "\n\n###\n\n".join(
            _message(request, address, asks) for request in requests if request)))
    return made


def python(calls: list[Call], address: str, asks: bool) -> str:
    """Return a program that makes calls with the client of flexdb."""
    lines: list[str] = []
    taken: set[str] = set()
    for call in calls:
        name = base = call.method.partition("_")[2] or call.method
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        given = [f"{key}={literal(value)}" for key, value in call.params.items()]
        begin = f"    {name} = db.{call.method}("
        one = f"{begin}{', '.join(given)})"
        lines.append(one if len(one) <= _WIDTH or not given else
                     "\n".join([begin, *(f"        {one}," for one in given), "    )"]))
    body = "\n".join(lines)
    used = [*(["import os"] if asks else []),
            *(["from decimal import Decimal"] if "Decimal(" in body else [])]
    token = f', token=os.environ["{VARIABLE}"]' if asks else ""
    head = "\n".join([*used, "", ""]) if used else ""
    return (f"{head}import flexdb.client as fx\n\n"
            f"with fx.connect({_quoted(address)}{token}) as db:\n{body}\n")


def literal(value: Any) -> str:
    """Return a value as Python; a number that a float may not hold to the digit is a Decimal."""
    if isinstance(value, Number):
        is_whole = value.lstrip("-").isdigit()
        return str(value) if is_whole and len(value) < 1000 else f'Decimal("{value}")'
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join(f"{_quoted(name)}: {literal(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def _quoted(text: str) -> str:
    said = repr(text)
    # As others write it, where nothing in it needs a backslash for that.
    return f'"{said[1:-1]}"' if said.startswith("'") and '"' not in said else said


def jsonrpc(calls: list[Call]) -> str:
    """Return a request of JSON-RPC; a batch where there are several calls."""
    bodies = [as_json({"jsonrpc": "2.0", "id": Number(place), "method": call.method,
                       "params": call.params}) for place, call in enumerate(calls, 1)]
    return bodies[0] if len(bodies) == 1 else "[\n  {}\n]".format(",\n  ".join(bodies))


def curl(request: RestRequest, address: str, asks: bool) -> str:
    """Return a command that sends a request."""
    verb = [] if request.verb == "GET" else ["-X", request.verb]
    words = ["curl", "-sS", *verb, shlex.quote(address + request.target)]
    if asks:
        words.append(f'-H "Authorization: Bearer ${VARIABLE}"')
    if request.body:
        words += [f"-H {shlex.quote(f'Content-Type: {request.kind}')}",
                  f"--data-binary {shlex.quote(request.body)}"]
    line = " ".join(words)
    first = 4 + len(verb)
    return line if len(line) <= _WIDTH else " \\\n  ".join(
        [" ".join(words[:first]), *words[first:]])


def _message(request: RestRequest, address: str, asks: bool) -> str:
    """Return a request as it is sent (RFC 9112), but for what its client adds."""
    lines = [f"{request.verb} {address}{request.target}"]
    if asks:
        lines.append(f"Authorization: Bearer ${VARIABLE}")
    if request.body:
        lines += [f"Content-Type: {request.kind}", "", request.body]
    return "\n".join(lines)


@cache
def _routes_of(method: str) -> tuple[Route, ...]:
    return tuple(route for route in routes()
                 if route.operation.name == method and not route.streams)


def rest_request(call: Call) -> RestRequest | None:
    """Return the request of REST that says what a call does; None where no URL can."""
    for route in _routes_of(call.method):
        if request := _request(route, call.params):
            return request
    return None


def _request(route: Route, params: dict[str, Any]) -> RestRequest | None:
    rest = {name: value for name, value in params.items() if name not in route.in_url}
    in_url = [params.get(name) for name in route.in_url]
    if not all(isinstance(part, str) and part.strip("./") for part in in_url):
        return None
    target = route.url.format(**{name: quote(params[name], safe="") for name in route.in_url})
    body = kind = ""
    if route.verb == "PATCH":
        said = [(media, name) for media, (of, name) in PATCHES.items()
                if isinstance(rest.get(name), of)]
        if len(said) != 1:
            return None
        (kind, name), = said
        body = as_json(rest.pop(name))
    elif route.has_body:
        return RestRequest(route.verb, target, as_json(rest), JSON)
    query: list[tuple[str, str]] = []
    paging = rest.pop("pagination", None) or {}
    for name, value in (rest | paging).items():
        texts = _in_query(route, name, value)
        if texts is None:
            return None
        query += [(name, text) for text in texts]
    return RestRequest(route.verb, f"{target}?{urlencode(query, quote_via=quote)}" if query
                       else target, body, kind)


def _in_query(route: Route, name: str, value: Any) -> list[str] | None:
    """Return the values of a parameter in a query; None where it cannot stand there."""
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, (str, int)):
        return [str(value)]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        if isinstance(route.operation.fields.get(name), Items):
            return [*value]
        # They stand in one text, between commas.
        return None if any("," in one for one in value) else [",".join(value)]
    return None if value is None else [as_json(value)]
