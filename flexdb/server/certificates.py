"""The files for TLS to PostgreSQL, looked at before the start."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable

from flexdb.config import ConfigError, Settings


def check_certificates(settings: Settings) -> None:
    """Look whether PostgreSQL's libpq will be able to use the files that settings name.

    :raises ConfigError: when one is not there, may not be read, or holds something else
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    root, cert, key = settings.db_ssl_root_cert, settings.db_ssl_cert, settings.db_ssl_key
    if root and root != "system":
        _try_file("DB_SSL_ROOT_CERT", root, lambda: context.load_verify_locations(root),
                  "a certificate in PEM")
    if not cert:
        return
    _try_file("DB_SSL_CERT", cert, lambda: context.load_verify_locations(cert),
              "a certificate in PEM")
    # Without a password to try, OpenSSL would ask the terminal for one.
    _try_file("DB_SSL_KEY", key, lambda: context.load_cert_chain(cert, key, password=""),
              "the key of DB_SSL_CERT in PEM, without a password")
    # https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-CLIENTCERT
    owner = os.stat(key).st_uid
    if os.stat(key).st_mode & (0o077 if owner else 0o037):
        raise ConfigError(f"DB_SSL_KEY={key!r} may be read by others: chmod 600 it")


def _try_file(name: str, path: str, load: Callable[[], None], wanted: str) -> None:
    try:
        with open(path, "rb"):
            load()
    except ssl.SSLError:
        raise ConfigError(f"{name}={path!r} is not {wanted}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{name}={path!r} cannot be read: {reason}") from None
