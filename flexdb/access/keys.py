"""What a key looks like, and what is kept of it.

``fdb_o_`` for an operator's or ``fdb_t_`` for a tenant's, 43 characters of 256 random bits, and 6
of a checksum over all before: so a scanner of leaked secrets finds keys, and one that was mistyped
is refused without a look into the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY = re.compile(r"fdb_[ot]_[0-9A-Za-z]{49}", re.ASCII)
_BITS, _RANDOM, _CHECKSUM, _HINT = 256, 43, 6, 10


def make_secret(of_tenant: bool) -> str:
    """Return the secret of a new key.

    :param of_tenant: whether it is a tenant's, and not an operator's
    """
    random = f"fdb_{'t' if of_tenant else 'o'}_{_digits(secrets.randbits(_BITS), _RANDOM)}"
    return random + _checksum(random)


def is_secret(text: str) -> bool:
    """Tell whether a text may be a key: it has the form and the checksum of one."""
    return bool(_KEY.fullmatch(text)) and text[-_CHECKSUM:] == _checksum(text[:-_CHECKSUM])


def hash_of(secret: str) -> str:
    """Return what is kept of a secret: of 256 random bits no slower hash need be taken.

    :return: as PostgreSQL writes bytes
    """
    # A header may hold what is no text.
    digest = hashlib.sha256(secret.encode(errors="replace"))
    return rf"\x{digest.hexdigest()}"


def hint_of(secret: str) -> str:
    """Return the beginning of a secret, by which people tell keys apart."""
    return secret[:_HINT]


def _checksum(text: str) -> str:
    return _digits(zlib.crc32(text.encode()), _CHECKSUM)


def _digits(number: int, length: int) -> str:
    found = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        found.append(_DIGITS[digit])
    return "".join(reversed(found))
