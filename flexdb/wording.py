"""Numbers in the words of who reads them."""

from __future__ import annotations


def number_of(number: int, one: str, several: str = "") -> str:
    """Return a number with what is counted, which fits it: "1 row", "1,200 rows".

    :param one: what one is called, with its verb where that follows
    :param several: what any other number is called; as one, with an s, when absent
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
