"""What the schema says of a place to whoever fills it in."""

from __future__ import annotations

from typing import Any

from flexdb.web.console.forms.shapes import FormShape
from flexdb.web.console.words import cut

# How much of a description is shown, in characters.
_LONGEST = 500
# What a text of a format looks like.
_EXAMPLES = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z",
            "email": "name@example.org", "uri": "https://example.org/page", "uuid": "", "ipv4": ""}


def whole(value: Any) -> int | None:
    """Return a number of a schema as a whole one, if it is."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def help_of(found: FormShape) -> str:
    """Return what the schema says of a place to whoever fills it in."""
    said = found.schema
    parts = []
    least, most = said.get("minLength"), said.get("maxLength")
    if found.kind == "text" and (least or most):
        parts.append(f"{least} to {most} characters" if least and most else
                     f"at most {most} characters" if most else f"at least {least} characters")
    low, high = said.get("minimum"), said.get("maximum")
    if found.kind == "number" and not (low is None and high is None):
        parts.append(f"{low} to {high}" if low is not None and high is not None else
                     f"at most {high}" if low is None else f"at least {low}")
    example = _EXAMPLES.get(str(said.get("format")))
    if example and said.get("format") != "date" and said.get("readOnly") is not True:
        parts.append(f"such as {example}")
    described = cut(said.get("description") or "", _LONGEST)
    return f"{described} {'; '.join(parts)}".strip()
