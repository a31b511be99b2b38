"""The search for a better prompt through an optimiser: MIPROv2 or GEPA, by DSPy.

It changes one thing, the instruction in a prompt, and sees train cases only. What it finds is a
template like any other, tried on dev as every candidate is. Every output, of the task's model
and of the proposer, is kept in the ledger, and everything that is drawn is drawn by fixed
seeds: so a search that was killed and is begun again does what is missing, and ends the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from evals.approach import Approach, Found
from evals.errors import ModelError
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel, Model
from evals.prompting.candidates import search_origin
from evals.prompting.optimisers import optimised, require_optimiser, require_optimisers
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateCases
from tuning.search.instruction import instruction_of
from tuning.search.mipro import search_by_mipro
from tuning.search.proposer import Proposals, Proposer
from tuning.search.reflecting import search_by_reflection
from tuning.search.train_parts import part_train
from tuning.search.trials import Trials
from tuning.stronger.running import OpenModel

TRIES = 8
"""How many instructions are tried where a round does not say."""

_SEARCHES = {"miprov2": search_by_mipro, "gepa": search_by_reflection}


def refuse_unworkable(suite: Suite) -> None:
    """Say what keeps a suite's optimisers from working, before anything is run.

    Raises MissingExtraError for what is not installed, and SuiteError for prompts without an
    instruction and too few train cases.
    """
    require_optimisers(suite)
    for one, approach in optimised(suite):
        part_train(suite, approach.seed)
        for prompt in one.prompts:
            instruction_of(suite, prompt)


def optimise_prompt(
    suite: Suite,
    model: Model,
    prompt: str,
    approach: Approach,
    *,
    ledger: Ledger,
    evaluate: EvaluateCases,
    open_proposer: OpenModel | None,
    note: Callable[[str], None],
) -> Found:
    """Have `approach.technique.optimiser` write the instruction of `prompt` anew.

    The template that was found is empty where nothing was judged better than the prompt as it
    stands. `open_proposer` opens the approach's proposer by name, each time that it is asked;
    without a name the task's own `model` writes. `note` is told what it took and came to.
    Raises MissingExtraError without the optimiser's packages, SuiteError for a prompt or train
    cases that it cannot work with, ModelError where the proposer writes nothing usable, and as
    `evaluate` does.
    """
    technique = approach.technique
    require_optimiser(technique.optimiser)
    origin = search_origin(suite, prompt, approach)
    parts = part_train(suite, approach.seed)
    proposer = _proposer(model, technique.proposer, open_proposer, ledger)
    trials = Trials(suite, model, approach, instruction_of(suite, prompt), evaluate, parts.judge)
    proposals = Proposals(trials.seed)
    trials.judged(trials.seed)
    search = _SEARCHES[technique.optimiser]
    search(trials, parts, proposer, proposals, technique.tries or TRIES)
    proposals.refuse_none(proposer)
    note(_told(f"{prompt}{approach.label}", trials, proposals, proposer))
    return Found(origin, template=trials.template(trials.best))


def _proposer(model: Model, name: str, open_proposer: OpenModel | None, ledger: Ledger) -> Proposer:
    if not name:
        own = cast("AdaptableModel", model)
        return Proposer(lambda: own, ledger, model.name)
    if open_proposer is None:
        raise ModelError(
            f"the proposer {name} cannot be opened here",
            hint="leave `proposer:` out, so that the task's own model writes",
        )
    opener = open_proposer
    return Proposer(lambda: opener(name), ledger, name)


def _told(label: str, trials: Trials, proposals: Proposals, proposer: Proposer) -> str:
    """What a search came to and took, in one line."""
    before, after = trials.means[trials.seed], trials.means[trials.best]
    came = (
        "none is better than the prompt as it stands,"
        if trials.best == trials.seed
        else f"the best has {after:.1%}, the prompt as it stands"
    )
    return (
        f"{label}: {len(proposals.usable)} instructions written, {len(trials.means) - 1} of them "
        f"tried on all {len(trials.judge)} train cases set apart: {came} {before:.1%}; "
        f"this took {trials.answers} answers with {trials.tokens} tokens, and {proposer.asked} "
        f"answers with {proposer.tokens} tokens of the proposer {proposer.name}"
    )
