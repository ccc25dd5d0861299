"""A node's data in an editor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.failures import REFUSED, failure_of
from flexdb.cli.remote.text import json_text, read_json

if TYPE_CHECKING:
    from flexdb.client.synchronous.records import Record


def edited(record: Record) -> bool:
    """Let a person change a node's data in ``$VISUAL`` or ``$EDITOR``, and send what differs.

    What does not fit can be changed further; what they typed stays in a file until it is sent.

    :return: whether something was changed
    :raises Failure: when it cannot be sent
    """
    written, version = json_text(record.data, readable=True) + "\n", record.version
    # Its owner's alone.
    import tempfile
    descriptor, name = tempfile.mkstemp(prefix=f"{record.id}-", suffix=".json")
    path = Path(name)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(written)
    sent = False
    try:
        while not sent:
            click.edit(filename=name)
            if failure := _sent(record, path):
                failure.show()
                if failure.exit_code != REFUSED or not sys.stdin.isatty():
                    raise click.exceptions.Exit(failure.exit_code)
                if not click.confirm("Edit it again?", default=True, err=True):
                    raise click.exceptions.Exit(failure.exit_code)
            sent = not failure
    finally:
        if sent or path.read_bytes() == written.encode():
            path.unlink()
        else:
            click.echo(f"flexdb: what was typed is kept: '@{name}' in the place of the editor "
                       "writes it over what is there", err=True)
    return record.version != version


def _sent(record: Record, path: Path) -> Failure | None:
    """Send what differs, and return why that cannot be."""
    import flexdb.client as fx
    try:
        data = _object(path.read_bytes())
        with record.edit() as found:
            found.clear()
            found.update(data)
        return None
    except ValueError as error:
        return Failure(str(error), REFUSED)
    except fx.Error as error:
        return failure_of(error)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = read_json(text.decode())
    except ValueError as error:
        raise ValueError(f"that is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("data is an object: { … }")
    return found
