"""What was tried: the stored dev runs that a suite's verdict may rest on.

A run counts when it is of this suite as it stands (same cases, same scoring, a prompt and
demonstrations that still read the same) and of this model as it is, without an adapter.
One verdict rests on one model fingerprint (weights, tokenizer, precision, versions): that of
the model as it is where a command has opened it, else that of the newest run that fits the
suite. Where weights went from A to B and back to A, and nothing had to be run since, that is
B; so what is left out is counted and said. The same holds for the models that judge.

Runs of a round come in the order in which the suite, else the default ladder, declares them; any
other (a prompt tried by hand) counts as tried before the rounds, where it can only make the
anchor stronger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from evals.fingerprint import fingerprint
from evals.judges.identity import scored_as_stated, scoring_identity
from evals.judges.records import JudgeStanding
from evals.ledger import Ledger
from evals.prompting import changed_since, decoding_of
from evals.records import Candidate, Case, Decoding, Run
from evals.retrieval.recall import Recall
from evals.staging import divide, stages_of
from evals.suite.spec import RoundSpec, Suite
from tuning.gate.declared import rounds_of
from tuning.gate.evidence import (
    CostEvidence,
    Evidence,
    LearningEvidence,
    LeftOut,
    OverBudget,
    Policy,
    Soundness,
    StrongerModel,
    clusters_of,
    trial_of,
)
from tuning.records import FailureSummary

BY_HAND = "by_hand"

HeldBy = Callable[[Decoding], str]
"""What holds the answers of an open model to the structure that a decoding asks for."""


@dataclass(frozen=True)
class Tried:
    """A run with its place in the search. `round_index` 0 is before the first round.

    `stopped`: it is of stage one of dev, and there is none of the whole.
    """

    run: Run
    round_index: int
    family: str
    stopped: bool = False


class Search(NamedTuple):
    """The runs that count, in the order tried, and how many by prompt on this model do not."""

    tried: list[Tried]
    left_out: LeftOut


def find_search(
    suite: Suite,
    ledger: Ledger,
    model: str,
    model_fingerprint: str | None = None,
    judges: Mapping[str, str] | None = None,
    *,
    held_by: HeldBy | None = None,
) -> Search:
    """The runs that count; a repeated candidate only once, the newest.

    `model_fingerprint` is what the model is now, `judges` what the models that judge are, by
    name; None where nobody has opened them. Runs held to a structure rest on one library version
    alike: that of `held_by`, else the newest run's. Where the suite allows early stop, a run of
    exactly stage one counts as stopped, unless there is one of the whole. Where it does not, such
    runs do not count, and how many candidates have no other is said. Other runs of some dev
    cases only, repeats, and those shown each case's own documents, neither count nor are counted
    as left out.
    """
    expected = _prints(suite.split("dev"))
    stages = stages_of(suite)
    first = _prints(stages.first) if stages else None
    apart = None if stages else divide(suite)
    partial = _prints(apart.first) if apart else None
    fitting: list[Run] = []
    unfinished: list[Run] = []
    stale = 0
    for header in ledger.runs(suite.name, "dev"):
        if header.candidate.model != model or header.candidate.adapter:
            continue
        if _is_repeat(header.candidate, suite) or is_probe(header.candidate):
            continue
        run = ledger.run(header.id) if _reads_the_same(header, suite) else header
        cases = {r.case_id: r.case_fingerprint for r in run.results}
        if run is header or not cases.items() <= expected.items():
            stale += 1
        elif cases in (expected, first):
            fitting.append(run)
        elif cases == partial:
            unfinished.append(run)
    if model_fingerprint is None and fitting:
        model_fingerprint = fitting[-1].candidate.model_fingerprint
    same_model = [run for run in fitting if run.candidate.model_fingerprint == model_fingerprint]
    held = _held_alike(same_model, held_by)
    scoring = held[-1].scoring_fingerprint if held else ""
    if judges is not None:
        scoring = scoring_identity(suite, judges)
    counting = [run for run in held if run.scoring_fingerprint == scoring]
    whole = {_spot(run.candidate): run for run in counting if len(run.results) == len(expected)}
    stopped = {
        spot: run
        for run in counting
        if whole and (spot := _spot(run.candidate)) not in whole  # none alone: nothing to rank
    }
    rounds = rounds_of(suite)
    placed = [_place(run, rounds) for run in whole.values()]
    placed += [replace(_place(run, rounds), stopped=True) for run in stopped.values()]
    placed.sort(key=lambda tried: (tried.round_index, _position(tried, rounds)))
    others = {run.candidate.model_fingerprint for run in fitting} - {model_fingerprint}
    left_out = LeftOut(
        other_weights=len(fitting) - len(same_model),
        other_judges=len(held) - len(counting),
        fingerprints=len(others),
        older_suite=stale,
        other_constraints=len(same_model) - len(held),
        fingerprint=model_fingerprint or "",
        stage_one=len(
            {spot for each in unfinished if (spot := _spot(each.candidate)) not in whole}
        ),
    )
    return Search(placed, left_out)


def _held_alike(runs: Sequence[Run], held_by: HeldBy | None) -> list[Run]:
    """The runs without those that another constraint library, or version of it, held to a form."""
    held = [run.candidate for run in runs if run.candidate.decoding.constrained]
    if not held:
        return list(runs)

    def fits(one: Candidate) -> bool:
        now = held_by(one.decoding) if held_by else held[-1].constrained_by
        return not one.decoding.constrained or one.constrained_by == now

    return [run for run in runs if fits(run.candidate)]


def _prints(cases: Iterable[Case]) -> dict[str, str]:
    return {case.id: case.fingerprint for case in cases}


def tried_runs(
    suite: Suite, ledger: Ledger, model: str, model_fingerprint: str | None = None
) -> list[Tried]:
    """The runs of `find_search` alone."""
    return find_search(suite, ledger, model, model_fingerprint).tried


def _reads_the_same(run: Run, suite: Suite) -> bool:
    """Whether scoring, decoding, prompt and demonstrations are those of the suite now."""
    return scored_as_stated(run, suite) and not changed_since(suite, run.candidate)


def is_probe(candidate: Candidate) -> bool:
    """Whether it is shown each case's own documents: nothing that could ever be deployed."""
    return candidate.technique.retrieval == "oracle"


def _is_repeat(candidate: Candidate, suite: Suite) -> bool:
    """Whether it is a candidate run once more, with another seed than the suite's."""
    seed = suite.decoding.seed
    if candidate.decoding.seed == seed:
        return False
    if candidate.technique.structured and suite.structure is None:  # of an older suite
        return False
    return replace(candidate.decoding, seed=seed) == decoding_of(suite, candidate.technique)


def _spot(candidate: Candidate) -> str:
    return fingerprint(candidate.prompt, candidate.approach)


def _place(run: Run, rounds: Iterable[RoundSpec]) -> Tried:
    for index, spec in enumerate(rounds, 1):
        if (run.candidate.prompt, run.candidate.approach) in spec.pairs:
            return Tried(run, index, spec.family)
    return Tried(run, 0, BY_HAND)


def _position(tried: Tried, rounds: tuple[RoundSpec, ...]) -> tuple[int, str]:
    if tried.round_index == 0:
        return (0, tried.run.created)
    candidate, pairs = tried.run.candidate, rounds[tried.round_index - 1].pairs
    return (pairs.index((candidate.prompt, candidate.approach)), "")


def gather_evidence(
    tried: Sequence[Tried],
    *,
    clean_examples: int,
    soundness: Soundness | None,
    left_out: LeftOut | None = None,
    judges: tuple[JudgeStanding, ...] = (),
    trainable: bool = True,
    dev_look: int = 1,
    cost: CostEvidence | None = None,
    facts_change: Literal["never", "rarely", "often"] | None = None,
    stronger_models: tuple[StrongerModel, ...] | None = None,
    untried: tuple[str, ...] = (),
    learning: LearningEvidence | None = None,
    over_budget: tuple[OverBudget, ...] = (),
    recalls: tuple[Recall, ...] = (),
    names_documents: bool = False,
    without_documents: int = 0,
    failures: FailureSummary | None = None,
    unheld: tuple[str, ...] = (),
) -> Evidence:
    """What the gate decides from. What nothing here gathers stays None: "not tested"."""
    return Evidence(
        trials=tuple(
            trial_of(item.run, item.round_index, item.family, stopped=item.stopped)
            for item in tried
        ),
        clean_examples=clean_examples,
        clusters=next((clusters_of(item.run) for item in tried if not item.stopped), {}),
        soundness=soundness,
        left_out=left_out or LeftOut(),
        judges=judges,
        trainable=trainable,
        dev_look=dev_look,
        cost=cost,
        facts_change=facts_change,
        stronger_models=stronger_models,
        untried=untried,
        learning=learning,
        over_budget=over_budget,
        recalls=recalls,
        names_documents=names_documents,
        without_documents=without_documents,
        failures=failures,
        unheld=unheld,
    )


def policy_of(suite: Suite) -> Policy:
    """The policy a suite states, fixed before anything ran."""
    return Policy(
        min_gain=suite.min_gain,
        target=suite.target,
        min_examples=suite.tune.min_examples,
        early_stop=stages_of(suite) is not None,
        declared_extensions=suite.search.dev_extensions,
    )
