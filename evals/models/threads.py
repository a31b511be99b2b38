"""How torch's threads wait for each other, settled before torch is loaded."""

from __future__ import annotations

import os
import sys


def wait_politely() -> None:
    """Let idle OpenMP threads sleep instead of spinning, unless the user said otherwise.

    A pass has thousands of short parallel sections. When anything else runs on the same
    cores (a CI machine, a second job), spinning threads hold the core that the thread they
    wait for needs: measured here, generating became 3 times slower than with sleeping
    ones. The setting is read when torch is loaded, so it is too late after that.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
