"""Which candidates are not run on the rest of dev: those shown to be hopeless on stage one.

Stopping is no claim: a stopped candidate is judged like any other (see
`tuning.gate.standing`), on the cases it was run on, at a level of its own. Whom it stops is
therefore free to be chosen by what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.stats import BoundedDifference
from tuning.gate.evidence import Arm, Policy, Trial
from tuning.gate.sample import Sample


def leader_of(trials: Sequence[Trial]) -> Trial | None:
    """The best of those tried so far on all of dev, by which the next is measured."""
    usable = [trial for trial in trials if trial.arm.usable and not trial.stopped]

    def rank(trial: Trial) -> tuple[float, float]:
        scores = trial.arm.scores
        return (-round(sum(scores.values()) / len(scores), 12), trial.prompt_tokens)

    return min(usable, key=rank, default=None)


def stopping_z(policy: Policy, sizes: Sequence[int]) -> float:
    """Z at which a candidate is shown to be worse: that of flat on stage one.

    `sizes`: how many candidates each planned round has. The anchor will be chosen from those
    before the last two rounds.
    """
    early = sum(sizes[:-2]) if len(sizes) > 2 else sizes[0]
    return policy.flat_z(early, stopped=True)


def shown_worse(
    first: Arm, leader: Arm, clusters: Mapping[str, str | None], z: float
) -> BoundedDifference | None:
    """The candidate minus the leader on stage one where U < 0; else None.

    `first` covers stage one, `leader` that and more. Errors count for the candidate, and one
    with too many of them shows nothing.
    """
    sample = Sample([first], clusters)
    pair = sample.pair(leader.within(frozenset(sample.cases)), first)
    if pair is None or not first.usable or sample.few_clusters:
        return None
    return pair if pair.below(0.0, z) else None
