"""What every error is: a code, a reason, a message, and what may be done about it."""

from __future__ import annotations

from typing import Any, ClassVar

# How many of the wrong fields a message names; ``fields`` has them all.
MOST_TOLD = 5


class FlexdbError(Exception):
    """An error that is told to the caller as it is.

    :param message: one sentence that says what is wrong and what would be right; made of the
        fields, where there are any, when absent
    :param fields: the messages for each parameter that is wrong
    :param data: further members of the error's ``data``
    """

    code: ClassVar[int]
    status: ClassVar[int]
    reason: ClassVar[str]
    retryable: ClassVar[bool] = False
    message: ClassVar[str]
    # What a message that is made of the fields begins with.
    opening: ClassVar[str] = ""

    def __init__(
        self, message: str | None = None, fields: dict[str, list[str]] | None = None, **data: Any
    ) -> None:
        if message is None and fields:
            message = self.opening + "; ".join(
                f"{name} {wrong}" for name, all_wrong in list(fields.items())[:MOST_TOLD]
                for wrong in all_wrong)
        super().__init__(message or self.message)
        self.data: dict[str, Any] = {"reason": self.reason, "retryable": self.retryable}
        if fields:
            self.data["fields"] = fields
        self.data.update(data)

    def to_json(self) -> dict[str, Any]:
        """Return the error object as it goes over the wire (JSON-RPC 2.0, section 5.1)."""
        return {"code": self.code, "message": str(self), "data": self.data}
