"""The keys by which tokens of users are signed, looked at before the start."""

from __future__ import annotations

import logging

from flexdb.config import ConfigError, Settings

logger = logging.getLogger(__name__)


def check_keys(settings: Settings) -> None:
    """Look whether the keys of tokens can be had; the service starts without those of a URL.

    :raises ConfigError: when they are in a file, and cannot be read there
    """
    if not settings.jwt_keys:
        return
    # The libraries are there for whoever has tokens.
    from flexdb.access.keysets import KeySetError, is_url, read_keys

    try:
        read_keys(settings.jwt_keys, frozenset(settings.jwt_algorithm_names))
    except KeySetError as error:
        if not is_url(settings.jwt_keys):
            raise ConfigError(f"JWT_KEYS: {error}") from None
        logger.warning("No token can be verified yet, JWT_KEYS: %s", error)
