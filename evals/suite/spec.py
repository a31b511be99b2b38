"""A suite in memory: the typed form of `suite.yaml` with its cases and templates.

`evals.suite.load_suite` reads and validates; nothing here touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from evals.approach import Approach
from evals.fingerprint import LATER, fingerprint, ordered_json
from evals.records import Case, Decoding, Json, SplitName
from evals.repeats import PassRule

RoundFamily = Literal[
    "wording",
    "few_shot",
    "nearest",
    "searched",
    "reasoning",
    "votes",
    "structured",
    "retrieval",
    "optimised",
]

Keep = Literal["score", "loss"]
KEEP: tuple[Keep, ...] = ("score", "loss")

TooLong = Literal["refuse", "leave_out", "truncate"]
TOO_LONG: tuple[TooLong, ...] = ("refuse", "leave_out", "truncate")
Together = Literal["best", "all", "none"]
TOGETHER: tuple[Together, ...] = ("best", "all", "none")


@dataclass(frozen=True)
class MetricSpec:
    """A scorer by its versioned name with its options, as the suite states them."""

    name: str
    scorer: str
    options: Mapping[str, Json] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class PromptSpec:
    """A named prompt template: its source text and where it came from."""

    name: str
    path: Path
    source: str

    @property
    def fingerprint(self) -> str:
        """Hash of the template's text."""
        return fingerprint("prompt@1", self.source)


@dataclass(frozen=True)
class Document:
    """A text that answers may rest on. `id` is what cases name in `documents`."""

    id: str
    text: str
    title: str = ""

    @property
    def fingerprint(self) -> str:
        """Hash of all that can be shown of it."""
        return fingerprint("document@1", self.id, self.title, self.text)


@dataclass(frozen=True)
class RetrievalSpec:
    """How documents are cut for the index: words of a chunk, and how many two of them share."""

    chunk_words: int = 160
    overlap_words: int = 40


@dataclass(frozen=True)
class Structure:
    """The form of an answer that decoding can be held to: a JSON schema, a grammar or a regex.

    The grammar is EBNF as GBNF writes it. `source` says where it comes from, for people: a file,
    or `the labels of accuracy`. `stated` tells what stands under `structure:` from what was
    derived, and `file` is where that stands, if anywhere; `choices` are the texts that the
    grammar lists, where it does no more.
    """

    schema: Json = None
    grammar: str = ""
    source: str = ""
    regex: str = ""
    choices: tuple[str, ...] = ()
    stated: bool = False
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class RoundBudget:
    """What a round may take: so many tokens of prompts and completions. 0 is no bound.

    Once it is spent, no further candidate of the round is begun.
    """

    tokens: int = 0


@dataclass(frozen=True)
class RoundSpec:
    """One family of prompt candidates: every prompt with every approach."""

    family: RoundFamily
    prompts: tuple[str, ...]
    approaches: tuple[Approach, ...] = (Approach(),)
    line: int = 0
    budget: RoundBudget = RoundBudget()

    @property
    def pairs(self) -> tuple[tuple[str, Approach], ...]:
        """Every prompt with every approach, in the order tried."""
        return tuple((prompt, approach) for prompt in self.prompts for approach in self.approaches)

    @property
    def shows(self) -> bool:
        """Whether any candidate shows demonstrations."""
        return any(approach.method != "none" for approach in self.approaches)


@dataclass(frozen=True)
class GuardSpec:
    """A guard suite and the largest loss of its primary metric that is tolerated."""

    suite: str
    max_loss: float = 0.10


@dataclass(frozen=True)
class PairFile:
    """A file of preference pairs; `path` is seen from the suite.

    `by` says who made those of its pairs that do not say so themselves; empty: not stated.
    `sha256` is of the content as it was when the suite was loaded.
    """

    path: str
    by: str = ""
    sha256: str = ""
    line: int = 0


@dataclass(frozen=True)
class DataFile:
    """A file of training examples beside the suite's train cases; `path` is seen from the suite.

    `format` None is told from the content; `columns` says which column of a table holds what,
    and `split` which part of a data set on disk is read.
    `sha256` is of the content as it was when the suite was loaded, so that whatever rests on
    the data notices a change.
    """

    path: str
    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    sha256: str = ""
    line: int = 0


@dataclass(frozen=True)
class TogetherSpec:
    """With which prompts an adapter is tried on dev before the sealed split judges it.

    `best`: the one it was trained with, the leader, and its own with demonstrations; `all`:
    every one that was tried; `none`: its own alone. Where `prompts` are named, its own and those.
    """

    what: Together = "best"
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepSpec:
    """What a search of training settings tries; without any list, ranges around the default.

    `budget` counts the examples that all its trainings together may see, each as often as it is
    seen (None: ten times what the default training sees). `seed` draws and trains.
    """

    learning_rate: tuple[float, ...] = ()
    rank: tuple[int, ...] = ()
    epochs: tuple[float, ...] = ()
    budget: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class TuneSpec:
    """How to train when the gate opens. `prompt` is what the adapter is trained with.

    `replay` is how many general requests are mixed in, for each example of the suite. `method`,
    `weights` and `variant` are names of `evals.suite.tune_methods`; `own` are settings of
    methods by themselves, each a dataclass of its method. None: the trainer's default.

    `data` are trained on beside the train cases. `too_long` says what becomes of examples that
    are longer than the model or the training takes; `allow` are codes of the data lint's errors
    that a person has looked at and lets pass. `pairs` are files of preference
    pairs, for the methods that learn from those. `together` None: nobody said, which is as
    `best`, but an adapter that was judged before that was tried stays judged as it was. `seeds` is
    how many adapters are trained, with `seed` and the numbers after it.

    `sweep` searches for learning rate, rank and epochs first. Training ends as soon as the
    suite's own score on held-out train cases is `until`; `keep` says what chooses the step that
    is kept (None: the score where there is `until`, else the loss).

    `documents` is how many pieces of the suite's documents the adapter is trained and asked with
    (None: as many as the leader).

    `remedies` are tried in order where a guard fails (`evals.suite.tune_remedies`),
    `max_text_rise` is how much dearer a token of neutral text may become, in nats (None: it is
    only told).
    """

    method: str = "lora"
    prompt: str | None = None
    min_examples: int = 100
    rank: int | None = None
    learning_rate: float | None = None
    epochs: float | None = None
    replay: float | None = None
    seed: int = 0
    weights: str | None = field(default=None, metadata=LATER)
    variant: str | None = field(default=None, metadata=LATER)
    alpha: int | None = field(default=None, metadata=LATER)
    dropout: float | None = field(default=None, metadata=LATER)
    own: tuple[Any, ...] = field(default=(), metadata=LATER)
    data: tuple[DataFile, ...] = field(default=(), metadata=LATER)
    too_long: TooLong = field(default="refuse", metadata=LATER)
    allow: tuple[str, ...] = field(default=(), metadata=LATER)
    pairs: tuple[PairFile, ...] = field(default=(), metadata=LATER)
    remedies: tuple[str, ...] = field(default=(), metadata=LATER)
    max_text_rise: float | None = field(default=None, metadata=LATER)
    together: TogetherSpec | None = field(default=None, metadata=LATER)
    seeds: int = field(default=1, metadata=LATER)
    sweep: SweepSpec | None = field(default=None, metadata=LATER)
    until: float | None = field(default=None, metadata=LATER)
    keep: Keep | None = field(default=None, metadata=LATER)
    documents: int | None = field(default=None, metadata=LATER)


@dataclass(frozen=True)
class OperationSpec:
    """What the suite says about production; prices come from elsewhere.

    A tuned model must have paid for itself within `pay_back_months`; `retrain_months` is how
    long it serves before it is trained anew (None: for ever), `person_hours` the work of people
    for each training. `max_loss` is the quality that may be lost in exchange for cost,
    `max_cost` the most money that 1,000 calls may cost (None: nobody said).
    """

    calls_per_month: int | None = None
    facts_change: Literal["never", "rarely", "often"] | None = None
    retrain_months: float | None = None
    pay_back_months: float = 12.0
    person_hours: float = 0.0
    max_loss: float = 0.05
    max_cost: float | None = None


@dataclass(frozen=True)
class SearchSpec:
    """How the search for a prompt may save or extend.

    `early_stop`: candidates shown to be hopeless on a part of dev are not run on the rest.
    `dev_extensions`: how often dev may grow after a verdict, declared before the first.
    """

    early_stop: bool = False
    dev_extensions: int = 0


@dataclass(frozen=True)
class CiSpec:
    """How `ci` and pytest judge this suite.

    `max_loss` is the largest loss of the primary metric against the accepted baseline that
    is tolerated, `thresholds` the least mean of a metric. A case is right when its primary
    score is at least `pass_score`.
    """

    split: SplitName = "dev"
    max_loss: float = 0.05
    on_inconclusive: Literal["warn", "fail"] = "warn"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    pass_score: float = 1.0


@dataclass(frozen=True)
class RepeatsSpec:
    """How often each case is run, and in how many of these a case must be right to count so."""

    times: int
    pass_at_least: int

    @property
    def pass_share(self) -> float:
        """The share of the repeats that must be right."""
        return self.pass_at_least / self.times


@dataclass(frozen=True)
class CandidateSpec:
    """What runs where nothing else is said. `adapter` is a folder, seen from the suite's.

    `approach` is None only where the suite states neither the prompt nor any key of how it is
    used: once it does, a key that is missing or false means none. `lines` are those of its keys in
    `suite.yaml`, and of the section itself at "".
    """

    model: str | None = None
    prompt: str | None = None
    approach: Approach | None = None
    adapter: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Suite:
    """One domain task: cases in splits, prompt templates, metrics, and how to decide.

    `scorers_sha256` is over all files that its scorers read, `metric_files` over those of each
    metric. `tools` are mappings with `name`, `description` and `parameters`, a JSON schema.
    `structure` is the form that answers can be held to, `form` the metric that says whether an
    answer has the right form. `documents` are what retrieval can show.
    `not_used_yet` names the keys it states that this version does nothing with.
    """

    name: str
    task: str
    root: Path
    cases: tuple[Case, ...]
    prompts: Mapping[str, PromptSpec]
    metrics: Mapping[str, MetricSpec]
    primary: str
    target: float | None = None
    min_gain: float = 0.10
    decoding: Decoding = field(default_factory=Decoding)
    variables: Mapping[str, Json] = field(default_factory=dict)
    rounds: tuple[RoundSpec, ...] = ()
    search: SearchSpec = field(default_factory=SearchSpec)
    slices: tuple[str, ...] = ()
    guards: tuple[GuardSpec, ...] = ()
    tune: TuneSpec = field(default_factory=TuneSpec)
    operation: OperationSpec = field(default_factory=OperationSpec)
    ci: CiSpec = field(default_factory=CiSpec)
    repeats: RepeatsSpec | None = None
    candidate: CandidateSpec = field(default_factory=CandidateSpec)
    compare_models: tuple[str, ...] = ()
    tools: tuple[Json, ...] = ()
    scorers_sha256: str = ""
    metric_files: Mapping[str, str] = field(default_factory=dict)
    structure: Structure | None = None
    form: str | None = None
    documents: tuple[Document, ...] = ()
    retrieval: RetrievalSpec = field(default_factory=RetrievalSpec)
    not_used_yet: tuple[str, ...] = ()
    format: int = 1

    def split(self, name: SplitName) -> tuple[Case, ...]:
        """The cases of one split, in file order."""
        return tuple(case for case in self.cases if case.split == name)

    def tools_of(self, case: Case) -> tuple[Json, ...]:
        """The tools that a case offers to the model, in the suite's order."""
        return tuple(tool for tool in self.tools if tool["name"] in case.tools)

    @property
    def default_prompt(self) -> str:
        """The prompt of the suite's `candidate`, else its first."""
        return self.candidate.prompt or next(iter(self.prompts))

    @property
    def pass_rule(self) -> PassRule:
        """When a case counts as right."""
        return PassRule(self.ci.pass_score, self.repeats.pass_share if self.repeats else 1.0)

    @property
    def labels(self) -> tuple[str, ...]:
        """The primary metric's labels, for templates; empty where it has none."""
        return tuple(self.metrics[self.primary].options.get("labels", ()))

    @property
    def scoring_fingerprint(self) -> str:
        """Identity of what is measured: metrics, options, and the suite's own scorer files."""
        metrics = {m.name: [m.scorer, m.options] for m in self.metrics.values()}
        return fingerprint("scoring@1", metrics, self.primary, self.scorers_sha256)

    def metric_fingerprint(self, name: str) -> str:
        """Identity of one metric: its scorer, options and files. Others may come and go."""
        metric = self.metrics[name]
        return fingerprint(
            "metric@1", metric.scorer, metric.options, self.metric_files.get(name, "")
        )

    @property
    def fingerprint(self) -> str:
        """Identity of the whole suite: cases with their splits, prompts, metrics, policy."""
        return fingerprint(
            "suite@1",
            self.name,
            self.scoring_fingerprint,
            [[case.fingerprint, case.split] for case in self.cases],
            {p.name: p.fingerprint for p in self.prompts.values()},
            self.variables,
            self.target,
            self.min_gain,
            self.decoding,
            *([self.tools] if self.tools else []),
            *(_stated(self.structure)),
            *([self._shown_documents] if self.documents else []),
        )

    @property
    def _shown_documents(self) -> dict[str, Json]:
        """What retrieval draws from, for the suite's identity."""
        documents = [document.fingerprint for document in self.documents]
        return {"documents": documents, "retrieval": self.retrieval}

    @property
    def names_documents(self) -> bool:
        """Whether there are documents, and dev cases that say which of them they need."""
        return bool(self.documents) and any(case.documents for case in self.split("dev"))


def _stated(form: Structure | None) -> list[Json]:
    """A structure that the suite states, for its identity; what is derived is in it already."""
    if form is None or not form.stated:
        return []
    ordered = None if form.schema is None else ordered_json(form.schema)
    return [{"structure": [ordered, form.grammar, form.regex]}]
