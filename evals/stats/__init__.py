"""Statistics of paired evaluation: pure functions; numpy and scipy load only when called."""

from evals.stats.intervals import (
    ScoreInterval,
    exact_bounds,
    known_bounds,
    require_share,
    score_interval,
)
from evals.stats.kappa import MIN_LABELS, Kappa, KappaWeights, cohen_kappa, confusion
from evals.stats.paired import (
    MOST_CASES,
    Bounds,
    PairedDifference,
    mcnemar_mid_p,
    paired_counts,
    paired_difference,
)
from evals.stats.power import (
    DISCORDANCE,
    cases_for_gain,
    cases_for_noninferiority,
    cases_for_plateau,
    cases_to_catch,
    cases_to_ship,
    noninferiority_power,
    smallest_caught_loss,
    smallest_detectable_gain,
    smallest_flat_cases,
    smallest_plateau_gain,
)
from evals.stats.quantiles import MOST_LOOKS, one_sided_z, require_look, two_sided_z
from evals.stats.repeated import (
    BoundedRepeats,
    RepeatedDifference,
    bounded_repeats,
    repeated_difference,
)
from evals.stats.sample import MIN_CLUSTERS, design_effect
from evals.stats.worst_case import BoundedDifference, bounded, bounded_difference

__all__ = [
    "DISCORDANCE",
    "MIN_CLUSTERS",
    "MIN_LABELS",
    "MOST_CASES",
    "MOST_LOOKS",
    "BoundedDifference",
    "BoundedRepeats",
    "Bounds",
    "Kappa",
    "KappaWeights",
    "PairedDifference",
    "RepeatedDifference",
    "ScoreInterval",
    "bounded",
    "bounded_difference",
    "bounded_repeats",
    "cases_for_gain",
    "cases_for_noninferiority",
    "cases_for_plateau",
    "cases_to_catch",
    "cases_to_ship",
    "cohen_kappa",
    "confusion",
    "design_effect",
    "exact_bounds",
    "known_bounds",
    "mcnemar_mid_p",
    "noninferiority_power",
    "one_sided_z",
    "paired_counts",
    "paired_difference",
    "repeated_difference",
    "require_look",
    "require_share",
    "score_interval",
    "smallest_caught_loss",
    "smallest_detectable_gain",
    "smallest_flat_cases",
    "smallest_plateau_gain",
    "two_sided_z",
]
