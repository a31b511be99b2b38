"""Which of the answers to a case are kept: right ones that can be trained on, each once.

Answers that differ in spelling alone are one (`evals.prompting.ballots.ballot_key`). The answer
that was drawn most often comes first: a wrong answer that a scorer lets pass by accident seldom
comes again (self-consistency, Wang et al. 2022, arXiv 2203.11171). What is kept is scored once
more as it will be trained on: trimmed, with nothing around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import ScorerError
from evals.prompting.ballots import ballot_key
from evals.records import Case, CaseResult, Output, Score
from evals.scorers.batch import score_many
from evals.scorers.protocol import Scorer
from evals.text import hidden_in
from tuning.data.sampled.records import CaseSamples, SamplePlan

Rescore = Callable[[Sequence[tuple[Case, str]]], Sequence[float | None]]
"""The primary score of each case's answer, as it would be trained on; None where there is none."""


class Draw(NamedTuple):
    """One right answer: its text, trimmed, and which draw it was (from 0)."""

    text: str
    number: int


@dataclass(frozen=True)
class Answer:
    """One distinct right answer in its commonest spelling: the draw it came in, and how often."""

    case: Case
    text: str
    number: int
    agreed: int
    score: float = 0.0


class Chosen(NamedTuple):
    """What is kept of all cases, in their order, and what became of each case's draws."""

    answers: tuple[Answer, ...]
    cases: tuple[CaseSamples, ...]


def rescorer(scorer: Scorer) -> Rescore:
    """Scores answers as they would be trained on; an answer that cannot be scored has none."""

    def rescore(pairs: Sequence[tuple[Case, str]]) -> list[float | None]:
        said = score_many(scorer, ((case, Output(text, "stop")) for case, text in pairs))
        return [_value(one) for one in said]

    return rescore


def _value(said: Score | ScorerError) -> float | None:
    return said.value if isinstance(said, Score) else None


def choose(
    cases: Sequence[Case],
    drawn: Mapping[str, Sequence[CaseResult]],
    metric: str,
    plan: SamplePlan,
    rescore: Rescore,
) -> Chosen:
    """Choose among `drawn`, the results of each case by its id, in the order drawn."""
    found = {case.id: _right(drawn[case.id], metric, plan.least) for case in cases}
    answers = [one for case in cases for one in _distinct(case, found[case.id])]
    scores = rescore([(one.case, one.text) for one in answers])
    accepted: dict[str, list[Answer]] = {case.id: [] for case in cases}
    for one, score in zip(answers, scores, strict=True):
        if score is not None and score >= plan.least:
            scored = Answer(one.case, one.text, one.number, one.agreed, score)
            accepted[one.case.id].append(scored)
    kept: list[Answer] = []
    tallies = []
    for case in cases:
        own = ballot_key(case.answer.strip())
        usable = accepted[case.id]
        new = [one for one in usable if plan.with_own or ballot_key(one.text) != own]
        kept += new[: plan.keep]
        right = sum(_is_right(result, metric, plan.least) for result in drawn[case.id])
        tallies.append(
            CaseSamples(
                case=case.id,
                drawn=len(drawn[case.id]),
                errors=sum(result.failed is not None for result in drawn[case.id]),
                right=right,
                unusable=right - sum(one.agreed for one in usable),
                distinct=len(usable),
                own=sum(ballot_key(one.text) == own for one in usable),
                kept=len(new[: plan.keep]),
            )
        )
    return Chosen(tuple(kept), tuple(tallies))


def _is_right(result: CaseResult, metric: str, least: float) -> bool:
    return result.failed is None and result.scores[metric].value >= least


def _right(results: Sequence[CaseResult], metric: str, least: float) -> list[Draw]:
    """The right answers that can be trained on, in the order drawn."""
    return [
        Draw((result.output.text or "").strip(), number)
        for number, result in enumerate(results)
        if _is_right(result, metric, least) and _can_be_learned(result.output)
    ]


def _can_be_learned(output: Output) -> bool:
    """Whether an output is a whole text that shows all it has.

    One that was cut off would teach to stop in its middle; what is hidden in one (characters
    that show nothing, half characters) nobody could check.
    """
    text = (output.text or "").strip()
    return bool(text) and output.finish_reason == "stop" and not hidden_in(text)


def _distinct(case: Case, draws: Sequence[Draw]) -> list[Answer]:
    """Each distinct answer once, the commonest first, then the one drawn first."""
    groups: dict[str, list[Draw]] = {}
    for draw in draws:
        groups.setdefault(ballot_key(draw.text), []).append(draw)
    answers = [_spelled(case, group) for group in groups.values()]
    return sorted(answers, key=lambda one: -one.agreed)  # stable: first drawn first


def _spelled(case: Case, group: Sequence[Draw]) -> Answer:
    text = Counter(draw.text for draw in group).most_common(1)[0][0]
    number = next(draw.number for draw in group if draw.text == text)
    return Answer(case, text, number, len(group))
