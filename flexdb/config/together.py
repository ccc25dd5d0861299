"""Which settings go together."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flexdb.config import Settings

# RFC 7518, section 3.1, and RFC 9864. Those of HMAC must be named, as whoever verifies may sign.
JWT_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                  "Ed25519", "HS256", "HS384", "HS512")
# Whoever has the database may try keys for as long as they like.
_SHORTEST_KEY = 32

Networks = tuple[IPv4Network | IPv6Network, ...]


class ConfigError(Exception):
    """A setting has a wrong value; the message says in one line which and what would be right."""


def check_together(settings: Settings) -> None:
    """Refuse settings that do not go together.

    :raises ConfigError: naming them, and what would be right
    """
    needed = settings.db_pool_size + settings.db_pool_queue + 2
    if settings.threads < needed:
        raise ConfigError(
            f"THREADS={settings.threads} is too small: with DB_POOL_SIZE={settings.db_pool_size} "
            f"and DB_POOL_QUEUE={settings.db_pool_queue} it must be at least {needed}")
    if settings.max_answer_bytes < settings.max_page_bytes:
        raise ConfigError(f"MAX_ANSWER_BYTES={settings.max_answer_bytes} is less than "
                          f"MAX_PAGE_BYTES={settings.max_page_bytes}, so a page could not be given")
    if settings.db_ssl_mode.startswith("verify") and not settings.db_ssl_root_cert:
        raise ConfigError(f"DB_SSL_MODE={settings.db_ssl_mode} needs DB_SSL_ROOT_CERT: the file "
                          "with the certificates to trust, or system")
    if settings.db_ssl_root_cert == "system" and settings.db_ssl_mode != "verify-full":
        # So libpq has it: anyone can have a certificate that the system trusts.
        raise ConfigError("DB_SSL_ROOT_CERT=system needs DB_SSL_MODE=verify-full, not "
                          f"{settings.db_ssl_mode}")
    if bool(settings.db_ssl_cert) != bool(settings.db_ssl_key):
        given, missing = (("CERT", "KEY") if settings.db_ssl_cert else ("KEY", "CERT"))
        raise ConfigError(f"DB_SSL_{given}={getattr(settings, f'db_ssl_{given.lower()}')!r} needs "
                          f"DB_SSL_{missing}: a certificate and its key go together")
    networks("WEBHOOK_ALLOW", settings.webhook_allow)
    # Read here as well, so that what is wrong stops the start.
    _ = settings.db_addresses, settings.db_direct_addresses, settings.replica_addresses
    if any(0 < len(key.strip()) < _SHORTEST_KEY for key in settings.secret_key.split(",")):
        raise ConfigError(f"SECRET_KEY=… is too short: it must have {_SHORTEST_KEY} characters or "
                          "more that nobody can guess, as openssl rand -base64 32 gives")
    _check_tokens(settings)


def networks(name: str, text: str) -> Networks:
    """Return the networks that a setting names; an address is one of itself alone.

    :param name: the setting's
    :raises ConfigError: when it names something else
    """
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise ConfigError(f"{name}={text!r} has to name addresses or networks, as 10.0.0.0/8, "
                          f"separated by commas: {error}") from None


def _check_tokens(settings: Settings) -> None:
    for names in (("JWT_KEYS", "JWT_ISSUER", "JWT_AUDIENCE"),
                  ("JWT_TENANT_CLAIM", "JWT_ROLE_CLAIM")):
        given = [name for name in names if getattr(settings, name.lower())]
        if given and len(given) < len(names):
            missing = " and ".join(name for name in names if name not in given)
            raise ConfigError(f"{given[0]}={getattr(settings, given[0].lower())!r} needs {missing}"
                              f": {', '.join(names)} go together")
    if not settings.jwt_algorithm_names or set(settings.jwt_algorithm_names) - set(JWT_ALGORITHMS):
        raise ConfigError(f"JWT_ALGORITHMS={settings.jwt_algorithms!r} may name "
                          f"{', '.join(JWT_ALGORITHMS)}, separated by commas")
    try:
        parts = urlsplit(settings.jwt_keys)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("must begin with https://: whoever is on the way of http could "
                             "put in keys of their own")
        if "@" in parts.netloc or parts.port == 0:
            raise ValueError("may hold no password and no port 0")
    except ValueError as error:
        # It may hold a secret.
        raise ConfigError(f"JWT_KEYS=… is no place of keys: {error}") from None
