"""Regression verdicts as GitHub workflow commands: one line each, at a file where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evals.regression.records import CaseChange, Check, SuiteVerdict
from evals.text import inert, visible
from reports import numbers
from reports.ci import views

MOST = 10
"""GitHub shows no more of one kind from one step."""
_MESSAGE = 1_000
_TITLE = 200
_SETTLED = ("pass", "skipped")


@dataclass(frozen=True)
class _Annotation:
    """What is told at which place; texts are untrusted. `line` 0 means none."""

    level: Literal["error", "warning", "notice"]
    title: str
    message: str
    path: str
    line: int = 0


def render_annotations(verdicts: Sequence[SuiteVerdict], root: Path) -> list[str]:
    """At most 10 commands over all suites, the worst first; files relative to `root`.

    First failed checks and lost must-pass cases, then changed definitions, lost cases and
    what is inconclusive. Lost cases take what room the others leave. What fails the job is an
    error, the rest are warnings, and a change that was reviewed is a notice.
    """
    failed = [found for verdict in verdicts for found in _failed_checks(verdict)]
    musts = [found for verdict in verdicts for found in _lost_musts(verdict)]
    changed = [found for verdict in verdicts for found in _changes(verdict)]
    unsettled = [found for verdict in verdicts for found in _inconclusive(verdict)]
    first, last = [*failed, *musts, *changed], unsettled
    room = MOST - len(first) - len(last)
    if room >= 0:
        chosen = [*first, *_lost_cases(views.worst_first(verdicts))[:room], *last]
    else:
        chosen = _with_rest([*first, *last], verdicts[0].path)
    return [_command(annotation, root) for annotation in chosen]


def _with_rest(annotations: list[_Annotation], path: str) -> list[_Annotation]:
    rest = numbers.plural(len(annotations) - MOST + 1, "more finding")
    told = _Annotation("notice", "tunegate", f"{rest}: see the summary of this job", path)
    return [*annotations[: MOST - 1], told]


def _failed_checks(verdict: SuiteVerdict) -> Iterator[_Annotation]:
    lost = {change.id: change for change in verdict.lost}
    for check in verdict.checks:
        if check.result != "fail":
            continue
        case = lost.get(check.name) if check.kind == "must_pass" else None
        at = _at(case, verdict)
        yield _Annotation("error", _title(verdict, check), check.sentence, *at)


def _lost_musts(verdict: SuiteVerdict) -> Iterator[_Annotation]:
    """Must-pass cases that were lost, unless a failed check names them already."""
    told = {check.name for check in verdict.checks if check.result == "fail"}
    for change in verdict.lost:
        if change.id in views.must_pass_ids(verdict) - told:
            title = f"{verdict.suite}: must-pass case {change.id} lost"
            yield _Annotation("error", title, _story(change), *_at(change, verdict))


def _changes(verdict: SuiteVerdict) -> Iterator[_Annotation]:
    if not verdict.changes:
        return
    what = "; ".join(f"{change.part}: {change.what}" for change in verdict.changes)
    state = "reviewed" if verdict.reviewed else "review"
    title = f"{verdict.suite}: gate definition changed: {state}"
    yield _Annotation("notice" if verdict.reviewed else "error", title, what, verdict.path)


def _lost_cases(verdicts: Sequence[SuiteVerdict]) -> list[_Annotation]:
    """Other lost cases of suites that did not pass, the largest loss of all suites first."""
    found = [
        (change, verdict)
        for verdict in verdicts
        if verdict.result not in _SETTLED
        for change in verdict.lost
        if change.path and change.id not in views.must_pass_ids(verdict)
    ]
    found.sort(key=lambda one: (one[0].after or 0.0) - one[0].before)
    return [
        _Annotation(
            "warning", f"{verdict.suite}: {change.id} lost", _story(change), *_at(change, verdict)
        )
        for change, verdict in found
    ]


def _inconclusive(verdict: SuiteVerdict) -> Iterator[_Annotation]:
    level: Literal["error", "warning"] = "warning"
    if verdict.result == "inconclusive" and verdict.exit_code:
        level = "error"
    for check in verdict.checks:
        if check.result == "inconclusive":
            needed = check.cases_needed
            more = f" About {numbers.plural(needed, 'case')} would settle it." if needed else ""
            message = views.stop(check.sentence) + more
            yield _Annotation(level, _title(verdict, check), message, verdict.path)


def _title(verdict: SuiteVerdict, check: Check) -> str:
    kind = check.kind.replace("_", "-")
    return f"{verdict.suite}: {kind} {check.name}: {views.RESULT_WORDS[check.result]}"


def _story(change: CaseChange) -> str:
    scores = f"{views.case_score(change.before)} → {views.case_score(change.after)}"
    if change.why:
        return f"{scores}: {change.why}"
    got = "no answer" if change.got is None else change.got
    return f"{scores}: expected {views.expected_text(change.expected)}, got {got}"


def _at(change: CaseChange | None, verdict: SuiteVerdict) -> tuple[str, int]:
    return (change.path, change.line) if change and change.path else (verdict.path, 0)


def _command(annotation: _Annotation, root: Path) -> str:
    properties = {
        "file": inert(visible(_relative(annotation.path, root))) if annotation.path else "",
        "line": str(annotation.line) if annotation.line > 0 else "",
        "title": _shown(annotation.title, _TITLE),
    }
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{annotation.level} {listed}::{_data(_shown(annotation.message, _MESSAGE))}"


def _shown(text: str, most: int) -> str:
    # Other runners read these lines too, and look for commands of theirs anywhere in them.
    return inert(visible(text, most))


def _relative(path: str, root: Path) -> str:
    """`path` as seen from `root` where it lies in it, with links followed or not."""
    file, folder = _absolute(path), _absolute(str(root))
    pairs = [(file, folder)]
    with suppress(ValueError):  # a text that can name no file
        pairs.append((Path(path).resolve(), root.resolve()))
    inside = [one.relative_to(other) for one, other in pairs if one.is_relative_to(other)]
    return (inside or [file])[0].as_posix()


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - takes out `..` and follows no link


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
