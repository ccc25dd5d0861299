"""What can go wrong with a call, whoever is to blame; reasons.py has what the service says."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Every error of this client."""

    def may_repeat(self, harmless: bool) -> bool:
        """Tell whether the request may be sent again.

        :param harmless: whether nothing happens twice though it was done
        """
        return False


class Closed(Error):
    """The client is closed, so it sends nothing."""


class ConnectionFailed(Error, ConnectionError):
    """The service was not reached, or its answer was lost on the way.

    :param sent: whether the request may have been done all the same
    """

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.sent)

    def may_repeat(self, harmless: bool) -> bool:
        """Tell whether the request may be sent again."""
        return harmless or not self.sent


class Timeout(Error, TimeoutError):
    """There was no answer in time."""


class BatchFailed(Error):
    """Some calls of a batch failed; the others are done.

    :param errors: why, by the place of the call in the batch
    :param names: of all calls
    """

    def __init__(self, errors: dict[int, Error], names: list[str]) -> None:
        self.errors, self._names = errors, names
        first = min(errors)
        super().__init__(f"{len(errors)} of {len(names)} calls failed; the first, {names[first]} "
                         f"at {first}: {errors[first]}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors, self._names)


class ServiceError(Error):
    """The service answered with an error.

    :param code: of JSON-RPC
    :param message: what is wrong, and what would be right
    :param data: what else the service tells
    :param request_id: by which the log of the service has the request
    """

    reason: str = ""

    def __init__(self, code: int, message: str, data: dict[str, Any], request_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.request_id = request_id
        self.reason = str(data.get("reason") or self.reason)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.data, self.request_id)

    @property
    def fields(self) -> dict[str, list[str]]:
        """What is wrong with each parameter."""
        return dict(self.data.get("fields", {}))

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Each place in the data that does not fit the schema."""
        return list(self.data.get("violations", []))

    @property
    def version(self) -> int | None:
        """The version at which the object is, where one was asked for."""
        return self.data.get("version")

    @property
    def retry_after(self) -> float:
        """In how many seconds it may be tried again; 0 where nothing is told."""
        return float(self.data.get("retry_after", 0))

    def about(self, field: str, asked: str) -> ServiceError:
        """Return the error with what was asked for in its message, where it is about that.

        :param field: the parameter that it was
        """
        if field not in self.fields:
            return self
        return type(self)(self.code, f"{self.message}: {asked}", self.data, self.request_id)

    def may_repeat(self, harmless: bool) -> bool:
        """Tell whether the request may be sent again."""
        return bool(self.data.get("retryable")) or harmless and self.reason == "COMMIT_UNKNOWN"


def repeated_after(error: Error) -> float:
    """Return the seconds that are to pass before a request is sent again."""
    return error.retry_after if isinstance(error, ServiceError) else 0
