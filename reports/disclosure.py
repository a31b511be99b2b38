"""What of cases and outputs a report may tell: nothing that is left out is in its file.

Texts are taken out of the records before anything is computed from them, so that no table, chart
or sentence can hold one. What stays are numbers, statuses, ids, tags, labels and prompts' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from evals.failures.records import FailureAnalysis, Topics
from evals.records import Case, CaseResult, Finding, Output, Request, Run, Score
from tuning.records import JobRecord, TrainingRecord

Asked = Mapping[str, Mapping[str, Request]]
"""What models were asked: by run id, then by case id."""

LEFT_OUT = "left out"


@dataclass(frozen=True)
class Disclosure:
    """What may be told. `texts`: of cases and outputs at all; `sealed`: also of the sealed split.

    `asked` are rendered prompts to show.
    """

    texts: bool = True
    sealed: bool = False
    asked: Asked = field(default_factory=dict)

    def is_quiet(self, run: Run) -> bool:
        """Whether the texts of a run's cases and outputs are left out."""
        return not self.texts or (run.split == "test" and not self.sealed)

    def note(self, run: Run, suite: str) -> str:
        """Why a case of the run has no texts; empty where it has."""
        if not self.texts:
            return "This report leaves out texts of cases and outputs."
        if self.is_quiet(run):
            return (
                "Sealed cases stay sealed: their texts are left out, and a search finds ids and "
                f"tags alone. To see them: tunegate report {suite} --show-sealed (written down as "
                "a look)."
            )
        return ""


SEALED = Disclosure()
"""Everything but what is sealed."""
EVERYTHING = Disclosure(sealed=True)


def withhold(job: JobRecord, disclosure: Disclosure) -> JobRecord:
    """The job without the texts that may not be told. Raises nothing; the job stays as it is."""
    runs = {name: quiet_run(run, disclosure) for name, run in job.runs.items()}
    cases = bare_cases(job.runs.values(), job.cases, disclosure)
    told = replace(
        job,
        runs=runs,
        cases=cases,
        failures=tuple(_analysis(found, job, disclosure) for found in job.failures),
    )
    if disclosure.texts:
        return told
    return replace(
        told,
        checks=tuple(map(_finding, job.checks)),
        training=_training(job.training) if job.training else None,
    )


def bare_cases(
    runs: Iterable[Run], cases: Mapping[str, Case], disclosure: Disclosure
) -> dict[str, Case]:
    """The cases by fingerprint, those of quiet runs without their texts."""
    quiet = {
        result.case_fingerprint
        for run in runs
        if disclosure.is_quiet(run)
        for result in run.results
    }
    return {key: _bare(case) if key in quiet else case for key, case in cases.items()}


def quiet_run(run: Run, disclosure: Disclosure) -> Run:
    """The run, without texts of its outputs where they may not be told."""
    if not disclosure.is_quiet(run):
        return run
    results = tuple(_result(result, parts=disclosure.texts) for result in run.results)
    return replace(run, results=results)


def _result(result: CaseResult, *, parts: bool) -> CaseResult:
    scores = {name: _score(score, parts=parts) for name, score in result.scores.items()}
    return replace(
        result,
        output=_output(result.output),
        scores=scores,
        error=LEFT_OUT if result.error else None,
    )


def _output(output: Output) -> Output:
    return replace(
        output,
        text=None if output.text is None else "",
        error=LEFT_OUT if output.error else None,
        tool_calls=(),
        replies=(),
        full="",
        ballots=(),
    )


def _score(score: Score, *, parts: bool) -> Score:
    return replace(score, reason="", parts=score.parts if parts else ())


def _bare(case: Case) -> Case:
    return replace(
        case, input={}, expected=None, answer="", choices=(), turns=(), documents=(), tools=()
    )


def _analysis(found: FailureAnalysis, job: JobRecord, disclosure: Disclosure) -> FailureAnalysis:
    """Topics are words of inputs."""
    run = job.runs.get(found.run)
    if run is not None and not disclosure.is_quiet(run):
        return found
    return replace(
        found, topics=Topics(why_not="texts are left out") if found.topics.found else found.topics
    )


def _finding(finding: Finding) -> Finding:
    return replace(finding, message=f"{finding.code}: {LEFT_OUT}", rows=())


def _training(training: TrainingRecord) -> TrainingRecord:
    return replace(training, preview="", findings=tuple(_finding(one) for one in training.findings))
