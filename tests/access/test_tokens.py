"""Tokens: which are good, and of odd and hostile ones none."""

from __future__ import annotations

import hmac
import json
import logging
import time
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from secrets import randbits
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OctKey, RSAKey

from flexdb.api.callers import Callers
from flexdb.config import Settings
from flexdb.db.run import Runner
from flexdb.errors import RateLimited, Unauthenticated
from tests.support.callers import closed, with_key
from tests.support.service import RpcError, Service
from tests.support.tokens import (
    AUDIENCE,
    EC,
    ISSUER,
    KEYS,
    OCT,
    OTHER_RSA,
    RSA,
    claims_of,
    jwks,
    part,
    sign,
    token_of,
    with_tokens,
)
from tests.support.waiting import wait_until

USER = str(uuid4())
HEAD = {"alg": "RS256", "kid": "rsa", "typ": "JWT"}
GOOD = claims_of(USER)
NOW = int(time.time())
TEXT = json.dumps(GOOD)
LINK = "http://127.0.0.1:9/keys"


def headed(**changed: Any) -> str:
    return sign(HEAD | changed, GOOD)


def claimed(**changed: Any) -> str:
    return sign(HEAD, claims_of(USER, **changed))


def written(claims: str | bytes) -> str:
    return sign(HEAD, claims)


def resigned(change: Callable[[str], str]) -> str:
    head, body, signature = sign(HEAD, GOOD).split(".")
    return f"{head}.{body}.{change(signature)}"


def by_secret(secret: bytes, **changed: Any) -> str:
    signed = f"{part(HEAD | {'alg': 'HS256'} | changed)}.{part(GOOD)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"


def in_der() -> str:
    head = part({"alg": "ES256", "kid": "ec"})
    raw = urlsafe_b64decode(
        sign({"alg": "ES256", "kid": "ec"}, GOOD, EC, "ES256").split(".")[2] + "==")
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return f"{head}.{part(GOOD)}.{part(encode_dss_signature(*numbers))}"


UNSIGNED: dict[str, Callable[[], str]] = {
    "alg none": lambda: f"{part(HEAD | {'alg': 'none'})}.{part(GOOD)}.",
    "alg none in another case": lambda: f"{part(HEAD | {'alg': 'nOnE'})}.{part(GOOD)}.",
    "alg none, and signed": lambda: headed(alg="none"),
    "alg empty": lambda: headed(alg=""),
    "alg null": lambda: headed(alg=None),
    "alg a list": lambda: headed(alg=["RS256"]),
    "no alg": lambda: sign({"kid": "rsa"}, GOOD),
    "the public key in PEM as a secret": lambda: by_secret(RSA.as_pem(private=False)),
    "the public key in DER as a secret": lambda: by_secret(RSA.as_der(private=False)),
    "the set as a secret": lambda: by_secret(jwks()),
    "a secret of nobody's": lambda: by_secret(b"x" * 32, kid="oct"),
    "the algorithm of another key": lambda: headed(alg="ES256"),
    "the key of another algorithm": lambda: headed(kid="ec"),
    "an algorithm that is not let": lambda: sign(HEAD | {"alg": "RS512"}, GOOD, RSA, "RS512"),
    "PSS with the key": lambda: sign(HEAD | {"alg": "PS256"}, GOOD, RSA, "PS256"),
    "a key of its own": lambda: sign(
        HEAD | {"jwk": OTHER_RSA.as_dict(private=False)}, GOOD, OTHER_RSA),
    "a key of its own that is ours": lambda: headed(jwk=RSA.as_dict(private=False)),
    "jku": lambda: headed(jku=LINK),
    "x5u": lambda: headed(x5u=LINK),
    "x5c": lambda: headed(x5c=["MIIB"]),
    "crit": lambda: headed(crit=["exp"]),
    "crit empty": lambda: headed(crit=[]),
    "b64": lambda: headed(b64=False),
    "zip": lambda: headed(zip="DEF"),
    "no kid, with several keys": lambda: sign({"alg": "RS256"}, GOOD),
    "kid unknown": lambda: headed(kid="other"),
    "kid null": lambda: headed(kid=None),
    "kid a number": lambda: headed(kid=0),
    "kid a list": lambda: headed(kid=["rsa"]),
    "kid a path": lambda: by_secret(b"", kid="../../../../dev/null"),
    "kid a URL": lambda: headed(kid=LINK),
    "kid SQL": lambda: headed(kid="rsa' OR '1'='1"),
    "kid in another case": lambda: headed(kid="RSA"),
    "typ of a logout": lambda: headed(typ="logout+jwt"),
    "typ a number": lambda: headed(typ=1),
    "alg twice": lambda: sign('{"alg":"none","kid":"rsa","alg":"RS256"}', GOOD),
    "exp twice": lambda: written(f'{{"exp":1,{TEXT[1:]}'),
    "sub twice": lambda: written(f'{{"sub":"{uuid4()}",{TEXT[1:]}'),
    "twice inside": lambda: written(f'{{"a":{{"b":1,"b":2}},{TEXT[1:]}'),
    "exp NaN": lambda: claimed(exp=float("nan")),
    "exp Infinity": lambda: claimed(exp=float("inf")),
    "a number of 5,000 digits": lambda: written(f'{{"a":{"1" * 5000},{TEXT[1:]}'),
    "nested too deep": lambda: written(f'{{"a":{"[" * 2500}{"]" * 2500},{TEXT[1:]}'),
    "claims that are an array": lambda: written(f"[{TEXT}]"),
    "claims that are a text": lambda: written('"sub"'),
    "claims that are nothing": lambda: written(""),
    "claims in Latin-1": lambda: written(b'{"a":"\xe9",' + TEXT[1:].encode()),
    "claims with a byte order mark": lambda: written(b"\xef\xbb\xbf" + TEXT.encode()),
    "a header that is a text": lambda: sign('"RS256"', GOOD),
    "more than 8 KiB": lambda: claimed(more="x" * 8192),
    "a bit of the signature": lambda: resigned(
        lambda signature: signature[:9] + ("B" if signature[9] == "A" else "A") + signature[10:]),
    "no signature": lambda: resigned(lambda signature: ""),
    "half a signature": lambda: resigned(lambda signature: signature[:171]),
    "a padded signature": lambda: resigned(lambda signature: signature + "=="),
    "a signature with bits beside it": lambda: resigned(
        lambda signature: signature[:-1] + chr(ord(signature[-1]) + 1)),
    "a signature with a space in it": lambda: resigned(
        lambda signature: f"{signature[:9]} {signature[9:]}"),
    "a fourth part": lambda: sign(HEAD, GOOD) + ".e30",
    "five parts, as if encrypted": lambda: sign(HEAD, GOOD) + ".e30.e30",
    "one dot": lambda: sign(HEAD, GOOD).rpartition(".")[0],
    "dots alone": lambda: "..",
    "a dot alone": lambda: ".",
    "other claims under the signature": lambda: ".".join((
        part(HEAD), part(claims_of(str(uuid4()))), sign(HEAD, GOOD).rpartition(".")[2])),
    "another's key of the same name": lambda: sign(HEAD, GOOD, OTHER_RSA),
    "an ECDSA signature of zeros": lambda: f"{part({'alg': 'ES256', 'kid': 'ec'})}.{part(GOOD)}."
                                           f"{part(bytes(64))}",
    "an ECDSA signature in DER": in_der,
    "an Ed25519 key under an ECDSA name": lambda: sign(
        {"alg": "Ed25519", "kid": "ec"}, GOOD, EC, "ES256"),
}
# What is signed well, and refused all the same: the holder is told why.
SIGNED: dict[str, tuple[Callable[[], str], str]] = {
    "exp a text": (lambda: claimed(exp=str(NOW + 3600)), "exp is no time"),
    "exp true": (lambda: claimed(exp=True), "exp is no time"),
    "exp beyond all numbers": (lambda: written(TEXT.replace(
        str(GOOD["exp"]), "1e999")), "exp is no time"),
    "exp of 400 digits": (lambda: claimed(exp=10**400), "exp is no time"),
    "exp below zero": (lambda: claimed(exp=-1), "exp is no time"),
    "exp an object": (lambda: claimed(exp={}), "exp is no time"),
    "no exp": (lambda: claimed(exp=None), "has no exp"),
    "exp an hour ago": (lambda: claimed(exp=NOW - 3600), "has expired"),
    "exp before the leeway": (lambda: claimed(exp=NOW - 31), "has expired"),
    "nbf in an hour": (lambda: claimed(nbf=NOW + 3600), "is not good yet"),
    "nbf a text": (lambda: claimed(nbf="0"), "nbf is no time"),
    "iat in an hour": (lambda: claimed(iat=NOW + 3600), "is not good yet"),
    "iat a list": (lambda: claimed(iat=[NOW]), "iat is no time"),
    "another iss": (lambda: claimed(iss="https://evil.example"), "is another issuer's"),
    "iss without its last sign": (lambda: claimed(iss=ISSUER[:-1]), "is another issuer's"),
    "iss a list": (lambda: claimed(iss=[ISSUER]), "is another issuer's"),
    "no iss": (lambda: claimed(iss=None), "is another issuer's"),
    "another aud": (lambda: claimed(aud="https://other.example"), "is for another audience"),
    "aud with more behind it": (lambda: claimed(aud=AUDIENCE + ".evil"), "for another audience"),
    "aud an object": (lambda: claimed(aud={AUDIENCE: 1}), "is for another audience"),
    "aud a list in a list": (lambda: claimed(aud=[[AUDIENCE]]), "is for another audience"),
    "no aud": (lambda: claimed(aud=None), "is for another audience"),
    "no sub": (lambda: claimed(sub=None), "sub is no user"),
    "sub an e-mail address": (lambda: claimed(sub="john@example.com"), "sub is no user"),
    "sub a number": (lambda: claimed(sub=1), "sub is no user"),
    "sub an id in braces": (lambda: claimed(sub=f"{{{USER}}}"), "sub is no user"),
    "sub an id and a line": (lambda: claimed(sub=f"{USER}\n"), "sub is no user"),
    "bound to a sender's key": (lambda: claimed(cnf={"jkt": "x"}), "bound to a key"),
}
ACCEPTED: dict[str, Callable[[], str]] = {
    "RS256": lambda: token_of(USER),
    "ES256": lambda: token_of(USER, "ec"),
    "Ed25519": lambda: token_of(USER, "ed"),
    "Ed25519 by its older name": lambda: sign(
        {"alg": "EdDSA", "kid": "ed"}, GOOD, *KEYS["ed"]),
    "no typ": lambda: sign({"alg": "RS256", "kid": "rsa"}, GOOD),
    "typ of RFC 9068": lambda: headed(typ="at+JWT"),
    "a header that says more": lambda: headed(nonce="x", x5t="y"),
    "aud one of several": lambda: claimed(aud=["https://other.example", AUDIENCE]),
    "exp within the leeway": lambda: claimed(exp=int(time.time()) - 5),
    "times with a fraction": lambda: claimed(exp=time.time() + 60.5, nbf=NOW - 0.5, iat=None),
    "sub in capitals": lambda: claimed(sub=USER.upper()),
    "8 KiB": lambda: claimed(more="x" * 5000),
}



@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
             ) -> Settings:
    source = tmp_path_factory.mktemp("keys") / "jwks.json"
    source.write_bytes(jwks("rsa", "ec", "ed", oct=OCT))
    return with_tokens(new_database(), source)


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[Service]:
    service = closed(settings)
    yield service
    service.close()


def name_of(service: Service, token: str) -> str:
    return str(with_key(service, token).call("get_caller")["caller"]["name"])


def refusal(service: Service, token: str) -> str:
    """Return what is told to who holds a token that is not good, through each door alike."""
    client = with_key(service, token).client()
    # An address may guess only a few.
    client.environ_base["REMOTE_ADDR"] = str(ip_address(randbits(32)))
    over_rpc = client.post("/jsonrpc", json={"jsonrpc": "2.0", "method": "get_caller", "id": 1})
    by_url = client.get("/caller")
    for response in (over_rpc, by_url):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == (
            'Bearer realm="flexdb", error="invalid_token"')
    (told,) = {json.loads(response.data)["error"]["message"] for response in (over_rpc, by_url)}
    return str(told)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_token_says_who_the_user_is(service: Service, name: str) -> None:
    assert name_of(service, ACCEPTED[name]()) == f"user:{USER}"


@pytest.mark.parametrize("name", UNSIGNED)
def test_what_is_not_signed_as_it_must_be_is_told_nothing_else(service: Service, name: str) -> None:
    assert refusal(service, UNSIGNED[name]()) == "the key is not good"


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_signed_well_and_not_good_is_told_why(service: Service, name: str) -> None:
    token, why = SIGNED[name]
    assert why in refusal(service, token())


def test_a_token_that_is_not_good_is_refused_where_none_is_needed(settings: Settings) -> None:
    service = Service.of(replace(settings, auth="open"))
    assert name_of(service, token_of(USER)) == f"user:{USER}"
    assert refusal(service, UNSIGNED["alg none"]()) == "the key is not good"
    service.close()


def test_a_token_ends_though_it_is_known(settings: Settings) -> None:
    service = closed(replace(settings, jwt_leeway=0))
    token = claimed(exp=time.time() + 0.5)
    assert name_of(service, token) == f"user:{USER}"
    wait_until(lambda: not _is_good(service, token))
    assert refusal(service, token) == "the token has expired"
    service.close()


def _is_good(service: Service, token: str) -> bool:
    try:
        return bool(name_of(service, token))
    except RpcError as error:
        assert error.reason in ("UNAUTHENTICATED", "RATE_LIMITED")
        return False


def test_an_address_guesses_only_a_few_tokens_and_one_that_has_ended_is_no_guess(
        service: Service) -> None:
    def told(token: str) -> int:
        client = with_key(service, token).client()
        client.environ_base["REMOTE_ADDR"] = address
        return client.get("/caller").status_code

    address = str(ip_address(randbits(32)))
    assert {told(claimed(exp=NOW - 3600)) for _ in range(30)} == {401}
    assert {told(headed(kid=str(number))) for number in range(30)} == {401, 429}
    assert told(token_of(USER)) == 200


def test_a_shared_secret_counts_only_where_its_algorithm_is_named(
        settings: Settings, tmp_path: Path) -> None:
    def token(key: OctKey, kid: str) -> str:
        return sign({"alg": "HS256", "kid": kid}, GOOD, key, "HS256")

    short = OctKey.generate_key(128)
    (tmp_path / "keys").write_bytes(jwks("rsa", oct=OCT, short=short))
    named = closed(replace(settings, jwt_keys=str(tmp_path / "keys"),
                           jwt_algorithms="HS256, RS256"))
    unnamed = closed(settings)
    assert name_of(named, token(OCT, "oct")) == f"user:{USER}"
    assert name_of(named, token_of(USER)) == f"user:{USER}"
    assert refusal(named, token(short, "short")) == "the key is not good"
    assert refusal(named, by_secret(RSA.as_pem(private=False))) == "the key is not good"
    assert refusal(unnamed, token(OCT, "oct")) == "the key is not good"
    named.close()
    unnamed.close()


def test_where_there_is_one_key_a_token_need_not_name_it(settings: Settings, tmp_path: Path
                                                         ) -> None:
    (tmp_path / "keys").write_bytes(jwks("rsa"))
    service = closed(replace(settings, jwt_keys=str(tmp_path / "keys")))
    assert name_of(service, sign({"alg": "RS256"}, GOOD)) == f"user:{USER}"
    assert refusal(service, sign({"alg": "RS256"}, GOOD, OTHER_RSA)) == "the key is not good"
    assert refusal(service, headed(kid="other")) == "the key is not good"
    service.close()


def test_keys_that_are_weak_or_for_something_else_are_passed_over(settings: Settings,
                                                                  tmp_path: Path) -> None:
    good = RSA.as_dict(private=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weak = RSAKey.generate_key(1024)
    odd: list[Any] = [
        good | {"kid": "enc", "use": "enc"}, good | {"kid": "ops", "key_ops": ["encrypt"]},
        good | {"kid": "alg", "alg": "RS512"}, weak.as_dict(private=False) | {"kid": "weak"},
        {"kty": "AKP", "kid": "new"}, {"kid": "none"}, {"kty": "RSA", "kid": "half", "n": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off"}, None, 7]
    (tmp_path / "keys").write_text(json.dumps({"keys": [*odd, good | {"kid": "rsa"}]}))
    service = closed(replace(settings, jwt_keys=str(tmp_path / "keys")))
    assert name_of(service, token_of(USER)) == f"user:{USER}"
    for kid, key in [*((kid, RSA) for kid in ("enc", "ops", "alg", "half")), ("weak", weak)]:
        assert refusal(service, sign(HEAD | {"kid": kid}, GOOD, key)) == "the key is not good"
    service.close()


def test_tokens_that_are_not_good_are_remembered_nowhere(settings: Settings) -> None:
    service = closed(settings)
    pool = service.app.extensions["flexdb"]
    callers = Callers(service.settings, Runner(pool, 10, 10))

    def is_known(token: str) -> bool:
        with service.app.test_request_context(headers={"Authorization": f"Bearer {token}"}):
            try:
                return bool(callers.current())
            except (Unauthenticated, RateLimited):
                return False

    assert is_known(token_of(USER)) and len(callers._known) == 1
    for number in range(100):
        assert not is_known(f"{part(HEAD)}.{part({'n': number})}.{part(b'x' * 256)}")
        assert not is_known(claimed(aud=str(number)))
    assert len(callers._known) == 1
    service.close()


def test_a_token_is_in_no_line_of_the_log(service: Service, caplog: pytest.LogCaptureFixture
                                          ) -> None:
    caplog.set_level(logging.DEBUG)
    token, wrong = token_of(USER, jti=str(uuid4())), claimed(aud="other", jti=str(uuid4()))
    assert name_of(service, token) and not _is_good(service, wrong)
    assert f"caller=user:{USER}" in caplog.text
    for one in (token, wrong):
        for piece in one.split("."):
            assert piece[20:] not in caplog.text or piece == part(HEAD)


def test_without_the_settings_a_token_is_as_wrong_as_a_wrong_key(settings: Settings) -> None:
    service = closed(replace(settings, jwt_keys="", jwt_issuer="", jwt_audience=""))
    assert refusal(service, token_of(USER)) == "the key is not good"
    service.close()
