"""glibc's allocator, set so that large tensors are reused instead of returned and refaulted.

By default glibc gives every block above a threshold its own mmap and unmaps it when
freed: each pass of a model then faults its activations in again, page by page.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_KEEP_BYTES = (1 << 31) - 1  # mallopt takes an int
_GROW_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory for this process. True where that was possible.

    Harmless to repeat, and elsewhere than on Linux with glibc it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEEP_BYTES), (_M_TOP_PAD, _GROW_BYTES))
    done = [bool(mallopt(key, value)) for key, value in settings]
    return all(done)
