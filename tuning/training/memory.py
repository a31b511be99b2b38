"""The most memory that training held, and what is free: on CUDA the device's, else the machine's.

A process that evaluated before it trains has a peak of its own, and freed memory that it keeps
(`evals.models.allocator`); neither is the training's. Linux can forget both.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

_OWN = Path("/proc/self")
_GROUPS = Path("/sys/fs/cgroup")


def forget_peak() -> None:
    """Measure from here on. Elsewhere than on Linux and CUDA the process's whole peak stays."""
    import torch

    from evals.models.allocator import return_freed_memory

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    return_freed_memory()
    with contextlib.suppress(OSError):  # a kernel built without it
        (_OWN / "clear_refs").write_text("5")  # proc(5): resets the peak resident size


def peak_memory_mb() -> float:
    """The most memory held since `forget_peak`, in MB of a million bytes."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 1e6
    return peak_resident_mb()


def peak_resident_mb() -> float:
    """The peak resident size of this process, in MB.

    Linux's own count comes first: what `getrusage` says begins with that of the parent.
    """
    with contextlib.suppress(OSError):
        for line in (_OWN / "status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, else KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def free_bytes() -> int:
    """Memory that can be had where models are trained.

    A container may have less than its machine; on Linux its control groups (version 2) say so.
    """
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return min(int(psutil.virtual_memory().available), *_left_in_groups())


def _left_in_groups() -> list[int]:
    """What this process's control groups leave; files that are only cached count as free."""
    try:
        told = (_OWN / "cgroup").read_text(encoding="utf-8")
    except OSError:
        return [sys.maxsize]
    _, marked, path = told.strip().rpartition("0::/")
    own = _GROUPS / path if marked else _GROUPS
    found = [sys.maxsize]
    for folder in (own, *own.parents):
        with contextlib.suppress(OSError, ValueError):  # no limit: "max", or no such file
            limit = int((folder / "memory.max").read_text(encoding="ascii"))
            used = int((folder / "memory.current").read_text(encoding="ascii"))
            lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
            cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file"))
            found.append(max(0, limit - used + cached))
        if folder == _GROUPS:
            break
    return found
