"""The error tree: every error that a caller can see, with its JSON-RPC code and HTTP status."""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar, Literal
from uuid import uuid4

from flexdb.errors.base import FlexdbError as FlexdbError


class ParseError(FlexdbError):
    code, status, reason = -32700, 400, "PARSE_ERROR"
    message = "the body is not JSON"


class InvalidRequest(FlexdbError):
    code, status, reason = -32600, 400, "INVALID_REQUEST"
    message = "not a JSON-RPC 2.0 request"


class UnsupportedMediaType(InvalidRequest):
    """The body is of another type than is read here.

    :param accepted: the types that are
    """

    status = 415
    message = "send the body as Content-Type: application/json"

    def __init__(self, *accepted: str) -> None:
        self.accepted = accepted or ("application/json",)
        super().__init__(f"send the body as Content-Type: {' or '.join(self.accepted)}")


class UnsupportedEncoding(InvalidRequest):
    status = 415
    message = "send the body as it is, or as Content-Encoding: gzip"


class NotAcceptable(InvalidRequest):
    status = 406
    message = "the answer is application/json, which the header Accept excludes"


class TooLarge(InvalidRequest):
    status, reason = 413, "TOO_LARGE"
    message = "the request is too large"


class AnswerTooLarge(TooLarge):
    """The answer as a whole would weigh more than it may.

    :param done: where a change was made and committed all the same, the id and the version of the
        object that the answer would have held
    """

    message = ("the answer is larger than it may be: ask for less at once, with fewer calls, "
               "smaller pages or only some fields")

    def __init__(self, done: dict[str, Any] | None = None) -> None:
        if done is None:
            super().__init__()
        else:
            super().__init__("the change is made, but its answer would make the whole answer "
                             "larger than it may be: read what you need of it", done=True, **done)


class MethodNotFound(FlexdbError):
    code, status, reason = -32601, 404, "METHOD_NOT_FOUND"
    message = "there is no such method"


class VerbNotAllowed(MethodNotFound):
    status = 405
    message = "the URL does not take this verb"


class InvalidParams(FlexdbError):
    code, status, reason = -32602, 400, "INVALID_PARAMS"
    message = "invalid parameters"
    opening = "invalid parameters: "


class Unauthenticated(FlexdbError):
    """Who calls has shown no credential that is good.

    :param sent: whether there was one
    """

    code, status, reason = -32010, 401, "UNAUTHENTICATED"
    message = "send a key as Authorization: Bearer …"

    def __init__(self, message: str | None = None, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class PermissionDenied(FlexdbError):
    """The caller may not do that, whatever it is done to."""

    code, status, reason = -32011, 403, "PERMISSION_DENIED"
    message = "the caller may not do that"


class QuotaExceeded(FlexdbError):
    code, status, reason = -32013, 403, "QUOTA_EXCEEDED"
    message = "the tenant would have more than it may"


class RateLimited(FlexdbError):
    """There were more calls, or more credentials that are not good, than there may be.

    :param limit: ``rate`` or ``failures``
    :param seconds: in how many the next one may come
    """

    code, status, reason, retryable = -32012, 429, "RATE_LIMITED", True

    def __init__(self, limit: Literal["rate", "failures"], seconds: float) -> None:
        retry_after = max(1, ceil(seconds))
        what = ("the tenant has made as many calls as it may" if limit == "rate" else
                "too many credentials from this address were not good")
        super().__init__(f"{what}: wait {retry_after} s", limit=limit, retry_after=retry_after)


class NotFound(FlexdbError):
    """There is no such row in this tenant; one of another tenant counts as absent."""

    code, status, reason = -32001, 404, "NOT_FOUND"
    message = "not found"
    # The tenant that it may be about, and what is told where there is none: not looked for yet.
    within: tuple[str, NotFound] | None = None

    @classmethod
    def of(cls, field: str, thing: str = "") -> NotFound:
        """Return the error for a parameter that names nothing, here or in another tenant alike.

        :param thing: what it should name, where its own name does not say so
        """
        thing = thing or field.removesuffix("_id").replace("_", " ")
        return cls(f"there is no such {thing}", {field: [f"names no {thing}"]})


class AlreadyExists(FlexdbError):
    code, status, reason = -32002, 409, "ALREADY_EXISTS"
    message = "already exists"


class InUse(FlexdbError):
    code, status, reason = -32014, 409, "IN_USE"
    message = ("a relationship that leads to the node keeps it: delete that, or the node that it "
               "starts from, first")


class VersionConflict(FlexdbError):
    """The row is not at the version that was asked for.

    :param current: the version it is at
    """

    code, status, reason = -32003, 412, "VERSION_CONFLICT"
    message = "the row has been changed meanwhile: look at it and send the change again"

    def __init__(self, current: int) -> None:
        super().__init__(self.message, {"version": [f"is {current} by now"]}, version=current)


class PreconditionFailed(FlexdbError):
    """What is there is in a state that the request is not meant for (RFC 9110, section 13.1).

    :param excluded: whether the request names that state as one it is not meant for, and not only
        others that it is meant for
    :param version: the version it is at, where it has one
    """

    code, status, reason = -32003, 412, "PRECONDITION_FAILED"
    message = "what is there is in a state that the request is not meant for"
    opening = f"{message}: "

    def __init__(self, excluded: bool, version: int | None = None) -> None:
        super().__init__(fields={"If-None-Match": ["names the state that it is in"]} if excluded
                         else {"If-Match": ["names only other states"]})
        if version is not None:
            self.data["version"] = version


class ConditionFailed(PreconditionFailed):
    """What is there does not fit the filter that a change is made only with.

    :param version: the version it is at
    """

    message = "the change is not made"
    opening = f"{message}: "

    def __init__(self, version: int) -> None:
        FlexdbError.__init__(self, fields={"only_if": ["does not fit what is there"]},
                             version=version)


class Unavailable(FlexdbError):
    """The database is away.

    :param why: what the operator is told, and no caller
    """

    code, status, reason, retryable = -32005, 503, "UNAVAILABLE", True
    message = "the database cannot be reached at the moment"
    retry_after: ClassVar[int] = 1

    def __init__(self, message: str | None = None, why: str = "") -> None:
        super().__init__(message, retry_after=self.retry_after)
        self.why = why


class Overloaded(Unavailable):
    reason = "OVERLOADED"
    message = "too many calls are waiting for the database"


class StorageFull(Unavailable):
    reason, retry_after = "STORAGE_FULL", 30
    message = "the database has no space left to write"


class CommitUnknown(Unavailable):
    reason, retryable = "COMMIT_UNKNOWN", False
    message = ("the connection was lost while the change was being committed: look whether it is "
               "there before you send it again")


class DeadlineExceeded(FlexdbError):
    code, status, reason = -32006, 504, "DEADLINE_EXCEEDED"
    message = "the call took longer than it may"


class Aborted(FlexdbError):
    code, status, reason, retryable = -32007, 409, "ABORTED", True
    message = "the change met with another one and was given up: send it again"


class Internal(FlexdbError):
    """An error of ours: the caller gets an id by which the log has the whole story."""

    code, status, reason = -32603, 500, "INTERNAL"
    message = "an internal error; the log has more under this error_id"

    def __init__(self) -> None:
        super().__init__(error_id=str(uuid4()))
