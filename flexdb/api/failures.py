"""Credentials that are not good: from one address so many and no more, so that guessing ends.

A good one from the same address is good as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from flexdb.access.buckets import Rate, shared
from flexdb.config import Networks, Settings, networks
from flexdb.errors import RateLimited
from flexdb.telemetry.metrics import Metrics

_RATE = Rate(1, 20)
# What one customer of a provider has of IPv6 at least (RFC 6177), in bits.
_OWN = 64


class Failures:
    """Counts the credentials that are not good, over all workers of an instance.

    :param settings: say whose word is taken for where a request is from
    :raises ConfigError: when they name what is no address
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._trusted = trusted(settings)
        self._buckets = shared().failures
        self._metrics = metrics

    def check(self, environ: Mapping[str, str]) -> None:
        """Count one of the address that a request is from.

        :raises RateLimited: when there were too many
        """
        level = self._buckets.take(network_of(environ, self._trusted), 1, _RATE)
        if not level.admitted:
            self._metrics.refused.labels("failures").inc()
            raise RateLimited("failures", level.seconds)


def trusted(settings: Settings) -> Networks:
    """Return whose word is taken for where a request is from.

    :raises ConfigError: when TRUSTED_PROXIES names what is no address
    """
    return networks("TRUSTED_PROXIES", settings.trusted_proxies)


def network_of(environ: Mapping[str, str], trusted: Networks) -> bytes:
    """Return the address that a request is from, of IPv6 the network, in 16 bytes.

    That is the nearest hop that is not trusted: what those behind it say may be made up.
    """
    hop = environ.get("REMOTE_ADDR", "")
    told = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    # Through the Unix socket comes nobody but who was let in there, the proxy on this machine.
    while told[-1] and (not hop or _is_trusted(hop, trusted)):
        hop = told.pop().strip()
        told = told or [""]
    try:
        address = ip_address(hop)
    except ValueError:
        return bytes(16)
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return int(address).to_bytes(16, "big")[:_OWN // 8].ljust(16, b"\0")
    v4 = address.ipv4_mapped if isinstance(address, IPv6Address) else address
    return int(v4 or 0).to_bytes(16, "big")


def _is_trusted(hop: str, trusted: Networks) -> bool:
    try:
        address = ip_address(hop)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in trusted)
