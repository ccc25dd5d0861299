"""What a feed of changes answers where it cannot go on."""

from __future__ import annotations

from flexdb.errors.base import FlexdbError


class ChangesGone(FlexdbError):
    """What came after a position is no longer known, so a walk from there would lose changes.

    :param oldest: the first position from which the feed can be read
    :param position: the last one
    """

    code, status, reason = -32004, 410, "CHANGES_GONE"
    message = ("what changed since that position is not kept: take the position of now, then list "
               "everything anew")

    def __init__(self, oldest: str, position: str) -> None:
        super().__init__(oldest=oldest, position=position)
