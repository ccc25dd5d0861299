"""Connections to clients, with few system calls and few waits for Python's lock."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
from typing import Any

# How long a thread waits for the next request of a connection before it lets go of it, as a
# timeval (socket(7), SO_RCVTIMEO), and how much it then reads.
_SOON = struct.pack("@ll", 0, 10_000)
_PIECE = 8192
# Up to how many bytes are sent with Python's lock kept; whoever lets go of it for so short a time
# has to wait for it behind others. The kernel takes what it has room for, and never waits.
_AT_ONCE = 65536
# Where there is no such flag, Python ignores the signal all the same.
_NEVER_WAITS = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
_send = ctypes.PyDLL(None).send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t


class Socket(socket.socket):
    """A socket that the kernel is not told again what it knows."""

    _is_timed = False

    @classmethod
    def of(cls, given: socket.socket) -> Socket:
        """Return a socket in the place of another."""
        made = cls(given.family, given.type, given.proto, given.detach())
        socket.socket.settimeout(made, None)
        return made

    def recv_soon(self) -> bytes:
        """Return what comes while it is worth it to wait; nothing when the other end closed.

        :raises BlockingIOError: when nothing came
        """
        if not self._is_timed:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SOON)
            self._is_timed = True
        return super().recv(_PIECE)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return what comes, within the time that it may take."""
        while True:
            try:
                return super().recv(bufsize, flags)
            except BlockingIOError:
                if self.gettimeout() is not None:
                    raise
            # What is not in time for :meth:`recv_soon` may be for this.
            poll = select.poll()
            poll.register(self, select.POLLIN)
            poll.poll()

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of what is given."""
        if type(data) is bytes and len(data) <= _AT_ONCE and not flags:
            sent = _send(self.fileno(), data, len(data), _NEVER_WAITS)
            if sent == len(data):
                return
            # What went wrong is found again, and told.
            data = data[max(sent, 0):]
        super().sendall(data, flags)

    def settimeout(self, value: float | None) -> None:
        """Let it wait so long; None for ever."""
        if value != self.gettimeout():
            super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        """Let it wait, or not at all."""
        self.settimeout(None if flag else 0.0)
