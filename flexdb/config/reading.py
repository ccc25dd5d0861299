"""Reading the settings, once: from the environment, then ``.env.local``, then ``.env``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from flexdb.config import DATABASE_VARIABLES, ConfigError, Settings


def _value(name: str, kind: str, text: str, least: float, most: float,
           choices: tuple[str, ...]) -> str | int | float:
    if choices:
        if (chosen := text.strip()) not in choices:
            raise ConfigError(f"{name}={text!r} is not one of {', '.join(choices)}")
        return chosen == "true" if kind == "bool" else chosen
    # Several ports are looked at together with their hosts.
    if kind == "str" or kind == "int | str" and "," in text:
        return text
    try:
        number = float(text) if kind == "float" else int(text)
    except ValueError:
        wanted = "a number" if kind == "float" else "a whole number"
        raise ConfigError(f"{name}={text!r} is not {wanted}") from None
    if not least <= number <= most:
        raise ConfigError(
            f"{name}={text.strip()} is not between {least:.16g} and {most:.16g}")
    return number


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from variables; an empty one counts as not set.

    :raises ConfigError: when a value is wrong
    """
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name = setting.name.upper()
        if (text := environment.get(name, "")).strip():
            values[setting.name] = _value(name, str(setting.type), text, **{
                key: setting.metadata[key] for key in ("least", "most", "choices")})
    return Settings(**values)


def environment(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables that hold in a folder, and the names of the files some came from."""
    variables: dict[str, str] = {}
    files: list[str] = []
    for name in (".env", ".env.local"):
        if (folder / name).is_file():
            try:
                found = dotenv_values(folder / name, interpolate=False)
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{name} cannot be read: {error}") from None
            variables.update({key: value for key, value in found.items() if value is not None})
            files.insert(0, name)
    variables.update(os.environ)
    return variables, files


def set_default(folder: Path, name: str, value: str) -> None:
    """Set a variable of this process, unless it has it or a file of the folder says it."""
    try:
        variables, _ = environment(folder)
    except ConfigError:
        # Whoever reads the settings tells of it.
        return
    os.environ[name] = variables.get(name, "").strip() or value


def variables_of(settings: Settings) -> dict[str, str]:
    """Return the variables that :func:`read_settings` would read these settings from."""
    return {setting.name.upper(): value if isinstance(value, str) else str(value).lower()
            for setting in fields(Settings)
            for value in [getattr(settings, setting.name)]}


def wants_embedded(environment: Mapping[str, str]) -> bool:
    """Tell whether no database is named, so that the embedded PostgreSQL serves."""
    return not any(environment.get(name, "").strip() for name in DATABASE_VARIABLES)
