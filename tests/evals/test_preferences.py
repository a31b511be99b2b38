"""Choices between two outputs: blind, drawn fairly, kept at once, and resumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.errors import NothingRunError, RecordError, UsageError
from evals.preferences import (
    PREFERENCES_FILE,
    Question,
    Said,
    choose,
    draw_questions,
    first_chosen,
    read_choices,
)
from evals.records import Candidate, Case, CaseResult, Output, Run, Score
from evals.suite.spec import MetricSpec, Suite

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def suite_of(root: Path, count: int = 30) -> Suite:
    cases = tuple(
        Case(f"c{i}", {"text": f"question number {i} about {'xyz'[i % 3]}"}, "yes", "yes", "train")
        for i in range(count)
    )
    sealed = (Case("d1", {"text": "something else"}, "yes", "yes", "dev"),)
    metrics = {"acc": MetricSpec("acc", "exact@1")}
    return Suite("s", "t", root, (*cases, *sealed), {}, metrics, "acc")


def run_of(suite: Suite, name: str, text: str) -> Run:
    results = tuple(
        CaseResult(c.id, c.fingerprint, "p", Output(f"{text} {c.id}", "stop"), {"acc": Score(0.0)})
        for c in suite.split("train")
    )
    candidate = Candidate(f"m-{name}", "mf", "p", "pf")
    return Run(
        name, "s", suite.fingerprint, suite.scoring_fingerprint, "train", "acc", candidate,
        results, 1.0, "2026-01-01",
    )  # fmt: skip


def runs_of(suite: Suite) -> list[Run]:
    return [run_of(suite, name, name) for name in ("one", "two", "three")]


def test_questions_are_the_same_for_any_order_of_runs_and_neither_run_always_stands_first(
    tmp_path: Path,
) -> None:
    suite = suite_of(tmp_path)
    runs = runs_of(suite)[:2]
    questions = draw_questions(runs, suite, size=30)
    again = draw_questions(runs[::-1], suite, size=30)
    assert [q[:4] for q in again] == [q[:4] for q in questions]
    first = sum(question.first.startswith("one") for question in questions)
    assert 6 < first < 24
    assert len({question.case.id for question in questions}) == 30
    assert [q.case for q in draw_questions(runs, suite, size=7)] == [q.case for q in questions[:7]]


def test_what_a_person_is_asked_does_not_say_which_model_answered(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 3)
    for question in draw_questions(runs_of(suite), suite, size=3):
        assert "m-" not in question.first + question.second


def test_choices_are_kept_with_who_and_when_before_the_next_question_and_resume(
    tmp_path: Path,
) -> None:
    suite = suite_of(tmp_path, 6)
    questions = draw_questions(runs_of(suite), suite, size=6)
    path = tmp_path / PREFERENCES_FILE
    asked: list[str] = []
    said: list[Said | None] = ["first", "second", "skip", "tie", None]

    def ask(question: Question, number: int, total: int) -> Said | None:
        assert len(read_choices(path)) == sum(one != "skip" for one in said[: len(asked)])
        asked.append(question.case.id)
        assert (number, total) == (len(asked), 6)
        return said[len(asked) - 1]

    made = choose(questions, ask, path, by="Ana", now=lambda: NOW)
    assert [choice.case for choice in made] == [asked[0], asked[1], asked[3]]
    assert (made[0].chosen, made[0].rejected) == (questions[0].first, questions[0].second)
    assert (made[1].chosen, made[1].rejected) == (questions[1].second, questions[1].first)
    assert [choice.shown_first for choice in made] == ["chosen", "rejected", ""]
    assert {choice.by for choice in made} == {"Ana"}
    assert made[0].when == "2026-01-02T03:04:05+00:00"
    assert read_choices(path) == made
    assert first_chosen(made) == (1, 2)
    left = choose(questions, lambda *_: "first", path, by="Ben", now=lambda: NOW)
    assert [choice.case for choice in left] == [q.case.id for q in (questions[2], *questions[4:])]
    assert choose(questions, lambda *_: "first", path, by="Ben") == ()


def test_a_line_that_was_being_written_costs_no_more_than_itself(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 4)
    questions = draw_questions(runs_of(suite), suite, size=4)
    path = tmp_path / PREFERENCES_FILE
    made = choose(questions[:2], lambda *_: "first", path, by="Ana", now=lambda: NOW)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert read_choices(path) == made
    choose(questions[2:3], lambda *_: "tie", path, by="Ana", now=lambda: NOW)
    assert path.read_bytes().startswith(whole)
    assert len(read_choices(path)) == 3
    path.write_bytes(b'{"case": 1}\n' + whole)
    with pytest.raises(RecordError, match="not a choice between outputs"):
        read_choices(path)


@pytest.mark.parametrize("by", ["", "human", "Human ", "a\nb", "x" * 300])
def test_whoever_chooses_says_who(tmp_path: Path, by: str) -> None:
    suite = suite_of(tmp_path, 3)
    questions = draw_questions(runs_of(suite), suite, size=3)
    with pytest.raises(UsageError, match="does not say who"):
        choose(questions, lambda *_: "first", tmp_path / "p.jsonl", by=by)


def test_what_cannot_be_chosen_between_is_not_asked(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 5)
    one, two, _ = runs_of(suite)
    outputs = [
        Output("one c0", "stop"),  # the same as the other run's
        Output("", "stop"),
        Output(None, "error", error="timeout"),
        Output("x" * 5000, "length"),
        Output("two c4", "stop"),
    ]
    other = replace(
        two,
        results=tuple(
            replace(result, output=output)
            for result, output in zip(two.results, outputs, strict=True)
        ),
    )
    assert [q.case.id for q in draw_questions([one, other], suite, size=9)] == ["c4"]
    with pytest.raises(NothingRunError, match="no train case of s has two different outputs"):
        draw_questions([one], suite, size=9)


def test_cases_that_changed_or_that_read_like_dev_are_not_asked(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 3)
    runs = runs_of(suite)
    text = suite.cases[0].input["text"]
    leaking = replace(
        suite, cases=(*suite.cases[:3], Case("d1", {"text": text}, "yes", "yes", "dev"))
    )
    assert {q.case.id for q in draw_questions(runs, leaking, size=9)} == {"c1", "c2"}
    changed = replace(
        suite, cases=(replace(suite.cases[0], expected="no", answer="no"), *suite.cases[1:])
    )
    assert {q.case.id for q in draw_questions(runs, changed, size=9)} == {"c1", "c2"}
