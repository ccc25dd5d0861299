"""A process that checks data against schemas that may cost much, and that such a cost ends.

``flexdb.documents.apart`` starts it, asks it over a socket and looks at its memory. It ends itself
when a question takes more processor time than it may, when nothing is asked for a minute, and when
the process that started it ends.
"""

from __future__ import annotations

import re
import resource
import signal
import warnings
from collections.abc import Iterator
from typing import Any

import orjson
from cachetools import LRUCache
from jsonschema_rs import Validator

from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import items, parse_stored
from flexdb.documents.validators import validator_of, violations_of

# Seconds of processor time for a question, and seconds without one.
PROCESSOR, _IDLE = 2, 60
# Asked instead of how many violations are told at most.
NAME_WHAT_IS_WRONG = -1
# How many schemas are kept compiled, and from how many bytes on the process is better begun anew.
_KEPT, _GROWN = 16, 96 * 1024 * 1024


def main(descriptor: int) -> None:
    """Answer questions until none comes.

    :param descriptor: of the socket
    """
    from multiprocessing.connection import Connection

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What holds Python's lock is not interrupted by a handler, only ended by the default.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kept: LRUCache[bytes, Validator] = LRUCache(_KEPT)
    connection = Connection(descriptor)
    try:
        while connection.poll(_IDLE):
            schema, told, array = (connection.recv_bytes() for _ in range(3))
            connection.send_bytes(b'{"began":true}')
            signal.setitimer(signal.ITIMER_PROF, PROCESSOR)
            for answer in _answers(kept, schema, int(told), array):
                connection.send_bytes(orjson.dumps(answer))
            signal.setitimer(signal.ITIMER_PROF, 0)
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > _GROWN:
                return
    except (EOFError, OSError):
        return


def _answers(kept: LRUCache[bytes, Validator], schema: bytes, most: int, array: bytes
             ) -> Iterator[dict[str, Any]]:
    if most == NAME_WHAT_IS_WRONG:
        yield from _blame(schema)
        return
    if (validator := kept.get(schema)) is None:
        try:
            kept[schema] = validator = validator_of(schema)
        except ValueError as error:
            yield {"refused": str(error)}
            return
    yield {"compiled": True}
    # Each is parsed by itself, and again where it is wrong, so that one is in memory at a time.
    texts = [bytes(text) for text in items(array)]
    wrong = [number for number, text in enumerate(texts)
             if not validator.is_valid(parse_stored(text))]
    yield {"wrong": wrong}
    told = []
    for number in wrong:
        violations = violations_of(validator, parse_stored(texts[number]), most) if most > 0 else []
        most -= len(violations)
        told.append(violations)
    yield {"violations": told}


def _blame(schema: bytes) -> Iterator[dict[str, Any]]:
    """Say which regular expression is being compiled, and why one cannot be."""
    for path, pattern in _patterns(parse_stored(schema)):
        yield {"at": pointer_of(path)}
        try:
            validator_of(orjson.dumps({"pattern": pattern}))
        except ValueError:
            yield {"why": _reason(pattern)}
    yield {"at": "", "ended": True}


def _patterns(schema: Any) -> Iterator[tuple[list[str | int], str]]:
    """Give what may be the regular expressions in a schema, each with where it stands."""
    waiting: list[tuple[Any, list[str | int]]] = [(schema, [])]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, dict):
            for name, part in value.items():
                if name == "pattern" and isinstance(part, str):
                    yield [*path, name], part
                elif name == "patternProperties" and isinstance(part, dict):
                    yield from (([*path, name, pattern], pattern) for pattern in part)
                waiting.append((part, [*path, name]))
        elif isinstance(value, list):
            waiting += [(part, [*path, number]) for number, part in enumerate(value)]


def _reason(pattern: str) -> str:
    """Return why something is no regular expression, as far as Python's own module knows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(pattern)
        except re.error as error:
            # Python knows fewer escapes.
            if not error.msg.startswith("bad escape") and error.pos is not None:
                return f"{error.msg} at character {error.pos + 1}"
        except (OverflowError, RecursionError):
            pass
    return "ECMA 262 knows no such regular expression, or it weighs too much"
