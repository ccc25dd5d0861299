"""What is told of a call that fails, and with which status its command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flexdb.cli.failures import Failure
from flexdb.cli.remote.text import visible

if TYPE_CHECKING:
    import flexdb.client as fx

# What is wrong with what was sent, and another one might do.
REFUSED = 3
# What is named is not there.
ABSENT = 4
# Who calls is not known, or may not.
_FORBIDDEN = 7
# Where it ends so, nothing of the call was done.
NOTHING_DONE = (REFUSED, ABSENT, _FORBIDDEN)
# The service was not reached, or did not answer in time.
_AWAY = 9
# Reasons of the error tree by the status of a command; of what is not listed it is 1.
STATUSES = {
    REFUSED: ("INVALID_PARAMS", "METHOD_NOT_FOUND", "INVALID_REQUEST", "PARSE_ERROR", "TOO_LARGE"),
    ABSENT: ("NOT_FOUND", "CHANGES_GONE"),
    5: ("ALREADY_EXISTS", "IN_USE", "KEY_REUSED"),
    6: ("VERSION_CONFLICT", "PRECONDITION_FAILED", "ABORTED"),
    _FORBIDDEN: ("UNAUTHENTICATED", "PERMISSION_DENIED"),
    8: ("QUOTA_EXCEEDED", "RATE_LIMITED"),
    _AWAY: ("UNAVAILABLE", "OVERLOADED", "STORAGE_FULL", "COMMIT_UNKNOWN", "DEADLINE_EXCEEDED"),
}
_OF_REASON = {reason: status for status, reasons in STATUSES.items() for reason in reasons}


@contextmanager
def failures() -> Iterator[None]:
    """Tell in one line why a call fails.

    :raises Failure: in the place of the error
    """
    import flexdb.client as fx
    try:
        yield
    except fx.Error as error:
        raise failure_of(error) from error
    except BrokenPipeError:
        # Whoever reads has enough: click ends without a word.
        raise
    except OSError as error:
        raise Failure(visible(f"{error.filename}: {error.strerror}" if error.filename
                              else str(error))) from error
    except UnicodeEncodeError as error:
        raise Failure("an argument is no text in UTF-8", 2) from error


def failure_of(error: fx.Error) -> Failure:
    """Return the failure of a command whose call failed."""
    return Failure(_told(error), _status(error))


def _told(error: fx.Error) -> str:
    """Return in one line what is wrong, with the parameters and by which id the log has it."""
    import flexdb.client as fx
    text = str(error)
    if not isinstance(error, fx.ServiceError):
        return visible(text)
    more = [line for name, problems in error.fields.items() for problem in problems
            if (line := f"{name} {problem}") not in text]
    if isinstance(error, fx.NotFound) and ": " in text:
        # It names what is not there already.
        more = []
    request = f", request {error.request_id}" if error.request_id else ""
    return visible(f"{': '.join([text, *filter(None, ['; '.join(more)])])} "
                   f"({error.reason or error.code}{request})")


def _status(error: fx.Error) -> int:
    import flexdb.client as fx
    if isinstance(error, (fx.ConnectionFailed, fx.Timeout)):
        return _AWAY
    return _OF_REASON.get(error.reason, 1) if isinstance(error, fx.ServiceError) else 1
