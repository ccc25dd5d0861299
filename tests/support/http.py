"""What is sent to a server on this machine, byte for byte."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.support.service import request

JSON = {"Content-Type": "application/json"}


def call_body(number: int, method: str = "list_tenants", **params: Any) -> bytes:
    """Return the body of a JSON-RPC call.

    :param number: the call's id
    """
    return json.dumps(request(method, params, number)).encode()


def exchange(port: int, sent: bytes) -> tuple[int, bytes, bytes]:
    """Send bytes as they are; return the status, the headers and the body of the answer.

    The request must be one after which the server closes the connection.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body
