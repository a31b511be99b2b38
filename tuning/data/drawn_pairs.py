"""Preference pairs built from scored answers to train cases: one that passes, one that fails.

Pairs that the model to be trained wrote itself teach more than others' do: what it would not
write anyway need not be unlearned (Tajwar et al. 2024, arXiv 2404.14367). So answers are drawn
from the weights that preference tuning begins with. Where none of them passes, the case's own
answer is the chosen one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from evals.approach import Approach, Technique
from evals.fingerprint import fingerprint
from evals.models.protocol import Model
from evals.prompting import make_candidate
from evals.prompting.ballots import ballot_key
from evals.prompting.candidates import prompt_fingerprint
from evals.prompting.demonstrations import leaks_of
from evals.records import Candidate, Case, CaseResult, Message, Run
from evals.suite.spec import Suite
from evals.text import visible
from tuning.data.dataset import render, where_of
from tuning.data.pairs import RULE, Pair

Draw = Callable[[Candidate, Sequence[Case]], Run]
"""Runs a candidate on train cases; its outputs are found again where stored."""


@dataclass(frozen=True)
class DrawPlan:
    """How train cases are answered: `times` in all, the first greedily, the others warm."""

    times: int
    temperature: float
    pairs_of_a_case: int
    seed: int = 0


class Asked(NamedTuple):
    """What is asked: a prompt, how it is used, how often, and of which adapter (None: none).

    `among` are the ids of the train cases that may be asked: those that are trained on.
    """

    prompt: str
    technique: Technique
    plan: DrawPlan
    among: frozenset[str]
    adapter: Path | None = None


class DrawnPairs(NamedTuple):
    """The pairs, and of how many drawn answers how many passed."""

    pairs: tuple[Pair, ...]
    answers: int
    passed: int

    @property
    def pass_share(self) -> float:
        """Share of the answers that passed: of 0 or 1 nothing is to be learnt."""
        return self.passed / self.answers if self.answers else 0.0


def drawn_cases(suite: Suite, among: Container[str]) -> tuple[Case, ...]:
    """The train cases that are asked: those of one text that stand in train alone."""
    leaks = leaks_of(suite.cases)
    return tuple(
        case
        for case in suite.split("train")
        if case.id in among and case.is_plain and case.id not in leaks.to_held_out
    )


def draws_fingerprint(suite: Suite, asked: Asked) -> str:
    """Identity of all that decides the pairs, beside the weights that are asked."""
    return fingerprint(
        "drawn-pairs@1",
        asked.plan,
        prompt_fingerprint(suite, asked.prompt),
        asked.technique,
        suite.decoding,
        suite.scoring_fingerprint,
        [case.fingerprint for case in drawn_cases(suite, asked.among)],
    )


def draw_pairs(suite: Suite, model: Model, asked: Asked, draw: Draw) -> DrawnPairs:
    """Answer the train cases with the model, or an adapter over it, and pair the answers.

    Raises what running raises; what was answered until then is kept.
    """
    from evals.models.adapters import adapter_fingerprint

    cases = drawn_cases(suite, asked.among)
    if not cases:
        return DrawnPairs((), 0, 0)
    folder, plan = asked.adapter, asked.plan
    identity = adapter_fingerprint(folder) if folder else ""
    first = make_candidate(
        suite,
        model,
        asked.prompt,
        Approach(technique=asked.technique),
        adapter=identity,
        adapter_path=str(folder) if folder else "",
    )
    runs = [draw(candidate, cases) for candidate in _draws_of(first, plan)]
    results = [result for run in runs for result in run.results]
    pairs = build_pairs(
        cases,
        {case.id: [r for r in results if r.case_id == case.id] for case in cases},
        suite.primary,
        render(suite, asked.prompt, cases, asked.technique),
        pairs_of_a_case=plan.pairs_of_a_case,
        source=f"drawn {model.name}{f' + adapter {identity}' if identity else ''}",
    )
    passed = sum(passes(result, suite.primary) for result in results)
    return DrawnPairs(pairs, len(results), passed)


def _draws_of(candidate: Candidate, plan: DrawPlan) -> list[Candidate]:
    greedy = replace(candidate, decoding=replace(candidate.decoding, temperature=0.0))
    warm = [
        replace(
            candidate,
            decoding=replace(
                candidate.decoding,
                temperature=plan.temperature,
                seed=(plan.seed * plan.times + n) % 2**31,
            ),
        )
        for n in range(1, plan.times)
    ]
    return [greedy, *warm]


def build_pairs(
    cases: Sequence[Case],
    results: Mapping[str, Sequence[CaseResult]],
    metric: str,
    messages: Mapping[str, tuple[Message, ...]],
    *,
    pairs_of_a_case: int,
    source: str,
) -> tuple[Pair, ...]:
    """At most `pairs_of_a_case` pairs of each case, of answers that the scorer tells apart.

    Answers that differ in spelling alone are one. The failing answer that came first (of draws
    the greedy one), then the commonest is rejected; the commonest passing one is chosen, or the
    case's own where none passed. Answers that were cut off, or hide something, are left out.
    """
    pairs: list[Pair] = []
    for case in cases:
        usable = [r for r in results.get(case.id, ()) if _is_whole(r)]
        right = _ordered([r for r in usable if passes(r, metric)], first=False)
        wrong = _ordered([r for r in usable if not passes(r, metric)], first=True)
        good = right or [case.answer.strip()]
        scores = _scores(usable, metric)
        for n, bad in enumerate(wrong[:pairs_of_a_case]):
            chosen = good[n % len(good)]
            if chosen and ballot_key(chosen) != ballot_key(bad):
                pairs.append(
                    Pair(
                        case.id,
                        messages[case.id],
                        chosen,
                        bad,
                        case.cluster or case.id,
                        where_of(case),
                        source if right else f"{source}; chosen: suite",
                        RULE,
                        (scores.get(chosen), scores.get(bad)),
                        case.fingerprint,
                    )
                )
    return tuple(pairs)


def passes(result: CaseResult, metric: str) -> bool:
    """Whether an answer has the full score."""
    return result.failed is None and result.scores[metric].value >= 1.0


def _scores(results: Sequence[CaseResult], metric: str) -> dict[str, float]:
    """What the metric gave each text."""
    return {(r.output.text or "").strip(): r.scores[metric].value for r in results}


def _is_whole(result: CaseResult) -> bool:
    """Whether an answer ended by itself, was scored, and shows all it holds."""
    output = result.output
    text = (output.text or "").strip()
    if result.failed is not None or output.finish_reason != "stop":
        return False
    return bool(text) and visible(text, layout=True) == text


def _ordered(results: Sequence[CaseResult], *, first: bool) -> list[str]:
    """Distinct answers, the commonest first; with `first` the one that came first before it."""
    texts = [(result.output.text or "").strip() for result in results]
    keys = [ballot_key(text) for text in texts]
    counts = Counter(keys)
    spelled = dict(reversed(list(zip(keys, texts, strict=True))))
    order = sorted(dict.fromkeys(keys), key=lambda key: -counts[key])
    if first and keys:
        order.sort(key=lambda key: key != keys[0])
    return [spelled[key] for key in order]
