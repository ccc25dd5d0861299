"""gunicorn's configuration; every value that one may want to change is a setting of flexdb."""

import logging
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from flexdb.config import ConfigError, variables_of
from flexdb.server.embedded import EmbeddedError
from flexdb.db.migrate import MigrationError
from flexdb.server.listening import StartError
from flexdb.telemetry.logs import configure, logging_config
from flexdb.telemetry.metrics import free_place
from flexdb.server.startup import Startup

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
worker_class = "flexdb.server.worker.Worker"
logger_class = "flexdb.server.worker.Logger"
threads = _settings.threads
timeout = _settings.timeout
graceful_timeout = _settings.graceful_timeout
keepalive = _settings.keepalive
max_requests = _settings.max_requests
max_requests_jitter = _settings.max_requests_jitter
limit_request_line = 8190
# Whoever comes through the Unix socket is believed too.
forwarded_allow_ips = "127.0.0.1,::1"
# Workers give their signs of life through a file, which must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True
logconfig_dict = logging_config(_settings)


def on_starting(server):
    """Prepare what the workers need; a start that must fail says why in one line."""
    configure(_settings)
    # A reload reads this file anew, and what was started is still the first reading's to stop.
    server.flexdb = _startup
    server.handle_hup = partial(_reload, server)
    ending = []

    def end(*_):
        ending.append(True)
        sys.exit(0)

    # gunicorn listens to signals only when this is done.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        _startup.start()
        # Where Python cannot raise, as in a finalizer, it goes on.
        if ending:
            sys.exit(0)
    except (StartError, EmbeddedError, MigrationError) as error:
        logging.getLogger("flexdb").error("%s", error)
        _startup.stop()
        sys.exit(1)
    except SystemExit:
        _startup.stop()
        raise


def _reload(server):
    """Start new workers in place of the old ones, if they can start.

    gunicorn ends when they cannot, with the old ones and without on_exit.
    """
    tried = subprocess.run([sys.executable, "-m", "gunicorn", "--check-config", *sys.argv[1:]],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        server.log.error("Not reloaded, the workers go on as they are: %s",
                         reason.removeprefix("flexdb: "))
    else:
        type(server).handle_hup(server)


def when_ready(server):
    """Tell where the service is reached."""
    _startup.tell_endpoints()


def pre_fork(server, worker):
    """Give the worker a place that no living one has."""
    worker.place = free_place(other.place for other in server.WORKERS.values())


def post_fork(server, worker):
    """Leave the master's things to it, keep its settings, and count in the worker's own place."""
    # What stands in .env by now is a reload's to take; it may even be wrong.
    os.environ.update(variables_of(_startup.settings))
    server.flexdb.leave_to_parent()
    server.flexdb.metrics.join(worker.place)


def child_exit(server, worker):
    """Forget what the worker was doing."""
    server.flexdb.metrics.leave(worker.place)


def on_exit(server):
    """Stop what was started beside the workers."""
    if not server.flexdb.stop():
        sys.exit(1)
