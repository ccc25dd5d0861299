"""Which certificates a client reads: for an address without TLS none, since it takes 30 ms."""

from __future__ import annotations

import ssl
from urllib.request import getproxies


def trusted(url: str) -> ssl.SSLContext | bool:
    """Return what httpx2 is to verify servers by, where the address is a URL."""
    tls = (url, *getproxies().values())
    if any(one.lower().startswith("https:") for one in tls):
        return True
    # It trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
