"""Where the search for a prompt stands: leader, anchor, plateau, improvement, effort.

The anchor is the leader among the candidates tried before the last two rounds. Judging
against it, and not against each round's last incumbent, keeps false plateaus and creeping
small steps at or below the nominal level.

A case that ended in an error counts against every claim: as won by a candidate that is said
to be flat, as lost by one that is said to be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import InfrastructureError, StatisticsError
from evals.stats import (
    cases_for_plateau,
    one_sided_z,
    smallest_flat_cases,
)
from evals.stats.quantiles import critical_value
from tuning.gate.effort import families_of, form_gap, gaps_of, untried_gaps
from tuning.gate.evidence import Arm, Evidence, Policy, Trial
from tuning.gate.judged import Judged, best_of
from tuning.gate.sample import Sample
from tuning.records import FailureSummary


class Samples(NamedTuple):
    """The cases that trials are judged on: all, and those of stage one (None: none stopped)."""

    whole: Sample
    stage: Sample | None

    def of(self, trial: Trial) -> Sample:
        """The cases a trial was run on."""
        return self.stage if trial.stopped and self.stage is not None else self.whole


class Levels(NamedTuple):
    """The corrected one-sided z of each claim: flat, flat on stage one alone, improved."""

    flat: float
    stage: float
    improve: float


class _Bar(NamedTuple):
    """What a candidate is held against: the smallest gain, and z for flat and improved.

    `sample` has the cases it is compared over: all, or those of stage one.
    """

    sample: Sample
    anchor: Arm
    min_gain: float
    z_flat: float
    z_improve: float


@dataclass(frozen=True)
class Standing:
    """The state of the search. `gaps` are what effort lacks before a plateau may be claimed.

    `untried` are those of them that declared candidates leave which were not tried,
    `unconstrained` that the leader fails by form and no constraint was tried. `levels` are
    those of this look at dev, `next_levels` those of a look at a dev that changed; `smallest_n`
    the number of cases below which no result could be flat. `candidates` counts those that were
    tried, and those still planned.
    """

    samples: Samples
    trials: tuple[Judged, ...]
    leader: Judged
    anchor: Judged | None
    levels: Levels
    next_levels: Levels
    gaps: tuple[str, ...]
    untried: tuple[str, ...]
    unconstrained: tuple[str, ...]
    plateau: bool
    smallest_n: int
    graded: bool
    candidates: int

    @property
    def sample(self) -> Sample:
        """All cases."""
        return self.samples.whole

    @property
    def improved(self) -> tuple[Judged, ...]:
        """The trials of the last two rounds that are shown to be better than the anchor."""
        return tuple(judged for judged in self.trials if judged.improved)

    @property
    def stopped(self) -> tuple[Judged, ...]:
        """The trials that were run on stage one only."""
        return tuple(judged for judged in self.trials if judged.trial.stopped)

    def z_of(self, trial: Trial) -> float:
        """Z at which a trial is flat."""
        return self.levels.stage if trial.stopped else self.levels.flat

    @property
    def too_small(self) -> bool:
        """Whether no result on these cases could ever be flat."""
        return self.sample.few_clusters or len(self.sample) < self.smallest_n


def find_standing(evidence: Evidence, policy: Policy) -> Standing:
    """Judge every trial against the anchor.

    Raises `NothingRunError` without trials, `StatisticsError` where they do not cover the
    same cases, a run occurs twice, a round mixes families or the failures are not the leader's,
    `InfrastructureError` where every trial has too many errors to be judged.
    """
    trials = sorted(evidence.trials, key=lambda trial: trial.round_index)  # stable
    samples = _samples(trials, evidence, policy)
    sample = samples.whole
    families = families_of(trials)
    last_two = set(sorted(families)[-2:]) if len(families) >= 3 else set(families)
    judged = [
        Judged(trial, samples.of(trial).interval(trial.arm), trial.round_index in last_two)
        for trial in trials
    ]
    leader = best_of(judged)
    if leader is None:
        raise InfrastructureError(
            "every tried candidate ended in errors on more than 5% of the cases",
            hint="look at the errors of the runs, and run them again",
        )
    early = [trial for trial in judged if not trial.in_window]
    anchor = best_of(early)
    m = len(early) or sum(trial.round_index == trials[0].round_index for trial in trials)
    levels = _levels(policy, m, len(trials))
    if anchor is not None:
        z_flat, z_stage, z_improve = levels
        bars = {False: _Bar(sample, anchor.trial.arm, policy.min_gain, z_flat, z_improve)}
        if samples.stage is not None:
            arm = anchor.trial.arm.within(frozenset(samples.stage.cases))
            bars[True] = _Bar(samples.stage, arm, policy.min_gain, z_stage, z_improve)
        judged = [_against(bars[item.trial.stopped], item) for item in judged]
    gaps = gaps_of(judged, families, policy)
    untried = untried_gaps(evidence.untried, evidence.over_budget, evidence.unheld)
    unconstrained = form_gap(_leaders(evidence, leader), policy)
    graded = any(samples.of(trial).graded(trial.arm) for trial in trials)
    df = None if sample.clusters is None else sample.clusters - 1
    return Standing(
        samples=samples,
        trials=tuple(judged),
        leader=next(item for item in judged if item.trial is leader.trial),
        anchor=anchor,
        levels=levels,
        next_levels=_levels(policy.following, m, len(trials)),
        gaps=untried + gaps + unconstrained,
        untried=untried,
        unconstrained=unconstrained,
        plateau=(
            not (gaps or untried or unconstrained)
            and anchor is not None
            and all(item.flat for item in judged if item.trial is not anchor.trial)
        ),
        smallest_n=smallest_flat_cases(
            policy.min_gain, critical_value(levels.flat, df) if df else levels.flat, graded=graded
        ),
        graded=graded,
        candidates=len(trials) + len(evidence.untried),
    )


def _leaders(evidence: Evidence, leader: Judged) -> FailureSummary | None:
    """The leader's failures. Raises StatisticsError where they are another run's."""
    found = evidence.failures
    if found is not None and found.run != leader.trial.arm.run_id:
        raise StatisticsError(
            f"the failures are those of run {found.run}, and run {leader.trial.arm.run_id} leads",
            hint="analyse the run of the leader",
        )
    return found


def _levels(policy: Policy, chosen_from: int, tried: int) -> Levels:
    return Levels(
        policy.flat_z(chosen_from),
        policy.flat_z(chosen_from, stopped=True),
        one_sided_z(policy.look_alpha / max(1, tried - 1)),
    )


def _samples(trials: Sequence[Trial], evidence: Evidence, policy: Policy) -> Samples:
    """All cases, and those of stage one. Raises StatisticsError where arms do not fit them."""
    others = [model.arm for model in evidence.stronger_models or () if model.arm is not None]
    if evidence.oracle_context is not None:
        others.append(evidence.oracle_context)
    arms = [trial.arm for trial in trials if not trial.stopped]
    whole = Sample(arms + others if arms else [], evidence.clusters)
    stopped = [trial.arm for trial in trials if trial.stopped]
    if not stopped:
        return Samples(whole, None)
    if not policy.early_stop:
        raise StatisticsError(
            f"run {stopped[0].run_id} was stopped early, which the policy does not allow for",
            hint="early stop has its price, which every candidate pays: set early_stop",
        )
    if strange := stopped[0].cases - frozenset(whole.cases):
        raise StatisticsError(
            f"run {stopped[0].run_id}, stopped early, has cases that others do not, for example "
            f"{min(strange)!r}",
            hint="evaluate every candidate on the same split of the same suite",
        )
    return Samples(whole, Sample(stopped, evidence.clusters))


def cases_to_decide(standing: Standing, min_gain: float) -> int | None:
    """About how many cases would end the undecided state, if what was seen is the truth.

    Either every candidate becomes flat, or one of the last two rounds becomes an
    improvement, whichever takes fewer. None where neither is within reach. Counted at the
    levels of the next look, which is what more cases will be judged at.
    """
    n, levels = len(standing.sample), standing.next_levels
    flat: list[int | None] = []
    improve: list[int] = []
    for judged in standing.trials:
        pair = judged.versus_anchor
        if pair is None or judged.trial.stopped:  # what it lacks is the rest of dev, not more of it
            continue
        if not judged.flat:
            needed = pair.cases_to_settle(min_gain, levels.flat)
            flat.append(needed if pair.favouring.estimate < min_gain else None)
        if judged.in_window and pair.against.estimate > 0:
            needed = pair.cases_to_settle(0.0, levels.improve)
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


def _against(bar: _Bar, judged: Judged) -> Judged:
    pair = bar.sample.pair(bar.anchor, judged.trial.arm)
    if judged.trial.arm.run_id == bar.anchor.run_id or pair is None:
        return judged
    usable = judged.trial.arm.usable and not bar.sample.few_clusters
    return Judged(
        trial=judged.trial,
        interval=judged.interval,
        in_window=judged.in_window,
        versus_anchor=pair,
        flat=usable and pair.below(bar.min_gain, bar.z_flat),
        improved=(
            usable
            and judged.in_window
            and not judged.trial.stopped
            and pair.above(0.0, bar.z_improve)
        ),
    )
