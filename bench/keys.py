"""What callers cost who come with a key or a token, and one that is refused for want of one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from bench.load import CALL, HEALTH, REFUSED, call, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage
from flexdb.server.keys import create_key

_ISSUER, _AUDIENCE = "https://login.example.org/", "https://flexdb.example.org"


@row("the same without a key; `/health`")
def key(stage: Stage) -> Row:
    """The same call with a key, a token and neither; a refusal beside the cheapest answer."""
    data = stage.data(1, stage.rows)
    gets = data.gets(8)
    secret = create_key(data.settings, None, "", "bench", 1, ())
    signing = ECKey.generate_key("P-256")
    jwks = stage.folder / "jwks.json"
    open_to_all = stage.service(data, AUTH="open", **_believes(signing, jwks))
    closed = stage.service(data, AUTH="required")
    user = json.loads(open_to_all.post(json.dumps(call("create_user", {
        "email": f"{uuid4().hex}@example.org", "display_name": "A user"})).encode()))
    token = _token(signing, user["result"]["user"]["id"])
    open_to_all.post(json.dumps(call("add_user_to_tenant", data.tenant() | {
        "user_id": user["result"]["user"]["id"], "role": "viewer"})).encode())
    with_key, with_token, without, refused, health = (
        "`get_node` with a key", "with a token", "`get_node`, AUTH=open", "refused: no key",
        "`/health`")
    return Row(
        "Keys and tokens",
        # All at the same server, so that nothing else differs.
        {with_key: load(open_to_all, stage.postgres, gets, asks=CALL._replace(secret=secret)),
         with_token: load(open_to_all, stage.postgres, gets, asks=CALL._replace(secret=token)),
         without: load(open_to_all, stage.postgres, gets),
         refused: load(closed, stage.postgres, gets, asks=REFUSED),
         health: load(closed, stage.postgres, [], asks=HEALTH)},
        [Claim("service CPU with a key, times that without",
               lambda turn: turn[with_key].service / turn[without].service, 1.04, smoke=1.5),
         Claim("service CPU with a token, times that without",
               lambda turn: turn[with_token].service / turn[without].service, 1.04,
               smoke=1.5),
         Claim("service CPU of a refusal, times that of `/health`",
               lambda turn: turn[refused].service / turn[health].service, 1.2)],
        "A key, and the memberships of a user, are looked up once a second by each worker.")


def _believes(signing: ECKey, jwks: Path) -> dict[str, str]:
    """Return the settings under which tokens count that a key signs."""
    jwks.write_text(json.dumps({"keys": [signing.as_dict(private=False) | {"kid": "bench"}]}))
    return {"JWT_KEYS": str(jwks), "JWT_ISSUER": _ISSUER, "JWT_AUDIENCE": _AUDIENCE}


def _token(signing: ECKey, user_id: str) -> str:
    claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": user_id, "exp": int(time.time()) + 86400}
    return jwt.encode({"alg": "ES256", "kid": "bench"}, claims, signing)

