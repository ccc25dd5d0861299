"""An identity provider: keys, the tokens that it signs, and a server of its JWKS."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from flexdb.config import Settings

ISSUER, AUDIENCE = "https://login.example.org/", "https://flexdb.example.org"
RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-256")
ED, OTHER_RSA = OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
OCT = OctKey.generate_key(256)
# The keys by their names in the set, each with its algorithm.
KEYS: dict[str, tuple[Key, str]] = {
    "rsa": (RSA, "RS256"), "ec": (EC, "ES256"), "ed": (ED, "Ed25519")}


def part(value: Any) -> str:
    """Return a part of a token: what is no bytes and no text, as JSON."""
    text = value if isinstance(value, (bytes, str)) else json.dumps(value)
    data = text if isinstance(text, bytes) else text.encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(user_id: str, **changed: Any) -> dict[str, Any]:
    """Return the claims of a good token for an hour; what is None stands in none."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "iat": now, "exp": now + 3600,
              **changed}
    return {name: value for name, value in claims.items() if value is not None}


def sign(header: Any, claims: Any, key: Key = RSA, algorithm: str = "RS256") -> str:
    """Return a token that is signed by a key, whatever its header says."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


def token_of(user_id: str, kid: str = "rsa", **changed: Any) -> str:
    """Return a good token of a user, but for the claims that are changed."""
    key, algorithm = KEYS[kid]
    return sign({"alg": algorithm, "kid": kid, "typ": "JWT"}, claims_of(user_id, **changed), key,
                algorithm)


def jwks(*kids: str, **further: Key) -> bytes:
    """Return the set with some of the keys, or all, and further ones by their names."""
    keys = {kid: KEYS[kid][0] for kid in kids or KEYS} | further
    return json.dumps({"keys": [
        {**key.as_dict(private=isinstance(key, OctKey)), "kid": kid}
        for kid, key in keys.items()]}).encode()


def with_tokens(settings: Settings, source: str | Path, **changed: Any) -> Settings:
    """Return settings by which tokens count that this provider signs."""
    return replace(settings, jwt_keys=str(source), jwt_issuer=ISSUER, jwt_audience=AUDIENCE,
                   **changed)


class JwksServer:
    """A server that gives a set, or what else is to be tried.

    :param answer: writes the answer; by default the set with the status 200
    """

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None] | None = None,
                 port: int = 0) -> None:
        self.text = jwks()
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                if answer:
                    return answer(self)
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.text)))
                self.end_headers()
                self.wfile.write(outer.text)

            def log_message(self, *_: Any) -> None:
                """Say nothing of it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> JwksServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
