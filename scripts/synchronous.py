"""What is written to be awaited, written as what is not: word by word, after unasync's idea."""

from __future__ import annotations

import io
import re
import tokenize

# Words of code, and what stands in their place; ``AsyncThing`` is ``Thing`` without being named.
WORDS = {
    "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__",
    "aclose": "close", "aconnect": "connect", "anyio": "time",
    "asynccontextmanager": "contextmanager", "asynchronous": "synchronous",
}
# What docstrings say, likewise.
PHRASES = {"a method that is awaited": "a method", "``async with``": "``with``"}
_HEAD = "Written by ``scripts/make_client.py`` of what is awaited."
_ASYNC = re.compile(r"\bAsync(?=[A-Z])")


def synchronous(text: str) -> str:
    """Return a module without ``async`` and ``await``, whose docstring says of what it is made."""
    made, row, column, skip = "", 1, 0, False
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        # What stands between words stays; after one that goes, it goes too.
        gap = ""
        while row < token.start[0]:
            gap += lines[row - 1][column:] if row <= len(lines) else ""
            row, column = row + 1, 0
        gap += lines[row - 1][column:token.start[1]] if row <= len(lines) else ""
        row, column = token.end
        made += "" if skip else gap
        skip = token.type == tokenize.NAME and token.string in ("async", "await")
        made += "" if skip else _word(token)
    first, quotes, rest = made.partition('"""')[2].partition('"""')
    if "scripts/make_client.py" in first:
        return made
    return f'"""{first.rstrip()}\n\n{_HEAD}\n{quotes}{rest}'


def _word(token: tokenize.TokenInfo) -> str:
    word = token.string
    if token.type == tokenize.STRING:
        for phrase, instead in PHRASES.items():
            word = word.replace(phrase, instead)
    elif token.type == tokenize.NAME:
        word = WORDS.get(word, word)
    return _ASYNC.sub("", word) if token.type in (tokenize.STRING, tokenize.NAME) else word
