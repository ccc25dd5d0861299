"""What a JSON Schema says of data, as jsonschema-rs finds it: in a worker or in a process apart."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from jsonschema_rs import FancyRegexOptions, Validator

from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import parse_stored

Violation = dict[str, str]

# How many violations are told, and how many characters each message may have.
MOST_VIOLATIONS, MOST_CHARACTERS = 1000, 500
# How much a compiled regular expression may weigh, and how many steps one that looks around may
# take back.
REGEX_BYTES, _BACKTRACK_LIMIT = 10 * 1024 * 1024, 20_000


def validator_of(text: bytes, regex_bytes: int = REGEX_BYTES) -> Validator:
    """Compile a schema: draft 2020-12, or what its ``$schema`` says; ``format`` holds in each.

    Nothing is fetched for a ``$ref``, and a pattern takes linear time unless it looks around or
    back, in which case its steps are bounded.

    :param text: JSON text
    :param regex_bytes: the most that each regular expression may weigh, compiled
    :raises ValueError: when it is not a JSON Schema, saying where and why
    """
    options = FancyRegexOptions(
        backtrack_limit=_BACKTRACK_LIMIT, size_limit=regex_bytes, dfa_size_limit=regex_bytes)
    try:
        return jsonschema_rs.validator_for(
            parse_stored(text), offline=True, mask="the value", validate_formats=True,
            pattern_options=options)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError,
            RecursionError) as error:
        said = getattr(error, "message", None) or str(error)
        place = pointer_of(getattr(error, "instance_path", []))
        raise ValueError(f"{place}{': ' if place else ''}{_cut(said)}") from None


def violations_of(validator: Validator, value: Any, most: int = MOST_VIOLATIONS
                  ) -> list[Violation]:
    """Return what is wrong with data that does not fit: place, keyword and message of each.

    :param value: the data, parsed

    :param most: how many are told
    """
    found = []
    try:
        for error in validator.iter_errors(value):
            found.append({"path": pointer_of(error.instance_path), "keyword": _keyword(error),
                          "message": _cut(error.message)})
            if len(found) >= most:
                break
    except ValueError:
        # What is wrong is in a number with more digits than int() takes.
        pass
    return found or [{"path": "", "keyword": "", "message": "does not fit"}]


def _cut(message: str) -> str:
    # A message repeats what the schema says, be it a megabyte of constants.
    return message if len(message) <= MOST_CHARACTERS else message[:MOST_CHARACTERS - 1] + "…"


def _keyword(error: jsonschema_rs.ValidationError) -> str:
    name = str(error.kind.name)
    last = error.schema_path[-1] if error.schema_path else name
    return last if isinstance(last, str) and name != "falseSchema" else name
