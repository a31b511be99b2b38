"""`judge_pairwise@1`: is the answer better than the reference? Asked in both orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from evals.errors import ScorerError
from evals.records import Case, Message, Output, Part, Score
from evals.scorers.batch import only_score
from evals.scorers.judging.asking import Ballot, chunks, read_ballot
from evals.scorers.judging.judge import read_calibration_options
from evals.scorers.judging.prompt import PAIR_FORM, Question, question, reply_form
from evals.scorers.judging.reply import Verdict
from evals.scorers.options import Options
from evals.scorers.plain import text_of
from evals.scorers.protocol import Scorer

DEFAULT_RUBRIC = "Which of the two answers to the task is better: more correct, and more to it?"
FIRST, SECOND, TIE = "first", "second", "tie"
FIRST_ORDER, SECOND_ORDER, CONSISTENT = "first order", "second order", "consistent"
WON, TIED, LOST = 1.0, 0.5, 0.0

Outcome = Literal["worse", "tie", "better"]
LABELS: tuple[Outcome, ...] = ("worse", "tie", "better")


class Contest(NamedTuple):
    """What the answer got in each order: 1 won, 0.5 tied, 0 lost."""

    first: float
    second: float

    @property
    def outcome(self) -> Outcome:
        """Better or worse only where both orders say so."""
        if self.first == self.second and self.first != TIED:
            return "better" if self.first == WON else "worse"
        return "tie"

    @property
    def biased(self) -> bool:
        """Whether the judge preferred a place, not an answer."""
        return {self.first, self.second} == {WON, LOST}


@dataclass(frozen=True)
class PairwiseScorer:
    """Puts the answer and the case's own answer to a model, each once in the first place."""

    ballot: Ballot
    question: Question

    @property
    def labels(self) -> tuple[str, ...]:
        """What a person may say of an answer, against the reference, in order."""
        return LABELS

    def judged(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[str | ScorerError]:
        """The outcome for each pair, in order, or the error that stands instead."""
        for said in self._contests(pairs):
            yield said.outcome if isinstance(said, Contest) else said

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score for each pair, in order; many are asked for at once."""
        for said in self._contests(pairs):
            yield _score(said) if isinstance(said, Contest) else said

    def __call__(self, case: Case, output: Output) -> Score:
        """One score. Raises ScorerError where the judge gave no verdict."""
        return only_score(self, case, output)

    def close(self) -> None:
        """Nothing to release: the models belong to who asks."""

    def _contests(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Contest | ScorerError]:
        for chunk in chunks(pairs):
            asked: list[tuple[Message, ...] | ScorerError] = []
            same = [text_of(case, output).strip() == case.answer.strip() for case, output in chunk]
            for (case, output), equal in zip(chunk, same, strict=True):
                texts = (text_of(case, output), case.answer)
                if not equal:
                    asked += [self._messages(case, *texts), self._messages(case, *texts[::-1])]
            said = iter(self.ballot.verdicts(asked))
            for equal in same:
                # An answer that is the reference is as good as it: full marks, nobody is asked.
                yield Contest(WON, WON) if equal else _contest(next(said), next(said))

    def _messages(self, case: Case, first: str, second: str) -> tuple[Message, ...] | ScorerError:
        # The reference is one of the two, so it is not shown apart: that would name it.
        values = {"input": case.input, "expected": None, "first": first, "second": second}
        try:
            return self.question.messages(values)
        except ScorerError as error:
            return error


def _contest(ahead: Verdict | ScorerError, behind: Verdict | ScorerError) -> Contest | ScorerError:
    """From the verdicts with the answer in the first and in the second place."""
    for said in (ahead, behind):
        if isinstance(said, ScorerError):
            return said
    assert isinstance(ahead, Verdict)
    assert isinstance(behind, Verdict)
    won = {FIRST: WON, TIE: TIED, SECOND: LOST}
    return Contest(won[ahead.choice], 1.0 - won[behind.choice])


def _score(contest: Contest) -> Score:
    words = {WON: "wins", TIED: "ties", LOST: "loses"}
    reason = f"{words[contest.first]} in the first place, {words[contest.second]} in the second"
    value = {"better": WON, "tie": TIED, "worse": LOST}[contest.outcome]
    kind = "position_bias" if contest.biased else {TIED: "tie", LOST: "worse"}.get(value, "")
    parts = (
        Part("scorer", FIRST_ORDER, contest.first),
        Part("scorer", SECOND_ORDER, contest.second),
        Part("scorer", CONSISTENT, float(contest.first == contest.second)),
    )
    return Score(value, reason, kind, parts)


def judge_pairwise(options: Options) -> Scorer:
    """`judge_pairwise@1`: options `model`, `rubric`, `ties`, and how it is asked.

    1 where the answer beats the case's own answer in both orders, 0 where it loses both, else
    0.5. Kinds: "position_bias" (each order preferred the same place), "tie", "worse".
    """
    names = (FIRST, SECOND, TIE) if options.flag("ties", default=True) else (FIRST, SECOND)
    ballot = read_ballot(options, names)
    form = reply_form(names, reasoned=ballot.reasoned, schema=ballot.decoding.schema is not None)
    rubric = options.text("rubric") if options.has("rubric") else DEFAULT_RUBRIC
    read_calibration_options(options)
    return PairwiseScorer(ballot, question(options, PAIR_FORM, rubric, names, form))
