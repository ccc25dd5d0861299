"""Which control shows a single value."""

from __future__ import annotations

import re
from typing import Any

from flexdb.documents.text import Number
from flexdb.web.console.forms.hints import whole
from flexdb.web.console.forms.shapes import Option
from flexdb.web.console.forms.values import ABSENT, Typed
from flexdb.web.console.forms.widget import Widget
from flexdb.web.console.words import as_json

# How long a text may be for a line of its own, in characters.
LINE = 200
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# What an empty field may stand for.
EMPTIES = {"absent": "left out", "null": "null", "text": "empty text"}
_MODES = {"email": "email", "uri": "url"}


def choose(made: Widget) -> None:
    """Make a widget one of which one of some values is chosen."""
    made.kind = "choice"
    listed = list(made.shape.options) or [Option(True, "true"), Option(False, "false")]
    if made.shape.is_nullable or made.value is None:
        listed.append(Option(None, "null"))
    made.options = [Option(as_json(one.value), one.label) for one in dict(
        (as_json(one.value), one) for one in listed).values()]
    if made.is_absent or isinstance(made.value, Typed):
        made.text = str(made.value or "")
    else:
        # One that is written in another way, 1.0 for 1, stays as it is.
        made.text = as_json(made.value)
        if all(one.value != made.text for one in made.options):
            made.options.append(Option(made.text, made.text if not isinstance(made.value, str)
                                       or isinstance(made.value, Number) else made.value))


def write(made: Widget) -> None:
    """Make a widget one into which a text or a number is typed."""
    value, said = made.value, made.shape.schema
    made.text = "" if value is ABSENT or value is None else str(value)
    made.kind = "number" if made.shape.kind == "number" else _kind_of_text(said, made.text)
    made.mode = "" if made.kind != "number" else (
        "numeric" if said.get("type") == "integer" else "decimal")
    made.mode = made.mode or _MODES.get(str(said.get("format")), "")
    is_plain = made.shape.kind == "text" and (made.kind != "date" or value == "")
    now = "null" if value is None else "text" if value == "" and is_plain else "absent"
    possible = [now] if now != "absent" or not made.is_item else []
    possible += [] if made.is_item else ["absent"]
    possible += ["text"] if is_plain else []
    possible += ["null"] if made.shape.is_nullable else []
    made.empties = [Option(one, EMPTIES[one]) for one in dict.fromkeys(possible)]


def _kind_of_text(said: dict[str, Any], text: str) -> str:
    if said.get("format") == "date" and (not text or _DATE.fullmatch(text)):
        return "date"
    most = whole(said.get("maxLength"))
    is_short = "format" in said or "pattern" in said or (most is not None and most <= LINE)
    return "line" if is_short and "\n" not in text and len(text) <= LINE else "text"
