"""What is told of requests that are sent again, or seem to be."""

from __future__ import annotations

from flexdb.errors import FlexdbError


class KeyReused(FlexdbError):
    """An Idempotency-Key is that of another request, or of one whose answer is not kept.

    :param done: whether it is the same request, which was done
    """

    code, status, reason = -32016, 422, "KEY_REUSED"
    message = ("the Idempotency-Key is that of another request: take a key of its own for each, "
               "and send a request again as it was")

    def __init__(self, done: bool = False) -> None:
        if done:
            super().__init__("the request was done, and its answer is not kept, since it is large "
                             "or holds a secret: read what you need of it", done=True)
        else:
            super().__init__()
