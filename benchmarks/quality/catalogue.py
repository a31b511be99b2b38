"""All experiments, in the order of the page."""

from __future__ import annotations

from benchmarks.quality import claims, coverage, gate, paired, planning, shipping
from benchmarks.quality.cells import Listed

MEAN, LOW = 0.945, 0.94


def catalogue() -> dict[str, Listed]:
    """Every experiment by its name, which is also what `--only` takes."""
    intervals = coverage.EXPERIMENTS | paired.EXPERIMENTS
    listed = {
        name: Listed(run, MEAN, LOW, "clusters" if "clusters" in name else "n")
        for name, run in intervals.items()
    }
    others = claims.EXPERIMENTS | planning.EXPERIMENTS | shipping.EXPERIMENTS | gate.EXPERIMENTS
    return listed | {
        name: Listed(run, columns=gate.COLUMNS.get(name, "")) for name, run in others.items()
    }
