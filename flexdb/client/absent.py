"""What stands for a parameter that is not given, where null may be."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Absent(Enum):
    """The one value of which nothing is sent."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def given(required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call without those that are not given."""
    params = {name: value for name, value in required.items() if value is not ABSENT}
    for name, value in optional.items():
        if value is not None:
            params[name] = value
    return params
