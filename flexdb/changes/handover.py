"""How a request thread gets rid of its socket."""

from __future__ import annotations

import socket
from collections.abc import Callable


class HandedOver(BaseException):
    """The socket of the request under way belongs to another thread from now on.

    No error: it passes by whoever would answer one.

    :param take: what is to be given the socket
    """

    def __init__(self, take: Callable[[socket.socket], None]) -> None:
        self.take = take
