"""An application that listens at a port, in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class _Kept(_Quiet):
    protocol_version = "HTTP/1.1"


@contextmanager
def listening(app: Any, kept: bool = False) -> Iterator[int]:
    """Let a WSGI application listen until the end, and give its port.

    :param kept: whether a connection serves several requests
    """
    server = make_server("127.0.0.1", 0, app, threaded=True,
                         request_handler=_Kept if kept else _Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
