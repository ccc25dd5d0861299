"""Conditions on texts: what a text has in it, begins or ends with, or fits as a pattern.

No ``LIKE``, so that no character means another. Case is Unicode's simple case folding, in which ς,
σ and Σ are one letter, ß is not ss, and İ is İ alone: what PostgreSQL makes lower case depends on
the locale of its database, and of C it is ASCII alone. So a pattern names the cases of each letter.
https://www.unicode.org/reports/tr44/#CaseFolding.txt
"""

from __future__ import annotations

import string
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flexdb.query.values import NotComparable, read_text

MOST_CHARACTERS = 200
# No letter from there on has cases.
BEYOND_CASES = 0x1F000
# Across these no letter is another's case: an encoding other than UTF-8 has those of one side
# alone, and would refuse the sign of the kelvin beside k.
_BORDERS = ("\u0100", "\u0600")
_SPECIAL = frozenset(string.punctuation)
# By the operator that minds case: what a pattern has before and behind the text.
_ANCHORS = {"$icontains": ("", ""), "$istartswith": ("^", ""), "$iendswith": ("", "$")}
_SAME = {
    "$contains": "strpos({text}, {value}) > 0",
    "$startswith": "starts_with({text}, {value})",
    "$endswith": "right({text}, length({value})) = {value}",
}
_FITS = "{text} ~ {value}"
TEXTS = (*_SAME, *_ANCHORS, "$regex")


def text_condition(operator: str, text: str, value: Any, argument: Callable[[Any], str]) -> str:
    """Return the condition that a text fits an operator of :data:`TEXTS`.

    :param text: the text, as SQL
    :param argument: returns the placeholder of a new argument
    :raises NotComparable: when the operator does not take the value
    """
    wanted = read_text(value)
    form = _SAME.get(operator, _FITS)
    if form == _FITS and len(wanted) > MOST_CHARACTERS:
        raise NotComparable(f"may have at most {MOST_CHARACTERS} characters, not {len(wanted)}")
    if operator in _ANCHORS:
        before, behind = _ANCHORS[operator]
        wanted = f"{before}{''.join(map(_pattern_of, wanted))}{behind}"
    return form.format(text=text, value=f"{argument(wanted)}::text")


def _pattern_of(letter: str) -> str:
    """Return the pattern of a letter in any case, or of another character."""
    cases = [one for one in _cases().get(_folded(letter), ())
             if bisect(_BORDERS, one) == bisect(_BORDERS, letter)]
    # No set of letters: an encoding may have several bytes for one, and SQL_ASCII knows bytes.
    if len(cases) > 1:
        return f"(?:{'|'.join(cases)})"
    return f"\\{letter}" if letter in _SPECIAL else letter


def _folded(letter: str) -> str:
    """Return what the cases of a letter have in common."""
    folded = letter.casefold()
    folded = folded if len(folded) == 1 else letter.lower()
    return folded if len(folded) == 1 else letter


@lru_cache(maxsize=1)
def _cases() -> dict[str, list[str]]:
    """Return the letters that have cases, by what each folds to."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for letter in map(chr, range(BEYOND_CASES)):
        if (folded := _folded(letter)) != letter:
            found[folded].append(letter)
    return {folded: [folded, *letters] for folded, letters in found.items()}
