"""The receivers that the documentation shows: what they take, and what they refuse."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from flexdb.access.sealing import make_signing_secret
from flexdb.changes.signing import headers
from tests.support.pages import blocks

Receive = Callable[[str, dict[str, str], bytes], Any]
PAGE = "docs/how-to/webhooks.md"
BODY = '{"type":"node.created","data":{"name":"é"}}'.encode()
NEW, OLD, OTHER = (make_signing_secret() for _ in range(3))


def in_python(secret: str, given: dict[str, str], body: bytes) -> Any:
    """Receive as the page has it in Python."""
    ((_, text),) = blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(text, names)
    return names["receive"](secret, given, body)


def in_node(secret: str, given: dict[str, str], body: bytes) -> Any:
    """Receive as the page has it in Node."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    ((_, text),) = blocks(PAGE, "javascript")
    arguments = ", ".join(json.dumps(one) for one in (secret, given, body.decode()))
    done = subprocess.run(["node", "-"], capture_output=True, text=True, timeout=60,
                          input=f"{text}\nconsole.log(JSON.stringify(receive({arguments})));")
    if done.returncode:
        raise ValueError(done.stderr)
    return json.loads(done.stdout)


@pytest.mark.parametrize("receive", [in_python, in_node])
def test_a_receiver_takes_what_is_signed_and_refuses_all_else(receive: Receive) -> None:
    signed = headers("abc-7", int(time.time()), BODY, [NEW, OLD])
    for secret in (NEW, OLD):
        assert receive(secret, signed, BODY) == json.loads(BODY)
    old = headers("abc-7", int(time.time()) - 3600, BODY, [NEW])
    for secret, given, body in ((OTHER, signed, BODY), (NEW, signed, BODY + b" "), (NEW, old, BODY),
                                (NEW, signed | {"webhook-id": "abc-8"}, BODY),
                                (NEW, signed | {"webhook-signature": "v1,"}, BODY)):
        with pytest.raises(Exception, match="(?i)signature|too old|not from flexdb"):
            receive(secret, given, body)
