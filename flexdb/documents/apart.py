"""Checks against schemas that may cost much: in a process apart, which may end of it.

Checking holds Python's lock, and no text tells for sure what it costs. So what may cost much is
asked of a process with limits on its time and memory, and the worker goes on meanwhile.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from flexdb.documents.checker import NAME_WHAT_IS_WRONG
from flexdb.documents.costs import TooComplex
from flexdb.documents.validators import Violation
from flexdb.errors import Overloaded

# How many processes there may be, and how many seconds one and its answer are waited for.
_MOST, _WAIT, _ANSWER = 2, 5.0, 10.0
# How many bytes of memory one may take, and how often that is looked at, in seconds: its own limit
# on memory would leave it hanging, with no memory to end in.
_MEMORY, _LOOK = 192 * 1024 * 1024, 0.05
# The members of the answers after which none comes.
_LAST = {"violations", "refused", "ended"}
_PROGRAM = ("import sys; sys.path[:] = sys.argv[2:]; from flexdb.documents.checker import main; "
            "main(int(sys.argv[1]))")


class Answer(NamedTuple):
    """What came of a check.

    :param wrong: the numbers of the texts that the schema refuses
    :param violations: what is wrong with each of these; None when telling that takes too long
    """

    wrong: list[int]
    violations: list[list[Violation]] | None


class Apart:
    """The processes that one process asks, which are started when they are needed."""

    def __init__(self) -> None:
        self._begin()
        # After a fork they are the parent's.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._free = threading.BoundedSemaphore(_MOST)
        self._idle: list[_Process] = []

    def check(self, schema: bytes, texts: list[bytes], most: int) -> Answer:
        """Check data against a schema.

        :param schema: JSON text
        :param texts: JSON texts, each to be checked by itself
        :param most: how many violations are told in all
        :raises ValueError: when it is no JSON Schema, saying where and why
        :raises TooComplex: when that takes more time or memory than it may
        :raises Overloaded: when too many others are checked
        """
        told: dict[str, Any] = {}
        for answer in self._ask(schema, most, texts):
            told |= answer
        if "refused" in told:
            place = told["refused"].partition(": ")[0]
            reason = self._blame(schema)[1].get(place)
            raise ValueError(f"{told['refused']}{f': {reason}' if reason else ''}")
        if "compiled" not in told:
            raise TooComplex(self._blame(schema)[0])
        if "wrong" not in told:
            raise TooComplex(None)
        return Answer(told["wrong"], told.get("violations"))

    def _blame(self, schema: bytes) -> tuple[str, dict[str, str]]:
        """Return the regular expression that takes too long, and why others are none."""
        place, reasons = "", {}
        for answer in self._ask(schema, NAME_WHAT_IS_WRONG, []):
            place = answer.get("at", place)
            if "why" in answer:
                reasons[place] = answer["why"]
        return place, reasons

    def _ask(self, schema: bytes, most: int, texts: list[bytes]) -> list[dict[str, Any]]:
        """Return what is answered, as far as it was when time or memory ended."""
        question = (schema, b"%d" % most, b"[%b]" % b",".join(texts))
        if not self._free.acquire(timeout=_WAIT):
            raise Overloaded("too many documents are being checked against complex schemas")
        process = None
        try:
            process = self._asked(question)
            answers = list(process.answers())
            if answers and answers[-1].keys() & _LAST:
                self._idle.append(process)
                process = None
            return answers
        finally:
            if process:
                process.end()
            self._free.release()

    def _asked(self, question: tuple[bytes, ...]) -> _Process:
        while True:
            try:
                process = self._idle.pop()
            except IndexError:
                # There is none, or another thread has just taken it.
                process = _Process()
                process.ask(question)
                return process
            if process.ask(question):
                return process
            # It ended since, as nothing was asked.
            process.end()


class _Process:
    def __init__(self) -> None:
        # With all that it needs, where few processes ever check so.
        from multiprocessing.connection import Connection

        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, str(its.fileno()), *sys.path],
                pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        self._connection = Connection(ours.detach())

    def ask(self, question: tuple[bytes, ...]) -> bool:
        """Send a question; return whether it was received."""
        try:
            for part in question:
                self._connection.send_bytes(part)
            return self._connection.poll(_ANSWER) and bool(self._connection.recv_bytes())
        except (EOFError, OSError):
            return False

    def answers(self) -> Iterator[dict[str, Any]]:
        """Give what it answers, until it ends, takes too long or grows too large."""
        until = time.monotonic() + _ANSWER
        try:
            while time.monotonic() < until and self._resident() < _MEMORY:
                if self._connection.poll(_LOOK):
                    answer = orjson.loads(self._connection.recv_bytes())
                    yield answer
                    if answer.keys() & _LAST:
                        return
        except (EOFError, OSError):
            return

    def _resident(self) -> int:
        """Return how many bytes it has in memory, or 0 where the system does not say."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * resource.getpagesize()

    def end(self) -> None:
        """End it, whatever it does."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
