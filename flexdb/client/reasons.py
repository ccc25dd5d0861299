"""The errors of the service: one class for each reason.

Written by ``scripts/make_client.py``.
"""

from __future__ import annotations

from flexdb.client.failures import ServiceError

__all__ = [
    "ParseError",
    "InvalidRequest",
    "MethodNotFound",
    "InvalidParams",
    "Unauthenticated",
    "PermissionDenied",
    "QuotaExceeded",
    "RateLimited",
    "NotFound",
    "AlreadyExists",
    "InUse",
    "VersionConflict",
    "PreconditionFailed",
    "Unavailable",
    "DeadlineExceeded",
    "Aborted",
    "Internal",
    "ChangesGone",
    "KeyReused",
    "TooLarge",
    "Overloaded",
    "StorageFull",
    "CommitUnknown",
]


class ParseError(ServiceError):
    """``PARSE_ERROR`` (-32700): the body is not JSON."""

    reason = "PARSE_ERROR"


class InvalidRequest(ServiceError):
    """``INVALID_REQUEST`` (-32600): not a JSON-RPC 2.0 request."""

    reason = "INVALID_REQUEST"


class MethodNotFound(ServiceError):
    """``METHOD_NOT_FOUND`` (-32601): there is no such method."""

    reason = "METHOD_NOT_FOUND"


class InvalidParams(ServiceError):
    """``INVALID_PARAMS`` (-32602): invalid parameters."""

    reason = "INVALID_PARAMS"


class Unauthenticated(ServiceError):
    """``UNAUTHENTICATED`` (-32010): send a key as Authorization: Bearer …."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(ServiceError):
    """``PERMISSION_DENIED`` (-32011): the caller may not do that."""

    reason = "PERMISSION_DENIED"


class QuotaExceeded(ServiceError):
    """``QUOTA_EXCEEDED`` (-32013): the tenant would have more than it may."""

    reason = "QUOTA_EXCEEDED"


class RateLimited(ServiceError):
    """``RATE_LIMITED`` (-32012): the tenant has made as many calls as it may."""

    reason = "RATE_LIMITED"


class NotFound(ServiceError):
    """``NOT_FOUND`` (-32001): not found."""

    reason = "NOT_FOUND"


class AlreadyExists(ServiceError):
    """``ALREADY_EXISTS`` (-32002): already exists."""

    reason = "ALREADY_EXISTS"


class InUse(ServiceError):
    """``IN_USE`` (-32014): a relationship that leads to the node keeps it: delete that, or the node
    that it starts from, first.
    """

    reason = "IN_USE"


class VersionConflict(ServiceError):
    """``VERSION_CONFLICT`` (-32003): the row has been changed meanwhile: look at it and send the
    change again.
    """

    reason = "VERSION_CONFLICT"


class PreconditionFailed(ServiceError):
    """``PRECONDITION_FAILED`` (-32003): what is there is in a state that the request is not meant
    for.
    """

    reason = "PRECONDITION_FAILED"


class Unavailable(ServiceError):
    """``UNAVAILABLE`` (-32005): the database cannot be reached at the moment."""

    reason = "UNAVAILABLE"


class DeadlineExceeded(ServiceError):
    """``DEADLINE_EXCEEDED`` (-32006): the call took longer than it may."""

    reason = "DEADLINE_EXCEEDED"


class Aborted(ServiceError):
    """``ABORTED`` (-32007): the change met with another one and was given up: send it again."""

    reason = "ABORTED"


class Internal(ServiceError):
    """``INTERNAL`` (-32603): an internal error; the log has more under this error_id."""

    reason = "INTERNAL"


class ChangesGone(ServiceError):
    """``CHANGES_GONE`` (-32004): what changed since that position is not kept: take the position of
    now, then list everything anew.
    """

    reason = "CHANGES_GONE"


class KeyReused(ServiceError):
    """``KEY_REUSED`` (-32016): the Idempotency-Key is that of another request: take a key of its
    own for each, and send a request again as it was.
    """

    reason = "KEY_REUSED"


class TooLarge(InvalidRequest):
    """``TOO_LARGE`` (-32600): the request is too large."""

    reason = "TOO_LARGE"


class Overloaded(Unavailable):
    """``OVERLOADED`` (-32005): too many calls are waiting for the database."""

    reason = "OVERLOADED"


class StorageFull(Unavailable):
    """``STORAGE_FULL`` (-32005): the database has no space left to write."""

    reason = "STORAGE_FULL"


class CommitUnknown(Unavailable):
    """``COMMIT_UNKNOWN`` (-32005): the connection was lost while the change was being committed:
    look whether it is there before you send it again.
    """

    reason = "COMMIT_UNKNOWN"


BY_REASON: dict[str, type[ServiceError]] = {
    "PARSE_ERROR": ParseError,
    "INVALID_REQUEST": InvalidRequest,
    "METHOD_NOT_FOUND": MethodNotFound,
    "INVALID_PARAMS": InvalidParams,
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": PermissionDenied,
    "QUOTA_EXCEEDED": QuotaExceeded,
    "RATE_LIMITED": RateLimited,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyExists,
    "IN_USE": InUse,
    "VERSION_CONFLICT": VersionConflict,
    "PRECONDITION_FAILED": PreconditionFailed,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "ABORTED": Aborted,
    "INTERNAL": Internal,
    "CHANGES_GONE": ChangesGone,
    "KEY_REUSED": KeyReused,
    "TOO_LARGE": TooLarge,
    "OVERLOADED": Overloaded,
    "STORAGE_FULL": StorageFull,
    "COMMIT_UNKNOWN": CommitUnknown,
}
