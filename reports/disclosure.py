"""What of cases and outputs a report may tell: nothing that is left out is in its file.

Texts are taken out of the records before anything is computed from them, so that no table, chart
or sentence can hold one. What stays are numbers, statuses, ids, tags, labels and prompts' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from evals.failures.records import FailureAnalysis, Topics
from evals.records import Case, CaseResult, Finding, Output, Part, Request, Run, Score
from tuning.records import Decision, JobRecord, TrainingRecord

Asked = Mapping[str, Mapping[str, Request]]
"""What models were asked: by run id, then by case id."""

LEFT_OUT = "left out"

_NUMBERS_ALONE = frozenset(
    {
        "detectable_gain",
        "equal_repeats",
        "few_dev_cases",
        "few_train_cases",
        "form_unknown",
        "little_effort",
        "little_room",
        "missing_extra",
        "no_dev",
        "no_rounds",
        "no_test",
        "no_train",
        "structure",
        "structure_not_tried",
        "structure_slow",
        "test_gain",
        "unused_prompt",
    }
)
"""Codes of findings that speak of settings and numbers of cases, and quote none."""


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

    def note(self, command: str) -> str:
        """Why texts are left out where a run is quiet. `command` would show sealed ones."""
        if not self.texts:
            return "This report leaves out texts of cases and outputs."
        return (
            "Sealed cases stay sealed: their texts are left out, and a search finds ids and "
            f"tags alone. To see them: {command} (written down as a look)."
        )


SEALED = Disclosure()
"""Everything but what is sealed."""
EVERYTHING = Disclosure(sealed=True)


def withhold(job: JobRecord, disclosure: Disclosure) -> JobRecord:
    """The job without the texts that may not be told; `job` itself stays as it is."""
    known = _known_words(job.runs.values(), disclosure)
    runs = {name: quiet_run(run, disclosure, known) for name, run in job.runs.items()}
    cases = bare_cases(job.runs.values(), job.cases, disclosure)
    told = replace(
        job,
        runs=runs,
        cases=cases,
        failures=tuple(_analysis(found, job, disclosure) for found in job.failures),
    )
    if disclosure.texts and disclosure.sealed:
        return told
    # Which cases a finding quotes is not known: perhaps sealed ones.
    told = replace(
        told,
        checks=tuple(map(_finding, job.checks)),
        decision=_decision(job.decision) if job.decision else None,
    )
    if disclosure.texts:
        return told
    return replace(
        told,
        training=_training(job.training) if job.training else None,
        siblings=tuple(map(_training, job.siblings)),
        templates={},  # demonstrations may stand in one
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


def quiet_run(run: Run, disclosure: Disclosure, known: frozenset[str] = frozenset()) -> Run:
    """The run, without texts of its outputs where they may not be told.

    `known` are names and labels of parts that may stay.
    """
    if not disclosure.is_quiet(run):
        return run
    results = tuple(_result(result, known) for result in run.results)
    return replace(run, results=results)


def _known_words(runs: Iterable[Run], disclosure: Disclosure) -> frozenset[str]:
    """Names and expected labels of parts that runs show whose texts may be told."""
    return frozenset(
        word
        for run in runs
        if not disclosure.is_quiet(run)
        for result in run.results
        for score in result.scores.values()
        for part in score.parts
        for word in (part.name, part.expected)
        if word is not None
    )


def _result(result: CaseResult, known: frozenset[str]) -> CaseResult:
    scores = {name: _score(score, known) for name, score in result.scores.items()}
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


def _score(score: Score, known: frozenset[str]) -> Score:
    parts = tuple(_part(part, known) for part in score.parts if part.name in known)
    return replace(score, reason="", parts=parts)


def _part(part: Part, known: frozenset[str]) -> Part:
    def told(word: str | None) -> str | None:
        return word if word is None or word in known else LEFT_OUT

    return replace(part, expected=told(part.expected), got=told(part.got))


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
    if finding.code in _NUMBERS_ALONE:
        return finding
    text = f"{finding.code}: what it says may quote cases and is {LEFT_OUT}; tunegate check says it"
    return replace(finding, message=text, rows=())


def _decision(decision: Decision) -> Decision:
    """Faults of the evals are told in the findings' own words."""
    faulty = decision.rules[:1]
    if not faulty or faulty[0].status != "applies":
        return decision
    said = f"Fix the evals first. What is wrong may quote cases and is {LEFT_OUT}."
    rules = (replace(faulty[0], evidence=said), *decision.rules[1:])
    return replace(decision, sentence=said, rules=rules)


def _training(training: TrainingRecord) -> TrainingRecord:
    return replace(training, preview="", findings=tuple(_finding(one) for one in training.findings))
