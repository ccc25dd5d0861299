"""How many calls there may be, counted together by all processes of an instance.

Each tenant has a bucket that fills at an even rate, and each call takes from it. What is kept of
one is a single moment, when the bucket would be full again: the generic cell rate algorithm of
ATM (ITU-T I.371) with time in place of cells. It lies in memory that processes share which were
forked after it was made, under a lock of the file behind it, so that no two count at once; the
system takes the lock back from a process that is killed.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from fcntl import LOCK_EX, LOCK_UN, lockf
from heapq import nlargest
from mmap import mmap
from tempfile import TemporaryFile
from typing import NamedTuple
from uuid import uuid4
from weakref import finalize

# A slot: whose it is, when its bucket is full (on the system's monotonic clock, in ns), how many
# calls were asked for since that was last told, and which share of the rate is this instance's.
_SLOT = struct.Struct("<16sqIf")
# Where each number stands in a slot, in words of four bytes.
_WORDS, _ASKED = _SLOT.size // 4, 6
# A key has its slot among so many; what they are full of is let go when it matters least.
_WAYS = 16
_SET = _WAYS * _SLOT.size
_SECOND = 1_000_000_000


class Rate(NamedTuple):
    """How many calls there may be.

    :param calls: a second
    :param burst: at once
    """

    calls: float
    burst: float


class Level(NamedTuple):
    """What a bucket has.

    :param admitted: whether what was asked for was taken from it
    :param left: how many calls are left
    :param seconds: in how many seconds one more is there
    """

    admitted: bool
    left: int
    seconds: float


class Buckets:
    """The buckets of one kind; they take memory when the first is looked for.

    :param most: how many there may be
    """

    def __init__(self, most: int) -> None:
        self.instance = str(uuid4())
        self._sets = max(1, most // _WAYS)
        self._file: int | None = None
        self._lock = threading.Lock()

    def open(self) -> Buckets:
        """Take the memory; who forks does so before, so that all share it.

        :raises OSError: when there is none
        """
        with self._lock:
            if self._file is None:
                memory = "/dev/shm"
                with TemporaryFile(dir=memory if os.access(memory, os.W_OK) else None) as made:
                    file = os.dup(made.fileno())
                finalize(self, os.close, file)
                size = self._sets * _SET + _SLOT.size
                # A file with holes would end the process where there is no memory for one.
                os.posix_fallocate(file, 0, size)
                self._memory = mmap(file, size)
                # The last slot says when an exchange with other instances last began.
                self._exchanged_at = memoryview(self._memory)[-_SLOT.size:].cast("q")
                self._exchanged_at[0] = time.monotonic_ns()
                self._file = file
        return self

    def take(self, key: bytes, calls: int, rate: Rate, is_begun: bool = False) -> Level:
        """Take calls from a bucket, where one is left of it.

        What is taken may be more than is left: the bucket is then in debt, and nothing more is
        taken until it has been paid.

        :param key: whose bucket it is, in 16 bytes
        :param is_begun: whether one of them was taken before, so that none need be left of it
        """
        with self._locked(key) as number:
            place = self._place(key, number)
            _, full_at, asked, share = _SLOT.unpack_from(self._memory, place)
            # A slot that was never used is found by a key of zeros.
            share = share or 1.0
            now = time.monotonic_ns()
            full_at = max(full_at, now)
            each = int(_SECOND / (rate.calls * share))
            window = int(_SECOND * rate.burst / rate.calls)
            left = window - (full_at - now)
            # Where the share is very small, a full bucket is one call.
            needed = 0 if is_begun else min(each, window)
            if admitted := left >= needed:
                full_at += calls * each
                left -= calls * each
            _SLOT.pack_into(self._memory, place, key, full_at, min(asked + calls, 2**32 - 1), share)
        calls_left = max(0, left // each)
        return Level(admitted, calls_left,
                     (min((calls_left + 1) * each, window) - left) / _SECOND)

    def begin_exchange(self, period: float) -> float | None:
        """Tell, to one process alone, that it is time to tell other instances what was asked for.

        :param period: how often, in seconds
        :return: how many seconds what was asked for is from; None where it is not yet time
        """
        now = time.monotonic_ns()
        if self._file is None or now - self._exchanged_at[0] < period * _SECOND:
            return None
        with _Locked(self._lock, self._file, self._sets):
            since = now - self._exchanged_at[0]
            if since < period * _SECOND:
                return None
            self._exchanged_at[0] = now
        return since / _SECOND

    def asked(self, most: int) -> dict[bytes, tuple[int, float]]:
        """Return how many calls were asked for of each bucket, and its share; begin anew.

        :param most: of how many buckets at most
        """
        file = self._opened()
        with memoryview(self._memory) as memory, memory.cast("I") as words:
            asked = words[_ASKED:-_WORDS:_WORDS].tolist()
        found: dict[bytes, tuple[int, float]] = {}
        # Those of most calls, where there are more: of them a share tells most.
        for number in nlargest(most, (number for number, calls in enumerate(asked) if calls),
                               key=asked.__getitem__):
            with _Locked(self._lock, file, number // _WAYS):
                place = number * _SLOT.size
                key, full_at, calls, share = _SLOT.unpack_from(self._memory, place)
                _SLOT.pack_into(self._memory, place, key, full_at, 0, share)
                found[key] = calls, share
        return found

    def set_share(self, key: bytes, share: float) -> None:
        """Have a bucket filled at a share of its rate from now on.

        :param share: above 0 and no more than 1
        """
        with self._locked(key) as number:
            place, now = self._place(key, number), time.monotonic_ns()
            _, full_at, asked, before = _SLOT.unpack_from(self._memory, place)
            # What is not yet there of the bucket is as many calls as before, at another rate.
            owed = max(0, full_at - now) * before / share
            _SLOT.pack_into(self._memory, place, key, now + int(owed), asked, share)

    def _locked(self, key: bytes) -> _Locked:
        return _Locked(self._lock, self._opened(), hash(key) % self._sets)

    def _opened(self) -> int:
        if self._file is None:
            self.open()
        assert self._file is not None
        return self._file

    def _place(self, key: bytes, number: int) -> int:
        """Return where the slot of a key is in a set that is locked; a new one begins full."""
        first, end = number * _SET, (number + 1) * _SET
        place = self._memory.find(key, first, end)
        if place < 0 or (place - first) % _SLOT.size:
            # Of the one that is full first, or is full already, least is forgotten.
            place = min(range(first, end, _SLOT.size),
                        key=lambda one: _SLOT.unpack_from(self._memory, one)[1])
            _SLOT.pack_into(self._memory, place, key, 0, 0, 1.0)
        return place


class _Locked:
    """Keeps other threads out of the buckets, and other processes out of one set of them.

    :param threads: the lock between threads
    :param file: the file's descriptor
    :param number: which set

    A process holds one such lock at a time, or the system would see deadlocks where there are
    none; and to it, threads of one process are no others (fcntl(2), F_SETLKW).
    """

    __slots__ = ("_threads", "_file", "_number")

    def __init__(self, threads: threading.Lock, file: int, number: int) -> None:
        self._threads, self._file, self._number = threads, file, number

    def __enter__(self) -> int:
        self._threads.acquire()
        try:
            lockf(self._file, LOCK_EX, _SET, self._number * _SET)
        except BaseException:
            self._threads.release()
            raise
        return self._number

    def __exit__(self, *_: object) -> None:
        try:
            lockf(self._file, LOCK_UN, _SET, self._number * _SET)
        finally:
            self._threads.release()


class Shared(NamedTuple):
    """What the processes of an instance count together.

    :param rates: calls, by tenant
    :param failures: credentials that were not good, by address
    """

    rates: Buckets
    failures: Buckets


# As many tenants as call within the time in which a bucket fills, and addresses likewise.
_TENANTS, _ADDRESSES = 16_384, 4096
_of_master: Shared | None = None


def share() -> None:
    """Let this process and those that it forks from now on count together."""
    global _of_master
    if _of_master is None:
        made = shared()
        _of_master = Shared(made.rates.open(), made.failures.open())


def shared() -> Shared:
    """Return what this process counts with: its master's, or where that has none, its own."""
    return _of_master or Shared(Buckets(_TENANTS), Buckets(_ADDRESSES))
