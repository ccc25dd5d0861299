"""What is told at the end of a start: where the service is reached, and by whom."""

from __future__ import annotations

import logging
import sys
from ipaddress import ip_address

from flexdb.config import Settings

logger = logging.getLogger(__name__)

_MAKE_KEY = "`python -m flexdb create-key` makes a key"
_WHO = {
    "local": f"Open to this machine alone; others need a key: {_MAKE_KEY}, AUTH=open lets all in, "
             "AUTH=required nobody without one",
    "open": f"AUTH=open: whoever reaches it{{way}} may do everything. To close it, {_MAKE_KEY}, "
            "then set AUTH=required",
    "required": f"Whoever calls needs a key: {_MAKE_KEY}",
}


def tell_endpoints(settings: Settings) -> None:
    """Log where the service is reached and by whom, and last what a person opens."""
    host, port, mode = settings.jsonrpc_host, settings.jsonrpc_port, settings.auth_mode
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logger.info("JSON-RPC endpoint: %s/jsonrpc", address)
    logger.info("Health check endpoint: %s/health", address)
    way = "" if _is_loopback(host) else f" over the network, at {host}:{port},"
    logger.log(logging.WARNING if mode == "open" else logging.INFO, _WHO[mode].format(way=way))
    if _is_loopback(host) or host in ("0.0.0.0", "::"):
        address = f"http://localhost:{port}"
    # Where there is no terminal, there is no Ctrl-C.
    stop = " · stop with Ctrl-C" if sys.stdin and sys.stdin.isatty() else ""
    console = f" · console: {address}/console" if settings.console_enabled else ""
    logger.info("Open %s%s%s", address, stop, console)


def _is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
