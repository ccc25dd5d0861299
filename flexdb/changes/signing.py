"""The headers of a delivery, by Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

from flexdb.access.sealing import SIGNS


def delivery_id(webhook_id: str, position: int) -> str:
    """Return the id of what is delivered, the same at every attempt and replay.

    :param position: the change's number; that of a test is below 0
    """
    # A dot would end the id in what is signed.
    return f"{webhook_id.replace('-', '')}-{position}"


def headers(id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers by which a receiver verifies a delivery.

    :param timestamp: when the attempt is made, in seconds since 1970
    :param secrets: each signs, as while one takes the place of another both are good
    :raises ValueError: when a secret is none
    """
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
                  for secret in secrets]
    return {"webhook-id": id, "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures)}


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SIGNS), validate=True)
    except binascii.Error:
        # Not from it: it may quote the secret.
        raise ValueError("a webhook's secret is not base64") from None
