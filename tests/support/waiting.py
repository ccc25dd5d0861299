"""Waiting for what is to happen, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], Any], patience: float = 90) -> Any:
    """Return what a condition gives as soon as that is true.

    :param patience: how long it may take, in seconds
    :raises AssertionError: when it took longer
    """
    until = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)
    return found
