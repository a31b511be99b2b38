"""The error analyses of a job as a part of the page: kinds before and after, slices, topics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from evals.failures import KINDS, MEANINGS, FailureAnalysis, FailureKind
from evals.failures.records import Contrast, Share, SliceLine, Topic
from reports import numbers
from reports.case_filters import slice_filter
from reports.cases import safe_anchor
from reports.disclosure import EVERYTHING, Disclosure
from reports.excerpts import one_line
from tuning.records import JobRecord

MOST_SLICES = 30
MOST_EXAMPLES = 5
MOST_ID = 60


@dataclass(frozen=True)
class KindCell:
    """One kind in one run; `width` is the length of its bar, a percentage of all cases."""

    count: str
    share: str
    bounds: str
    width: str


@dataclass(frozen=True)
class Example:
    """A case that fails in this way; `anchor` is empty where the page does not show the case."""

    case_id: str
    anchor: str


@dataclass(frozen=True)
class KindRow:
    """One kind of failure over the runs, in the order of the view's `columns`."""

    name: str
    meaning: str
    cells: tuple[KindCell, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class PartRow:
    """A slice or a topic: how much of it fails, and how that differs from the rest.

    `filter` finds its cases in the table of cases, as a link states it; empty for a topic.
    """

    name: str
    failed: str
    cases: str
    share: str
    bounds: str
    rest: str
    difference: str
    difference_bounds: str
    standing: str
    kinds: str
    filter: str = ""


@dataclass(frozen=True)
class AnalysedView:
    """Kinds of all analysed runs; slices, topics and examples are those of `shown` alone."""

    sentences: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    kinds: tuple[KindRow, ...]
    shown: str
    slices: tuple[PartRow, ...]
    slices_hidden: int
    topics: tuple[PartRow, ...]
    topics_note: str
    note: str


def analysed_view(
    job: JobRecord, told: Disclosure = EVERYTHING, linked: Collection[str] = ()
) -> AnalysedView | None:
    """The job's error analyses; None where none was made. `linked`: cases that the page shows."""
    if not job.failures:
        return None
    columns = [(_role(job, found), found) for found in job.failures]
    role, shown = columns[_shown(job, told)]
    present = [kind for kind in KINDS if any(kind in found.counts for found in job.failures)]
    return AnalysedView(
        sentences=tuple(
            _sentence(role, found, is_held=_is_held(job, found)) for role, found in columns
        ),
        columns=tuple((role, found.label) for role, found in columns),
        kinds=tuple(_kind_row(kind, job.failures, shown, linked) for kind in present),
        shown=role,
        slices=tuple(_slice_row(line, shown.split) for line in shown.slices[:MOST_SLICES]),
        slices_hidden=len(shown.slices[MOST_SLICES:]) + shown.slices_hidden,
        topics=tuple(map(_topic_row, shown.topics.found)),
        topics_note=_topics_note(shown),
        note=_note(shown),
    )


def _shown(job: JobRecord, told: Disclosure) -> int:
    """Whose slices and cases the page shows: the adapter's, on dev where sealed texts stay sealed.

    Whoever mends what fails on the sealed split tunes by it.
    """
    names = [found.run for found in job.failures]
    sealed, dev = (job.adapter_test, job.leader_test), (job.adapter_dev,)
    wanted = (*sealed, *dev) if told.sealed else (*dev, *sealed)
    return next((names.index(name) for name in wanted if name in names), 0)


def _role(job: JobRecord, found: FailureAnalysis) -> str:
    roles = {
        job.adapter_test: "Adapter, sealed",
        job.adapter_dev: "Adapter, dev",
        job.leader_test: "Best prompt, sealed",
    }
    return roles.get(found.run, "Best prompt, dev")


def _is_held(job: JobRecord, found: FailureAnalysis) -> bool:
    """Whether decoding was held to a form already."""
    run = job.runs.get(found.run)
    return run is not None and run.candidate.technique.structured


def _sentence(role: str, found: FailureAnalysis, *, is_held: bool) -> str:
    said = f"{role}: {numbers.count(found.failed)} of {numbers.plural(found.cases, 'case')} fail"
    if not found.failed:
        return f"{said}."
    wrong = found.counts.get("wrong_content", 0)
    by_form = f"{numbers.count(found.constrainable)} by form"
    if not is_held:
        by_form += ", which a constraint could change,"
    return f"{said}; {by_form} and {numbers.count(wrong)} with wrong content."


def _note(found: FailureAnalysis) -> str:
    """What tells form from content, and what is not known."""
    said = [f"Form is told by {found.form_from}." if found.form_from else "Nothing tells form."]
    if found.form_unknown:
        said.append(
            f"Of {numbers.plural(found.form_unknown, 'failing answer')} it is not known whether "
            "the form is right."
        )
    if found.unread:
        said.append(
            f"{numbers.plural(found.unread, 'case')} not stored any more, and not compared."
        )
    return " ".join(said)


def _kind_row(
    kind: FailureKind,
    analyses: Sequence[FailureAnalysis],
    shown: FailureAnalysis,
    linked: Collection[str],
) -> KindRow:
    examples = next((line.examples for line in shown.kinds if line.kind == kind), ())
    return KindRow(
        name=_name(kind),
        meaning=MEANINGS[kind],
        cells=tuple(_kind_cell(kind, found) for found in analyses),
        examples=tuple(
            Example(one_line(case_id, MOST_ID), safe_anchor(case_id) if case_id in linked else "")
            for case_id in examples[:MOST_EXAMPLES]
        ),
    )


def _kind_cell(kind: FailureKind, found: FailureAnalysis) -> KindCell:
    line = next((line for line in found.kinds if line.kind == kind), None)
    if line is None:
        return KindCell("0", "", "", "0%")
    share = line.share.estimate
    return KindCell(
        numbers.count(line.count),
        numbers.percent(share),
        _bounds(line.share),
        f"{100 * share:.2f}%",
    )


def _slice_row(line: SliceLine, split: str) -> PartRow:
    row = _part_row(f"{line.tag}: {line.value}", line, line.contrast)
    return replace(row, filter=slice_filter(split, line.tag, line.value))


def _topic_row(topic: Topic) -> PartRow:
    return _part_row(", ".join(topic.terms), topic, topic.contrast)


def _part_row(name: str, part: SliceLine | Topic, contrast: Contrast | None) -> PartRow:
    ranked = sorted(part.kinds.items(), key=lambda item: (-item[1], KINDS.index(item[0])))
    return PartRow(
        name=one_line(name, 120),
        failed=numbers.count(part.failed),
        cases=numbers.count(part.cases),
        share=numbers.score(part.share.estimate),
        bounds=_bounds(part.share, scores=True),
        rest=numbers.score(contrast.rest if contrast else None),
        difference=numbers.signed(contrast.difference.estimate if contrast else None),
        difference_bounds=_signed_bounds(contrast),
        standing=_standing(contrast),
        kinds=", ".join(f"{_name(kind)} {count}" for kind, count in ranked),
    )


def _standing(contrast: Contrast | None) -> str:
    if contrast is None:
        return ""
    if contrast.differs is None:
        return "too few to tell"
    if not contrast.differs:
        return "no difference shown"
    return "fails more" if contrast.difference.estimate > 0 else "fails less"


def _topics_note(found: FailureAnalysis) -> str:
    topics = found.topics
    if topics.why_not:
        return f"Topics of the inputs were not looked for: {topics.why_not}."
    if not topics.looked_at:
        return ""
    what = "none" if not topics.found else numbers.count(len(topics.found))
    verb = "fail" if len(topics.found) > 1 else "fails"
    return f"Of {topics.looked_at} topics of the inputs {what} {verb} more than the rest."


def _name(kind: FailureKind) -> str:
    return kind.replace("_", " ")


def _bounds(share: Share, *, scores: bool = False) -> str:
    if share.low is None or share.high is None:
        return numbers.NOTHING
    write = numbers.score if scores else numbers.percent
    return f"{write(share.low)} to {write(share.high)}"


def _signed_bounds(contrast: Contrast | None) -> str:
    if contrast is None or contrast.difference.low is None or contrast.difference.high is None:
        return numbers.NOTHING
    low, high = contrast.difference.low, contrast.difference.high
    return f"{numbers.signed(low)} to {numbers.signed(high)}"
