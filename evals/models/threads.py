"""How torch's threads wait for each other, settled before torch is loaded."""

from __future__ import annotations

import os
import sys

_SPINS = "10000"  # about half a millisecond: longer than the gaps between parallel sections


def wait_politely() -> None:
    """Let idle OpenMP threads spin briefly and then sleep, unless the user said otherwise.

    A pass has thousands of short parallel sections. Threads that spin for ever are fastest
    on a quiet machine, but when anything else runs on the same cores (a CI machine, a
    second job) they hold the core that the thread they wait for needs: generating became
    3 times slower. Threads that sleep at once cost half the speed of training on a quiet
    one. Measured on 2 cores, seconds for the same six steps of training: spinning for ever
    11.4, sleeping at once 18.5, sleeping after these spins 12.6; for the same answers
    beside a program that kept one core busy: sleeping at once 14.2, after these spins 18.5.
    The settings are read when torch is loaded, so it is too late after that.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
