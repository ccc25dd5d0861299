"""Who calls: anyone where that is enough, or whose key or token came with the request."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from hashlib import blake2b
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from cachetools import LRUCache

from flexdb.access.callers import ANYONE, Caller, user
from flexdb.access.keys import hash_of, is_secret
from flexdb.access.rules import Rules
from flexdb.api.environ import current_environ
from flexdb.api.failures import Failures
from flexdb.api.questions import ask
from flexdb.config import Settings
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, PermissionDenied, Unauthenticated, Unavailable
from flexdb.telemetry import watch

if TYPE_CHECKING:
    from flexdb.access.tokens import Proof, Tokens

# How many keys a worker remembers; for how long what it knows of one is good, so that one that is
# deleted is good no longer; and for how long where PostgreSQL does not answer, in seconds.
_MOST, _GOOD, _GOOD_ALONE = 100_000, 1.0, 5.0
# What says that a request came through something else.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST",
              "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_VIA")
# How much a statement may tell: 1,000 memberships, each with the longest grants.
_MOST_BYTES = 1000 * 20_000


class _Known(NamedTuple):
    """What was found of a key.

    :param caller: None where it is nobody's
    :param expires: when it ends, in seconds since 1970
    :param asked: when that was looked up, by the monotonic clock
    :param proof: what was found of a token, which need not be verified twice
    """

    caller: Caller | None
    expires: float
    asked: float
    proof: Proof | None = None


class Callers:
    """Finds out who calls.

    :param settings: say who needs a key
    :param runner: looks keys up
    """

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self._failures = Failures(settings, runner.metrics)
        self._mode = settings.auth_mode
        self._hosts = {host.strip().lower() for host in settings.allowed_hosts.split(",")} - {""}
        self._runner = runner
        # By the digest of what was sent.
        self._known: LRUCache[bytes, _Known] = LRUCache(_MOST, _weight)
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        if settings.jwt_keys:
            # The libraries are there for whoever has tokens.
            from flexdb.access.tokens import Tokens

            self._tokens = Tokens(settings)

    def current(self) -> Caller:
        """Return who makes the current request.

        :raises Unauthenticated: when nobody with a good key does, and anyone is not enough
        :raises RateLimited: when too many keys from the address were not good
        :raises PermissionDenied: when a page of another site makes a browser do it
        :raises Unavailable: when PostgreSQL does not answer whose key it is
        """
        environ = current_environ()
        sent = environ.get("HTTP_AUTHORIZATION")
        if sent is None:
            self._check_open(environ)
            return ANYONE
        caller = self.of(sent, environ)
        watched = watch.current()
        watched.caller, watched.tenant = caller.name, caller.tenant_id or ""
        return caller

    def of(self, sent: str, environ: dict[str, Any] | None = None) -> Caller:
        """Return whose a credential is by now.

        :param sent: the header Authorization
        :param environ: that of the request that brought it, where it may be a guess
        :raises Unauthenticated: when it is not good, or no longer
        :raises RateLimited: when too many from the address were not good
        :raises Unavailable: when PostgreSQL does not answer whose it is
        """
        scheme, _, secret = sent.partition(" ")
        known = self._look(secret.strip()) if scheme.lower() == "bearer" else None
        if known is None or known.caller is None:
            if environ:
                self._failures.check(environ)
            raise Unauthenticated("the key is not good", sent=True)
        if known.expires <= time.time():
            raise Unauthenticated(f"the {'token' if known.proof else 'key'} has expired", sent=True)
        return known.caller

    def check_operator(self) -> None:
        """Refuse who may not look at the service itself.

        :raises Unauthenticated: without a good key where one is needed
        :raises PermissionDenied: with a tenant's
        """
        if self.current().role != "operator":
            raise PermissionDenied("that needs the role operator")

    def check_host(self) -> None:
        """Refuse a host that another site may have made lead here (DNS rebinding).

        :raises PermissionDenied: where it is no address, not this machine and not allowed
        """
        name = _name_of(current_environ().get("HTTP_HOST", "").lower())
        if not (_is_local_name(name) or _is_address(name) or name in self._hosts):
            raise PermissionDenied(
                "a page of another site may not call without a key: ALLOWED_HOSTS names the hosts "
                "under which flexdb is reached")

    def _check_open(self, environ: dict[str, Any]) -> None:
        if self._mode == "required":
            raise Unauthenticated()
        host = environ.get("HTTP_HOST", "").lower()
        if self._mode == "local" and not (
                _is_loopback(environ.get("REMOTE_ADDR", "")) and _is_local_name(_name_of(host))
                and environ.keys().isdisjoint(_FORWARDED)):
            raise Unauthenticated(
                "flexdb is open to its own machine only: send a key as Authorization: Bearer …, "
                "which `python -m flexdb create-key` makes, or set AUTH=open")
        if "HTTP_ORIGIN" in environ:
            self.check_host()

    def _look(self, secret: str) -> _Known | None:
        """Return what is known of a key or token; None for what has not the form of one."""
        # No secret stays in memory, and a quick digest does for that; a header may be no text.
        digest = blake2b(secret.encode(errors="replace")).digest()
        with self._lock:
            known = self._known.get(digest)
        now = time.monotonic()
        if known and now - known.asked < _GOOD:
            return known
        is_token = self._tokens is not None and "." in secret
        if known is None and not is_token and not is_secret(secret):
            return None
        try:
            found = self._ask_user(secret, known, now) if is_token else self._ask(secret, now)
        except Unavailable:
            if known and now - known.asked < _GOOD_ALONE:
                return known
            raise
        # Of tokens anyone makes any number that are none, and they cost no look into the database.
        if found:
            with self._lock:
                self._known[digest] = found
        return found

    def _ask(self, secret: str, now: float) -> _Known:
        key = ask(self._runner, "find_key", {"hash": hash_of(secret)}, _MOST_BYTES)
        if key is None:
            return _Known(None, 0, now)
        if not key["noted"]:
            # When it was used is no reason to refuse it, as where nothing can be written.
            with suppress(FlexdbError):
                ask(self._runner, "note_key", {"id": key["id"]})
        allowed = None if key["operations"] is None else frozenset(key["operations"])
        rules = _rules(key["grants"], key["id"], key["attributes"])
        return _Known(Caller(f"key:{key['id']}", key["role"], key["tenant_id"], allowed,
                             key["suspended"], rules=rules), key["expires"], now)

    def _ask_user(self, token: str, known: _Known | None, now: float) -> _Known | None:
        """Return what is known of a token; None where it is not signed well."""
        assert self._tokens
        proof = known.proof if known else None
        if proof is None or not self._tokens.still_proves(proof):
            proof = self._tokens.verify(token)
        if proof is None:
            return None
        if proof.roles is None:
            told = ask(self._runner, "find_memberships", {"user_id": proof.user}, _MOST_BYTES)
        else:
            # A token may name tenants that are no more.
            told = ask(self._runner, "find_claimed", {"roles": orjson.dumps(proof.roles)},
                       _MOST_BYTES)
        roles = {id: role for id, (role, _, _) in told.items()}
        suspended = {id for id, (_, is_so, _) in told.items() if is_so}
        rules = {id: _rules(grants, proof.user) for id, (_, _, grants) in told.items()}
        return _Known(user(proof.user, roles, suspended, rules), proof.expires, now, proof)


def _rules(grants: list[str] | None, caller: str, attributes: str = "{}") -> Rules | None:
    """Return what the grants of a role let its holder do; None where there are none."""
    return Rules(grants[0], grants[1], caller, attributes) if grants else None


def _weight(known: _Known) -> int:
    """Return for how many keys one counts, of those that are remembered: grants may be long."""
    if (caller := known.caller) is None:
        return 1
    callers = caller.memberships.values() if caller.memberships else [caller]
    return 1 + sum(len(one.rules.grants) for one in callers if one.rules) // 1024


def _name_of(host: str) -> str:
    """Return a header Host without its port (RFC 9110, section 7.2)."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_local_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    if text == "127.0.0.1":
        return True
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
