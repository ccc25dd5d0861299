"""Text of others as it is shown: no character of it may move a terminal's cursor or hide itself."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters, line separators, what turns the direction of reading or has no width, and what
# is no character at all; JSON escapes those below a space itself.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Return a text as one line in which every character is seen, as JSON escapes them."""
    return _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def json_text(value: Any, readable: bool = False) -> str:
    """Return JSON to the digit, in which every character is seen; it means the same.

    :param readable: whether with line breaks, for people
    """
    from flexdb.client.wire import encode

    return "\n".join(map(visible, encode(value, readable).decode().split("\n")))


def read_json(text: str) -> Any:
    """Return what JSON that a person wrote means, to the digit.

    :raises ValueError: when it is none, or nested too deep
    """
    from flexdb.client.wire import decode, encode

    try:
        found = decode(text.encode(), decimals=True)
        # NaN is read, and is no JSON.
        encode(found)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return found
