"""`turns@1`: every reply of a conversation is judged, none is judged by another's standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import ScorerError
from evals.records import Case, Output, Score, Turn
from evals.scorers import build_scorer, score_many
from evals.suite.spec import MetricSpec


def case(*expected: str, name: str = "c") -> Case:
    later = tuple(Turn(f"and {text}?", text, text) for text in expected[1:])
    return Case(name, {"text": "hi"}, expected[0], expected[0], "dev", turns=later)


def conversation(*replies: str) -> Output:
    return Output(replies[-1], "stop", replies=replies if len(replies) > 1 else ())


def scorer(tmp_path: Path, turn: dict[str, Any] | None = None, **options: Any) -> Any:
    turn = turn or {"scorer": "exact@1"}
    return build_scorer(MetricSpec("m", "turns@1", {"turn": turn, **options}), tmp_path)


def test_each_reply_is_held_to_what_its_own_turn_expects(tmp_path: Path) -> None:
    score = scorer(tmp_path)(case("a", "b", "c"), conversation("a", "x", "c"))
    assert [(part.name, part.value) for part in score.parts] == [("1", 1.0), ("2", 0.0), ("3", 1.0)]
    assert score.value == pytest.approx(2 / 3)
    assert score.kind == "mismatch"
    assert "first turn 2" in score.reason


@pytest.mark.parametrize(("value", "expected"), [("mean", 2 / 3), ("all", 0.0), ("last", 1.0)])
def test_the_value_is_what_the_suite_asks_for(tmp_path: Path, value: str, expected: float) -> None:
    judged = scorer(tmp_path, value=value)(case("a", "b", "c"), conversation("a", "x", "c"))
    assert judged.value == pytest.approx(expected)


def test_a_case_of_one_turn_is_judged_as_without_turns(tmp_path: Path) -> None:
    assert scorer(tmp_path)(case("a"), conversation("a")).value == 1.0


def test_a_missing_reply_is_an_error_and_no_zero(tmp_path: Path) -> None:
    with pytest.raises(ScorerError, match="3 turns and 2 replies"):
        scorer(tmp_path)(case("a", "b", "c"), conversation("a", "b"))


def test_many_conversations_keep_their_order_through_a_worker(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "def judge(case, output):\n"
        "    if output.text == 'boom':\n        raise RuntimeError('no')\n"
        "    return output.text == case.expected\n"
    )
    turn = {"scorer": "python@1", "function": "s.py:judge"}
    judge = scorer(tmp_path, turn)
    pairs = [
        (case("a", "b"), conversation("a", "b")),
        (case("a", "b", "c"), conversation("a", "b")),
        (case("a", "b"), conversation("boom", "b")),
        (case("a"), conversation("x")),
    ] * 40
    try:
        found = score_many(judge, pairs)
        one_by_one = []
        for pair in pairs[:4]:
            try:
                one_by_one.append(judge(*pair).value)
            except ScorerError:
                one_by_one.append(None)
    finally:
        judge.close()
    values = [one.value if isinstance(one, Score) else None for one in found]
    assert values == [1.0, None, None, 0.0] * 40
    assert one_by_one == values[:4]


def test_a_turn_that_its_scorer_cannot_judge_is_refused_before_a_model_runs(tmp_path: Path) -> None:
    turn = {"scorer": "label@1", "labels": ["a", "b"]}
    with pytest.raises(ScorerError, match="not one of the metric's labels"):
        scorer(tmp_path, turn).check(case("a", "z"))
