"""`run`, `gate`, `tune`: from rounds to a verdict, and on to an adapter."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from evals.durations import elapsed
from evals.fingerprint import canonical
from evals.ledger import Ledger
from evals.models.names import check_model_name
from evals.prompting.optimisers import proposers, with_proposer
from evals.rounding import least_percent, points_span
from evals.spending.prices import find_prices
from evals.spending.wording import money_said
from evals.suite.tune_methods import with_stated
from evals.suite.tune_remedies import parse_remedies
from tunegate.cards import write_card
from tunegate.cli.analysed import show_summary
from tunegate.cli.console import Terminal, percent
from tunegate.cli.forgetting import show_text, show_tradeoff
from tunegate.cli.output import check_output
from tunegate.cli.records import INCONCLUSIVE, open_stored
from tunegate.cli.reporting import Wanted, write_report
from tunegate.cli.reproducing import TRAINING_OPTIONS, commands_of, trained_as
from tunegate.cli.retrieval import show_retrieval
from tunegate.cli.rounds import show_rounds
from tunegate.cli.running import endpoints_asked
from tunegate.cli.seeds import show_seeds
from tunegate.cli.sweeping import swept_as_stated
from tunegate.cli.together import show_together
from tunegate.cli.trained import show_training
from tunegate.comparing import refuse_unopenable
from tunegate.endpoints import Endpoints, open_endpoints, runs_said, told
from tunegate.evaluating import Evaluator
from tunegate.opening import (
    OpenedSuite,
    model_name,
    only_job,
    open_guards,
    open_suite,
)
from tunegate.taking_turns import ReturningModel
from tuning.adapters.registry import parent_folder
from tuning.job import Job
from tuning.learning.records import LearningCurve
from tuning.learning.stored import curve_of_job
from tuning.records import (
    CallCost,
    Decision,
    Interval,
    JobRecord,
    ShipDecision,
    TrainingEstimate,
    TrialLine,
)
from tuning.stored import decide_stored

MARKS = {"applies": "YES", "does_not_apply": "no", "not_tested": "not tested", "not_reached": "-"}


def run_command(options: Namespace, terminal: Terminal) -> int:
    """Do the whole job and write its report."""
    opened = _open_repeated(options)
    for name in proposers(opened.suite):
        check_model_name(name)
    output = options.output or Path(f"{opened.suite.name}-report.html")
    check_output(output)
    with open_job(options, opened, terminal) as (job, endpoints):
        record = job.run(override=options.override, tune=not options.no_tune)
        _show_verdicts(record, terminal)
        commands = commands_of(options, record)
        wanted = Wanted(output, options.suite, commands)
        with terminal.progress(f"writing {output}"):
            stored = write_report(job.ledger, record, opened, wanted)
    _show_learning(stored.learning, terminal)
    if said := runs_said(list(stored.runs.values()), endpoints.budget.prices):
        terminal.line(f"what this rests on took {said}")
    terminal.line(f"report: {output}")
    document = canonical(replace(record, commands=commands))
    terminal.result({**document, "spent_now": endpoints.budget.spent})
    return exit_code(record)


def gate_command(options: Namespace, terminal: Terminal) -> int:
    """Show the verdict and its evidence from stored runs."""
    suite = _open_proposed(options).suite
    ledger = open_stored(options.ledger)
    model, guards = model_name(suite, options.model), open_guards(suite)
    prices = find_prices(options.prices, os.environ)
    decision = decide_stored(suite, ledger, model, guards=guards, prices=prices)
    show_decision(decision, terminal)
    terminal.result(decision)
    return INCONCLUSIVE if decision.verdict == "more_cases" else 0


def tune_command(options: Namespace, terminal: Terminal) -> int:
    """Train where the gate is open (or overridden), and judge the adapter."""
    opened = _open_stated(options)
    with open_job(options, opened, terminal) as (job, _):
        begin = options.begin_from and parent_folder(job.ledger, options.begin_from)
        stated = replace(job, begin_from=begin or None, trained_as=trained_as(options))
        record = stated.tune(override=options.override)
        learning = curve_of_job(job.ledger, opened.suite, record)
    _show_verdicts(record, terminal)
    _show_learning(learning, terminal)
    terminal.result(record)
    return exit_code(record)


def _open_proposed(options: Namespace) -> OpenedSuite:
    """The suite, with the proposer that the caller names in place of its own."""
    opened = open_suite(options.suite)
    if options.proposer is None:
        return opened
    return replace(opened, suite=with_proposer(opened.suite, options.proposer))


def _open_repeated(options: Namespace) -> OpenedSuite:
    """The suite, trained as often as the caller states."""
    opened = _open_proposed(options)
    tune = with_stated(opened.suite.tune, seeds=options.seeds)
    return replace(opened, suite=replace(opened.suite, tune=tune))


def _open_stated(options: Namespace) -> OpenedSuite:
    """The suite, trained as the caller states in place of its own `tune`."""
    opened = _open_proposed(options)
    stated = {name: getattr(options, name) for name in TRAINING_OPTIONS}
    if options.remedies is not None:
        stated["remedies"] = parse_remedies(options.remedies)
    own = opened.suite.tune
    if options.sweep is False:  # first: what is left out need not fit the rest
        own = replace(own, sweep=None)
    tune = with_stated(own, **stated, sweep=swept_as_stated(own, options))
    return replace(opened, suite=replace(opened.suite, tune=tune))


@contextmanager
def open_job(
    options: Namespace, opened: OpenedSuite, terminal: Terminal
) -> Iterator[tuple[Job, Endpoints]]:
    """Everything a job needs, opened, with the ledger's folder to itself; closed at the end."""
    guards = open_guards(opened.suite)
    asked = endpoints_asked(options)
    endpoints = open_endpoints(asked, os.environ)
    with only_job(options.ledger), told(endpoints, asked, terminal.note):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto", endpoints)
        name = model_name(opened.suite, options.model)
        for said in refuse_unopenable(opened.suite, name, evaluator):
            terminal.note(said)
        model = ReturningModel(name, evaluator.model)
        ledger = Ledger(options.ledger)
        try:
            job = Job(
                suite=opened.suite,
                guards=guards,
                model=model,
                ledger=ledger,
                looks_path=opened.looks_path(options.ledger),
                narrator=terminal,
                prices=endpoints.budget.prices,
                asker=evaluator.asker(ledger),
                open_other=evaluator.model,
                write_card=write_card,
            )
            yield job, endpoints
        finally:
            ledger.close()


def exit_code(record: JobRecord) -> int:
    """The exit code of a job by its last verdict."""
    if record.shipping is not None:
        return {"ship_adapter": 0, "reject_adapter": 1, "inconclusive": 3}[record.shipping.verdict]
    undecided = record.decision is not None and record.decision.verdict == "more_cases"
    return INCONCLUSIVE if undecided else 0


def _show_verdicts(record: JobRecord, terminal: Terminal) -> None:
    if record.decision:
        show_decision(record.decision, terminal)
    if record.training:
        show_training(record.training, terminal)
    show_tradeoff(record.tradeoff, terminal)
    if record.together:
        show_together(record.together, terminal)
    if record.shipping:
        show_shipping(record.shipping, terminal)


def _show_learning(curve: LearningCurve | None, terminal: Terminal) -> None:
    if curve:
        terminal.line(f"learning curve (dev): {curve.fit.sentence}")


def show_decision(decision: Decision, terminal: Terminal) -> None:
    """The gate's verdict, the candidates and the decision table, for a person."""
    priced = any(t.cost and t.cost.thousand is not None for t in decision.trials)
    costs = [">1,000 calls", ">median", ">95th pct."] if priced else []
    terminal.table(
        "what was tried (dev)",
        ["!round", "candidate", ">score", ">95% interval", ">vs anchor", *costs, ""],
        [
            [
                f"{t.round_index} {t.family}",
                t.label,
                percent(t.score.estimate),
                _span(t.score) if "few_clusters" not in decision.flags else "– to –",
                f"{100 * t.versus_anchor.estimate:+.1f}" if t.versus_anchor else "",
                *(_call_cells(t.cost) if priced else []),
                _role(t, decision),
            ]
            for t in decision.trials
        ],
    )
    show_rounds(decision.rounds, terminal)
    _show_stronger(decision, terminal)
    show_retrieval(decision, terminal)
    terminal.table(
        "why",
        ["verdict", "!applies", "evidence"],
        [[rule.title, MARKS[rule.status], rule.evidence] for rule in decision.rules],
    )
    for text in decision.left_out:
        terminal.line(text)
    show_summary(decision.failures, terminal)
    terminal.line(f"gate: {decision.verdict}", "bold")
    terminal.line(decision.sentence)
    for step in decision.next_steps:
        terminal.line(f"  next: {step}")
    if decision.would_train:
        terminal.line(f"training here would take {_about(decision.would_train)}")
    if decision.stated and decision.verdict != "prompt_suffices":
        terminal.line(f"the leader, as suite.yaml states it: {decision.stated}")
    terminal.line()


def _about(training: TrainingEstimate) -> str:
    return f"about {elapsed(training.seconds)}, at most {elapsed(training.most)}"


def _call_cells(cost: CallCost | None) -> list[str]:
    """Money for 1,000 calls, and seconds of a call: median and 95th percentile."""
    if cost is None:
        return ["–"] * 3
    money = "–" if cost.thousand is None else money_said(cost.thousand, cost.currency)
    return [money, *("–" if s is None else f"{s:.2f} s" for s in (cost.median, cost.p95))]


def _show_stronger(decision: Decision, terminal: Terminal) -> None:
    """The models that were compared, where one was run."""
    if not any(line.run_id for line in decision.stronger):
        return
    terminal.table(
        "other models with the leader's prompt (dev)",
        ["model", ">score", ">95% interval", ">certain", ">vs leader", ">1,000 calls"],
        [
            [
                line.model if line.run_id else f"{line.model} (not run)",
                percent(line.score.estimate if line.score else None),
                _span(line.score) if line.score else "",
                "–" if line.certain is None else least_percent(line.certain),
                f"{100 * line.difference.estimate:+.1f}" if line.difference else "",
                "" if line.cost is None else money_said(line.cost, line.currency),
            ]
            for line in decision.stronger
        ],
    )


def _role(trial: TrialLine, decision: Decision) -> str:
    named = (("leader", decision.leader), ("anchor", decision.anchor))
    roles = [name for name, run in named if run == trial.run_id]
    if trial.stopped:
        roles.append(f"stopped after {trial.cases + trial.errors} of {decision.cases} cases")
    return ", ".join(roles)


def show_shipping(decision: ShipDecision, terminal: Terminal) -> None:
    """The verdict after training, with before, after and the guards, for a person."""
    rows = []
    if decision.compared:
        before, after, gain = decision.compared
        rows = [
            ["best prompt, sealed split", percent(before.estimate), _span(before)],
            ["adapter, sealed split", percent(after.estimate), _span(after)],
            ["gain", f"{100 * gain.estimate:+.1f}", _outwards(gain)],
        ]
    rows += [
        [
            f"guard {guard.suite}: {guard.result}",
            f"{100 * guard.difference.estimate:+.1f}",
            f"{_outwards(guard.difference)}, margin {100 * guard.margin:.0f}",
        ]
        for guard in decision.guards
    ]
    if rows:
        terminal.table("after training", ["", ">points", ">interval"], rows)
    show_seeds(decision.seeds, terminal)
    show_text(decision.text, terminal)
    terminal.line(f"verdict: {decision.verdict}", "bold")
    terminal.line(decision.sentence)
    for step in decision.next_steps:
        terminal.line(f"  next: {step}")
    terminal.line()


def _outwards(interval: Interval) -> str:
    """The bounds of a difference that is held against a limit, which none reaches by rounding."""
    return points_span(interval.low, interval.high)


def _span(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
