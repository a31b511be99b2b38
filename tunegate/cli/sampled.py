"""`data --sample`: training examples from a model's own answers, or from a stronger one's."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from typing import NamedTuple

from evals.errors import UsageError
from evals.judges.calibrating import check_labels
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Case, Run, SplitName
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted
from evals.runner import Runner
from evals.spending.prices import Prices
from evals.suite import Suite
from tunegate.cli.approaches import approach_of
from tunegate.cli.console import Terminal
from tunegate.cli.output import check_output, write_whole
from tunegate.cli.running import endpoints_asked
from tunegate.cli.sampled_shown import sampling_document, show_sampling
from tunegate.endpoints import open_endpoints, told
from tunegate.evaluating import Evaluator, Scoring, Wishes, settle_recipe
from tunegate.opening import model_name, only_job, open_suite
from tuning.data.sampled.asking import adapter_technique, sampled_candidate, stored_leader
from tuning.data.sampled.drawing import Tuned, draw_examples
from tuning.data.sampled.records import KEEP, TEMPERATURE, SamplePlan
from tuning.data.sampled.rows import chat_lines
from tuning.training.tune import tuning_prompt

NOTHING_KEPT = 1


class _Asked(NamedTuple):
    """Who is asked, and where that is stated."""

    candidate: Candidate
    stated: str


def sample_command(options: Namespace, terminal: Terminal) -> int:
    """Draw, keep what passes, write it, and say what came of it.

    Nothing is written before all is drawn: what was drawn until a kill is found again.
    """
    suite = open_suite(options.suite).suite
    output = options.output
    if output is None:
        raise UsageError("name the file that the examples go to with -o FILE")
    check_output(output)
    plan, prompt = plan_of(options, suite), tuning_prompt(suite)
    check_labels(suite)
    wished = endpoints_asked(options)
    endpoints = open_endpoints(wished, os.environ)
    tuned = model_name(suite, options.model)
    with only_job(options.ledger), told(endpoints, wished, terminal.note):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto", endpoints)
        model = evaluator.model(options.by or tuned)
        with evaluator.scoring(suite) as scoring:
            like, why = _leader(suite, scoring.ledger, (model.name, tuned))
            asked = _asked(options, suite, model, like, why)
            candidate = asked.candidate
            terminal.note(f"asked: {candidate.label} on {candidate.model} ({asked.stated})")
            sampling = draw_examples(
                suite,
                candidate,
                plan,
                evaluate=_Evaluate(model, scoring, terminal, endpoints.budget.prices),
                scorer=scoring.scorers[suite.primary],
                tuned=Tuned(tuned, prompt, adapter_technique(suite, scoring.ledger, tuned)),
            )
    if sampling.kept:
        write_whole(output, chat_lines(sampling.kept))
    show_sampling(suite, sampling, endpoints.budget.prices, terminal)
    terminal.line(
        f"{len(sampling.kept)} examples: {output}"
        if sampling.kept
        else f"nothing was kept: {output} is not written"
    )
    document = sampling_document(suite, sampling)
    written = {"stated": asked.stated, "file": str(output) if sampling.kept else None}
    terminal.result({**document, **written, "spent_now": endpoints.budget.spent})
    return 0 if sampling.kept else NOTHING_KEPT


def plan_of(options: Namespace, suite: Suite) -> SamplePlan:
    """What the options say of the draws. Raises UsageError."""
    return SamplePlan(
        times=options.sample,
        temperature=TEMPERATURE if options.temperature is None else options.temperature,
        keep=KEEP if options.keep is None else options.keep,
        least=1.0 if options.min_score is None else options.min_score,
        with_own=options.with_own,
        seed=suite.decoding.seed,
    )


def _leader(suite: Suite, ledger: Ledger, models: Sequence[str]) -> tuple[Candidate | None, str]:
    """The gate's leader on the first of `models` that has one, and on which; else why not."""
    found = {name: stored_leader(suite, ledger, name) for name in models}
    for name, leader in found.items():
        if leader.candidate is not None:
            return leader.candidate, f"the gate's leader on {name}"
    return None, "; ".join(leader.why for leader in found.values())


def _asked(
    options: Namespace, suite: Suite, model: AdaptableModel, like: Candidate | None, said: str
) -> _Asked:
    """The candidate that the options name, else `like`, else the suite's own."""
    approach = approach_of(Namespace(**{**vars(options), "votes": None, "temperature": None}))
    named = bool(options.prompt or approach)
    if like is not None and not named:
        made = sampled_candidate(suite, model, like.prompt, like.approach, like)
        return _Asked(made, said)
    wishes = Wishes(model=model.name, prompt=options.prompt, approach=approach)
    recipe = settle_recipe(suite, read_accepted(suite.root / ACCEPTED), wishes)
    made = sampled_candidate(suite, model, recipe.prompt, recipe.approach)
    return _Asked(made, "as named" if named else f"as the suite states it: {said}")


class _Evaluate(NamedTuple):
    """One run of a candidate, with scorers that stay open over all draws."""

    model: AdaptableModel
    scoring: Scoring
    terminal: Terminal
    prices: Prices

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
        """See `tuning.evaluating.EvaluateCases`."""
        with self.terminal.progress(f"{suite.name}: {label}") as progress:
            runner = Runner(
                self.model,
                self.scoring.scorers,
                self.scoring.ledger,
                progress,
                self.prices,
                judges=self.scoring.judges,
            )
            return runner.run(suite, candidate, split, cases=cases, keep=keep)
