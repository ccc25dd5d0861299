"""What processes used, from /proc (Linux): CPU time and memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class _Stat(NamedTuple):
    parent: int
    own: float
    ended: float


def _stat(pid: int | str) -> _Stat | None:
    """Return a process's parent, its CPU time and that of its ended children, in seconds.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(field) / _TICKS for field in fields[11:15])
    return _Stat(int(fields[1]), user + system, ended_user + ended_system)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still live."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit()
                  and (stat := _stat(name)) is not None and stat.parent == pid)


def cpu(pid: int) -> float:
    """Return the CPU time of a process and of its children, ended ones included, in seconds."""
    stat = _stat(pid)
    if stat is None:
        raise ProcessLookupError(f"process {pid} has ended")
    living = sum(child.own + child.ended for child in map(_stat, children(pid)) if child)
    return stat.own + stat.ended + living


class Memory(NamedTuple):
    """A process's memory in bytes: all it has resident, its share of that, and what is its own."""

    rss: int
    pss: int
    uss: int


def memory(pid: int) -> Memory:
    """Return what a process holds now."""
    sizes = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) * 1024
    return Memory(sizes["Rss"], sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"])


def forget_peak(pid: int) -> None:
    """Let the peak of a process begin anew at what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> int:
    """Return the most that a process had resident since its peak was forgotten, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
