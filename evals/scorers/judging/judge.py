"""`judge@1`: a model judges the answer by a rubric, with one of a few choices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evals.errors import ScorerError
from evals.records import Case, Json, Message, Output, Score
from evals.scorers.batch import only_score
from evals.scorers.judging.asking import Ballot, chunks, read_ballot
from evals.scorers.judging.prompt import JUDGE_FORM, Question, question, reply_form
from evals.scorers.judging.reply import Verdict
from evals.scorers.normal import normalise
from evals.scorers.options import Options
from evals.scorers.plain import text_of
from evals.scorers.protocol import Scorer
from evals.text import visible

MAX_CHOICES = 20


@dataclass(frozen=True)
class JudgeScorer:
    """Asks a model for one of `worth`'s choices; a choice's value is the score."""

    ballot: Ballot
    question: Question
    worth: Mapping[str, float]
    shows_expected: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """What a person may say of an answer, in order: the choices."""
        return tuple(self.worth)

    def judged(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[str | ScorerError]:
        """The choice for each pair, in order, or the error that stands instead."""
        for said in self._verdicts(pairs):
            yield said.choice if isinstance(said, Verdict) else said

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score for each pair, in order; many are asked for at once."""
        for said in self._verdicts(pairs):
            yield self._score(said) if isinstance(said, Verdict) else said

    def __call__(self, case: Case, output: Output) -> Score:
        """One score. Raises ScorerError where the judge gave no verdict."""
        return only_score(self, case, output)

    def close(self) -> None:
        """Nothing to release: the models belong to who asks."""

    def _verdicts(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Verdict | ScorerError]:
        for chunk in chunks(pairs):
            yield from self.ballot.verdicts([self._messages(*pair) for pair in chunk])

    def _messages(self, case: Case, output: Output) -> tuple[Message, ...] | ScorerError:
        values = {
            "input": case.input,
            "expected": case.expected if self.shows_expected else None,
            "output": text_of(case, output),
        }
        try:
            return self.question.messages(values)
        except ScorerError as error:
            return error

    def _score(self, verdict: Verdict) -> Score:
        value = self.worth[verdict.choice]
        why = f": {visible(verdict.reason, 300)}" if verdict.reason else ""
        kind = "" if value >= 1 else verdict.choice
        return Score(value, f"{self.ballot.model} says {verdict.choice}{why}", kind)


def judge(options: Options) -> Scorer:
    """`judge@1`: options `model`, `rubric`, `choices`, `expected`, and how it is asked.

    The kind is the choice that was made, empty for full marks. A reply that names not
    exactly one choice is an error of the case. See docs/judges.md.
    """
    worth = _choices(options)
    names = tuple(worth)
    ballot = read_ballot(options, names)
    form = reply_form(names, reasoned=ballot.reasoned, schema=ballot.decoding.schema is not None)
    asked = question(options, JUDGE_FORM, options.text("rubric"), names, form)
    read_calibration_options(options)
    return JudgeScorer(ballot, asked, worth, options.flag("expected", default=True))


def read_calibration_options(options: Options) -> None:
    """Check the options that say which labels the judge is held to: `evals.judges` uses them."""
    if options.has("calibration"):
        options.file("calibration", options.text("calibration"), ".jsonl")
    if options.number("min_kappa", default=0.6, above=0.0) >= 1:
        raise options.error("no interval reaches 1: expected less", key="min_kappa")
    options.one_of("weights", ("none", "linear", "quadratic"), default="none")


def _choices(options: Options) -> dict[str, float]:
    described = options.mapping("choices", "a mapping from choices to values from 0 to 1")
    if not 2 <= len(described) <= MAX_CHOICES:
        raise options.error(
            f"expected 2 to {MAX_CHOICES} choices, not {len(described)}", key="choices"
        )
    if len({normalise(name) for name in described}) < len(described):
        raise options.error("two choices are the same in normal form", key="choices")
    worth = {name: _worth(options, name, value) for name, value in described.items()}
    if max(worth.values()) < 1 or min(worth.values()) == 1:
        raise options.error(
            "expected one choice worth 1 and one worth less: nothing could be told apart else",
            key="choices",
        )
    return worth


def _worth(options: Options, name: str, value: Json) -> float:
    if not name.strip() or len(name) > 60 or name != visible(name):
        raise options.error(f"{name!r:.80} is not a choice that a judge can name", key="choices")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise options.error(
            f"expected a number from 0 to 1, not {value!r:.80}", key=f"choices.{name}"
        )
    return float(value)
