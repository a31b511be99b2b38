"""Where the search for a prompt stands: leader, anchor, plateau, improvement, effort.

The anchor is the leader among the candidates tried before the last two rounds. Judging
against it, and not against each round's last incumbent, keeps false plateaus and creeping
small steps at or below the nominal level.

A case that ended in an error counts against every claim: as won by a candidate that is said
to be flat, as lost by one that is said to be better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import InfrastructureError, StatisticsError
from evals.stats import (
    BoundedDifference,
    ScoreInterval,
    cases_for_plateau,
    one_sided_z,
    smallest_flat_cases,
)
from evals.stats.quantiles import critical_value
from tuning.gate.evidence import Evidence, Policy, Trial
from tuning.gate.sample import Sample


@dataclass(frozen=True)
class Judged:
    """A trial with its interval (None: no case has a score) and its standing.

    `versus_anchor` is the trial minus the anchor; None without an anchor and for itself.
    """

    trial: Trial
    interval: ScoreInterval | None
    in_window: bool
    versus_anchor: BoundedDifference | None = None
    flat: bool = False
    improved: bool = False

    @property
    def mean(self) -> float:
        """Mean over the scored cases, free of rounding noise; below every score if none."""
        return -1.0 if self.interval is None else round(self.interval.estimate, 12)


class _Bar(NamedTuple):
    """What a candidate is held against: the smallest gain, and z for flat and improved."""

    min_gain: float
    z_flat: float
    z_improve: float


@dataclass(frozen=True)
class Standing:
    """The state of the search. `gaps` are what effort lacks before a plateau may be claimed.

    `z_flat` and `z_improve` are the corrected one-sided z of the two kinds of claim;
    `smallest_n` the number of cases below which no result could be flat.
    """

    sample: Sample
    trials: tuple[Judged, ...]
    leader: Judged
    anchor: Judged | None
    z_flat: float
    z_improve: float
    gaps: tuple[str, ...]
    plateau: bool
    smallest_n: int
    graded: bool

    @property
    def improved(self) -> tuple[Judged, ...]:
        """The trials of the last two rounds that are shown to be better than the anchor."""
        return tuple(judged for judged in self.trials if judged.improved)

    @property
    def too_small(self) -> bool:
        """Whether no result on these cases could ever be flat."""
        return self.sample.few_clusters or len(self.sample) < self.smallest_n


def find_standing(evidence: Evidence, policy: Policy) -> Standing:
    """Judge every trial against the anchor.

    Raises `NothingRunError` without trials, `StatisticsError` where they do not cover the
    same cases, a run occurs twice or a round mixes families, `InfrastructureError` where
    every trial has too many errors to be judged.
    """
    trials = sorted(evidence.trials, key=lambda trial: trial.round_index)  # stable
    others = [model.arm for model in evidence.stronger_models or () if model.arm is not None]
    if evidence.oracle_context is not None:
        others.append(evidence.oracle_context)
    arms = [trial.arm for trial in trials]
    sample = Sample(arms + others if arms else [], evidence.clusters)
    families = _families(trials)
    last_two = set(sorted(families)[-2:]) if len(families) >= 3 else set(families)
    judged = [
        Judged(trial, sample.interval(trial.arm), trial.round_index in last_two) for trial in trials
    ]
    leader = _leader(judged)
    if leader is None:
        raise InfrastructureError(
            "every tried candidate ended in errors on more than 5% of the cases",
            hint="look at the errors of the runs, and run them again",
        )
    early = [trial for trial in judged if not trial.in_window]
    anchor = _leader(early)
    m = len(early) or sum(trial.round_index == trials[0].round_index for trial in trials)
    z_flat = one_sided_z(policy.look_alpha / m)
    z_improve = one_sided_z(policy.look_alpha / max(1, len(trials) - 1))
    if anchor is not None:
        bar = _Bar(policy.min_gain, z_flat, z_improve)
        judged = [_against_anchor(item, anchor, sample, bar) for item in judged]
    gaps = _gaps(judged, families, policy)
    graded = any(sample.graded(trial.arm) for trial in trials)
    df = None if sample.clusters is None else sample.clusters - 1
    return Standing(
        sample=sample,
        trials=tuple(judged),
        leader=next(item for item in judged if item.trial is leader.trial),
        anchor=anchor,
        z_flat=z_flat,
        z_improve=z_improve,
        gaps=gaps,
        plateau=(
            not gaps
            and anchor is not None
            and all(item.flat for item in judged if item.trial is not anchor.trial)
        ),
        smallest_n=smallest_flat_cases(
            policy.min_gain, critical_value(z_flat, df) if df else z_flat, graded=graded
        ),
        graded=graded,
    )


def cases_to_decide(standing: Standing, min_gain: float) -> int | None:
    """About how many cases would end the undecided state, if what was seen is the truth.

    Either every candidate becomes flat, or one of the last two rounds becomes an
    improvement, whichever takes fewer. None where neither is within reach.
    """
    n = len(standing.sample)
    flat: list[int | None] = []
    improve: list[int] = []
    for judged in standing.trials:
        pair = judged.versus_anchor
        if pair is None:
            continue
        if not judged.flat:
            needed = pair.cases_to_settle(min_gain, standing.z_flat)
            flat.append(needed if pair.favouring.estimate < min_gain else None)
        if judged.in_window and pair.against.estimate > 0:
            needed = pair.cases_to_settle(0.0, standing.z_improve)
            if needed is not None:
                improve.append(needed)
    reachable = [needed for needed in flat if needed is not None]
    ways = [*improve, max(reachable)] if reachable and len(reachable) == len(flat) else improve
    # Errors shrink a pair below the split; the advice is about the split.
    return max(n + 1, min(ways)) if ways else None


def cases_for_a_start(standing: Standing, policy: Policy) -> int:
    """Cases a split that is too small should grow to: the planning figure of a plateau.

    For independent cases of usual discordance; a small split's own is mostly noise.
    """
    return max(cases_for_plateau(policy.min_gain), standing.smallest_n)


def _families(trials: list[Trial]) -> dict[int, str]:
    families: dict[int, str] = {}
    seen: set[str] = set()
    for trial in trials:
        if trial.arm.run_id in seen:
            raise StatisticsError(f"run {trial.arm.run_id} occurs twice among the trials")
        seen.add(trial.arm.run_id)
        family = families.setdefault(trial.round_index, trial.family)
        if family != trial.family:
            raise StatisticsError(
                f"round {trial.round_index} mixes the families {family!r} and "
                f"{trial.family!r}; a round is one family of candidates"
            )
    return families


def _leader(judged: list[Judged]) -> Judged | None:
    """Highest mean; ties: fewer prompt tokens, then earlier. Only usable trials can lead."""
    usable = [item for item in judged if item.trial.arm.usable]
    return min(usable, key=lambda item: (-item.mean, item.trial.prompt_tokens), default=None)


def _against_anchor(
    judged: Judged,
    anchor: Judged,
    sample: Sample,
    bar: _Bar,
) -> Judged:
    pair = sample.pair(anchor.trial.arm, judged.trial.arm)
    if judged.trial is anchor.trial or pair is None:
        return judged
    usable = judged.trial.arm.usable and not sample.few_clusters
    return Judged(
        trial=judged.trial,
        interval=judged.interval,
        in_window=judged.in_window,
        versus_anchor=pair,
        flat=usable and pair.below(bar.min_gain, bar.z_flat),
        improved=usable and judged.in_window and pair.above(0.0, bar.z_improve),
    )


def _gaps(judged: list[Judged], families: dict[int, str], policy: Policy) -> tuple[str, ...]:
    usable = [item.trial for item in judged if item.trial.arm.usable]
    gaps = [
        f"'{item.trial.label}' ended in errors on {item.trial.arm.error_share:.0%} of the cases "
        "and has to be run again"
        for item in judged
        if not item.trial.arm.usable
    ]
    if len(usable) < policy.min_candidates:
        gaps.append(f"{len(usable)} of at least {policy.min_candidates} candidates were tried")
    rounds = sorted(families)
    if len(rounds) < 3:
        gaps.append(
            f"{len(rounds)} of at least 3 rounds were tried (two of different families must "
            "follow the first)"
        )
        return tuple(gaps)
    if families[rounds[-1]] == families[rounds[-2]]:
        gaps.append(f"the last two rounds are of the same family, '{families[rounds[-1]]}'")
    for index in rounds[-2:]:
        tried = sum(trial.round_index == index for trial in usable)
        if tried < policy.min_per_round:
            gaps.append(
                f"round {index} ('{families[index]}') tried {tried} of at least "
                f"{policy.min_per_round} candidates"
            )
    if not any(item.trial.arm.usable for item in judged if not item.in_window):
        gaps.append("no usable candidate was tried before the last two rounds")
    return tuple(gaps)
