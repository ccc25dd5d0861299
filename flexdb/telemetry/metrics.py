"""The figures that Prometheus collects, of all workers together. No tenant is ever a label.

In gunicorn every worker keeps its figures in files of its own *place*. A worker that takes the
place of another goes on with its files, so that no counter ever goes back, and what is kept does
not grow with the number of workers that came and went.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from platform import python_version
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from flexdb.version import __version__

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "flexdb-metrics-"
_SECONDS = (.0005, .001, .002, .004, .008, .016, .032, .064, .128, .25, .5, 1, 2, 4, 8, 16, 64, 256)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000)

disable_created_metrics()


class Metrics:
    """All that is counted and measured, in this process or, within gunicorn, in all workers."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def gauge(name: str, text: str, labels: Iterable[str] = (), mode: Any = "livesum") -> Any:
            return Gauge(f"flexdb_{name}", text, labels, registry=registry, multiprocess_mode=mode)

        def counter(name: str, text: str, labels: Iterable[str] = ()) -> Any:
            return Counter(f"flexdb_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, labels: Iterable[str] = (),
                      buckets: Iterable[float] = _SECONDS) -> Any:
            return Histogram(f"flexdb_{name}", text, labels, registry=registry,
                             buckets=tuple(buckets))

        self.calls = counter(
            "calls_total", "Calls, by what came of them: ok or the error's reason.",
            ["method", "outcome"])
        self.call_durations = histogram(
            "call_duration_seconds", "How long calls took; a batch counts once, as batch.",
            ["method"])
        self.batch_calls = histogram("batch_calls", "How many calls a batch held.", (), _SIZES)
        self.validation_gap = counter(
            "validation_gap_total", "Errors of PostgreSQL that validation should have caught.",
            ["method"])
        self.fence = counter(
            "fence_total", "Calls that were refused since they would have seen more than the "
            "caller's tenant; each is an error of flexdb.")
        self.pool_size = gauge("pool_size", "Connections to PostgreSQL.")
        self.pool_in_use = gauge("pool_in_use", "Connections that a call is using.")
        self.pool_idle = gauge("pool_idle", "Connections that no call is using.")
        self.pool_waiting = gauge("pool_waiting", "Calls that wait for a connection.")
        self.pool_size_limit = gauge("pool_size_limit", "The most connections there may be.")
        self.pool_waiting_limit = gauge(
            "pool_waiting_limit", "The most calls that may wait; more are refused.")
        self.pool_wait_seconds = histogram(
            "pool_wait_seconds", "How long calls waited for a connection.")
        self.pool_refused = counter(
            "pool_refused_total", "Calls refused: too many waited, or one waited too long with "
            "the connections busy, or with none to be had.", ["reason"])
        self.refused = counter(
            "refused_total", "Requests and calls refused, as a tenant or an address had more of "
            "them than it may.", ["reason"])
        self.connections_lost = counter(
            "connections_lost_total", "Connections that PostgreSQL or the network ended.")
        self.retries = counter(
            "retries_total", "Statements sent again: the connection was lost, its prepared plan "
            "was, or another transaction was in conflict.", ["reason"])
        self.replica_reads = counter(
            "replica_reads_total", "Requests that a replica might answer, by who did: a replica or "
            "the primary.", ["target"])
        self.replica_fallbacks = counter(
            "replica_fallbacks_total", "Why the primary did: all replicas away or one promoted, "
            "too far behind, busy, in conflict with what is replayed, or an error.", ["reason"])
        self.replica_waits = histogram(
            "replica_wait_seconds", "How long requests waited for a replica that was behind.")
        self.replica_ready = gauge(
            "replica_ready", "Whether a replica answers, and is one.", ["replica"],
            "livemostrecent")
        self.replica_lag_bytes = gauge(
            "replica_lag_bytes", "How far a replica is behind the primary, in bytes of WAL.",
            ["replica"], "livemostrecent")
        self.replica_lag_seconds = gauge(
            "replica_lag_seconds", "How old is what a replica that is behind replayed last.",
            ["replica"], "livemostrecent")
        self.streams = gauge("streams", "Streams of changes that are open.")
        self.waiting = gauge("waiting", "Calls that wait for a change.")
        self.events_sent = counter(
            "events_sent_total", "Changes that were sent to streams and to calls that waited.")
        self.webhook_deliveries = gauge(
            "webhook_deliveries", "Deliveries of webhooks that wait or are dead, up to 10,000 of "
            "each.", ["status"], "livemostrecent")
        self.webhook_lag = gauge(
            "webhook_lag_seconds", "For how long the oldest change waits that an active webhook is "
            "to be told of.", (), "livemostrecent")
        self.ready = gauge(
            "ready", "Whether calls can be answered: PostgreSQL answers, and the schema is up to "
            "date.", (), "livemostrecent")
        self.workers = gauge("workers", "Worker processes that are alive.")
        self.workers_limit = gauge(
            "workers_limit", "How many worker processes there should be.", (), "livemax")
        self.info = Gauge(
            "flexdb_info", "What is running; always 1.", ["version", "python"], registry=registry,
            multiprocess_mode="livemax")
        self.info.labels(__version__, python_version()).set(1)
        self.workers.set(1)
        self._samplers: list[Callable[[], None]] = []

    def sample_with(self, sampler: Callable[[], None]) -> None:
        """Have a function set gauges whenever they are looked at."""
        self._samplers.append(sampler)

    def sample(self) -> None:
        """Set the gauges that tell of this very moment."""
        for sampler in self._samplers:
            sampler()

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all figures in a form that fits the header Accept, and its content type."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.now()), content_type

    def now(self) -> CollectorRegistry:
        """Return all figures as they are, to be collected once."""
        self.sample()
        if _FOLDER not in os.environ:
            return self.registry
        registry = CollectorRegistry()
        registry.register(_OfAllWorkers())
        return registry


class _OfAllWorkers(Collector):
    """The figures in the files of all workers.

    A worker that begins makes a file and fills it a moment later; the library's own collector
    cannot read it in between.
    """

    def collect(self) -> Iterable[Metric]:
        """Read the files that are filled."""
        filled = []
        for file in Path(os.environ[_FOLDER]).glob("*.db"):
            # One of a worker that has just ended may be gone.
            with suppress(FileNotFoundError):
                if file.stat().st_size:
                    filled.append(str(file))
        merged: Iterable[Metric] = MultiProcessCollector.merge(filled)
        return merged


class Folder:
    """Where the workers of one master keep their figures; it ends with the master.

    A master that was killed leaves its folder behind, and the next one removes it. The lock on it
    is the workers' too, so that it holds as long as one of them lives.
    """

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self._parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
        self.path: Path | None = None
        self._lock = -1

    def make(self) -> None:
        """Make the folder, and remove those that nobody uses any more."""
        for left in self._parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                opened = _locked(left, fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
                os.close(opened)
        while self.path is None:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))
            # Another master may think it left behind until it is locked.
            with suppress(FileNotFoundError):
                self._lock = _locked(path)
                self.path = path if path.is_dir() else None

    def remove(self) -> None:
        """Remove the folder, if it was made."""
        if self.path:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self.path = None

    def join(self, place: int) -> None:
        """Keep the figures of this process, a worker, in the folder from now on.

        :param place: a number that no other living worker has
        """
        if self.path:
            os.environ[_FOLDER] = str(self.path)
            # The library reads the variable only when it is imported, which was in the master.
            values.ValueClass = values.MultiProcessValue(lambda: place)

    def leave(self, place: int) -> None:
        """Forget what a worker that has ended was doing, but not what it did."""
        if self.path:
            mark_process_dead(place, str(self.path))


def free_place(taken: Iterable[int]) -> int:
    """Return the first place that is not taken."""
    known = set(taken)
    return next(place for place in count(1) if place not in known)


def _locked(folder: Path, how: int = 0) -> int:
    """Open a folder of ours that nobody else uses."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(opened).st_uid != os.geteuid():
            raise PermissionError(folder)
        fcntl.flock(opened, fcntl.LOCK_EX | how)
    except OSError:
        os.close(opened)
        raise
    return opened
