"""The keys by which tokens are signed: a JWKS (RFC 7517) in a file or at a URL."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.util import urlsafe_b64decode

from flexdb.errors import Unavailable

logger = logging.getLogger(__name__)

# Which key an algorithm takes: its type, and the curve of one that has one (RFC 7518, RFC 9864).
FITTING = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "HS256": ("oct", None), "HS384": ("oct", None), "HS512": ("oct", None)}
# The members of a key that are needed to verify; none of them is private but that of oct.
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}
_LEAST_RSA_BITS = 2048
_MOST_BYTES, _MOST_KEYS = 1024 * 1024, 100
# How long it may take to read a set, and how often one is read at most, in seconds.
_PATIENCE, _PAUSE = 5.0, 30.0


class KeySetError(Exception):
    """A set of keys cannot be had; the message says why."""


class SigningKey(NamedTuple):
    """A key by which tokens are verified.

    :param kid: its name in the set, by which a token picks it
    :param algorithms: those that it is for, of the ones that are let
    """

    kid: str | None
    algorithms: frozenset[str]
    key: Key


KeySet = tuple[SigningKey, ...]


class KeySets:
    """The set of keys as it was read last, which is read anew as it grows old.

    Nothing is read and no thread runs before the first token comes.

    :param source: the path of a file, or a URL
    :param algorithms: those that tokens may be signed by
    :param refresh: the age at which a set is read anew, in seconds
    :param places: how many calls at once may wait for a set
    """

    def __init__(self, source: str, algorithms: frozenset[str], refresh: float, places: int
                 ) -> None:
        self._source, self._algorithms, self._refresh = source, algorithms, refresh
        self._places = threading.Semaphore(places)
        self._lock = threading.Lock()
        # When it was begun last for each reason that there is, by the monotonic clock.
        self._begun: dict[str, float] = {}
        self._reading: threading.Event | None = None
        self._read_at = 0.0
        self.keys: KeySet | None = None

    def current(self) -> KeySet:
        """Return the last good set, however old, and let an old one be read anew meanwhile.

        :raises Unavailable: when there is none yet
        """
        if self.keys is None:
            self._wait("missing")
            if self.keys is None:
                raise Unavailable("the keys by which tokens are signed cannot be had")
        elif time.monotonic() - self._read_at >= self._refresh:
            self._begin("old")
        return self.keys

    def newer(self) -> KeySet:
        """Return the set as it is by now, where a token names a key that the last one has not.

        It is read anew for that once in 30 seconds, for all tokens together.

        :raises Unavailable: when too many wait for it
        """
        self._wait("unknown")
        return self.keys or ()

    def _wait(self, why: str) -> None:
        reading = self._begin(why)
        if reading is None:
            return
        if not self._places.acquire(blocking=False):
            raise Unavailable("the keys by which tokens are signed are being read")
        try:
            reading.wait(_PATIENCE)
        finally:
            self._places.release()

    def _begin(self, why: str) -> threading.Event | None:
        """Return what tells when the reading that goes on ends; None where it is not time yet."""
        with self._lock:
            now = time.monotonic()
            if self._reading is None and now - self._begun.get(why, -_PAUSE) >= _PAUSE:
                ended = threading.Event()
                threading.Thread(target=self._read, args=(ended,), daemon=True).start()
                self._begun[why], self._reading = now, ended
            return self._reading

    def _read(self, ended: threading.Event) -> None:
        try:
            self.keys = read_keys(self._source, self._algorithms)
        except KeySetError as error:
            logger.warning("JWT_KEYS: %s; %s", error, "no token can be verified" if
                           self.keys is None else "the keys that were read before stay in use")
        finally:
            with self._lock:
                self._reading, self._read_at = None, time.monotonic()
            ended.set()


def is_url(source: str) -> bool:
    """Tell whether a set stands at a URL, and not in a file."""
    return source.lower().startswith(("https://", "http://"))


def read_keys(source: str, algorithms: frozenset[str]) -> KeySet:
    """Read a set of keys.

    Keys that are not for signatures, for other algorithms, or too short are passed over, as
    RFC 7517, section 5, has it.

    :param source: the path of a file, or a URL, which gets 5 seconds
    :raises KeySetError: when it cannot be read, or has no key for these algorithms
    """
    try:
        if is_url(source):
            text = _fetch(source)
        else:
            with open(source, "rb") as file:
                text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        found = json.loads(text)
        if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
            raise ValueError("it is no JSON object with an array \"keys\" (RFC 7517)")
    # Of what is nested too deep Python says so in a third way.
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        why = f"it took longer than {_PATIENCE:g} s" if isinstance(error, TimeoutError) else (
            getattr(error, "strerror", None) or error or type(error).__name__)
        raise KeySetError(f"{source} cannot be read: {why}") from None
    if len(found["keys"]) > _MOST_KEYS:
        raise KeySetError(f"{source} has more than {_MOST_KEYS} keys")
    keys = tuple(key for jwk in found["keys"] if (key := _signing_key(jwk, algorithms)))
    if not keys:
        raise KeySetError(f"{source} has no key for {', '.join(sorted(algorithms))}")
    return keys


def _signing_key(jwk: Any, algorithms: frozenset[str]) -> SigningKey | None:
    """Return a key that is for signatures by some of the algorithms; None for another."""
    try:
        kind = jwk["kty"]
        needed = {"kty": kind, **{name: jwk[name] for name in _MEMBERS[kind]}}
        usable = frozenset(name for name in algorithms if jwk.get("alg", name) in (
            name, "EdDSA" if name == "Ed25519" else name) and _fits(needed, name))
        ops = jwk.get("key_ops", ["verify"])
        if not usable or jwk.get("use", "sig") != "sig" or "verify" not in ops:
            return None
        kid = jwk.get("kid")
        return SigningKey(kid if isinstance(kid, str) else None, usable,
                          JWKRegistry.import_key(needed))
    except (AttributeError, LookupError, TypeError, ValueError, JoseError):
        return None


def _fits(jwk: dict[str, Any], algorithm: str) -> bool:
    if FITTING[algorithm] != (jwk["kty"], jwk.get("crv")):
        return False
    if jwk["kty"] == "RSA":
        modulus = int.from_bytes(urlsafe_b64decode(jwk["n"].encode()), "big")
        return modulus.bit_length() >= _LEAST_RSA_BITS
    # A key as long as the digest at least (RFC 7518, section 3.2).
    return jwk["kty"] != "oct" or len(urlsafe_b64decode(jwk["k"].encode())) * 8 >= int(
        algorithm[2:])


class _Until(io.RawIOBase):
    """What is read from a socket until a time by the monotonic clock, however little comes."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock, self._end = sock, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # None is left where the time is up, which is not to wait for ever.
        self._sock.settimeout(max(self._end - time.monotonic(), 0.001))
        return self._sock.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def _fetch(url: str) -> bytes:
    """Return the beginning of what a URL gives, of whatever type it says that this is.

    :raises OSError, HTTPException, ValueError: when that is no answer, or a redirect
    """
    end, parts = time.monotonic() + _PATIENCE, urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                           headers={"Accept": "application/jwk-set+json, application/json"})
        with HTTPResponse(_Until(connection.sock, end)) as response:  # type: ignore[arg-type]
            response.begin()
            # A redirect would be another's word for where the keys are.
            if response.status != 200:
                raise ValueError(f"it answered with the status {response.status}")
            return response.read(_MOST_BYTES + 1)
    finally:
        connection.close()
