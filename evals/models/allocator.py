"""glibc's allocator, set so that large tensors are reused instead of returned and refaulted.

By default glibc gives every block above a threshold its own mmap and unmaps it when
freed: each pass of a model then faults its activations in again, page by page.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_KEEP_BYTES = (1 << 31) - 1  # mallopt takes an int
_GROW_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory for this process. True where that was possible.

    Harmless to repeat, and elsewhere than on Linux with glibc it does nothing.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEEP_BYTES), (_M_TOP_PAD, _GROW_BYTES))
    done = [bool(mallopt(key, value)) for key, value in settings]
    return all(done)


def return_freed_memory() -> bool:
    """Give back what is freed and still held. True where there was any to give.

    For once, between two kinds of work: what the next one takes is then its own.
    """
    trim = _of_glibc("malloc_trim")
    return bool(trim and trim(0))


def _of_glibc(name: str) -> Any:
    """A function of glibc; None elsewhere than on Linux with it."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL("libc.so.6"), name)
    except (OSError, AttributeError):  # musl
        return None
