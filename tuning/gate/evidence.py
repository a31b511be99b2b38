"""What the gate decides from: everything measured, and the policy fixed before measuring.

Plain frozen data. Whatever is None was not tested, and the decision says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evals.claims import MAX_ERROR_SHARE
from evals.errors import StatisticsError
from evals.judges.records import JudgeStanding
from evals.records import Finding, Run
from evals.stats import one_sided_z, require_share


@dataclass(frozen=True)
class Arm:
    """One candidate's scores in [0, 1] by case id, and the ids that ended without one."""

    run_id: str
    scores: Mapping[str, float]
    errors: tuple[str, ...] = ()

    @property
    def error_share(self) -> float:
        """Share of the cases without a score; 1 where there is no case at all."""
        total = len(self.scores) + len(self.errors)
        return len(self.errors) / total if total else 1.0

    @property
    def usable(self) -> bool:
        """Whether errors are few enough to support a claim."""
        return self.error_share <= MAX_ERROR_SHARE

    @property
    def cases(self) -> frozenset[str]:
        """All case ids, scored or not."""
        return frozenset(self.scores) | frozenset(self.errors)


@dataclass(frozen=True)
class Trial:
    """A prompt candidate as tried: in which round, of which family, and how it scored.

    `prompt_tokens` is the mean length of its prompts; it breaks ties for the lead.
    """

    arm: Arm
    label: str
    round_index: int
    family: str
    prompt_tokens: float = 0.0


@dataclass(frozen=True)
class Soundness:
    """What `check` and the audit found out about the evals themselves.

    `findings` of level "error" (leaks between splits, contradictory labels, ...) refuse.
    """

    self_test_passed: bool | None = None
    audit_passed: bool | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class StrongerModel:
    """A model of `compare_models` with the leader's prompt; `arm` None means not run.

    `cost` is what 1,000 calls cost, `max_cost` the most that is accepted, both in `currency`;
    None where nobody said. `left_out` counts runs of other weights behind the same name.
    """

    label: str
    arm: Arm | None
    cost: float | None = None
    max_cost: float | None = None
    currency: str = ""
    left_out: int = 0

    @property
    def cost_acceptable(self) -> bool | None:
        """Whether the cost is accepted; None where it is not judged, or not known."""
        if self.cost is None or self.max_cost is None:
            return None
        return self.cost <= self.max_cost


@dataclass(frozen=True)
class CostEvidence:
    """When a tuned model with a short prompt would have paid for its training.

    `break_even_months` includes retraining and is None where it never breaks even.
    """

    calls_per_month: int
    break_even_months: float | None
    within_months: float


@dataclass(frozen=True)
class LeftOut:
    """Stored dev runs, by prompt on this model's name, that a verdict does not rest on.

    `other_weights`: of this suite as it stands, but of `fingerprints` other model
    fingerprints than the one judged, `fingerprint`. `other_judges`: judged by models
    that were others than now. `older_suite`: of prompts, cases, scoring or decoding that the
    suite no longer has.
    """

    other_weights: int = 0
    fingerprints: int = 0
    older_suite: int = 0
    fingerprint: str = ""
    other_judges: int = 0


@dataclass(frozen=True)
class Evidence:
    """All that is known about one suite on its dev split.

    `trials` stand in the order tried, all over the same cases. `oracle_context` is the
    leader's prompt with each case's own reference documents. `clusters` names those cases
    that are not independent of each other. `judges` are the models that judge for the suite
    and its guards. `trainable` says whether the model's weights are at hand.
    """

    trials: tuple[Trial, ...]
    clean_examples: int
    clusters: Mapping[str, str | None] = field(default_factory=dict)
    soundness: Soundness | None = None
    oracle_context: Arm | None = None
    stronger_models: tuple[StrongerModel, ...] | None = None
    cost: CostEvidence | None = None
    facts_change: Literal["never", "rarely", "often"] | None = None
    left_out: LeftOut = LeftOut()
    judges: tuple[JudgeStanding, ...] = ()
    trainable: bool = True


@dataclass(frozen=True)
class Policy:
    """What was fixed before anything ran.

    `declared_extensions` (0 to 2): further dev cases announced beforehand; each of the then
    three looks gets a third of alpha. Raises `StatisticsError` on values that decide nothing.
    """

    min_gain: float = 0.10
    target: float | None = None
    alpha: float = 0.05
    min_examples: int = 100
    min_candidates: int = 5
    min_per_round: int = 2
    declared_extensions: int = 0

    def __post_init__(self) -> None:
        require_share(self.min_gain, "min_gain")
        one_sided_z(self.alpha)
        if self.target is not None and not 0 < self.target <= 1:
            raise StatisticsError(
                f"target is {self.target!r}; expected a score above 0, at most 1", key="target"
            )
        if self.declared_extensions not in {0, 1, 2}:
            raise StatisticsError(
                f"declared_extensions is {self.declared_extensions!r}; at most two extensions "
                "of the dev split can be declared",
                key="declared_extensions",
            )

    @property
    def look_alpha(self) -> float:
        """The alpha of this look at the dev split."""
        return self.alpha / 3 if self.declared_extensions else self.alpha


def arm_of(run: Run) -> Arm:
    """A stored run's primary scores as an arm."""
    return Arm(run.id, run.values(), tuple(result.case_id for result in run.errors))


def trial_of(run: Run, round_index: int, family: str) -> Trial:
    """A stored run as a trial of the search."""
    tokens = [result.output.prompt_tokens for result in run.results]
    mean = sum(tokens) / len(tokens) if tokens else 0.0
    return Trial(arm_of(run), run.candidate.label, round_index, family, mean)


def clusters_of(run: Run) -> dict[str, str | None]:
    """The cluster of every case of a stored run."""
    return {result.case_id: result.cluster for result in run.results}
