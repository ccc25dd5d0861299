"""The page's client of a stream in a browser: where it goes on, and when it ends."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.support.pages import blocks
from tests.support.receivers import Received, Receiver, Reply

_EVENTS = b'id: f.e.1\nevent: change\ndata: {"n":1}\n\nid: f.e.2\nevent: change\ndata: {"n":'


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_it_goes_on_behind_the_last_whole_event_and_ends_where_it_is_refused_for_good(
        status: int) -> None:
    def answer(received: Received) -> Reply:
        return (Reply(200, {"Content-Type": "text/event-stream"}, _EVENTS),
                Reply(503, {}, b'{"error":{"message":"busy"}}'),
                Reply(status, {}, b'{"error":{"code":-1}}'))[len(receiver.received) - 1]

    ((_, text),) = blocks("docs/how-to/streams.md", "javascript")
    with Receiver(answer) as receiver:
        done = subprocess.run(["node", "-"], capture_output=True, text=True, timeout=60, input=(
            # Nobody need be spared here.
            f"Math.random = () => -0.25;\n{text}\n"
            "const seen = [];\n"
            f"follow({json.dumps(receiver.url())}, 'key', (...event) => seen.push(event))"
            ".then(end => console.log(JSON.stringify([seen, end])));"))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [[["change", {"n": 1}]], {"error": {"code": -1}}]
        assert [one.headers.get("last-event-id") for one in receiver.received] == [
            None, "f.e.1", "f.e.1"]
        assert {one.headers["authorization"] for one in receiver.received} == {"Bearer key"}
