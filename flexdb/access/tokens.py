"""JSON Web Tokens (RFC 7519), by which an identity provider says who a user is.

The rules are those of RFC 8725: the algorithm is the key's, the key is one of those that were
read, the issuer and the audience are named, and what is said twice or not as it must be is refused.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from flexdb.access.callers import ROLES
from flexdb.access.keysets import KeySet, KeySets, SigningKey
from flexdb.config import Settings
from flexdb.errors import Unauthenticated

MOST_BYTES = 8192
# What would bring a key along, or must be understood and is not (RFC 7515, section 4.1).
_REFUSED = frozenset(("jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip"))
# A token of another type is for something else (RFC 8725, section 3.11).
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
# It stands in log lines.
_USER = re.compile(r"[\x21-\x7e]{1,255}")
# What may be the name of a role; in JSON, half a character (U+D800) may stand as an escape.
_ROLE = re.compile(r"[^\x00\ud800-\udfff]{1,64}")
# The end of the year 9999: beyond that is no time, but a mistake.
_LAST_TIME = 253402300799


class Proof(NamedTuple):
    """What a token proves.

    :param user: who the user is
    :param roles: the role in each tenant, by its id, where the token says it; else None
    :param expires: when it ends, in seconds since 1970
    :param keys: the set of keys by which it was verified; with another one it proves nothing
    """

    user: str
    roles: Mapping[str, str] | None
    expires: float
    keys: KeySet


class Tokens:
    """Verifies tokens.

    :param settings: whose tokens count, and what of them says who the user is
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keysets = KeySets(settings.jwt_keys, frozenset(settings.jwt_algorithm_names),
                                settings.jwt_refresh, max(1, settings.threads // 2))

    def still_proves(self, proof: Proof) -> bool:
        """Tell whether the keys by which a token was verified are still those that count."""
        return proof.keys is self._keysets.current()

    def verify(self, token: str) -> Proof | None:
        """Return what a token proves; None where it is not signed well, whyever that is.

        :raises Unauthenticated: saying why it is not good, to who holds one that is signed well
        :raises Unavailable: when the keys cannot be had
        """
        if len(token) > MOST_BYTES:
            return None
        try:
            head, _, rest = token.partition(".")
            body, _, signature = rest.partition(".")
            header, claims = _object(head), _object(body)
            signed_by, keys = self._key_of(header)
            algorithm = JWSRegistry.algorithms[_algorithm(header)]
            is_signed = algorithm.verify(f"{head}.{body}".encode(),
                                         urlsafe_b64decode(signature.encode()), signed_by.key)
        # Of what is nested too deep Python says so in a way of its own.
        except (LookupError, TypeError, ValueError, RecursionError):
            return None
        if not is_signed:
            return None
        end = self._end(claims)
        return Proof(self._user(claims), self._roles(claims), end, keys)

    def _key_of(self, header: dict[str, Any]) -> tuple[SigningKey, KeySet]:
        """Return the key that a header picks, and the set that it is of.

        :raises ValueError: when it picks none, or is not to be trusted to
        """
        algorithm, kid, kind = _algorithm(header), header.get("kid", ""), header.get("typ", "JWT")
        if (not _REFUSED.isdisjoint(header) or not isinstance(kid, str)
                or not isinstance(kind, str) or kind.lower() not in _TYPES):
            raise ValueError("is not to be trusted")
        keys = self._keysets.current()
        # Without a name it is the only key there is, or none.
        named: KeySet = keys if len(keys) == 1 else ()
        if "kid" in header:
            if all(key.kid != kid for key in keys):
                keys = self._keysets.newer()
            named = tuple(key for key in keys if key.kid == kid)
        (found,) = [key for key in named if algorithm in key.algorithms]
        return found, keys

    def _end(self, claims: dict[str, Any]) -> float:
        """Return when a token ends.

        :raises Unauthenticated: when that was before, or it is for another time, place or use
        """
        now, leeway = time.time(), self._settings.jwt_leeway
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        for name, moment in times.items():
            # NaN and infinity do not lie between any two.
            if type(moment) not in (int, float) or not 0 <= moment <= _LAST_TIME:
                raise _refused(f"the token's {name} is no time")
        if "exp" not in times:
            raise _refused("the token has no exp")
        expires = float(times["exp"]) + leeway
        if expires <= now:
            raise _refused("the token has expired")
        if max(times.get("nbf", 0), times.get("iat", 0)) > now + leeway:
            raise _refused("the token is not good yet")
        if claims.get("iss") != self._settings.jwt_issuer:
            raise _refused("the token is another issuer's")
        audience = claims.get("aud")
        if self._settings.jwt_audience not in (
                audience if isinstance(audience, list) else [audience]):
            raise _refused("the token is for another audience")
        # It is good only with a proof of a key of the sender's, which is not looked at here.
        if "cnf" in claims:
            raise _refused("the token is bound to a key of its sender's (RFC 7800)")
        return expires

    def _user(self, claims: dict[str, Any]) -> str:
        name = self._settings.jwt_user_claim
        found = _at(claims, name)
        if isinstance(found, str) and _USER.fullmatch(found):
            if self._settings.jwt_tenant_claim:
                return found
            if id := _id(found):
                return id
        raise _refused(f"the token's {name} is no user")

    def _roles(self, claims: dict[str, Any]) -> dict[str, str] | None:
        if not (name := self._settings.jwt_tenant_claim):
            return None
        tenants, told = _at(claims, name), _at(claims, self._settings.jwt_role_claim)
        ids = [_id(one) for one in (tenants if isinstance(tenants, list) else [tenants])]
        if tenants is not None and None in ids:
            raise _refused(f"the token's {name} holds what is no id of a tenant")
        roles = [role for role in (told if isinstance(told, list) else [told])
                 if isinstance(role, str) and _ROLE.fullmatch(role)]
        # Of several the one that may do most; of none that is known, the first.
        known = [role for role in ROLES[:-1] if role in roles]
        role = (known[-1:] or roles[:1] or [""])[0]
        return {id: role for id in ids if id}


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(why, sent=True)


def _algorithm(header: dict[str, Any]) -> str:
    """Return the algorithm that a header names; EdDSA is what RFC 8037 calls that of RFC 9864."""
    name = header.get("alg")
    if not isinstance(name, str):
        raise ValueError("names no algorithm")
    return "Ed25519" if name == "EdDSA" else name


def _object(part: str) -> dict[str, Any]:
    """Return the JSON object that a part of a token holds.

    :raises ValueError: when it is none, or has a member that stands twice
    """
    found = json.loads(urlsafe_b64decode(part.encode()).decode(), object_pairs_hook=_once,
                       parse_constant=_no_number)
    if not isinstance(found, dict):
        raise ValueError("is no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("has a member that stands twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _at(claims: dict[str, Any], path: str) -> Any:
    """Return the claim of that name or, where there is none, at that path of names and dots."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _id(value: Any) -> str | None:
    """Return a UUID in lower case; None for what is none."""
    try:
        id = str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        return None
    return id if id == value.lower() else None
