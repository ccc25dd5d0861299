"""Whether what stands beside flexdb answers as it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from bench.servers import Server

# What each service makes itself, as it likes.
_TOKEN = re.compile(rb'"next_page_token":"[^"]+"')
_MADE = re.compile(rb'"(id|created_at|updated_at)":"[^"]+"')


def check_agreement(ours: Server, other: Server, call: Mapping[str, Any]) -> None:
    """Send a call to flexdb and to another service, and compare the replies to the byte.

    The ids and times of new nodes, and the tokens of pages, are each service's own.

    :raises RuntimeError: when they differ
    """
    replies = [_TOKEN.sub(b"", server.post(orjson.dumps(call))) for server in (ours, other)]
    if call["method"].startswith("create_"):
        replies = [_MADE.sub(b"", reply) for reply in replies]
    if replies[0] != replies[1]:
        raise RuntimeError(f"{call} is answered with {replies[0]!r} here, and there with "
                           f"{replies[1]!r}")
