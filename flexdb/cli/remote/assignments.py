"""What is said in a command of the members of an object: NAME=TEXT, NAME:=JSON and @FILE."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from flexdb.cli.remote.text import read_json, visible

_SAID = re.compile(r"(?P<name>[^=:]*(?::(?!=)[^=:]*)*)(?P<how>:=|=)(?P<value>.*)", re.DOTALL)


def assigned(said: tuple[str, ...], begin: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an object with the members that are said.

    :param said: ``name=text``, ``name:=json``, ``name=@file`` and ``name:=@file`` for what stands
        in a file, ``@file`` for an object that is taken first; ``@-`` is standard input
    :param begin: what it is before
    :raises click.UsageError: for what is none of that
    """
    found = dict(begin or {})
    for one in (one for one in said if one.startswith("@")):
        whole = _json(_content(one), one)
        if not isinstance(whole, dict):
            raise click.UsageError(f"'{visible(one):.60}' must hold an object.")
        found = whole
    for one in (one for one in said if not one.startswith("@")):
        match = _SAID.fullmatch(one)
        if match is None or not match["name"]:
            raise click.UsageError(f"'{visible(one):.60}' must be NAME=TEXT, NAME:=JSON or @FILE.")
        value = _content(match["value"]) if match["value"].startswith("@") else match["value"]
        found[match["name"]] = _json(value, one) if match["how"] == ":=" else value
    return found


def document(said: str | None) -> Any:
    """Return the JSON that an option has, or a file that it names as @FILE; None when absent.

    :raises click.UsageError: when it is no JSON
    """
    if said is None:
        return None
    return _json(_content(said) if said.startswith("@") else said, said)


def _content(place: str) -> str:
    """Return what stands in @FILE."""
    name = place[1:]
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        # Some editors begin with a mark of the order of bytes.
        return text.removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise click.UsageError(f"'{visible(place):.60}' must be a file of UTF-8.") from None


def _json(text: str, said: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise click.UsageError(f"'{visible(said):.60}' must be JSON: {error}.") from None
