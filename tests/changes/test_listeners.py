"""Who may no longer listen."""

from __future__ import annotations

from flexdb.changes.listeners import refused
from flexdb.errors import NotFound, Unauthenticated, Unavailable


def test_an_error_of_ours_about_one_lets_no_other_listen_on() -> None:
    def fails() -> None:
        raise KeyError("odd")

    def away() -> None:
        raise Unavailable("PostgreSQL does not answer")

    def gone() -> None:
        raise NotFound("the tenant is gone")

    def revoked() -> None:
        raise Unauthenticated("the key is not good", sent=True)

    found = refused({("a", b"1"): fails, ("b", b"1"): away, ("c", b"1"): lambda: None,
                     ("d", b"1"): gone, ("e", b"1"): revoked})
    assert {of: error.reason for (of, _), error in found.items()} == {
        "a": "INTERNAL", "d": "NOT_FOUND", "e": "UNAUTHENTICATED"}
