"""The console where there are replicas: who changed something sees it on the next page."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from tests.support.replicated import Reader


def test_pages_behind_a_change_are_read_from_replicas_and_show_it(
        new_reader: Callable[..., Reader]) -> None:
    reader = new_reader(replica_wait=20)
    client = reader.service.client()
    for _ in range(5):
        slug = f"t-{uuid4().hex}"
        answer = client.post("/console/new-tenant", data={"slug": slug, "name": slug},
                             headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.text
        assert slug in client.get(answer.headers["Location"]).text
    assert reader.figures()["replica"] >= 5
    # What is no token is passed by.
    client.set_cookie("flexdb_newest", "x", path="/console")
    assert client.get("/console/").status_code == 200
