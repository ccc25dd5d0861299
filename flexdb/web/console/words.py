"""How values are written on pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

from flask import g
from markupsafe import Markup

from flexdb.documents import text as json_text

# How many characters of a value a cell of a table shows, and how many hues node types have.
CELL, HUES = 60, 10


def sentence(text: Any) -> str:
    """Return what an error says as a sentence; what begins with a name stays as it is.

    Errors of calls begin in lower case, as programs put them after others.
    """
    told = str(text).strip()
    # Names of members and parameters often hold more than letters.
    if re.match(r"[a-z]+([ ,;]|$)", told):
        told = told[0].upper() + told[1:]
    return told if not told or told[-1] in ".!?:…" else f"{told}."


def count(number: Any) -> str:
    """Return a whole number with its thousands apart; a dash where there is none."""
    return "–" if number is None else f"{int(number):,}"


def short(id: str) -> str:
    """Return the end of an id, which tells it from its neighbours."""
    return f"…{id[-8:]}"


def hue(id: str) -> str:
    """Return the class of the colour that a node type has on all pages of its tenant."""
    place = g.get("hues", {}).get(id)
    return f"hue-{(sum(id.encode()) if place is None else place) % HUES}"


def moment(time: str) -> str:
    """Return a time to the second, in UTC; as it came where it is beyond all calendars.

    PostgreSQL has ``infinity``, and years before the first and after the 9999th.
    """
    try:
        return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return time


def day(time: str) -> str:
    """Return the day of a time, in UTC."""
    return moment(time).partition(" ")[0]


def is_past(time: str) -> bool:
    """Tell whether a time is over."""
    try:
        return datetime.fromisoformat(time) <= datetime.now(timezone.utc)
    except ValueError:
        return time.startswith("-") or time.endswith("BC")


def days_ahead(days: int) -> str:
    """Return the date in so many days, as a field for dates takes it."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


def cut(value: Any, most: int = CELL) -> str:
    """Return a value as one line of at most so many characters; text as it is, else as JSON."""
    text = value if isinstance(value, str) else json_text.dump_exactly(value).decode()
    text = " ".join(text[:most * 4].split()) if len(text) > most else text
    return text if len(text) <= most else text[:most - 1] + "…"


def as_json(value: Any) -> str:
    """Return a value as JSON text on one line, every number as it was written."""
    return json_text.dump_exactly(value).decode()


def indented(value: Any) -> str:
    """Return a value as JSON text on many lines, every number as it was written."""
    return json_text.dump_exactly(value, indents=True).decode()


def hidden(fields: Iterable[tuple[str, str]]) -> Markup:
    """Return fields of a form that nobody sees.

    :param fields: the name and the value of each
    """
    return Markup("\n".join([
        f'<input type="hidden" name="{escape(name)}" value="{escape(str(value))}">'
        for name, value in fields]))


def options(choices: Iterable[tuple[str, str]]) -> Markup:
    """Return the options of a select.

    :param choices: the value of each, and what it is called
    """
    return Markup("".join([f'<option value="{escape(value)}">{escape(called)}</option>'
                           for value, called in choices]))


FILTERS: dict[str, Callable[..., str | bool]] = {
    "count": count, "short": short, "hue": hue, "moment": moment, "cut": cut, "as_json": as_json,
    "day": day, "sentence": sentence, "is_past": is_past, "indented": indented,
    "hidden": hidden, "options": options}
