"""The gate's experiments, in the order of the page."""

from __future__ import annotations

from benchmarks.quality import (
    gate_claims,
    gate_looks,
    gate_open,
    gate_plateau,
    gate_rivals,
    gate_stop,
)
from benchmarks.quality.cells import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "gate-false-open": gate_open.falsely_open_independent,
    "gate-false-open-searches": gate_open.falsely_open_searches,
    "gate-false-open-clusters": gate_open.falsely_open_clusters,
    "gate-false-open-graded": gate_open.falsely_open_graded,
    "gate-plateau": gate_plateau.plateau_at_planned_cases,
    "gate-plateau-check": gate_plateau.plateau_at_checked_cases,
    "gate-noise": gate_plateau.noise_improves,
    "gate-target": gate_claims.target_claimed,
    "gate-target-clusters": gate_claims.target_claimed_clusters,
    "gate-stronger": gate_claims.stronger_claimed,
    "gate-retrieval": gate_claims.retrieval_claimed,
    "gate-looks": gate_looks.looks_at_dev,
    "gate-stop": gate_stop.early_stop_falsely_open,
    "gate-stop-pays": gate_stop.early_stop_pays,
    "gate-rivals": gate_rivals.rival_rules,
    "gate-rivals-power": gate_rivals.rival_power,
}
"""Each maps its name, which is also the heading of its table, to what measures it."""

COLUMNS: dict[str, str] = {
    "gate-false-open": "n",
    "gate-false-open-searches": "n",
    "gate-false-open-clusters": "n",
    "gate-false-open-graded": "n",
    "gate-plateau": "prompts",
    "gate-plateau-check": "prompts",
    "gate-noise": "n",
    "gate-target": "n",
    "gate-target-clusters": "n",
    "gate-stronger": "n",
    "gate-retrieval": "n",
    "gate-looks": "looks",
    "gate-stop": "n",
    "gate-stop-pays": "measured",
    "gate-rivals": "rule",
    "gate-rivals-power": "rule",
}
"""The key of each experiment's settings that runs across its table."""
