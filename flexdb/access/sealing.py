"""Secrets that must be read again, as those that sign deliveries: how they are kept.

With a key they are sealed, by AES-GCM (NIST SP 800-38D), so that whoever has the database alone
cannot read them; what they are of is sealed in, so that none can be put in another's place. Without
a key they are kept as they are.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# By which a secret that signs is known, as Standard Webhooks has it.
SIGNS = "whsec_"
_PREFIX = "sealed:"
# In bytes.
_NONCE, _KEY, _SIGNING = 12, 32, 32


def make_signing_secret() -> str:
    """Return a new secret that deliveries are signed with, in the form of Standard Webhooks 1.0.0.
    """
    return SIGNS + base64.b64encode(os.urandom(_SIGNING)).decode()


class CannotOpen(Exception):
    """A secret was sealed with a key that is not among those that are set."""


class Seals:
    """Seals secrets with the first of some keys, and opens them with the one that fits.

    :param keys: texts that nobody can guess, separated by commas; "" for none
    """

    def __init__(self, keys: str = "") -> None:
        # They are stretched only now, since most processes never seal anything.
        self._keys = [key.strip().encode() for key in keys.split(",") if key.strip()]

    def seal(self, secret: str, of: str) -> str:
        """Return a secret as it is to be kept.

        :param of: what it is the secret of
        """
        if not self._keys:
            return secret
        nonce = os.urandom(_NONCE)
        sealed = nonce + _cipher(self._keys[0]).encrypt(nonce, secret.encode(), of.encode())
        return _PREFIX + base64.b64encode(sealed).decode()

    def open(self, kept: str, of: str) -> str:
        """Return a secret of what is kept of it.

        :param of: what it is the secret of
        :raises CannotOpen: when it was sealed, and with none of these keys or for something else
        """
        if not kept.startswith(_PREFIX):
            return kept
        from cryptography.exceptions import InvalidTag

        sealed = base64.b64decode(kept.removeprefix(_PREFIX))
        for key in self._keys:
            try:
                return _cipher(key).decrypt(
                    sealed[:_NONCE], sealed[_NONCE:], of.encode()).decode()
            except InvalidTag:
                continue
        wrong = ("is another one than it was sealed with: put that behind it, after a comma"
                 if self._keys else "is not set: it is sealed")
        raise CannotOpen(f"the secret of {of} cannot be read: SECRET_KEY {wrong}")


def _cipher(key: bytes) -> AESGCM:
    # The library is there for whoever seals: it takes a tenth of an idle worker's memory.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), _KEY, None, b"flexdb secrets").derive(key))
