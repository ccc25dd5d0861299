"""Where a delivery may be sent: to addresses that are public, or that the operator allows.

A tenant says the URL. What its name leads to may change from one moment to the next, so it is
looked up at every attempt, and connected to is the very address that was looked at.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address

from flexdb.config import Networks
from flexdb.contract.urls import is_public

# Returns the addresses that a name leads to; raises OSError or ValueError when there is none.
Resolve = Callable[[str, int], list[str]]
# Connecting to more of them is not tried.
_MOST = 8


class NotPublic(Exception):
    """A name leads nowhere, or to where nothing may be sent; which of them is not told, as a name
    may be one that only this network knows.
    """


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the system's resolver.

    :raises OSError: when it has none
    :raises ValueError: when it is no name
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def addresses_of(host: str, port: int, allowed: Networks, look_up: Resolve = resolve) -> list[str]:
    """Return the addresses that a host has at this moment, all of which may be sent to.

    :param allowed: networks that need not be public
    :param look_up: in the place of the system's resolver
    :raises NotPublic: when it has none, or one of them may not be sent to
    """
    try:
        found = look_up(host, port)
        # Any one of them would do for who wants to lead it astray.
        fine = bool(found) and all(_may_be_sent_to(address, allowed) for address in found)
    except (OSError, ValueError):
        fine = False
    if not fine:
        raise NotPublic("its name has no address, or one that is not public")
    return found[:_MOST]


def _may_be_sent_to(text: str, allowed: Networks) -> bool:
    address = ip_address(text)
    return is_public(address) or any(address in network for network in allowed)
