"""gunicorn's configuration; every value that one may want to change is a setting of flexdb.

gunicorn may be given this very file, as ``flexdb serve`` does, or the one at the repository's root.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flexdb.config import ConfigError
from flexdb.server.hooks import Hooks
from flexdb.server.startup import Startup
from flexdb.telemetry.logs import logging_config


def configuration(folder: Path) -> dict[str, Any]:
    """Return gunicorn's settings under their names; where flexdb's are wrong, end in one line.

    Read at each start and each reload.

    :param folder: where the ``.env`` files and ``.flexdb/`` are
    """
    try:
        startup = Startup(folder)
    except ConfigError as error:
        sys.exit(f"flexdb: {error}")
    settings, hooks = startup.settings, Hooks(startup)
    host = f"[{settings.jsonrpc_host}]" if ":" in settings.jsonrpc_host else settings.jsonrpc_host
    unix = [f"unix:{settings.jsonrpc_socket}"] if settings.jsonrpc_socket else []
    return {
        "bind": [f"{host}:{settings.jsonrpc_port}", *unix],
        "workers": settings.workers,
        "worker_class": "flexdb.server.worker.Worker",
        "threads": settings.threads,
        "timeout": settings.timeout,
        "graceful_timeout": settings.graceful_timeout,
        "keepalive": settings.keepalive,
        "max_requests": settings.max_requests,
        "max_requests_jitter": settings.max_requests_jitter,
        "limit_request_line": 8190,
        # Whoever comes through the Unix socket is believed too.
        "forwarded_allow_ips": "127.0.0.1,::1",
        # Workers give their signs of life through a file, which must not wait for a disk.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        "control_socket_disable": True,
        "logger_class": "flexdb.server.logger.Logger",
        "logconfig_dict": logging_config(settings),
        "on_starting": hooks.on_starting,
        "when_ready": hooks.when_ready,
        "pre_fork": hooks.pre_fork,
        "post_fork": hooks.post_fork,
        "worker_exit": hooks.worker_exit,
        "child_exit": hooks.child_exit,
        "on_exit": hooks.on_exit,
    }


# The name under which gunicorn runs a file that it is given.
if __name__ == "__config__":
    globals().update(configuration(Path.cwd()))
