"""What passes between the parts of the regression gate: recipes, baselines, checks, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from evals.approach import Approach
from evals.comparison import Comparison
from evals.fingerprint import LATER
from evals.records import Finding, Json, SplitName
from evals.repeats import OverRepeats
from evals.spending.records import Spending

CheckKind = Literal[
    "run", "must_pass", "threshold", "target", "guard", "baseline", "definition", "judge"
]
CheckResult = Literal["pass", "fail", "inconclusive", "review", "skipped"]

WORST_FIRST: tuple[CheckResult, ...] = ("fail", "review", "inconclusive", "pass", "skipped")


@dataclass(frozen=True)
class Recipe:
    """A candidate by names alone, so that a fresh clone can make it again.

    `few_shot` and `nearest` are how many demonstrations are shown; `use` is how the prompt is
    used where these do not say it. At most one of the three says anything. `adapter` is an
    adapter's fingerprint and `adapter_path` its folder, as a path seen from the suite's. Each
    case is run `repeats` times.
    """

    model: str
    prompt: str
    few_shot: int = 0
    nearest: int = 0
    adapter: str = ""
    adapter_path: str = ""
    repeats: int = 1
    use: Approach | None = field(default=None, metadata=LATER)

    @property
    def approach(self) -> Approach:
        """How the prompt is used."""
        if self.use is not None:
            return self.use
        if self.nearest:
            return Approach("nearest", self.nearest)
        return Approach("static", self.few_shot) if self.few_shot else Approach()

    def using(self, approach: Approach) -> Recipe:
        """The same with the prompt used otherwise, in the shortest form that says it."""
        bare = replace(self, few_shot=0, nearest=0, use=None)
        for short in (
            bare,
            replace(bare, few_shot=approach.k),
            replace(bare, nearest=approach.k),
        ):
            if short.approach == approach:
                return short
        return replace(bare, use=approach)

    @property
    def label(self) -> str:
        """A short name for tables: prompt, how it is used, adapter."""
        text = self.prompt + self.approach.label
        return f"{text} + adapter" if self.adapter else text


@dataclass(frozen=True)
class ScoredCase:
    """One case's scores by metric, averaged over repeats; or the `error` that stands instead.

    `request` and `output` are hashes of what was asked and answered (of all repeats), which
    tell a changed prompt from a changed model. `each` are the scores of the repeats where there
    are several, None for one without a score; a baseline that was read from a file has none.
    """

    case: str
    request: str
    output: str
    scores: Mapping[str, float] = field(default_factory=dict)
    cluster: str | None = None
    error: str | None = None
    each: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class GateDefinition:
    """All by which a suite's gate judges, apart from its baseline.

    `metrics` maps names to identities, `rules` names to values (margins, thresholds, what
    happens where nothing is settled), `cases` and `guards` names to fingerprints.
    `must_pass` are ids of cases.
    """

    primary: str
    metrics: Mapping[str, str]
    rules: Mapping[str, Json]
    cases: Mapping[str, str]
    must_pass: tuple[str, ...] = ()
    guards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """What `accepted.json` holds: scores that a person accepted, of what, by whom and why.

    `identity` names what could change behind the recipe's names: the prompt's text, the
    model's weights and template, versions. `cases` are all of `split`, by id.
    """

    suite: str
    split: SplitName
    recipe: Recipe
    definition: GateDefinition
    identity: Mapping[str, str]
    runs: tuple[str, ...]
    by: str
    when: str
    why: str
    cases: Mapping[str, ScoredCase]


@dataclass(frozen=True)
class DefinitionChange:
    """One difference of two gate definitions; `what` is a sentence without its full stop."""

    part: Literal["cases", "metrics", "rules", "guards", "baseline", "suite"]
    what: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that was judged. Scores and bounds lie in [0, 1], differences in [-1, 1].

    `low` and `high` are one-sided 5 % bounds of `value`: a mean for a threshold, a
    difference for a baseline or a guard. `limit` is what they are judged by: the least mean,
    or the tolerated loss. `cases_needed` is set where more cases would settle it.
    """

    kind: CheckKind
    name: str
    result: CheckResult
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    cases: int = 0
    cases_needed: int | None = None
    comparison: Comparison | None = None


@dataclass(frozen=True)
class CaseChange:
    """A case whose primary score is not what it was. `after` is None where it has no score now.

    `line` of the file `path` is where the case stands; texts are untrusted.
    """

    id: str
    before: float
    after: float | None
    input: Mapping[str, Json]
    expected: Json
    got: str | None
    why: str
    path: str = ""
    line: int = 0


@dataclass(frozen=True)
class DetectableLoss:
    """What loss `cases`, whose mean is `mean`, can show to be beyond a margin, 8 times in 10.

    `discordance` is the share of cases taken to come out differently for other reasons than
    the loss. `caught` is the smallest true loss that fails, `double_needs` how many cases a
    loss of twice the margin needs, `pass_chance` how often it passes where nothing is lost.
    """

    cases: int
    mean: float
    margin: float
    discordance: float
    caught: float
    double_needs: int
    pass_chance: float


@dataclass(frozen=True)
class SuiteVerdict:
    """What the regression gate says of one suite. `path` is its `suite.yaml`.

    `changes` are differences of the gate's definition from `reference` (a revision, whose
    commit is `base`, or the accepted file); they stand for review unless `reviewed`. `drift`
    says what changed behind the candidate's names. `lost` and `gained` are sorted by how much.
    `over_repeats` is there where each case was run several times.
    `error_code` is not 0 where the suite could not be run: there are then no scores.
    `spent` is what the outputs of a hosted model took when they were made.
    """

    suite: str
    path: str
    split: SplitName
    recipe: Recipe
    result: CheckResult
    checks: tuple[Check, ...]
    score: float
    low: float
    high: float
    cases: int
    errors: int
    runs: tuple[str, ...]
    primary: str
    on_inconclusive: Literal["warn", "fail"]
    changes: tuple[DefinitionChange, ...] = ()
    reference: str = ""
    reviewed: bool = False
    drift: tuple[Finding, ...] = ()
    lost: tuple[CaseChange, ...] = ()
    gained: tuple[CaseChange, ...] = ()
    baseline: Baseline | None = None
    detectable: DetectableLoss | None = None
    base: str = ""
    error_code: int = 0
    over_repeats: OverRepeats | None = None
    format: int = 1
    spent: Spending | None = None

    @property
    def needs_power(self) -> bool:
        """Whether what it can detect matters here: nothing is settled, or nothing can fail."""
        found = self.detectable
        undecided = any(check.result == "inconclusive" for check in self.checks)
        return found is not None and (undecided or found.mean <= found.margin)

    @property
    def exit_code(self) -> int:
        """1 failed; 3 for review, and inconclusive where the suite says so; else 0.

        Where the suite could not be run: the error's own code.
        """
        if self.error_code:
            return self.error_code
        if self.result == "fail":
            return 1
        undecided = self.result == "inconclusive" and self.on_inconclusive == "fail"
        return 3 if undecided or self.result == "review" else 0


def worst(results: list[CheckResult]) -> CheckResult:
    """The worst of several results; a pass where there is none, or nothing but skipped."""
    judged = [result for result in results if result != "skipped"]
    return min(judged, key=WORST_FIRST.index, default="pass")
