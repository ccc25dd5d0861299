"""Data as objects of a program's own classes: TypedDict, dataclass, msgspec and pydantic."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

M = TypeVar("M")


def shaped(data: Mapping[str, Any], shape: type[M]) -> M:
    """Return data as an object of a class.

    A class of msgspec or pydantic checks it; a dataclass takes the members that it names, or that a
    field's ``metadata={"name": …}`` does, and makes what is in them likewise.

    :raises TypeError: for a class of which none can be made, or that wants more than there is
    """
    kind: Any = shape
    if hasattr(shape, "__required_keys__"):
        found: Any = dict(data)
    elif is_dataclass(shape):
        found = shape(**{name: _made(data[member], hint) for name, member, hint in _members(shape)
                         if member in data})
    elif hasattr(shape, "__struct_fields__"):
        found = sys.modules["msgspec"].convert(data, shape)
    elif hasattr(shape, "model_validate"):
        found = kind.model_validate(data)
    else:
        raise TypeError(f"{shape!r} is no TypedDict, dataclass, Struct of msgspec or model of "
                        "pydantic")
    return found  # type: ignore[no-any-return]


def plain(thing: Any) -> Any:
    """Return the data of such an object; what is a mapping already stays as it is.

    A member that is None, and would be if nobody had given it, is absent.
    """
    if type(thing) is dict:
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        return _data(thing)
    if hasattr(thing, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(thing)
    if hasattr(thing, "model_dump"):
        as_json = {"mode": "json", "by_alias": True}
        return _given(thing.model_dump(**as_json),
                      thing.model_dump(**as_json, exclude_unset=True))
    return thing


@lru_cache(maxsize=1000)
def _members(shape: Any) -> list[tuple[str, str, Any]]:
    """Return the name of each field of a dataclass, that of its member, and what it is."""
    try:
        hints = get_type_hints(shape)
    except (AttributeError, NameError, SyntaxError, TypeError):
        # They name what is only there for who checks types.
        hints = {}
    return [(one.name, one.metadata.get("name", one.name), hints.get(one.name))
            for one in fields(shape) if one.init]


def _made(value: Any, hint: Any) -> Any:
    """Return a value with the dataclasses that its annotation has in the place of objects."""
    if isinstance(hint, type) and is_dataclass(hint):
        return shaped(value, hint) if isinstance(value, Mapping) else value
    kind, of = get_origin(hint), get_args(hint)
    if kind is list and isinstance(value, list):
        return [_made(one, of[0]) for one in value]
    if kind is dict and isinstance(value, dict):
        return {name: _made(one, of[1]) for name, one in value.items()}
    if of and kind not in (list, dict):
        for option in of:
            if (made := _made(value, option)) is not value:
                return made
    return value


def _data(thing: Any) -> Any:
    if is_dataclass(thing) and not isinstance(thing, type):
        return {one.metadata.get("name", one.name): _data(value) for one in fields(thing)
                if (value := getattr(thing, one.name)) is not None or one.default is not None}
    if isinstance(thing, (list, tuple)):
        return [_data(one) for one in thing]
    return {name: _data(one) for name, one in thing.items()} if isinstance(thing, dict) else thing


def _given(whole: Any, given: Any) -> Any:
    """Return data without what is None in it and was not given."""
    if isinstance(whole, dict) and isinstance(given, dict):
        return {name: _given(one, given.get(name)) for name, one in whole.items()
                if one is not None or name in given}
    if isinstance(whole, list) and isinstance(given, list) and len(whole) == len(given):
        return [_given(one, other) for one, other in zip(whole, given)]
    return whole
