"""What the gate decides from: everything measured, and the policy fixed before measuring.

Plain frozen data. Whatever is None was not tested, and the decision says so.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Literal

from evals.claims import MAX_ERROR_SHARE
from evals.errors import StatisticsError
from evals.fingerprint import fingerprint
from evals.judges.records import JudgeStanding
from evals.records import Finding, Run
from evals.retrieval.recall import Recall
from evals.stats import MOST_LOOKS, one_sided_z, require_look, require_share
from tuning.learning.records import LearningCurve
from tuning.records import FailureSummary

STAGE_ALPHA = 0.1
"""The share of a candidate's alpha that goes to stage one where early stop is on."""

UNDECLARED_ALPHA = 0.1
"""The share of alpha that all looks at a dev that changed undeclared may cost together."""

LEAST_CHOICES = 1.25
"""An only early candidate counts as the best of so many: alpha is 0.04 for it, not 0.05.

Against an anchor that nothing was chosen from nothing makes up for the score test's own error,
which exceeds alpha where a better candidate hardly ever loses a case. Exactly, over n 20 to
2,000: at most 0.072 at 0.05 and 0.054 at 0.04; 0.018 at 0.05/3.
"""


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

    def within(self, cases: Container[str]) -> Arm:
        """The same arm on those of its cases that are among `cases`."""
        scores = {case: score for case, score in self.scores.items() if case in cases}
        return Arm(self.run_id, scores, tuple(case for case in self.errors if case in cases))


@dataclass(frozen=True)
class Trial:
    """A prompt candidate as tried: in which round, of which family, and how it scored.

    `prompt_tokens` is the mean length of its prompts; it breaks ties for the lead. A `stopped`
    one was run on stage one of dev only, and its arm covers just those cases. `asked` is the
    identity of all that the model was asked, and how: trials that share it are one and the same
    (empty: not known).
    """

    arm: Arm
    label: str
    round_index: int
    family: str
    prompt_tokens: float = 0.0
    stopped: bool = False
    asked: str = ""


@dataclass(frozen=True)
class Soundness:
    """What `check` and the audit found out about the evals themselves.

    `findings` of level "error" (leaks between splits, contradictory labels, ...) refuse.
    `fresh`: they were looked for just now, since no stored check is of the suite as it stands.
    """

    self_test_passed: bool | None = None
    audit_passed: bool | None = None
    findings: tuple[Finding, ...] = ()
    fresh: bool = False


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

    `break_even_months` includes retraining and is None where it never breaks even. Where it
    `has_range`, `latest_months` is the same at the unfavourable end. `goes_stale`: facts change
    often, and how often it would be trained anew is not stated. What is `missing` to tell
    leaves the rest untested. `figures` are the sums in words. `max_loss` is the quality that
    may be lost in exchange for cost. Raises `StatisticsError` on months that are no time.
    """

    calls_per_month: int
    break_even_months: float | None
    within_months: float
    latest_months: float | None = None
    has_range: bool = False
    goes_stale: bool = False
    missing: tuple[str, ...] = ()
    figures: str = ""
    max_loss: float = 0.05
    break_even_calls: float | None = None

    def __post_init__(self) -> None:
        require_share(self.max_loss, "max_loss")
        for name in ("break_even_months", "within_months", "latest_months"):
            months = getattr(self, name)
            if months is not None and not 0 <= months < inf:
                raise StatisticsError(
                    f"{name} is {months!r}; expected a number of months, 0 or more", key=name
                )


@dataclass(frozen=True)
class LearningEvidence:
    """The learning curve, and the dev scores of the adapter of all examples that `tune` makes.

    `whole` is None where the curve was not measured up to all of them.
    """

    curve: LearningCurve
    whole: Arm | None = None


@dataclass(frozen=True)
class LeftOut:
    """Stored dev runs, by prompt on this model's name, that a verdict does not rest on.

    `other_weights`: of this suite as it stands, but of `fingerprints` other model
    fingerprints than the one judged, `fingerprint`. `other_judges`: judged by models
    that were others than now. `older_suite`: of prompts, cases, scoring or decoding that the
    suite no longer has. `other_constraints`: held to a structure by another constraint library,
    or version of it, than now. `stage_one`: candidates that were stopped early, which the suite
    does not allow now.
    """

    other_weights: int = 0
    fingerprints: int = 0
    older_suite: int = 0
    fingerprint: str = ""
    other_judges: int = 0
    stage_one: int = 0
    other_constraints: int = 0


@dataclass(frozen=True)
class OverBudget:
    """A round whose budget is spent, and the labels of its candidates that this left out.

    `budget` and `spent` are tokens of prompts and completions.
    """

    round_index: int
    family: str
    budget: int
    spent: int
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """All that is known about one suite on its dev split.

    `trials` stand in the order tried, all over the same cases (stopped ones: all over the same
    part of them). `oracle_context` is the
    leader's prompt with each case's own reference documents. `clusters` names those cases
    that are not independent of each other. `judges` are the models that judge for the suite
    and its guards. `trainable` says whether the model's weights are at hand. `dev_look` is the
    number of this look: more than 1 where dev changed after a verdict. `untried` are the labels
    of candidates that are declared and have no run: the same claims may be made of them later,
    and there is no plateau without them. `over_budget` says which of these a budget left out.
    `suite` is the name of the suite, for the commands to run next. `recalls` are of the trials
    that retrieve; `names_documents` says that cases name documents, `without_documents` how many
    name none.
    `unheld` are those of the untried that the default ladder holds to a structure.
    `failures` are those of the leader, whoever that is by the trials; None where nobody looked.
    `has_curve` is False where an adapter is asked otherwise than those a learning curve measures.
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
    dev_look: int = 1
    untried: tuple[str, ...] = ()
    learning: LearningEvidence | None = None
    has_curve: bool = True
    over_budget: tuple[OverBudget, ...] = ()
    suite: str = "SUITE"
    recalls: tuple[Recall, ...] = ()
    names_documents: bool = False
    without_documents: int = 0
    failures: FailureSummary | None = None
    unheld: tuple[str, ...] = ()

    @property
    def awaits_oracle(self) -> bool:
        """Whether the oracle context could be tested, and was not."""
        return self.names_documents and self.oracle_context is None


def look_share(look: int, declared: int) -> float:
    """The share of alpha that a look at dev gets, of which so many extensions were declared.

    Looks that were not declared get a twentieth of alpha, a fortieth, and so on: all
    together a tenth, however often dev changes.
    """
    planned = 1 + declared
    if look <= planned:
        return 1 / planned
    return UNDECLARED_ALPHA / 2.0 ** (look - planned)


@dataclass(frozen=True)
class Policy:
    """What was fixed before anything ran.

    `declared_extensions` (0 to 2): how often dev may grow, announced before the first look;
    the looks share alpha alike. `early_stop`: hopeless candidates are not run on all of dev,
    and a part of each candidate's alpha is set aside for that. `look` is the number of this
    look at dev. `stated_extensions` is what the suite declares now, where that is something
    else and came too late. Raises `StatisticsError` on values that decide nothing.
    """

    min_gain: float = 0.10
    target: float | None = None
    alpha: float = 0.05
    min_examples: int = 100
    min_candidates: int = 5
    min_per_round: int = 2
    declared_extensions: int = 0
    early_stop: bool = False
    look: int = 1
    stated_extensions: int | None = None

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
        require_look(self.look, "dev_look")

    @property
    def look_alpha(self) -> float:
        """The alpha of this look at the dev split."""
        return self.alpha * look_share(self.look, self.declared_extensions)

    @property
    def following(self) -> Policy:
        """The policy at the next look; after the last that can claim anything, at that one."""
        return replace(self, look=min(self.look + 1, MOST_LOOKS))

    @property
    def undeclared(self) -> int:
        """How many looks up to this one were not declared."""
        return max(0, self.look - 1 - self.declared_extensions)

    def flat_z(self, chosen_from: int, *, stopped: bool = False) -> float:
        """Z at which a candidate is flat against an anchor that was chosen from so many.

        With early stop the level of one candidate is divided: a tenth for stage one, nine
        tenths for the whole of dev. Whichever it is judged on, and whatever stopped it, it is
        called flat falsely at most as often as without.
        """
        share = (STAGE_ALPHA if stopped else 1 - STAGE_ALPHA) if self.early_stop else 1.0
        return one_sided_z(share * self.look_alpha / max(LEAST_CHOICES, chosen_from))


def arm_of(run: Run) -> Arm:
    """A stored run's primary scores as an arm."""
    return Arm(run.id, run.values(), tuple(result.case_id for result in run.errors))


def trial_of(run: Run, round_index: int, family: str, *, stopped: bool = False) -> Trial:
    """A stored run as a trial of the search; `stopped` where it is of stage one alone."""
    tokens = [result.output.prompt_tokens for result in run.results]
    mean = sum(tokens) / len(tokens) if tokens else 0.0
    asked = _asked_of(run)
    return Trial(arm_of(run), run.candidate.label, round_index, family, mean, stopped, asked)


def _asked_of(run: Run) -> str:
    """Identity of the run's requests, and of how answers were drawn and found."""
    one = run.candidate
    return fingerprint(
        sorted([result.case_id, result.prompt_hash] for result in run.results),
        one.decoding,
        one.technique.votes,
        one.steps_fingerprint,
        one.constrained_by,
    )


def clusters_of(run: Run) -> dict[str, str | None]:
    """The cluster of every case of a stored run."""
    return {result.case_id: result.cluster for result in run.results}
