"""Whether the service can listen where it is told to."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path


class StartError(Exception):
    """The service cannot start; the message says why in one line."""


def check_port(host: str, port: int) -> None:
    """Refuse to start on a taken port before anything else is started.

    The workers of a master that was killed hold it for a moment longer.

    :raises StartError: saying why it cannot be had
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    patience = time.monotonic() + 3
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise StartError(
                        f"cannot listen on {host}:{port} ({error.strerror or error}): set "
                        "JSONRPC_HOST to an address of this machine, or 0.0.0.0 for all, and "
                        "JSONRPC_PORT to a port that you may have") from None
        if time.monotonic() > patience:
            raise StartError(f"port {port} is taken by another program: stop it, or set "
                             "JSONRPC_PORT to another one")
        time.sleep(0.1)


def check_socket(path: Path) -> None:
    """Refuse to start on a Unix socket that cannot be had; gunicorn would take it from another.

    :raises StartError: saying why it cannot be had
    """
    if len(os.fsencode(path)) > 107:
        raise StartError(f"JSONRPC_SOCKET={path} is longer than the 107 bytes that a socket's "
                         "path may have")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StartError(f"JSONRPC_SOCKET={path} cannot be made: {path.parent} must be a folder "
                         "that may be written to")
    if path.exists() and not path.is_socket():
        raise StartError(f"JSONRPC_SOCKET={path} is there already, and is no socket")
    patience = time.monotonic() + 3
    while _listens(path):
        if time.monotonic() > patience:
            raise StartError(f"JSONRPC_SOCKET={path} is taken by another program: stop it, or set "
                             "JSONRPC_SOCKET to another one")
        time.sleep(0.1)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
