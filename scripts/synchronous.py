"""What is written to be awaited, written as what is not: word by word, after unasync's idea."""

from __future__ import annotations

import io
import re
import tokenize

# Words that stand alone, and what stands in their place.
WORDS = {
    "AsyncIterator": "Iterator", "AsyncIterable": "Iterable", "aclose": "close",
    "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__",
    "__anext__": "__next__", "StopAsyncIteration": "StopIteration",
    "asynccontextmanager": "contextmanager", "asynchronous": "synchronous", "anyio": "time",
    "AsyncBaseTransport": "BaseTransport", "aconnect": "connect",
    "AsyncContextManager": "ContextManager", "aread": "read",
}
_HEAD = "Written by ``scripts/make_client.py`` of what is awaited."


def synchronous(text: str) -> str:
    """Return a module without ``async`` and ``await``; ``AsyncThing`` is ``Thing``."""
    found = ""
    row, column = 1, 0
    lines = text.splitlines(keepends=True)
    skip = False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        # What stands between words stays, and goes with those that go.
        gap = ""
        while row < token.start[0]:
            gap += lines[row - 1][column:] if row <= len(lines) else ""
            row, column = row + 1, 0
        gap += lines[row - 1][column:token.start[1]] if row <= len(lines) else ""
        found += "" if skip else gap
        row, column = token.end
        skip = token.string in ("async", "await") and token.type == tokenize.NAME
        if not skip:
            found += _word(token)
    found = _marked(found)
    first, quotes, rest = found.partition('"""')[2].partition('"""')
    if "scripts/make_client.py" in first:
        return found
    return f'"""{first.rstrip()}\n\n{_HEAD}\n{quotes}{rest}'


def _word(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.STRING:
        if token.string in ('"aclose"',):
            return '"close"'
        text = re.sub(r"\bAsync(?=[A-Z])", "", token.string)
        text = text.replace("a method that is awaited", "a method")
        for word in ("async with ", "async for ", "await ", "async "):
            text = text.replace(word, word.removeprefix("async ").removeprefix("await ")
                                if word.startswith("async ") else "")
        return text.replace("aconnect", "connect").replace("asynchronous", "synchronous")
    if token.type != tokenize.NAME:
        return token.string
    return WORDS.get(token.string) or re.sub(r"^(_?)Async(?=[A-Z])", r"\1", token.string)


def _marked(text: str) -> str:
    return text
