"""The records of a job: what was tried, decided, trained and proven.

They are stored as JSON by the ledger (`evals.ledger`), read by the report, and written
by nobody but the job. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from evals.approach import PLAIN, Technique
from evals.failures.records import FailureAnalysis, FailureKind
from evals.judges.records import JudgeStanding
from evals.records import Case, Finding, Run
from evals.repeats import OverRepeats
from evals.retrieval.recall import Recall
from tuning.forgetting.records import TextChange, Tradeoff
from tuning.intervals import Interval as Interval  # noqa: PLC0414 - offered here, too
from tuning.learning.records import LearningCurve
from tuning.sweeping.records import SweepRecord
from tuning.together.records import Together

Verdict = Literal[
    "fix_evals",
    "fine_tune",
    "prompt_suffices",
    "try_stronger_model",
    "use_retrieval",
    "collect_examples",
    "prompt_more",
    "more_cases",
]
Outcome = Literal["ship_adapter", "reject_adapter", "inconclusive"]
RuleStatus = Literal["applies", "does_not_apply", "not_tested", "not_reached"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class RuleLine:
    """One row of the decision table: a possible verdict, whether it applied, and why.

    `not_reached` means an earlier rule already applied; its evidence is still given.
    """

    verdict: str
    title: str
    status: RuleStatus
    evidence: str


@dataclass(frozen=True)
class CallCost:
    """What calls of one candidate cost, and how long they took.

    `thousand` is the money for 1,000 calls, None without a price or a measure; `by` is what
    is charged. `median` and `p95` are seconds of a call; of a model that runs here those are
    its share of its batch's time.
    """

    thousand: float | None
    currency: str = ""
    by: Literal["tokens", "hours", ""] = ""
    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True)
class Payback:
    """What a tuned model costs beside the best prompt, and when that has paid for its training.

    Money in `currency`; `before` and `after` are for 1,000 calls. The fields in `_worst` are at
    the unfavourable end of what is estimated or measured. `volume` is the calls a month from
    which it breaks even within `within_months`. None: never. `basis` says how each figure was
    come by; `goes_stale`: facts change often, and nobody says how often it would be trained anew.
    """

    before_label: str
    after_label: str
    currency: str
    calls_per_month: int
    within_months: float
    retrain_months: float | None
    before: float
    after: float
    after_worst: float
    training: float
    training_worst: float
    months: float | None
    months_worst: float | None
    volume: float | None
    volume_worst: float | None
    is_estimate: bool
    basis: tuple[str, ...] = ()
    goes_stale: bool = False


@dataclass(frozen=True)
class CostStanding:
    """Whether tuning pays, or what is `missing` to tell: each with how to add it.

    `as_timed` is the payback by the sealed seconds as they were, where `payback` leaves out what
    disturbed them.
    """

    payback: Payback | None = None
    missing: tuple[str, ...] = ()
    as_timed: Payback | None = None


@dataclass(frozen=True)
class TrainingEstimate:
    """Wall `seconds` that a training would take here, at `most` so many, and how that is known."""

    seconds: float
    most: float
    basis: str


@dataclass(frozen=True)
class TrialLine:
    """One tried prompt candidate as the gate saw it.

    `versus_anchor` is candidate minus anchor, with `low` = L and `high` = U at the
    gate's corrected levels; None for the anchor itself. `wins` and `losses` are the cases that
    it scores higher and lower on than the anchor, of those that both have a score for. A
    `stopped` one was run on `cases` of dev only: its numbers are of those, and not to be ranked
    among the others. Tokens are means of a case, with all its `votes`, and `seconds`
    its wall time (None: not measured).
    """

    run_id: str
    label: str
    round_index: int
    family: str
    score: Interval
    cases: int
    errors: int
    prompt_tokens: float
    versus_anchor: Interval | None = None
    flat: bool = False
    improved: bool = False
    stopped: bool = False
    cost: CallCost | None = None
    wins: int | None = None
    losses: int | None = None
    completion_tokens: float = 0.0
    seconds: float | None = field(default=None, compare=False)
    votes: int = 1


@dataclass(frozen=True)
class SearchedLine:
    """Demonstrations that were searched for against random ones, same prompt and number.

    `difference` is searched minus random, paired on dev, taken alone, with its 95 % interval;
    None where one of the two has no run on all of dev. `sentence` says what that shows.
    """

    label: str
    random: str
    difference: Interval | None
    sentence: str


@dataclass(frozen=True)
class RoundLine:
    """What one round of the search tried, took and gained.

    Of `declared` candidates `tried` have a run. `best` is its best on all of dev (empty: none),
    `gain` that minus the best of all before it, paired, with the 95 % interval taken alone; None
    where nothing came before. Tokens and wall `seconds` are those of its runs and searches,
    whenever they were made; `searching` are the tokens of the searches. `cost` is the money all
    of that is worth (None: not known), `budget` the tokens it may take (0: any number). Wall
    times, and money by the hour, tell no verdict from another: they are not compared.
    """

    index: int
    family: str
    declared: int
    tried: int
    best: str = ""
    best_run: str = ""
    score: Interval | None = None
    gain: Interval | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = field(default=0.0, compare=False)
    searching: int = 0
    cost: float | None = field(default=None, compare=False)
    currency: str = ""
    budget: int = 0
    searched: tuple[SearchedLine, ...] = ()

    @property
    def tokens(self) -> int:
        """Of prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class StrongerLine:
    """A model of `compare_models` with the leader's prompt, as the gate saw it.

    `run_id` None means not run: then there are no numbers. `certain` is the one-sided lower
    bound that is held against the target, `difference` is this model minus the leader on the
    same cases, `cost` money for 1,000 calls (None: not known) and `cost_acceptable` whether
    that is accepted (None: not judged). `reaches` leaves cost aside.
    """

    model: str
    run_id: str | None = None
    score: Interval | None = None
    certain: float | None = None
    difference: Interval | None = None
    cases: int = 0
    errors: int = 0
    usable: bool = True
    reaches: bool = False
    cost: float | None = None
    max_cost: float | None = None
    currency: str = ""
    cost_acceptable: bool | None = None
    left_out: int = 0

    @property
    def suffices(self) -> bool:
        """Whether the target is reached at a cost that is accepted, or that nobody limits."""
        if self.max_cost is None:
            return self.reaches
        return self.reaches and self.cost_acceptable is True


@dataclass(frozen=True)
class OracleLine:
    """The leader with each case's own documents in its prompt, as the gate saw it.

    `difference` is against the leader, with the gate's one-sided bounds; None where too little
    was scored. `without` counts cases that name no documents, and were shown none.
    """

    run_id: str
    label: str
    score: Interval | None
    difference: Interval | None
    cases: int
    errors: int = 0
    without: int = 0


@dataclass(frozen=True)
class FailureSummary:
    """What goes wrong with one run, in short: failures by kind among all its cases.

    `form` of them decoding held to a form could have ended, which could raise the mean score by
    `form_gain` at most; of `form_unknown` failing answers nothing says whether their form is
    right, and `form_from` says what tells it of the others. `structured`: whether answers are held
    to the form the suite states, "tried" by some candidate, "declared" by a round that is still to
    come, "untried", or no form is stated.
    `unshown` are scored, fail otherwise than by form, and name documents: ones that no train case
    names, and that neither the leader nor an adapter would be shown. They lack `unshown_gain` of
    the mean score.
    `worse_slices` are those that fail more than the rest, in words. `add_round` is the line that
    would try a constraint where that is still to be declared, and `held_to` says in words what
    form it is where the suite does not state it itself.
    """

    run: str
    cases: int
    counts: Mapping[FailureKind, int]
    form: int
    form_gain: float
    form_unknown: int
    form_from: str
    structured: Literal["tried", "declared", "untried", "no_structure"]
    worse_slices: tuple[str, ...] = ()
    add_round: str = ""
    held_to: str = ""
    unshown: int = 0
    unshown_gain: float = 0.0

    @property
    def failed(self) -> int:
        """How many cases fail."""
        return sum(self.counts.values())

    @property
    def form_known(self) -> bool:
        """Whether of every failing answer it is known if its form is right."""
        return self.form_unknown == 0


@dataclass(frozen=True)
class Decision:
    """The gate's verdict with its evidence. `open` is true only for `fine_tune`.

    `trials` are ranked, the leader first; `provisional` says in words who leads, how sure;
    `left_out` names the stored runs that the verdict does not rest on; `judges` are the models
    that judge for the suite and its guards; `stronger` are the models of `compare_models`;
    `rounds` are those of the suite, or of the default ladder, that anything was tried of.
    `recalls` are of the trials that retrieve, `oracle` is the leader with its own documents.
    `dev_look` is the number of this look at dev, 0 where the gate could not have opened;
    `failures` sums up what goes wrong with the leader. `stated` is the line of `suite.yaml` that
    makes the leader the suite's candidate; empty where none does. `would_train` is what training
    would take, where the gate is open and a stored run says how fast the model is here; wall times
    tell no verdict from another, and are not compared.
    """

    verdict: Verdict
    sentence: str
    next_steps: tuple[str, ...]
    rules: tuple[RuleLine, ...]
    trials: tuple[TrialLine, ...]
    leader: str
    anchor: str | None
    plateau: bool
    flags: tuple[str, ...]
    cases: int
    cases_needed: int | None
    min_gain: float
    target: float | None
    alpha: float
    provisional: str = ""
    left_out: tuple[str, ...] = ()
    judges: tuple[JudgeStanding, ...] = ()
    format: int = 1
    dev_look: int = 0
    cost: CostStanding | None = None
    stronger: tuple[StrongerLine, ...] = ()
    rounds: tuple[RoundLine, ...] = ()
    recalls: tuple[Recall, ...] = ()
    oracle: OracleLine | None = None
    failures: FailureSummary | None = None
    stated: str = ""
    would_train: TrainingEstimate | None = field(default=None, compare=False)

    @property
    def open(self) -> bool:
        """Whether fine-tuning may start."""
        return self.verdict == "fine_tune"


@dataclass(frozen=True)
class GuardLine:
    """One guard suite: tuned minus base, judged for non-inferiority with its margin.

    `alpha` is the level of a pass, and of the lower bound; it is smaller than that of the upper
    one where several adapters may be tried on the guard.
    """

    suite: str
    base_run: str
    tuned_run: str
    base: Interval
    tuned: Interval
    difference: Interval
    margin: float
    result: Literal["pass", "fail", "inconclusive"]
    likely_loss: bool
    cases: int
    cases_needed: int | None
    alpha: float = 0.05

    @property
    def is_shared(self) -> bool:
        """Whether a pass must hold at a smaller level, which several adapters share."""
        return abs(self.alpha + self.difference.level - 1) > _ROUNDING


@dataclass(frozen=True)
class SeedLine:
    """One of several trainings that differ by seed alone, judged as if it were the only one.

    `held_out` is its best look at the held-out part of train, a loss or a score as `held_out_of`
    says (None: none that tells trainings apart): by this, and never by the sealed split, the one
    that may ship is `chosen`. `run` is its run on the sealed split. `gain` has the bounds of one
    adapter, `text` is its change on neutral text (None: not measured, as in older versions).
    """

    seed: int
    adapter: str
    run: str
    held_out: float | None
    held_out_of: Literal["loss", "score", ""]
    score: Interval
    gain: Interval
    guards: tuple[GuardLine, ...]
    verdict: Outcome
    chosen: bool
    errors: int = 0
    text: TextChange | None = None

    @property
    def forgets(self) -> bool:
        """Whether it loses too much for certain on a guard, or on neutral text within a limit."""
        lost = any(guard.result == "fail" for guard in self.guards)
        return lost or (self.text is not None and self.text.result == "fail")


@dataclass(frozen=True)
class Seeds:
    """Several trainings that differ by seed alone, in the order of seeds, and what they show.

    `gain` is that of a training drawn at random, with the variation between cases and between
    trainings; `gain_of_these` leaves the latter out. `spread` is the standard deviation of the
    trainings' gains as seen, `spread_own` what of that the cases do not explain. `blocked` says
    why the chosen adapter does not ship, where its own numbers alone would have shipped it.
    """

    lines: tuple[SeedLine, ...]
    gain: Interval
    gain_of_these: Interval
    spread: float
    spread_own: float
    sentence: str
    blocked: tuple[str, ...] = ()

    @property
    def chosen(self) -> SeedLine:
        """The training that may ship."""
        return next(line for line in self.lines if line.chosen)

    def line_of(self, adapter: str) -> SeedLine | None:
        """The training that made an adapter, if it is one of these."""
        return next((line for line in self.lines if line.adapter == adapter), None)


class Compared(NamedTuple):
    """Scores of the best prompt and of the adapter on the sealed split, and the gain."""

    before: Interval
    after: Interval
    gain: Interval


@dataclass(frozen=True)
class ShipDecision:
    """The verdict after training, on the sealed split and the guards.

    An adapter that failed a proof is rejected before the sealed split is looked at: `look` is 0
    then, nothing was `compared`, and `guards` are there only where they mean something.
    `seeds` are the trainings, where there were several; all else is then of the chosen one.
    `text` is the change on neutral text, None where it could not be measured.
    """

    verdict: Outcome
    sentence: str
    next_steps: tuple[str, ...]
    before: Interval | None
    after: Interval | None
    gain: Interval | None
    wins: int
    losses: int
    ties: int
    cases: int
    cases_needed: int | None
    look: int
    alpha: float
    min_gain: float
    guards: tuple[GuardLine, ...]
    reasons: tuple[str, ...]
    format: int = 1
    cost: CostStanding | None = None
    before_cost: CallCost | None = None
    after_cost: CallCost | None = None
    seeds: Seeds | None = None

    text: TextChange | None = None

    @property
    def compared(self) -> Compared | None:
        """The two sides on the sealed split; None where they were not run."""
        if self.before is None or self.after is None or self.gain is None:
            return None
        return Compared(self.before, self.after, self.gain)

    @property
    def sealed(self) -> Compared:
        """The same, of a verdict for which they were run."""
        assert self.compared is not None
        return self.compared

    @property
    def trained(self) -> tuple[SeedLine, ...]:
        """The trainings, where there were several."""
        return self.seeds.lines if self.seeds else ()


@dataclass(frozen=True)
class LossPoint:
    """One logged training step; `held_out` is the loss on the held-out part of train.

    `score` is what a held-out scorer gave the model then, from 0 to 1; `reward` the mean reward
    of what the model wrote in that step, where it learns from rewards; `unseen` what a scorer that
    training does not see gave the same answers as `score`. `least` is the lower bound of `score`
    that is held against `tune.until`.
    """

    step: int
    epoch: float
    loss: float | None = None
    held_out: float | None = None
    score: float | None = None
    reward: float | None = None
    unseen: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Proof:
    """One check of the trained adapter, with what was measured.

    `learnt`: it is about what was learnt, not about files and weights, so that an adapter that
    fails nothing else can still be asked.
    """

    name: str
    passed: bool
    evidence: str
    learnt: bool = False


@dataclass(frozen=True)
class StageRecord:
    """One stage of a training that has several.

    `rows` were learnt from, `held_out` were looked at with; `measured` is what its objective
    says beside the losses; `ended` is why it took no further step (empty: older versions).
    """

    name: str
    rows: int
    held_out: int
    identity: str
    settings: Mapping[str, float | int | str | bool]
    curve: tuple[LossPoint, ...]
    best_step: int
    trained_tokens: int
    seconds: float
    measured: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    ended: str = ""


@dataclass(frozen=True)
class TrainingRecord:
    """What was trained, on what, how, and what was proven of the result.

    `replayed` counts general examples trained on beside the `examples` of the suite. `shown` is
    how the documents that stand in the examples were retrieved; nothing where none do. `stages`
    are those of a training that has more than supervised fine-tuning; `curve` and `best_step`
    are then of the last, tokens and seconds of all. `sources` counts the examples, held out or
    not, by who made their answers; empty in records of older versions. `parent` is the adapter
    that training began from, if any. `seconds` are of loading, training and its looks, resumed
    ones summed; `peak_memory_mb` is the most that was held in them: on CUDA of the device's
    memory, else resident. Of what the process did before, nothing counts that it has freed.
    `recomputed`: whether what a forward pass makes was made twice, because it would not have fitted
    (gradient checkpointing).
    `beside` are files in the adapter's folder that say what it was trained on, by name, with
    their sha256.
    `ended` is why its last stage took no further step, `sweep` the search that its settings come
    of, if any.
    """

    adapter: str
    adapter_path: str
    base: str
    base_fingerprint: str
    method: str
    prompt: str
    template_hash: str
    examples: int
    held_out: int
    data_fingerprint: str
    settings: Mapping[str, float | int | str | bool]
    trained_parameters: int
    total_parameters: int
    trained_tokens: int
    seconds: float
    peak_memory_mb: float
    curve: tuple[LossPoint, ...]
    best_step: int
    findings: tuple[Finding, ...]
    preview: str
    proofs: tuple[Proof, ...]
    replayed: int = 0
    format: int = 1
    shown: Technique = PLAIN
    stages: tuple[StageRecord, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)
    parent: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    ended: str = ""
    sweep: SweepRecord | None = None
    recomputed: bool = False

    @property
    def failed_proofs(self) -> tuple[Proof, ...]:
        """The proofs that the adapter failed."""
        return tuple(proof for proof in self.proofs if not proof.passed)


@dataclass(frozen=True)
class Phase:
    """A stage of the job and its wall time in seconds, summed over resumes."""

    name: str
    seconds: float


@dataclass(frozen=True)
class JobRecord:
    """Everything stored about a suite's whole job: what a report is rendered from.

    `runs` holds every run named anywhere, by id; `cases` every case of those runs, by
    fingerprint. `leader_test` and `adapter_test` are the sealed-split runs, `adapter_dev` what
    stands in for the latter where nothing sealed may be read: None where dev was not run with the
    adapter. `over_repeats` is of the leader on dev, where it was run several times, `learning` the
    learning curve on this model. `failures` are the error analyses of the leader and the adapter
    on dev, then of the sealed runs. `together` is
    the adapter with several prompts on dev, where more than one was there to choose from.
    `siblings` are further trainings that differ from `training` by their seed alone.
    `tradeoff` are the adapters that were held side by side for what they gain and lose.
    `trained_as` are the options of `tunegate tune` that it was trained with; None: by `run`.
    `named` is how whoever asks for a report names the suite; empty: by its name. `templates` are
    the prompts' sources by run id, as far as they are known.
    """

    suite: str
    task: str
    model: str
    min_gain: float
    target: float | None
    primary: str
    split_sizes: Mapping[str, int]
    calls_per_month: int | None
    checks: tuple[Finding, ...]
    decision: Decision | None
    training: TrainingRecord | None
    shipping: ShipDecision | None
    leader_test: str | None
    adapter_test: str | None
    override: str | None
    phases: tuple[Phase, ...]
    runs: Mapping[str, Run] = field(default_factory=dict)
    cases: Mapping[str, Case] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    over_repeats: OverRepeats | None = None
    format: int = 1
    learning: LearningCurve | None = None
    failures: tuple[FailureAnalysis, ...] = ()
    tradeoff: Tradeoff | None = None
    together: Together | None = None
    siblings: tuple[TrainingRecord, ...] = ()
    trained_as: tuple[str, ...] | None = None
    named: str = ""
    adapter_dev: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
