"""How a command over HTTP gets its client, and in which form it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from flexdb.cli.remote.failures import failures
from flexdb.cli.remote.output import FORMS, Writer
from flexdb.cli.remote.profiles import (
    DEFAULT,
    Profile,
    complete_profile,
    no_profile,
    read_profiles,
)

_HERE = "http://localhost:5000"
_OPTIONS = (
    click.option("--url", help="Where the service is; FLEXDB_URL, or http://localhost:5000."),
    click.option("--token", help="A key or a JWT. Others on the machine see a command, but "
                                 "neither FLEXDB_TOKEN nor a profile."),
    click.option("--profile", shell_complete=complete_profile,
                 help="The service of this name; FLEXDB_PROFILE."),
    click.option("--timeout", type=click.FloatRange(0, min_open=True), default=30,
                 show_default=True, help="In how many seconds a call is to be answered."),
    click.option("-o", "--output", "form", type=click.Choice(FORMS),
                 help="A table at a terminal, and else ndjson: an object a line."),
)


def connected(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its client and its output, and the options that say which.

    :param function: what the command does, with a ``Client``, a ``Writer`` and its own arguments
    """
    @wraps(function)
    def run(url: str | None, token: str | None, profile: str | None, timeout: float,
            form: str | None, **arguments: Any) -> None:
        with failures():
            import flexdb.client as fx
            service = find_service(url, token, profile)
            try:
                db = fx.connect(service.url, service.token, timeout, decimals=True)
            except ValueError as error:
                raise click.UsageError(f"{error}.") from None
            with db:
                function(db, Writer(form), **arguments)
            # What a reader does not want is told here, and not when Python ends.
            sys.stdout.flush()

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def find_service(url: str | None, token: str | None, profile: str | None) -> Profile:
    """Return which service is meant, by options, else by the environment, else by the profiles.

    The key of a profile goes to its own address alone.

    :raises click.UsageError: when both an address and a profile are given
    :raises Failure: when there is no such profile
    """
    if url and profile:
        raise click.UsageError("'--url' and '--profile' exclude each other.")
    environment = {name: os.environ.get(f"FLEXDB_{name}", "")
                   for name in ("URL", "TOKEN", "PROFILE")}
    if not profile:
        url = url or environment["URL"]
        profile = "" if url else environment["PROFILE"]
    if url:
        found = Profile(url)
    else:
        profiles = read_profiles()
        if profile and profile not in profiles:
            raise no_profile(profile, profiles)
        found = profiles.get(profile or DEFAULT, Profile(_HERE))
    return Profile(found.url, token or found.token or environment["TOKEN"])
