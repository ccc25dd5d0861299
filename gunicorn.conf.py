"""gunicorn's configuration; every value that one may want to change is a setting of flexdb."""

import logging
import signal
import sys
from pathlib import Path

from flexdb.config import ConfigError
from flexdb.db.embedded import EmbeddedError
from flexdb.db.migrate import MigrationError
from flexdb.logs import configure, logging_config
from flexdb.metrics import free_place
from flexdb.startup import StartError, Startup

try:
    _startup = Startup(Path.cwd())
except ConfigError as error:
    sys.exit(f"flexdb: {error}")

_settings = _startup.settings
_host = f"[{_settings.jsonrpc_host}]" if ":" in _settings.jsonrpc_host else _settings.jsonrpc_host
bind = [f"{_host}:{_settings.jsonrpc_port}"]
if _settings.jsonrpc_socket:
    bind.append(f"unix:{_settings.jsonrpc_socket}")
workers = _settings.workers
worker_class = "flexdb.worker.Worker"
logger_class = "flexdb.worker.Logger"
threads = _settings.threads
timeout = 60
graceful_timeout = 30
keepalive = 75
limit_request_line = 8190
control_socket_disable = True
logconfig_dict = logging_config(_settings)


def on_starting(server):
    """Prepare what the workers need; a start that must fail says why in one line."""
    configure(_settings)
    # A reload reads this file anew, and what was started is still the first reading's to stop.
    server.flexdb = _startup
    # gunicorn listens to signals only when this is done.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        _startup.start()
    except (StartError, EmbeddedError, MigrationError) as error:
        logging.getLogger("flexdb").error("%s", error)
        _startup.stop()
        sys.exit(1)
    except SystemExit:
        _startup.stop()
        raise


def when_ready(server):
    """Tell where the service is reached."""
    _startup.tell_endpoints()


def pre_fork(server, worker):
    """Give the worker a place that no living one has."""
    worker.place = free_place(other.place for other in server.WORKERS.values())


def post_fork(server, worker):
    """Leave the master's things to it, and count in the worker's own place."""
    server.flexdb.leave_to_parent()
    server.flexdb.metrics.join(worker.place)


def child_exit(server, worker):
    """Forget what the worker was doing."""
    server.flexdb.metrics.leave(worker.place)


def on_exit(server):
    """Stop what was started beside the workers."""
    server.flexdb.stop()
