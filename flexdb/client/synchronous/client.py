"""The client: the methods of the service, and what stands on them.

Written by ``scripts/make_client.py`` of what is awaited.
"""

from __future__ import annotations

import httpx2

from flexdb.client.synchronous.connection import Connection
from flexdb.client.synchronous.sending import Batch
from flexdb.client.synchronous.tenant import TenantClient
from flexdb.client.ids import is_id
from flexdb.client.reasons import AlreadyExists, NotFound


class Client(Connection):
    """A service, as a program sees it; ``close()`` it, or take it with ``with``."""

    def tenant(self, name: str, *, create: bool = False) -> TenantClient:
        """Return a tenant by its slug or its id.

        :param create: whether it is made where there is none of that slug
        :raises NotFound: when there is none
        """
        try:
            found = (self.get_tenant(id=name) if is_id(name) else self.get_tenant(slug=name))
        except NotFound as error:
            if is_id(name) or not create:
                raise error.about("id" if is_id(name) else "slug", name) from None
            try:
                found = self.create_tenant(slug=name, name=name)
            except AlreadyExists:
                found = self.get_tenant(slug=name)
        return TenantClient(self, found)

    def batch(self, *, keep: bool = False) -> Batch:
        """Return a batch: independent calls, of any tenant, that are one request.

        :param keep: whether what fails is not raised at its end
        """
        return Batch(self, keep=keep)


def connect(url: str, token: str | None = None, timeout: float = 30, *, decimals: bool = False,
             once: bool = True, replicas: bool = True,
             http: httpx2.Client | None = None) -> Client:
    """Return a client of a service; nothing is sent before the first call.

    :param url: where it is, such as http://localhost:5000
    :param token: a key or a JWT
    :param timeout: in how many seconds a call is to be answered, its repetitions included; large
        work has ten times as long
    :param decimals: whether numbers that are no integers come as Decimal, to the digit
    :param once: whether each request that writes has an Idempotency-Key, or ids made here, so that
        it can be sent again when its answer is lost
    :param replicas: whether replicas may answer reads, where there are any: what this wrote is
        read there too, what others wrote a moment ago perhaps not
    :param http: what sends requests, where it is to have certificates or proxies of its own; it is
        closed with this
    :raises ValueError: when the URL is none
    """
    return Client(url, token, timeout, decimals=decimals, once=once,
                       replicas=replicas, http=http)
