"""The records that pass between the parts: frozen, typed, and small enough to store.

`Case` is read from a suite; `Request` and `Output` are what a model takes and gives;
`Score` is what a scorer says of one output; `CaseResult` and `Run` are what the
ledger keeps. A value that is `Json` came from a file or a model and is untrusted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from evals.approach import PLAIN, Approach, DemonstrationMethod, Found, Technique
from evals.fingerprint import LATER, canonical_json, fingerprint, ordered_json
from evals.spending.records import Spending

Json = Any

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a scripted user says after the model's last reply, and what is expected of the next.

    `answer` is one full-mark reply to it.
    """

    user: str
    expected: Json
    answer: str


@dataclass(frozen=True, slots=True)
class Case:
    """One input with what a good output must satisfy.

    `answer` is one full-mark output in the model's own form: what demonstrations show,
    what fine-tuning trains on, and what the scorer self-test expects to score 1.
    `choices`, where present, are the options ranked by log-likelihood instead of
    generating; the output text is then the winning option. `turns` continue the
    conversation after the first reply; `tools` names those of the suite's tools that are
    offered to the model.
    """

    id: str
    input: Mapping[str, Json]
    expected: Json
    answer: str
    split: SplitName
    cluster: str | None = None
    choices: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    must_pass: bool = False
    path: str = ""
    line: int = 0
    turns: tuple[Turn, ...] = field(default=(), metadata=LATER)
    tools: tuple[str, ...] = field(default=(), metadata=LATER)

    @property
    def fingerprint(self) -> str:
        """Hash of all that can change an output or its score; not of where it stands."""
        later = {"turns": self.turns, "tools": self.tools}
        return fingerprint(
            "case@1",
            self.id,
            self.input,
            self.expected,
            self.answer,
            self.choices,
            self.documents,
            self.cluster,
            self.tags,
            *([later] if self.turns or self.tools else []),
        )

    @property
    def is_plain(self) -> bool:
        """One question that one written answer satisfies: it can be shown and trained on."""
        return not (self.choices or self.turns or self.tools)

    @property
    def asked(self) -> dict[str, Json]:
        """The input by key, and what the user says in later turns, to be read."""
        later = {f"turn {n}": turn.user for n, turn in enumerate(self.turns, 2)}
        return {**self.input, **later}

    @property
    def wanted(self) -> str:
        """A full-mark answer, of a conversation all of them, in the form of `Output.said`."""
        if not self.turns:
            return self.answer
        return _by_turn([self.answer, *(turn.answer for turn in self.turns)])


def _by_turn(texts: Sequence[str]) -> str:
    return "\n".join(f"[turn {n}] {text}" for n, text in enumerate(texts, 1))


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn. `content` is plain text: control tokens in it stay text."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """How text is generated. Temperature 0 is greedy; `seed` matters only above 0.

    The answer is constrained to `schema` (a JSON schema), to `grammar` (its text in EBNF, as
    GBNF writes it) or to `regex` (which matches all of it) where the backend can; one that
    cannot refuses it. At most one is given.

    `ordered` is the schema as text, filled in: a model writes keys in the order in which the
    schema states them, which hashes and stored records of mappings do not keep. A schema that
    was read back gets its order from it; whoever replaces the schema empties it.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    schema: Json = field(default=None, metadata=LATER)
    grammar: str = field(default="", metadata=LATER)
    regex: str = field(default="", metadata=LATER)
    ordered: str = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        if self.schema is None:
            object.__setattr__(self, "ordered", "")
        elif self.ordered and _same_json(self.ordered, self.schema):
            object.__setattr__(self, "schema", json.loads(self.ordered))
        else:
            object.__setattr__(self, "ordered", ordered_json(self.schema))

    @property
    def constrained(self) -> bool:
        """Whether the form of the answer is enforced."""
        return self.schema is not None or bool(self.grammar or self.regex)


def _same_json(text: str, value: Json) -> bool:
    """Whether a text is that value, in whatever order its keys stand."""
    try:
        return canonical_json(json.loads(text)) == canonical_json(value)
    except (ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: a conversation to continue, or options to rank.

    `follow_ups` are what the user says after each reply; every one is answered in turn.
    `tools` are offered to the model: mappings with `name`, `description` and `parameters` (a
    JSON schema).
    """

    messages: tuple[Message, ...]
    choices: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = field(default=(), metadata=LATER)
    tools: tuple[Json, ...] = field(default=(), metadata=LATER)


FinishReason = Literal["stop", "length", "choice", "tools", "error"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for. `arguments` is the text it wrote: perhaps no JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a model gave for one request.

    `seconds` is this request's share of its batch's wall time. `logprobs` holds, for a
    choice, the summed natural-log probability of each option's tokens given the prompt.
    An `error` means there is no output: `text` is then None. It is `transient` where it may
    pass (an endpoint that did not answer): the same work then tries the case again. Any
    other error stays: a request that does not fit the context never will.

    `replies` are the replies to each turn of a conversation that has several; `text` is then
    the last. Tokens, seconds and attempts are summed over the turns. `cached_tokens` are those
    prompt tokens that the endpoint says it had kept from before; `attempts` is how often it
    was asked, where it was asked more than once for each turn.

    Of a reasoning candidate `text` is the answer that was extracted, and `full` all that the
    model wrote. Of one that votes `ballots` are the answers it chose from, in the order drawn
    (None: an error), and tokens and seconds are those of all of them; it is `transient`, too,
    where a ballot is missing that another try may bring.
    """

    text: str | None
    finish_reason: FinishReason
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    logprobs: tuple[float, ...] = ()
    error: str | None = None
    transient: bool = False
    tool_calls: tuple[ToolCall, ...] = field(default=(), metadata=LATER)
    replies: tuple[str, ...] = field(default=(), metadata=LATER)
    cached_tokens: int = field(default=0, metadata=LATER)
    attempts: int = field(default=0, metadata=LATER)
    full: str = field(default="", metadata=LATER)
    ballots: tuple[str | None, ...] = field(default=(), metadata=LATER)

    @property
    def said(self) -> str | None:
        """All of the answer as one text, to be read and to be told from others."""
        if self.text is None or not (self.replies or self.tool_calls):
            return self.text
        text = _by_turn(self.replies) if self.replies else self.text
        calls = [f"[call] {call.name}({call.arguments})" for call in self.tool_calls]
        return "\n".join([*([text] if text else []), *calls])


PartKind = Literal["field", "label", "turn", "scorer"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer that was judged apart, so that a run can be summed up by parts.

    `name` is a field's path, a turn's number, or a scorer; of a label it is "label".
    `expected` and `got` are what was wanted and what was found, in short; None where nothing
    was: a field that is missing, an answer that names no label. Both are None for parts that
    have a value alone.
    """

    kind: PartKind
    name: str
    value: float
    expected: str | None = None
    got: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says of one output: a value in [0, 1], why, and the kind of failure.

    `kind` is a short stable word for grouping failures ("grammar", "wrong_query",
    "wrong_label", "format"); empty where the score is full.
    """

    value: float
    reason: str = ""
    kind: str = ""
    parts: tuple[Part, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True)
class Candidate:
    """What is evaluated: model, prompt, how it is used, adapter and decoding.

    `demonstrations`, `k`, `seed` and `technique` are as in `evals.approach`; `found` is what a
    search put into it. `decoding` is that of one answer, as the technique has it; where it is
    constrained, `constrained_by` names what enforces it. `steps_fingerprint` is over how
    reasoning is asked for, answers found and votes counted. `adapter` is an adapter's fingerprint
    and `adapter_path` where it lies; only the former is identity.
    """

    model: str
    model_fingerprint: str
    prompt: str
    prompt_fingerprint: str
    demonstrations: DemonstrationMethod = "none"
    k: int = 0
    seed: int = 0
    demonstrations_fingerprint: str = ""
    adapter: str = ""
    adapter_path: str = ""
    decoding: Decoding = field(default_factory=Decoding)
    technique: Technique = field(default=PLAIN, metadata=LATER)
    listed: tuple[str, ...] = field(default=(), metadata=LATER)
    found: Found | None = field(default=None, metadata=LATER)
    documents_fingerprint: str = field(default="", metadata=LATER)
    steps_fingerprint: str = field(default="", metadata=LATER)
    constrained_by: str = field(default="", metadata=LATER)

    @property
    def approach(self) -> Approach:
        """How the prompt is used, as a round declares it."""
        return Approach(self.demonstrations, self.k, self.seed, self.listed, self.technique)

    @property
    def fingerprint(self) -> str:
        """Identity of the candidate: everything that can change an output."""
        later = [self.technique, self.listed, self.found, self.documents_fingerprint]
        return fingerprint(
            "candidate@1",
            self.model,
            self.model_fingerprint,
            self.prompt_fingerprint,
            self.demonstrations,
            self.k,
            self.seed,
            self.demonstrations_fingerprint,
            self.adapter,
            self.decoding,
            *(later if any((self.technique != PLAIN, *later[1:])) else []),
            *([self.steps_fingerprint] if self.steps_fingerprint else []),
            *([{"constrained_by": self.constrained_by}] if self.constrained_by else []),
        )

    @property
    def label(self) -> str:
        """A short name for tables: prompt, how it is used, adapter."""
        text = self.prompt + self.approach.label
        return f"{text} + adapter" if self.adapter else text


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of a run: the output and its scores, or the error that stands instead.

    `scores` maps metric name to score; empty where `output.error` or `error` is set.
    `error` is a scorer's failure on this output ("TimeoutError: ..."): also a third state. It
    is `transient` where it may pass (a judge model that was out of reach). `documents` are the
    ids of those that the candidate was shown something of, most relevant first.
    """

    case_id: str
    case_fingerprint: str
    prompt_hash: str
    output: Output
    scores: Mapping[str, Score] = field(default_factory=dict)
    cluster: str | None = None
    error: str | None = None
    transient: bool = field(default=False, metadata=LATER)
    documents: tuple[str, ...] = field(default=(), metadata=LATER)

    @property
    def failed(self) -> str | None:
        """Why there is no score for this case, or None when there is one."""
        return self.output.error or self.error


@dataclass(frozen=True)
class Run:
    """One candidate over one split of one suite, complete: a result for every case.

    `id` is derived from the content, so the same work always has the same id.
    `scoring_fingerprint` is the identity of the metrics: runs with different ones are
    never compared. `judges` are the identities of the models that judged, by name, which the
    scoring fingerprint holds too. `seconds` is wall time spent generating, summed over resumes.
    `spent` is what the outputs of a hosted model took when they were made.
    """

    id: str
    suite: str
    suite_fingerprint: str
    scoring_fingerprint: str
    split: SplitName
    primary: str
    candidate: Candidate
    results: tuple[CaseResult, ...]
    seconds: float
    created: str
    environment: Mapping[str, str] = field(default_factory=dict)
    format: int = 1
    spent: Spending | None = field(default=None, metadata=LATER)
    judges: Mapping[str, str] = field(default_factory=dict)

    def values(self, metric: str | None = None) -> dict[str, float]:
        """Score of every case that has one, by case id, for `metric` (default: primary)."""
        name = metric or self.primary
        return {r.case_id: r.scores[name].value for r in self.results if not r.failed}

    @property
    def errors(self) -> tuple[CaseResult, ...]:
        """The cases without a score."""
        return tuple(r for r in self.results if r.failed)


@dataclass(frozen=True)
class Finding:
    """Something `check` or the data lint found. An `error` refuses, the others inform.

    `rows` names all that it is about, each as `id` or `id (file:line)`; a message names a few.
    `allowed`: an error that the suite's owners looked at and let pass; it is a warning then.
    """

    level: Literal["error", "warning", "note"]
    code: str
    message: str
    where: str = ""
    rows: tuple[str, ...] = ()
    allowed: bool = False


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """The first error, whose message says how many more there are; None without any."""
    errors = [finding for finding in findings if finding.level == "error"]
    if len(errors) < 2:
        return errors[0] if errors else None
    return replace(errors[0], message=f"{errors[0].message} (and {len(errors) - 1} more)")
