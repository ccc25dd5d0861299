"""Full text: what a search says, as the terms that PostgreSQL looks for.

It is written as for a search engine: ``plan budget`` finds where both words stand, ``"a plan"`` the
phrase, ``plan or draft`` one of them, ``-draft`` what has it not, and ``pla*`` what begins so.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import orjson
from marshmallow import ValidationError

from flexdb.contract.fields import Choice, Text

MOST_TERMS = 32
# A phrase goes to its second quote, or to the end where there is none.
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')
# As keyboards of telephones write them.
_QUOTES = str.maketrans("“”„«»", '"""""')


class Search(Text):
    """A search, given on as JSON: alternatives, each with its terms."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "Only nodes with these words in the members that their type declares with `x-search`; "
            "the best first. `\"a phrase\"`, `one or other`, `-without`, `begins*`.",
            example='report "first draft" -old', **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        alternatives = _alternatives(super()._deserialize(value, attr, data, **kwargs))
        if sum(map(len, alternatives)) > MOST_TERMS:
            raise ValidationError(f"may have at most {MOST_TERMS} words and phrases")
        if not any(not term.get("not") for terms in alternatives for term in terms):
            raise ValidationError("has no word to look for: it needs one with a letter or a digit "
                                  "and without - before it")
        return orjson.dumps(alternatives).decode()


HIGHLIGHTS = partial(Choice, "With `offsets`, each node says in `highlights` where the words of "
                     "`search` stand.", ("offsets", "none"), example="offsets")


def _alternatives(text: str) -> list[list[dict[str, Any]]]:
    """Return the terms of each alternative of a search, without those in which nothing stands."""
    found: list[list[dict[str, Any]]] = [[]]
    for sign, phrase, word in _TERM.findall(text.translate(_QUOTES)):
        if word.lower() == "or" and not sign:
            found.append([])
        elif any(map(str.isalnum, phrase or word)):
            term: dict[str, Any] = {"text": phrase or word}
            if sign:
                term["not"] = True
            if word.endswith("*"):
                term["prefix"] = True
            found[-1].append(term)
    return [terms for terms in found if terms]
