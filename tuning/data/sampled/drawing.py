"""From a model and a suite's train cases to examples: asked, scored, chosen, rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evals.approach import PLAIN, Technique
from evals.fingerprint import fingerprint
from evals.records import Candidate, Case, CaseResult, Run
from evals.repeats import by_case
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite
from tuning.data.dataset import DRAWN, Example, render, where_of
from tuning.data.sampled.asking import ask, left_out
from tuning.data.sampled.choosing import Answer, choose, rescorer
from tuning.data.sampled.records import Kept, Provenance, SamplePlan, Sampling
from tuning.evaluating import EvaluateCases


class Tuned(NamedTuple):
    """What is to be trained: the model, and the prompt and technique its adapter is asked with."""

    model: str
    prompt: str
    technique: Technique = PLAIN


def draw_examples(
    suite: Suite,
    candidate: Candidate,
    plan: SamplePlan,
    *,
    evaluate: EvaluateCases,
    scorer: Scorer,
    tuned: Tuned,
) -> Sampling:
    """Draw answers of `candidate` to the suite's train cases, and keep those that pass.

    `scorer` is that of the primary metric. Examples are rendered as the adapter of `tuned` will be
    asked, without demonstrations. Answers of any other model than that one are distilled.

    Raises NothingRunError without a train case to ask, and what running and scoring raise; the
    outputs until then are kept.
    """
    cases, runs = ask(suite, candidate, plan, evaluate)
    drawn = by_case(runs)
    chosen = choose(cases, drawn, suite.primary, plan, rescorer(scorer))
    return Sampling(
        candidate=candidate,
        plan=plan,
        kept=_examples(suite, chosen.answers, runs, drawn, tuned),
        cases=chosen.cases,
        left_out=left_out(suite, cases),
        runs=runs,
    )


def source_of(candidate: Candidate, tuned: str) -> str:
    """Who made the answer, as `Example.source` has it: the model itself, or a teacher."""
    own, taught = DRAWN
    return f"{own if candidate.model == tuned else taught}{candidate.model}"


def _examples(
    suite: Suite,
    answers: Sequence[Answer],
    runs: Sequence[Run],
    drawn: dict[str, tuple[CaseResult, ...]],
    tuned: Tuned,
) -> tuple[Kept, ...]:
    source = source_of(runs[0].candidate, tuned.model)
    cases = {answer.case.id: answer.case for answer in answers}
    messages = render(suite, tuned.prompt, cases.values(), tuned.technique)
    return tuple(
        Kept(
            Example(
                _named(answer, source),
                messages[answer.case.id],
                answer.text,
                _group(answer.case),
                where_of(answer.case),
                source=source,
            ),
            _provenance(answer, runs, drawn[answer.case.id], tuned),
        )
        for answer in answers
    )


def _named(answer: Answer, source: str) -> str:
    """An id of its own that says its case (`answered_case`), and is the same in every file."""
    return f"{answer.case.id}~{fingerprint(source, answer.text)[:8]}"


def _group(case: Case) -> str:
    """As of the case's own example: what is held out stays out with all its answers."""
    return case.cluster or case.id


def _provenance(
    answer: Answer,
    runs: Sequence[Run],
    results: Sequence[CaseResult],
    tuned: Tuned,
) -> Provenance:
    run, result = runs[answer.number], results[answer.number]
    candidate = run.candidate
    return Provenance(
        case=answer.case.id,
        case_fingerprint=answer.case.fingerprint,
        source=source_of(candidate, tuned.model),
        model=candidate.model,
        model_fingerprint=candidate.model_fingerprint,
        candidate=candidate.label,
        candidate_fingerprint=candidate.fingerprint,
        asked=result.prompt_hash,
        seed=candidate.decoding.seed,
        temperature=candidate.decoding.temperature,
        metric=run.primary,
        score=answer.score,
        scoring=run.scoring_fingerprint,
        drawn=len(results),
        agreed=answer.agreed,
        prompt=tuned.prompt,
    )
