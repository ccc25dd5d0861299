"""When a delivery is tried again, and when no more."""

from __future__ import annotations

import random
from typing import NamedTuple

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
# What says that the endpoint as a whole cannot take more at this moment.
_BUSY = (429, 502, 503, 504)


class Schedule(NamedTuple):
    """The times, in seconds; tests have shorter ones.

    :param delays: how long after each attempt that failed the next one comes, but for a fifth
    :param pause: for how long an endpoint that is busy is left alone where it does not say
    :param longest_pause: how long at most, whatever it says
    :param probing: after so many failures in a row one attempt at a time is made
    :param probe: and how long after a failure of such a one the next comes
    :param patience: after nothing but failures for that long the webhook is disabled
    :param lease: how long who took a delivery has it; longer than an attempt may take
    :param poll: how long after a look that found nothing the next one comes
    :param rest: how long a webhook is not looked at where nothing could be taken
    """

    delays: tuple[float, ...] = (5.0, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR,
                                 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
    pause: float = 30.0
    longest_pause: float = _HOUR
    probing: int = 10
    probe: float = _MINUTE
    patience: float = 5 * _DAY
    lease: float = _MINUTE
    poll: float = 0.25
    rest: float = 1.0

    def delay(self, attempts: int) -> float | None:
        """Return how long after an attempt that failed the next one comes; None where none does.

        :param attempts: how many there were
        """
        if attempts > len(self.delays):
            return None
        # Those that failed together do not come back together.
        return self.delays[attempts - 1] * random.uniform(0.8, 1.2)

    def pause_after(self, status: int, retry_after: float | None) -> float:
        """Return for how long an endpoint is left alone after an answer; 0 for not at all.

        :param retry_after: for how long it asked for that, in seconds
        """
        if status not in _BUSY:
            return 0.0
        return min(self.pause if retry_after is None else retry_after, self.longest_pause)


USUAL = Schedule()
