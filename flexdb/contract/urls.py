"""The URLs that the service itself is to call, as far as their form tells whether it may.

Where a name leads is looked at whenever it is called: it may be another place by then.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError

from flexdb.context import Context, Limits
from flexdb.contract.fields import Text

URL_LENGTH = 2048
# Where nothing else is to be expected than what is meant to be called.
PORTS = (443, 8443)
# The only IPv6 that is routed to all (https://www.iana.org/assignments/ipv6-address-space), and
# what of it holds an address of IPv4, to which a gateway would send: Teredo and 6to4.
_UNICAST = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))


class Url(Text):
    """An https URL of another service, on the public internet unless the settings let more."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(description, length=URL_LENGTH, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        context: Context = kwargs["context"]
        url = super()._deserialize(value, attr, data, **kwargs)
        if wrong := _wrong(url, context.limits):
            raise ValidationError(wrong)
        return url

    def _pattern(self) -> str:
        return "https?://[!-~]+"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the internet's, where anybody may send to.

    ``is_global`` alone lets multicast, NAT64, 6to4, site-local and IPv4-compatible addresses by.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return isinstance(address, IPv4Address) or (
        address in _UNICAST and not any(address in tunnel for tunnel in _TUNNELS))


def _wrong(url: str, limits: Limits) -> str:
    """Return what is wrong with a URL; "" for nothing."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return ("may have printable characters of ASCII alone: others are written as %C3%A9, and "
                "in a domain as xn--caf-dma")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "is no URL"
    schemes = ("https", "http") if limits.webhook_http else ("https",)
    if parts.scheme not in schemes or not host:
        return f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host"
    if "@" in parts.netloc:
        return "may hold no user and no password"
    if "#" in url:
        return "may have no fragment: that is never sent"
    if limits.webhook_http or limits.webhook_allow:
        return "" if port != 0 else "may not have the port 0"
    if port not in (None, *PORTS):
        return f"may have the port {' or '.join(map(str, PORTS))} alone"
    return "" if _may_be_public(host) else "must lead to a host on the public internet"


def _may_be_public(host: str) -> bool:
    """Tell whether a host is no address that is not public; a name may be anything."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        return is_public(ip_address(host))
    except ValueError:
        # What looks like a number is an address to some resolvers, in octal or all in one.
        last = name.rpartition(".")[2]
        return not (last.isdigit() or last.startswith("0x"))
