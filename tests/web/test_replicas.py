"""The console where there are replicas: who changed something sees it on the next page."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.support.replicated import Cluster, Reader
from tests.support.service import Service


def test_pages_behind_a_change_are_read_from_replicas_and_show_it(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    try:
        service = Service.of(cluster.settings(replica_wait=20))
        try:
            client = service.client()
            for _ in range(5):
                slug = f"t-{uuid4().hex}"
                answer = client.post("/console/new-tenant", data={"slug": slug, "name": slug},
                                     headers={"Sec-Fetch-Site": "same-origin"})
                assert answer.status_code == 303, answer.text
                assert slug in client.get(answer.headers["Location"]).text
            assert Reader(service).figures()["replica"] >= 5
            # What is no token is passed by.
            client.set_cookie("flexdb_newest", "x", path="/console")
            assert client.get("/console/").status_code == 200
        finally:
            service.close()
    finally:
        cluster.close()
