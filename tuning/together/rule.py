"""Which of several prompts an adapter is judged with: the simplest that is about the best.

The one-standard-error rule (Breiman, Friedman, Olshen, Stone 1984, Classification and Regression
Trees, section 3.4.3): of the candidates that the best does not exceed by more than one standard
error the simplest is taken. Simple is what takes fewest prompt tokens, since those are paid for on
each call and a short prompt is half of why one tunes. The error is that of the paired difference,
by the same score statistic as every other claim (with McNemar's mid-p, clusters and errors
counted against the longer prompt): a plain standard error would call one case in a thousand
"more than one standard error", because it sees no variation but that case.

Of dev alone, and no claim: the sealed split judges what was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample

ONE_ERROR = 1.0
"""How many standard errors of the paired difference another prompt must be better by."""


@dataclass(frozen=True)
class Asked:
    """The adapter with one prompt on dev. `open`: as dev has it, a route to shipping is open."""

    arm: Arm
    prompt_tokens: float
    open: bool = True


def choose(asked: Sequence[Asked], clusters: Mapping[str, str | None]) -> int:
    """The place of the one to be judged; the training prompt is the first.

    Only those may be chosen whose route to shipping is open, where any is: the shortest of all
    is of no use if it gains too little, nor the best if it costs more than it may. The first
    stays where nothing can be told apart: too few clusters, or errors everywhere.
    """
    sample = Sample([one.arm for one in asked], clusters)
    usable = [n for n, one in enumerate(asked) if one.arm.usable]
    if sample.few_clusters or not usable:
        return 0
    pool = [n for n in usable if asked[n].open] or usable
    best = min(pool, key=lambda n: (-_mean(sample, asked[n].arm), asked[n].prompt_tokens, n))
    near = [n for n in pool if n == best or not _better(sample, asked[n].arm, asked[best].arm)]
    return min(near, key=lambda n: (asked[n].prompt_tokens, n))


def may_be_beaten(arm: Arm, clusters: Mapping[str, str | None]) -> bool:
    """Whether a prompt that answers every case right would be chosen before this shorter one."""
    perfect = Arm("", dict.fromkeys(arm.cases, 1.0))
    sample = Sample([arm, perfect], clusters)
    if sample.few_clusters:
        return False
    return not arm.usable or _better(sample, arm, perfect)


def _mean(sample: Sample, arm: Arm) -> float:
    interval = sample.interval(arm)
    return -1.0 if interval is None else round(interval.estimate, 12)


def _better(sample: Sample, arm: Arm, other: Arm) -> bool:
    """Whether `other` exceeds the arm by more than one standard error."""
    pair = sample.pair(arm, other)
    return pair is not None and pair.above(0.0, ONE_ERROR)
