"""What is stored of a job, and the verdict that follows from it alone: no model, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from evals.approach import PLAIN, Approach
from evals.errors import NothingRunError
from evals.judges.standing import judge_standings
from evals.ledger import Ledger
from evals.models.names import check_form, is_hosted
from evals.models.protocol import Model
from evals.records import Run
from evals.regression.recipes import candidate_line
from evals.retrieval.recall import recall_of
from evals.spending.prices import Prices
from evals.spending.records import Machine
from evals.suite.spec import Suite
from tuning.cost.before import expected_payback, expected_training, with_costs
from tuning.cost.estimate import tuning_run
from tuning.cost.missing import missing_of
from tuning.cost.pace import stored_disagreements
from tuning.cost.payback import evidence_of
from tuning.data.counting import count_clean
from tuning.data.dataset import carried
from tuning.failures import summarise_failures
from tuning.gate.deciding import decide
from tuning.gate.declared import find_over_budget, find_unheld, find_untried
from tuning.gate.dev_looks import count_look, stored_looks
from tuning.gate.evidence import Evidence, Policy, arm_of
from tuning.gate.learning import find_learning
from tuning.gate.soundness import soundness_of
from tuning.gate.standing import find_standing
from tuning.gate.tried import HeldBy, find_search, gather_evidence, policy_of
from tuning.gate.wording import left_out_texts
from tuning.records import CostStanding, Decision, JobRecord, TrainingRecord
from tuning.search.evaluating import taken_by
from tuning.search.lines import with_rounds
from tuning.search.oracle import awaits_oracle, find_oracle
from tuning.search.outcomes import searched_for
from tuning.stronger.found import awaits_others, find_stronger, unrun_models
from tuning.training.tune import tuning_prompt

JOB = "job"


def job_key(suite: str, model: str) -> str:
    """The ledger key of a suite's job on a model."""
    return f"{suite}|{model}"


def load_job(ledger: Ledger, suite: str, model: str) -> JobRecord | None:
    """A stored job with all its runs and cases, ready to be reported; None if never begun."""
    record = ledger.load(JOB, job_key(suite, model), JobRecord)
    if record is None:
        return None
    runs = {name: run for name in _run_ids(record) if (run := ledger.find_run(name))}
    judged = runs.get(record.adapter_test or "")
    asked = (judged.suite, "dev", judged.candidate.fingerprint) if judged else None
    adapter_dev = ledger.fullest_run(*asked) if asked else None
    if adapter_dev:
        runs[adapter_dev.id] = adapter_dev
    prints = [result.case_fingerprint for run in runs.values() for result in run.results]
    cases = ledger.cases(list(dict.fromkeys(prints)))
    found = adapter_dev.id if adapter_dev else None
    return replace(record, runs=runs, cases=cases, adapter_dev=found)


def decided_job(ledger: Ledger | None, suite: str, model: str) -> JobRecord:
    """The stored job with its verdict. Raises NothingRunError where there is none, or no ledger."""
    record = ledger.load(JOB, job_key(suite, model), JobRecord) if ledger else None
    if record is None or record.decision is None:
        raise NothingRunError(
            f"no verdict on {suite} is stored: which prompt to beat is not known",
            hint=f"`tunegate run {suite} --no-tune` finds it",
        )
    return record


def _run_ids(record: JobRecord) -> list[str]:
    names = [trial.run_id for trial in record.decision.trials] if record.decision else []
    compared = record.decision.stronger if record.decision else ()
    names += [line.run_id for line in compared if line.run_id]
    oracle = record.decision.oracle if record.decision else None
    names += [oracle.run_id] if oracle else []
    guards = list(record.shipping.guards) if record.shipping else []
    seeds = record.shipping.trained if record.shipping else ()
    names += [line.run for line in seeds]
    guards += [guard for line in seeds for guard in line.guards]
    names += [run for guard in guards for run in (guard.base_run, guard.tuned_run)]
    names += (
        [line.run_id for line in record.together.lines if line.run_id] if record.together else []
    )
    return names + [run for run in (record.leader_test, record.adapter_test) if run]


def decide_stored(
    suite: Suite,
    ledger: Ledger,
    model: str,
    model_fingerprint: str | None = None,
    *,
    judges: Mapping[str, str] | None = None,
    guards: Mapping[str, Suite] | None = None,
    prices: Prices | None = None,
    others: Mapping[str, str] | None = None,
    held_by: HeldBy | None = None,
) -> Decision:
    """The gate's verdict from stored runs. Raises NothingRunError when none counts.

    `model_fingerprint` is what the model is now, where it was opened, and `judges` what those
    are that judge, by name (see `find_search`). A verdict rests on what judges for `guards`, too,
    and on whether tuning pays by `prices`. `others` are what the models to compare are now,
    where they were opened, and `held_by` what holds the open model to a structure.
    """
    tried, left_out = find_search(suite, ledger, model, model_fingerprint, judges, held_by=held_by)
    if not tried and (said := left_out_texts(left_out)):
        raise NothingRunError(
            f"no stored run is of this suite and model as they are. {' '.join(said)}",
            hint=f"`tunegate run {suite.name} --no-tune` evaluates some prompts",
        )
    if not tried:
        _refuse_nothing(suite, ledger, model)
    looks = stored_looks(ledger, job_key(suite.name, model))
    look = count_look(looks, suite.split("dev"), suite.search.dev_extensions)
    policy = replace(
        policy_of(suite),
        declared_extensions=look.declared,
        stated_extensions=suite.search.dev_extensions,
    )
    known = judges or (tried[-1].run.judges if tried else {})
    listed, runs = prices or Prices(), [item.run for item in tried]
    dev = {case.id: case for case in suite.split("dev")}
    evidence = gather_evidence(
        tried,
        clean_examples=count_clean(suite, tuning_prompt).total,
        soundness=soundness_of(suite, ledger, runs, guards),
        left_out=left_out,
        judges=tuple(
            standing
            for judged in (suite, *(guards or {}).values())
            for standing in judge_standings(judged, ledger, known, {judged.primary})
        ),
        trainable=not is_hosted(model),
        dev_look=look.number,
        untried=find_untried(suite, (run.candidate for run in runs)),
        unheld=find_unheld(suite, (run.candidate for run in runs)),
        facts_change=suite.operation.facts_change,
        stronger_models=unrun_models(suite, model),
        learning=find_learning(suite, ledger, model, tried),
        over_budget=find_over_budget(suite, _tokens_taken(suite, ledger, runs)),
        recalls=tuple(recall for run in runs if (recall := recall_of(run, dev))),
        names_documents=suite.names_documents,
        without_documents=sum(not case.documents for case in dev.values()),
    )
    leader = _leader(evidence, policy, runs)
    evidence = replace(evidence, failures=summarise_failures(suite, leader, runs))
    if carried(leader.candidate.technique, suite.tune) != PLAIN:
        # The adapter would be another than those that a curve is made of.
        evidence = replace(evidence, learning=None, has_curve=False)
    cost = _cost_standing(suite, ledger, leader, runs=runs, prices=listed)
    doubts = _doubtful_timings(suite, ledger, leader, runs, listed)
    told = evidence_of(cost, suite.operation, doubts)
    evidence = replace(evidence, cost=told, suite=suite.name)
    decision = decide(evidence, policy)
    if awaits_others(decision):
        found = find_stronger(suite, ledger, leader, listed, others)
        evidence = replace(evidence, stronger_models=found)
        decision = decide(evidence, policy)
    if awaits_oracle(suite, decision):
        probe = find_oracle(suite, ledger, leader)
        if probe is not None:
            decision = decide(replace(evidence, oracle_context=arm_of(probe)), policy)
    decision = with_costs(decision, runs, listed, cost)
    decision = with_rounds(decision, suite, tried, ledger, listed)
    if decision.open:
        earlier = _earlier_training(ledger, suite.name, model)
        took = expected_training(suite, runs, leader, earlier)
        decision = replace(decision, would_train=took)
    return _with_statement(decision, suite, leader)


def standing_leader(suite: Suite, ledger: Ledger, decision: Decision, model: Model) -> Run:
    """The run that leads by a stored verdict.

    Raises NothingRunError where it is not of the suite and the model as they are: what is held
    against it now would be scored otherwise.
    """
    tried = find_search(suite, ledger, model.name, model.fingerprint).tried
    leader = next((one.run for one in tried if one.run.id == decision.leader), None)
    if leader is None:
        raise NothingRunError(
            f"the stored verdict on {suite.name} is of another state of the suite or the model",
            hint=f"`tunegate run {suite.name}` decides anew",
        )
    return leader


def _with_statement(decision: Decision, suite: Suite, leader: Run) -> Decision:
    """The decision with what to write into `suite.yaml`, so that the leader is what runs."""
    line = candidate_line(leader, suite.candidate.model)
    if decision.verdict != "prompt_suffices":
        return replace(decision, stated=line)
    step = f"To have every command and CI run it, state in suite.yaml: {line}"
    if not line:
        step = (
            f"A search wrote its prompt: save it among the suite's prompts (`tunegate show "
            f"{leader.id} --prompt`), and evaluate and state that."
        )
    return replace(decision, stated=line, next_steps=(*decision.next_steps, step))


def _tokens_taken(
    suite: Suite, ledger: Ledger, runs: Sequence[Run]
) -> dict[tuple[str, Approach], int]:
    """Tokens of every tried candidate's run and of the search for it, by prompt and approach."""
    return {
        (run.candidate.prompt, run.candidate.approach): (
            taken_by(run).plus(searched_for(ledger, suite.name, run.candidate)).tokens
        )
        for run in runs
    }


def _refuse_nothing(suite: Suite, ledger: Ledger, model: str) -> NoReturn:
    """Raise NothingRunError that names the models of which something is stored, if any.

    Raises ModelError where `model` is no model's name at all: nothing can be stored of it.
    """
    counts = Counter(run.candidate.model for run in ledger.runs(suite.name, "dev"))
    if model not in counts:
        check_form(model)
    stored = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    said = f"; stored dev runs are of {stored}" if stored else ", and of no other model either"
    raise NothingRunError(
        f"there is no result to decide from: no dev run of {suite.name} on {model} is stored{said}",
        hint="name one of those with --model, or run the suite on this one"
        if stored
        else f"`tunegate run {suite.name} --no-tune` evaluates some prompts",
    )


def _cost_standing(
    suite: Suite,
    ledger: Ledger,
    leader: Run,
    *,
    runs: Sequence[Run],
    prices: Prices,
) -> CostStanding:
    """Whether tuning pays in place of the leader."""
    model = leader.candidate.model
    if missing := missing_of(suite.operation, model, prices):
        return CostStanding(missing=missing)
    earlier = _earlier_training(ledger, suite.name, model)
    return expected_payback(suite, runs, leader, prices, earlier)


def _earlier_training(ledger: Ledger, suite: str, model: str) -> TrainingRecord | None:
    stored = ledger.load(JOB, job_key(suite, model), JobRecord)
    return stored.training if stored else None


def _doubtful_timings(
    suite: Suite, ledger: Ledger, leader: Run, runs: Sequence[Run], prices: Prices
) -> tuple[str, ...]:
    """Which dev timings behind money by the hour disagree with those on sealed cases."""
    rates = [prices.rate(leader.candidate.model, tuned=tuned) for tuned in (False, True)]
    if not any(isinstance(rate, Machine) for rate in rates):
        return ()
    own = tuning_run(runs, tuning_prompt(suite), carried(leader.candidate.technique, suite.tune))
    timed = {run.id: run for run in (leader, own) if run}
    return stored_disagreements(ledger, timed.values())


def _leader(evidence: Evidence, policy: Policy, runs: Sequence[Run]) -> Run:
    """The run that leads. Raises what `find_standing` raises."""
    standing = find_standing(evidence, replace(policy, look=evidence.dev_look))
    return next(run for run in runs if run.id == standing.leader.trial.arm.run_id)
