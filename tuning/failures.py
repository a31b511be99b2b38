"""The error analyses that a verdict and a report rest on, from stored runs alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from evals.failures import FailureAnalysis, analyse
from evals.failures.records import Failure, SliceLine
from evals.records import Run
from evals.stated import SHOWN
from evals.suite.spec import Suite
from evals.text import visible
from tuning.data.dataset import carried
from tuning.gate.declared import rounds_of
from tuning.records import FailureSummary, JobRecord

MOST_SLICES = 3
MOST_NAME = 60


def summarise_failures(suite: Suite, leader: Run, tried: Sequence[Run]) -> FailureSummary:
    """What goes wrong with the leader, and whether any tried run was held to a form."""
    found = analyse(suite, leader, topics=False)
    structured, form = _structured(suite, tried), suite.structure
    unshown = _unshown(suite, leader, found)
    return FailureSummary(
        run=leader.id,
        cases=found.cases,
        counts=found.counts,
        form=found.constrainable,
        form_gain=found.form_gain,
        form_unknown=found.form_unknown,
        form_from=found.form_from,
        structured=structured,
        worse_slices=tuple(map(slice_text, worse_slices(found)))[:MOST_SLICES],
        add_round=_structured_round(leader) if structured == "untried" and suite.rounds else "",
        held_to=form.source if form and not form.stated else "",
        unshown=len(unshown),
        unshown_gain=_lacking(unshown) / max(1, len(leader.values())),
    )


def _unshown(suite: Suite, leader: Run, found: FailureAnalysis) -> tuple[Failure, ...]:
    """Failures that no training can mend as the suite stands: nobody shows what they ask about.

    An error, and a failure of form that a constraint could change, say nothing of knowledge.
    """
    if not suite.documents or carried(leader.candidate.technique, suite.tune).retrieval:
        return ()
    taught = {name for case in suite.split("train") for name in case.documents}
    foreign = {
        case.id
        for case in suite.split(leader.split)
        if case.documents and taught.isdisjoint(case.documents)
    }
    return tuple(
        failure
        for failure in found.failures
        if failure.case_id in foreign and failure.value is not None and not failure.constrainable
    )


def _lacking(failures: Iterable[Failure]) -> float:
    """What scored failures lack of full marks, summed."""
    return sum(1 - failure.value for failure in failures if failure.value is not None)


def _structured_round(leader: Run) -> str:
    """What a suite's rounds say to hold the leader's prompt, shown as it is, to a structure."""
    import yaml

    candidate = leader.candidate
    shown = {name: candidate.k for name, how in SHOWN.items() if how == candidate.demonstrations}
    stated = {"family": "structured", "prompts": [candidate.prompt], **shown}
    text = yaml.safe_dump(stated, default_flow_style=True, sort_keys=False, width=10**9)
    return f"- {text.strip()}"


def job_failures(suite: Suite, job: JobRecord) -> tuple[FailureAnalysis, ...]:
    """The analyses of both arms on dev, then of the sealed runs, as far as the job has them."""
    leader = job.decision.leader if job.decision else None
    arms = (leader, job.adapter_dev, job.leader_test, job.adapter_test)
    names = dict.fromkeys(name for name in arms if name in job.runs)
    return tuple(analyse(suite, job.runs[name], job.cases.values()) for name in names if name)


def worse_slices(found: FailureAnalysis) -> tuple[SliceLine, ...]:
    """The slices that are shown to fail more than the rest, the largest difference first."""
    worse = [
        (-line.contrast.difference.estimate, line.tag, line.value, line)
        for line in found.slices
        if line.contrast and line.contrast.differs and line.contrast.difference.estimate > 0
    ]
    return tuple(each[-1] for each in sorted(worse, key=lambda each: each[:3]))


def slice_text(line: SliceLine) -> str:
    """`source handwritten: 101 of 125 (81%), elsewhere 36%`."""
    assert line.contrast is not None  # without a rest nothing is worse than it
    name = visible(f"{line.tag} {line.value}", MOST_NAME)
    share = f"{line.share.estimate:.0%}"
    return f"{name}: {line.failed} of {line.cases} ({share}), elsewhere {line.contrast.rest:.0%}"


def _structured(
    suite: Suite, tried: Sequence[Run]
) -> Literal["tried", "declared", "untried", "no_structure"]:
    """Whether a candidate was held to a form: by the technique, or by the suite's decoding."""
    if any(_is_held(run) for run in tried):
        return "tried"
    if suite.structure is None:
        return "no_structure"
    declared = (approach for spec in rounds_of(suite) for approach in spec.approaches)
    return "declared" if any(each.technique.structured for each in declared) else "untried"


def _is_held(run: Run) -> bool:
    decoding = run.candidate.decoding
    held = decoding.schema is not None or bool(decoding.grammar)
    return run.candidate.technique.structured or held
