"""A person's marks: drawn fairly, kept safely, counted only while they hold."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.audit import (
    Answer,
    AuditItem,
    Mark,
    append_mark,
    audit,
    audit_summary,
    draw_sample,
    read_marks,
)
from evals.errors import NothingRunError, RecordError, UsageError
from evals.records import Candidate, Case, CaseResult, Output, Run, Score
from evals.suite.spec import MetricSpec, Suite

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def suite_of(root: Path, n: int) -> Suite:
    cases = tuple(Case(f"c{i}", {}, "yes", "yes", "dev") for i in range(n))
    return Suite("s", "t", root, cases, {}, {"acc": MetricSpec("acc", "exact@1")}, "acc")


def run_of(suite: Suite, wrong: int, texts: dict[str, str] | None = None) -> Run:
    results = []
    for index, case in enumerate(suite.cases):
        text = (texts or {}).get(case.id, "no" if index < wrong else "yes")
        score = Score(0.0 if index < wrong else 1.0)
        output = Output(text, "stop")
        results.append(CaseResult(case.id, case.fingerprint, "p", output, {"acc": score}))
    candidate = Candidate("m", "mf", "p", "pf")
    return Run(
        "r1", "s", suite.fingerprint, suite.scoring_fingerprint, "dev", "acc", candidate,
        tuple(results), 1.0, "2026-01-01",
    )  # fmt: skip


def mark_all(run: Run, suite: Suite, rejected: int, size: int = 40) -> tuple[Mark, ...]:
    def ask(item: AuditItem, number: int, total: int) -> Answer:
        return Answer(number > rejected)

    return audit(run, suite, ask, size=size, now=lambda: NOW)


def test_the_sample_holds_as_many_low_as_full_scores_where_it_can(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 100)
    for wrong, low in ((50, 10), (3, 3), (95, 15), (0, 0), (100, 20)):
        sample = draw_sample(run_of(suite, wrong), suite, size=20)
        assert len(sample) == 20
        assert sum(item.score.value < 1 for item in sample) == low


def test_the_sample_is_the_same_for_any_order_and_grows_with_its_size(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 100)
    run = run_of(suite, 50)
    results = list(run.results)
    random.Random(3).shuffle(results)
    sample = draw_sample(run, suite, size=20)
    assert draw_sample(replace(run, results=tuple(results)), suite, size=20) == sample
    ids = {item.case.id for item in sample}
    assert ids < {item.case.id for item in draw_sample(run, suite, size=40)}
    assert ids != {item.case.id for item in draw_sample(run, suite, size=20, seed=1)}


def test_failed_and_changed_cases_are_not_drawn(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 4)
    run = run_of(suite, 2)
    failed = replace(run.results[0], error="boom", scores={})
    changed = replace(run.results[1], case_fingerprint="old")
    part = replace(run, results=(failed, changed, *run.results[2:]))
    assert {item.case.id for item in draw_sample(part, suite)} == {"c2", "c3"}
    with pytest.raises(NothingRunError):
        draw_sample(replace(run, results=(failed, changed)), suite)


def test_an_unknown_metric_and_an_empty_sample_are_refused(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 4)
    with pytest.raises(UsageError, match="there is: acc"):
        draw_sample(run_of(suite, 1), suite, metric="acc2")
    with pytest.raises(UsageError, match="empty"):
        draw_sample(run_of(suite, 1), suite, size=0)


def test_marks_are_on_disk_before_the_next_question_and_an_audit_resumes(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 30)
    run = run_of(suite, 10)
    asked: list[str] = []

    def ask(item: AuditItem, number: int, total: int) -> Answer | None:
        assert total == 12
        assert len(read_marks(tmp_path / "audit.jsonl")) == len(set(asked))
        if len(asked) == 5:
            return None
        asked.append(item.case.id)
        return Answer(True, "fine \ud800 é\n")

    first = audit(run, suite, ask, size=12, who="ann", now=lambda: NOW)
    assert len(first) == 5
    assert first[0].when == "2026-01-02T03:04:05+00:00"
    rest: list[str] = []

    def go_on(item: AuditItem, number: int, total: int) -> Answer:
        rest.append(item.case.id)
        return Answer(False)

    audit(run, suite, go_on, size=12, now=lambda: NOW)
    assert len(rest) == 7
    assert not set(rest) & set(asked)
    marks = read_marks(tmp_path / "audit.jsonl")
    assert marks[0] == first[0]
    assert marks[0].note == "fine \ud800 é\n"
    assert audit(run, suite, go_on, size=12) == ()


def test_a_passed_over_item_gets_no_mark_and_is_asked_again(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 3)
    run = run_of(suite, 1)
    assert audit(run, suite, lambda *_: Answer(None)) == ()
    assert len(mark_all(run, suite, 0)) == 3


def test_a_half_written_last_line_is_cut_off_and_any_other_damage_refused(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 3)
    marks = mark_all(run_of(suite, 1), suite, 0)
    file = tmp_path / "audit.jsonl"
    whole = file.read_bytes()
    for cut in (1, 10, 60):
        file.write_bytes(whole[:-cut])
        kept = 3 if cut == 1 else 2  # without its line end alone, the last mark is whole
        assert read_marks(file) == marks[:kept]
        append_mark(file, marks[0])
        assert read_marks(file) == (*marks[:kept], marks[0])
    lines = whole.splitlines(keepends=True)
    for damage in (b"{}\n", b"nonsense\n", b'{"case_id": 5}\n'):
        file.write_bytes(lines[0] + damage + lines[2])
        with pytest.raises(RecordError, match=r"audit\.jsonl:2: not a mark"):
            read_marks(file)


def test_no_file_means_no_marks(tmp_path: Path) -> None:
    assert read_marks(tmp_path / "audit.jsonl") == ()
    summary = audit_summary((), [])
    assert summary.wrong is None
    assert summary.findings == ()


@pytest.mark.parametrize(
    ("size", "rejected", "level"),
    [(40, 0, None), (40, 2, None), (40, 3, "warning"), (40, 4, "warning"), (40, 5, "error"),
     (20, 2, "warning"), (20, 3, "error"), (1, 1, "warning"), (9, 9, "warning"), (10, 2, "error")],
)  # fmt: skip
def test_too_many_rejected_scores_count_against_the_suite(
    tmp_path: Path, size: int, rejected: int, level: str | None
) -> None:
    suite = suite_of(tmp_path, 60)
    run = run_of(suite, 30)
    marks = mark_all(run, suite, rejected, size)
    summary = audit_summary(marks, [run])
    assert [finding.level for finding in summary.findings] == ([level] if level else [])
    assert summary.wrong is not None
    assert summary.wrong.estimate == pytest.approx(rejected / size)
    assert summary.wrong.low <= rejected / size <= summary.wrong.high
    assert len(summary.rejected) == rejected


def test_the_kinds_of_fault_are_told_apart(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 40)
    run = run_of(suite, 20)

    def ask(item: AuditItem, number: int, total: int) -> Answer:
        return Answer(item.score.value == 1.0)

    summary = audit_summary(audit(run, suite, ask), [run])
    assert summary.too_strict is not None
    assert summary.too_lenient is not None
    assert (summary.too_strict.estimate, summary.too_lenient.estimate) == (1.0, 0.0)


def test_a_mark_no_longer_counts_when_output_score_or_case_changed(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 10)
    run = run_of(suite, 5)
    marks = mark_all(run, suite, 10)
    assert audit_summary(marks, [run]).stale == 0
    said = run_of(suite, 5, {"c0": "nope"})
    rescored = run_of(suite, 4, {"c4": "no"})  # same outputs, another score
    recased = replace(
        run, results=(replace(run.results[0], case_fingerprint="new"), *run.results[1:])
    )
    for other in (said, rescored, recased):
        summary = audit_summary(marks, [other])
        assert summary.stale == 1
        assert summary.wrong is not None
        assert summary.wrong.n == 9
    both = audit_summary(marks, [said, run])
    assert (both.stale, both.wrong.n if both.wrong else None) == (0, 10)


def test_the_last_of_several_marks_on_one_score_counts(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 1)
    run = run_of(suite, 1)
    (mark,) = mark_all(run, suite, 1)
    summary = audit_summary([mark, replace(mark, marked_right=True)], [run])
    assert summary.wrong is not None
    assert (summary.wrong.n, summary.wrong.estimate) == (1, 0.0)
