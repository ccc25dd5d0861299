"""How far the service was when it answered last, so that no later read is behind that."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from threading import Lock

HEADER = "Consistency-Token"


class Newest:
    """The greatest token that an answer had; calls from many threads may see some.

    :param wanted: whether it is sent, so that replicas may answer
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted, self._lock = wanted, Lock()
        self.token = ""

    def see(self, headers: Mapping[str, str]) -> None:
        """Keep the token of an answer, if it has one and that is greater."""
        if token := headers.get(HEADER):
            with self._lock:
                self.token = max(self.token, token)

    def put(self, headers: MutableMapping[str, str]) -> None:
        """Put the token into what is sent."""
        if self.token and self._wanted:
            headers[HEADER] = self.token
