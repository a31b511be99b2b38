"""The whole page as typed data: computed here from the records, only drawn by templates."""

from __future__ import annotations

from dataclasses import dataclass

from evals.records import Finding
from reports import numbers
from reports.analysed import AnalysedView, analysed_view
from reports.attempts import AttemptsView, attempts_view
from reports.cases import CasesView, CaseView, cases_view
from reports.cost import CostView, cost_view
from reports.disclosure import Disclosure, withhold
from reports.failures import FailuresView, failures_view
from reports.judged import JudgesView, judges_view
from reports.learning import LearningView, learning_view
from reports.outcome import GuardsView, OutcomeView, SingleView, guards_view, outcome_view
from reports.reproduce import ReproduceView, reproduce_view
from reports.retrieval import RetrievalView, retrieval_view
from reports.seeds import SeedsView, seeds_view
from reports.stored import NotRun
from reports.summed import SummedView, summed_view
from reports.together import TogetherView, together_view
from reports.tradeoff import TextView, TradeoffView, text_view, tradeoff_view
from reports.trained import TrainedView, trained_view
from reports.verdict import ReasonsView, VerdictView, reasons_view, verdict_view
from tuning.records import JobRecord

MOST_STATIC = 60
"""Cases that the page shows without a script, and on paper."""


@dataclass(frozen=True)
class Page:
    """Everything a report says, in the order in which it says it."""

    suite: str
    task: str
    model: str
    primary: str
    sizes: str
    verdict: VerdictView
    reasons: ReasonsView | NotRun
    judges: JudgesView | None
    outcome: OutcomeView | SingleView | NotRun
    guards: GuardsView | NotRun
    seeds: SeedsView | None
    text: TextView | None
    tradeoff: TradeoffView | None
    attempts: AttemptsView | NotRun
    retrieval: RetrievalView | None
    cost: CostView | NotRun
    analysed: AnalysedView | None
    failures: FailuresView | NotRun
    parts: SummedView | None
    checks: tuple[Finding, ...]
    training: TrainedView | NotRun
    together: TogetherView | None
    learning: LearningView | None
    cases: tuple[CasesView, ...] | NotRun
    first_cases: tuple[CaseView, ...]
    reproduce: ReproduceView


def page_view(job: JobRecord, told: Disclosure) -> Page:
    """Compute a report's page data: a pure function of the records, no clock, no files.

    Raises RecordError when the job names a run that it does not hold.
    """
    job = withhold(job, told)
    cases = cases_view(job, told)
    sets = () if isinstance(cases, NotRun) else cases
    linked = {each.case_id for view in sets for each in view.cases}
    analysed = analysed_view(job, told, linked)
    return Page(
        suite=job.suite,
        task=job.task,
        model=job.model,
        primary=job.primary,
        sizes=", ".join(f"{numbers.count(n)} {split}" for split, n in job.split_sizes.items()),
        verdict=verdict_view(job, told),
        reasons=reasons_view(job),
        judges=judges_view(job),
        outcome=outcome_view(job),
        guards=guards_view(job),
        seeds=seeds_view(job),
        text=text_view(job),
        tradeoff=tradeoff_view(job),
        attempts=attempts_view(job),
        retrieval=retrieval_view(job),
        cost=cost_view(job),
        analysed=analysed,
        failures=failures_view(job),
        parts=summed_view(job),
        checks=job.checks,
        training=trained_view(job),
        together=together_view(job),
        learning=learning_view(job),
        cases=cases,
        first_cases=first_cases(sets, analysed),
        reproduce=reproduce_view(job),
    )


def first_cases(
    sets: tuple[CasesView, ...], analysed: AnalysedView | None = None
) -> tuple[CaseView, ...]:
    """The first cases of the first set, and those that the error analysis names as examples."""
    kinds = analysed.kinds if analysed else ()
    named = {example.anchor for kind in kinds for example in kind.examples}
    first = sets[0].cases[:MOST_STATIC] if sets else ()
    wanted = named - {case.anchor for case in first}
    return first + tuple(case for view in sets for case in view.cases if case.anchor in wanted)
