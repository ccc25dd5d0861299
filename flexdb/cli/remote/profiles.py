"""Profiles: services by name, with their keys, in a file that only its owner may read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from flexdb.cli.failures import Failure
from flexdb.cli.remote.text import visible

if TYPE_CHECKING:
    from configparser import ConfigParser

# The one that is taken where nothing else is said.
DEFAULT = "default"


class Profile(NamedTuple):
    """A service.

    :param url: where it is
    :param token: a key or a JWT; empty where it needs none
    """

    url: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Profile(url={self.url!r})"


def path_of_profiles() -> Path:
    """Return where the profiles are, by the XDG Base Directory Specification 0.8."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    base = folder if os.path.isabs(folder) else os.path.expanduser("~/.config")
    return Path(base, "flexdb", "profiles.ini")


def read_profiles() -> dict[str, Profile]:
    """Return the profiles by their names.

    :raises Failure: where the file is none, or others may read it
    """
    from configparser import Error
    path, found = path_of_profiles(), _parser()
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Failure(f"others may read the keys in {path}: chmod 600 {path}")
            found.read_file(file)
        return {name: Profile(found[name]["url"], found[name].get("token", ""))
                for name in found.sections()}
    except FileNotFoundError:
        return {}
    except KeyError:
        raise Failure(f"{path} is to have a url for each profile") from None
    # Their messages quote lines of the file.
    except (Error, UnicodeDecodeError):
        raise Failure(f"{path} is no file of profiles: a profile is [name], then lines such as "
                      "url = http://localhost:5000 and token = …") from None


def write_profiles(profiles: dict[str, Profile]) -> None:
    """Write the profiles in the place of those that were there."""
    import tempfile
    # Where it is a link, what that leads to is written.
    path, made = path_of_profiles().resolve(), _parser()
    for name, profile in profiles.items():
        made[name] = {"url": profile.url} | ({"token": profile.token} if profile.token else {})
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file of mkstemp's is its owner's alone.
    descriptor, beside = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            made.write(file)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _parser() -> ConfigParser:
    from configparser import ConfigParser
    # No section is special, and a % in a key is a %.
    return ConfigParser(interpolation=None, default_section="", delimiters="=")


def complete_profile(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Return the names of profiles that begin so, for a shell; none where they cannot be read."""
    try:
        return [name for name in read_profiles() if name.startswith(begun)]
    except (Failure, OSError):
        return []


@click.group("profiles")
def profiles() -> None:
    """Services by name, with their keys, for --profile and FLEXDB_PROFILE."""


@profiles.command("list")
def list_profiles() -> None:
    """List the profiles, without their keys."""
    for name, profile in read_profiles().items():
        key = "with a key" if profile.token else "without a key"
        click.echo(visible(f"{name}  {profile.url}  {key}"))


@profiles.command("add")
@click.argument("name")
@click.option("--url", required=True, help="Where the service is.")
def add_profile(name: str, url: str) -> None:
    """Add a profile, or change the one of that NAME; that of the name default is the usual one.

    The key is asked for at a terminal, and is else the first line of standard input.
    """
    from flexdb.client.wire import address_of, check_token
    if not name or name != visible(name).strip() or "]" in name:
        raise click.UsageError("the name of a profile is visible text without ].")
    if sys.stdin.isatty():
        token = click.prompt("Key or token, empty for none", default="", hide_input=True,
                             show_default=False, err=True)
    else:
        token = sys.stdin.readline().strip()
    try:
        address_of(url)
        kept = Profile(url, check_token(token) if token else "")
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    write_profiles(read_profiles() | {name: kept})


@profiles.command("delete")
@click.argument("name", shell_complete=complete_profile)
def delete_profile(name: str) -> None:
    """Delete a profile."""
    found = read_profiles()
    if name not in found:
        raise no_profile(name, found)
    del found[name]
    write_profiles(found)


def no_profile(name: str, profiles: dict[str, Profile]) -> Failure:
    """Return what is told of a profile that is not there."""
    there = ", ".join(profiles) or "none"
    return Failure(visible(f"there is no profile {name}; there are: {there}"), 2)
