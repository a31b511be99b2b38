"""To come."""

from __future__ import annotations

from benchmarks.quality.cells import Experiment

EXPERIMENTS: dict[str, Experiment] = {}
