"""Libraries kept silent, offline in what they report, and away from the caller's generators."""

from __future__ import annotations

import contextlib
import os
import random
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Run training libraries without their bars, remarks and telemetry.

    The global random generators they seed are put back as they were. Errors still raise.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the hub's client is imported
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from evals.models.loading import quiet_transformers

    with warnings.catch_warnings(), quiet_transformers(), generators_kept():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def generators_kept() -> Iterator[None]:
    """Put the global random generators back as they were when the block ends."""
    import numpy as np
    import torch

    ours, numpys = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(ours)
    np.random.set_state(numpys)
