"""What keys cost: a call that comes with one, and one that is refused for want of one."""

from __future__ import annotations

from bench.load import CALL, HEALTH, REFUSED, load
from bench.measure import Claim, Row
from bench.rows import row
from bench.stage import Stage
from flexdb.server.keys import create_key


@row
def key(stage: Stage) -> Row:
    """The same call with a key and without, and a refusal beside the cheapest answer there is."""
    data = stage.data(1, stage.rows)
    gets = data.gets(8)
    secret = create_key(data.settings, None, "", "bench", 1, ())
    open_to_all, closed = (stage.service(data, AUTH=who) for who in ("open", "required"))
    with_key, without, refused, health = (
        "`get_node` with a key", "`get_node`, AUTH=open", "refused: no key", "`/health`")
    return Row(
        "Keys",
        # With the key at the same server, so that nothing else differs.
        {with_key: load(open_to_all, stage.postgres, gets, asks=CALL._replace(secret=secret)),
         without: load(open_to_all, stage.postgres, gets),
         refused: load(closed, stage.postgres, gets, asks=REFUSED),
         health: load(closed, stage.postgres, [], asks=HEALTH)},
        [Claim("service CPU with a key, times that without",
               lambda turn: turn[with_key].service / turn[without].service, 1.04),
         Claim("service CPU of a refusal, times that of `/health`",
               lambda turn: turn[refused].service / turn[health].service, 1.2)],
        "A key is looked up once a second by each worker that it reaches.")
