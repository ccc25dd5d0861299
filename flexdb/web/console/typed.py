"""What is typed into fields of forms, as operations take it."""

from __future__ import annotations

from typing import Any

from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams


def parse(text: str) -> Any:
    """Return the value of JSON text, every number as it was written.

    :raises ValueError: saying where it is none
    """
    written = text.encode()
    # It alone takes neither NaN nor what is nested without end.
    json_text.parse(written)
    return json_text.parse_exactly(written)


def json_of(text: str, field: str) -> Any:
    """Return the JSON that a field holds, every number as it was written.

    :param field: its name
    :raises InvalidParams: naming the field, where it is none
    """
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidParams(fields={field: [f"is not JSON: {error}"]}) from None


def whole(text: str, field: str) -> int:
    """Return the whole number that a field holds.

    :raises InvalidParams: naming the field, where it is none
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise InvalidParams(fields={field: ["must be a whole number"]})
    return int(digits)
