"""The console as a browser without scripts sees it, and as one reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.listening import listening
from tests.support.service import Service


@dataclass
class Console:
    """The console in process, as a browser without scripts sees it.

    ``service`` makes what there is to see, through another door.
    """

    service: Service
    client: FlaskClient

    def get(self, url: str, status: int = 200) -> str:
        """Return a page's HTML.

        :param url: below ``/console``
        """
        response = self.client.get(f"/console{url}")
        assert response.status_code == status, response.text
        return response.text

    def post(self, url: str, form: dict[str, Any] | None = None, status: int = 303
             ) -> TestResponse:
        """Send a form, and return the answer: where it leads, or the page with what is wrong."""
        response = self.client.post(f"/console{url}", data=form or {})
        assert response.status_code == status, response.text
        return response

    def followed(self, response: TestResponse) -> str:
        """Return the page that an answer leads to."""
        location = response.headers["Location"]
        assert location.startswith("/console/")
        return self.get(location.removeprefix("/console"))


@dataclass
class Site:
    """The console as a browser reaches it."""

    url: str
    service: Service


@contextmanager
def served(service: Service) -> Iterator[Site]:
    """Serve the console until the end, which closes the service too."""
    try:
        with listening(service.app) as port:
            yield Site(f"http://localhost:{port}/console", service)
    finally:
        service.close()
