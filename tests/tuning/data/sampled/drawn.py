"""Draws to choose among, made by hand, and sampling with a scripted model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from evals.approach import Approach
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Case, CaseResult, Output, Run, Score, SplitName
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite
from tuning.data.sampled.asking import sampled_candidate
from tuning.data.sampled.choosing import Chosen, choose
from tuning.data.sampled.drawing import Tuned, draw_examples
from tuning.data.sampled.records import SamplePlan, Sampling


def case(name: str = "a", answer: str = "yes") -> Case:
    return Case(name, {"text": f"what of {name}?"}, answer, answer, "train")


def drawn(text: str | None, value: float | None = 1.0, finish: str = "stop") -> CaseResult:
    """One draw: its text and score; without a text an error, without a score unscored."""
    output = Output(text, finish, error=None if text is not None else "it fell over")  # type: ignore[arg-type]
    scores = {"m": Score(value)} if text is not None and value is not None else {}
    failed = "boom" if text is not None and value is None else None
    return CaseResult("a", "print", "asked", output, scores, error=failed)


def chosen(
    draws: Sequence[CaseResult],
    plan: SamplePlan | None = None,
    again: Mapping[str, float | None] | None = None,
) -> Chosen:
    """Choose among the draws of one case; `again` are second scores, 1 where it does not say."""
    again = again or {}
    return choose(
        [case()],
        {"a": draws},
        "m",
        plan or SamplePlan(len(draws)),
        lambda pairs: [again.get(text, 1.0) for _, text in pairs],
    )


def texts(found: Chosen) -> list[str]:
    return [one.text for one in found.answers]


class Listening:
    """Evaluates over a real ledger, and writes down every split and case it is asked for."""

    def __init__(self, suite: Suite, model: AdaptableModel, folder: Path) -> None:
        self.suite, self.model, self.folder = suite, model, folder
        self.asked: list[tuple[SplitName, str, str]] = []

    def __call__(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
    ) -> Run:
        assert cases is not None
        self.asked += [(split, one.id, one.split) for one in cases]
        with closing(Ledger(self.folder)) as ledger, build_scorers(suite) as scorers:
            runner = Runner(self.model, scorers, ledger)
            return runner.run(suite, candidate, split, cases=cases, keep=keep)


def sample(
    suite: Suite,
    model: AdaptableModel,
    folder: Path,
    plan: SamplePlan,
    *,
    approach: Approach | None = None,
    tuned: Tuned | None = None,
    listen: Callable[[Listening], None] = lambda _: None,
) -> Sampling:
    """Draw examples of a suite from a model."""
    evaluate = Listening(suite, model, folder)
    with build_scorers(suite) as scorers:
        sampling = draw_examples(
            suite,
            sampled_candidate(suite, model, "terse", approach or Approach()),
            plan,
            evaluate=evaluate,
            scorer=scorers[suite.primary],
            tuned=tuned or Tuned(model.name, "terse"),
        )
    listen(evaluate)
    return sampling
