"""What it costs that a request can be sent again, and is done once."""

from __future__ import annotations

from collections.abc import Callable

from bench.load import CALL, load
from bench.measure import Claim, Round, Row
from bench.rows import batches, row
from bench.stage import Stage

_NEW, _BATCH = 1000, 100
PLAIN, KEYED = "without a key", "each with an `Idempotency-Key`"
PLAIN_BATCH, KEYED_BATCH = f"{PLAIN}, batches of {_BATCH}", f"{KEYED}, batches of {_BATCH}"


@row("the same without a key")
def idempotent(stage: Stage) -> Row:
    """The same creations with a key and without, one by one and in batches."""
    data = stage.writes()
    server = stage.service(data)
    creates, keyed = data.creates(_NEW), CALL._replace(once=True)
    many = batches(data.creates(8 * _BATCH), _BATCH)
    return Row(
        "`create_node`, with an `Idempotency-Key`",
        {PLAIN: load(server, stage.postgres, creates),
         KEYED: load(server, stage.postgres, creates, asks=keyed),
         PLAIN_BATCH: load(server, stage.postgres, many, _BATCH),
         KEYED_BATCH: load(server, stage.postgres, many, _BATCH, asks=keyed)},
        [Claim("PostgreSQL CPU that a key adds to a creation, in µs",
               lambda turn: turn[KEYED].postgres - turn[PLAIN].postgres, 200),
         Claim("CPU with a key, times without", _times(KEYED, PLAIN), None),
         Claim("CPU of a call in a batch with a key, times without",
               _times(KEYED_BATCH, PLAIN_BATCH), None)],
        "A key makes a transaction of what is one statement: `BEGIN`, the key, the creation, its "
        "answer, `COMMIT`, in three round trips; those that wait at the same time share one. "
        "Without a key the statements are the same as ever.")


def _times(one: str, other: str) -> Callable[[Round], float]:
    return lambda turn: turn[one].cost / turn[other].cost
