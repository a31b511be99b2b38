"""The error analysis of a stored run: pure, from its results and what its cases expect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.failures.contrasts import share_of
from evals.failures.examples import choose_examples
from evals.failures.form import rules_of
from evals.failures.lengths import LengthBounds
from evals.failures.records import KINDS, Failure, FailureAnalysis, KindLine, Topics
from evals.failures.slices import slice_failures
from evals.failures.sorting import Sorting, sort_failures
from evals.failures.topics import find_topics
from evals.records import Case, Run
from evals.suite.folding import comparable
from evals.suite.spec import Suite


def analyse(
    suite: Suite | None, run: Run, cases: Iterable[Case] = (), *, topics: bool = True
) -> FailureAnalysis:
    """What goes wrong in `run`: every failing case of one kind, by slices and by topics.

    `cases` are those of the run, where they are not the suite's as it stands (both are looked
    for). Without a suite a case passes from a score of 1, form is judged by what scorers say by
    convention alone, and there are no slices. `topics` False leaves out what takes scikit-learn.
    """
    known = {case.fingerprint: case for case in (*(suite.cases if suite else ()), *cases)}
    found = {r.case_id: case for r in run.results if (case := known.get(r.case_fingerprint))}
    rules = rules_of(suite, (r.scores[run.primary] for r in run.results if not r.failed))
    sorting = Sorting(
        primary=run.primary,
        pass_score=suite.ci.pass_score if suite else 1.0,
        form=rules,
        bounds=LengthBounds.of(case.wanted for case in found.values()) if found else None,
        cases=known,
    )
    failures = sort_failures(run, sorting)
    by_id = {failure.case_id: failure for failure in failures}
    ordered = sorted(run.results, key=lambda result: result.case_id)
    tags_of = {r.case_id: found[r.case_id].tags if r.case_id in found else {} for r in ordered}
    sliced = slice_failures(suite.slices if suite else (), ordered, by_id, tags_of)
    inputs = {name: comparable(case) for name, case in found.items()} if topics else {}
    return FailureAnalysis(
        run=run.id,
        label=run.candidate.label,
        split=run.split,
        cases=len(run.results),
        pass_score=sorting.pass_score,
        failures=failures,
        kinds=_kind_lines(run, failures),
        form_from=rules.source,
        form_unknown=sum(f.form is None and f.kind != "error" for f in failures),
        form_gain=_form_gain(run, failures),
        slices=sliced.lines,
        slices_hidden=sliced.hidden,
        topics=find_topics(ordered, by_id, inputs) if topics else Topics(),
        unread=len(ordered) - len(found),
    )


def _kind_lines(run: Run, failures: Sequence[Failure]) -> tuple[KindLine, ...]:
    clusters = [result.cluster for result in run.results]
    lines = []
    for kind in KINDS:
        ids = {failure.case_id for failure in failures if failure.kind == kind}
        if ids:
            flags = [result.case_id in ids for result in run.results]
            lines.append(KindLine(kind, len(ids), share_of(flags, clusters), choose_examples(ids)))
    return tuple(lines)


def _form_gain(run: Run, failures: Sequence[Failure]) -> float:
    """Mean over the scored cases of what failures that a constraint could end lack to 1."""
    scored = len(run.results) - len(run.errors)
    lacking = [1.0 - f.value for f in failures if f.constrainable and f.value is not None]
    return sum(lacking) / scored if scored else 0.0
