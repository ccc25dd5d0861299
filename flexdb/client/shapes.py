"""Data as objects of a program's own classes: TypedDict, dataclass, msgspec and pydantic."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

M = TypeVar("M")


def shaped(data: Mapping[str, Any], shape: type[M]) -> M:
    """Return data as an object of a class.

    A class of msgspec or pydantic checks it; a dataclass takes the members that it names.

    :raises TypeError: for a class of which none can be made, or that wants more than there is
    """
    kind: Any = shape
    if hasattr(shape, "__required_keys__"):
        found: Any = dict(data)
    elif is_dataclass(shape):
        names = {one.name for one in fields(shape) if one.init}
        found = shape(**{name: value for name, value in data.items() if name in names})
    elif hasattr(shape, "__struct_fields__"):
        found = sys.modules["msgspec"].convert(data, shape)
    elif hasattr(shape, "model_validate"):
        found = kind.model_validate(data)
    else:
        raise TypeError(f"{shape!r} is no TypedDict, dataclass, Struct of msgspec or model of "
                        "pydantic")
    return found  # type: ignore[no-any-return]


def plain(thing: Any) -> Any:
    """Return the data of such an object; what is a mapping already stays as it is."""
    if type(thing) is dict:
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        return asdict(thing)
    if hasattr(thing, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(thing)
    if hasattr(thing, "model_dump"):
        return thing.model_dump(mode="json", by_alias=True)
    return thing
