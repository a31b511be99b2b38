"""What a run's parts add up to, held against scikit-learn and against sums by hand."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import Candidate, CaseResult, Output, Part, Run, Score
from evals.stats import score_interval
from evals.summaries import Confusion, summarise


def run_of(*scores: Score | None, metric: str = "m", clusters: int = 0) -> Run:
    """A run with these scores; None is an error."""
    results = tuple(
        CaseResult(
            f"c{n}",
            f"{n:016x}",
            "0" * 16,
            Output("x", "stop"),
            {} if score is None else {metric: score},
            cluster=f"k{n % clusters}" if clusters else None,
            error="boom" if score is None else None,
        )
        for n, score in enumerate(scores)
    )
    candidate = Candidate("scripted:x", "0" * 16, "p", "0" * 16)
    return Run("r", "s", "0", "0", "dev", metric, candidate, results, 1.0, "2026-01-01T00:00:00Z")


def field(name: str, expected: str | None, got: str | None) -> Part:
    return Part("field", name, float(expected == got), expected, got)


def label(expected: str, got: str | None) -> Score:
    return Score(
        float(expected == got),
        parts=(Part("label", "label", float(expected == got), expected, got),),
    )


def test_fields_are_counted_over_the_cases() -> None:
    run = run_of(
        Score(
            0.5, parts=(field("a", "1", "1"), field("items[0].n", "x", "y"), field("z", None, "5"))
        ),
        Score(0.5, parts=(field("a", "2", None), field("items[7].n", "x", "x"))),
    )
    (found,) = summarise(run)
    assert found.fields is not None
    lines = {one.name: one for one in found.fields.fields}
    assert list(lines) == ["a", "items[].n"]
    assert (lines["a"].support, lines["a"].precision, lines["a"].recall) == (2, 1.0, 0.5)
    assert lines["a"].f1 == pytest.approx(2 / 3)
    assert (lines["items[].n"].precision, lines["items[].n"].recall) == (0.5, 0.5)
    # micro: 2 right of 4 expected and 4 given (z is one of them)
    assert (found.fields.micro.precision, found.fields.micro.recall) == (0.5, 0.5)
    assert found.fields.macro_f1 == pytest.approx((2 / 3 + 0.5) / 2)
    assert found.fields.unexpected == 1


def test_a_rate_of_nothing_is_none_and_not_zero() -> None:
    (found,) = summarise(run_of(Score(0.0, parts=(field("a", "1", None),))))
    assert found.fields is not None
    assert found.fields.fields[0].precision is None
    assert found.fields.fields[0].recall == 0.0


def test_errors_are_counted_beside_and_never_as_zeros() -> None:
    (found,) = summarise(run_of(label("a", "a"), None, label("b", "b"), None))
    assert (found.cases, found.errors, found.labels[0].cases) == (2, 2, 2)
    assert found.labels[0].accuracy == 1.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde") | st.none()),
        min_size=1,
        max_size=30,
    )
)
def test_labels_are_summed_up_as_scikit_learn_does(pairs: list[tuple[str, str | None]]) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    (found,) = summarise(run_of(*(label(*pair) for pair in pairs)))
    (labels,) = found.labels
    true, got = [a for a, _ in pairs], [b or "(none)" for _, b in pairs]
    names = sorted({*true, *got} - {"(none)"})
    assert labels.accuracy == accuracy_score(true, got)
    assert labels.macro_f1 == pytest.approx(f1_score(true, got, labels=names, average="macro"))
    matrix = confusion_matrix(true, got, labels=[*names, "(none)"])
    cells = {(one.expected, one.got or "(none)"): one.count for one in labels.confusions}
    for i, expected in enumerate(names):
        for j, answered in enumerate([*names, "(none)"]):
            assert cells.get((expected, answered), 0) == matrix[i, j]
    for line in labels.labels:
        assert (line.precision is None) == (line.answered == 0)
        assert (line.recall is None) == (line.support == 0)


def test_the_largest_confusions_come_first_and_none_is_no_label() -> None:
    run = run_of(label("b", None), label("a", "b"), label("a", "b"), label("none", "none"))
    (found,) = summarise(run)
    assert found.labels[0].confusions == (
        Confusion("a", "b", 2),
        Confusion("b", None, 1),
        Confusion("none", "none", 1),
    )


def test_labels_of_several_scorers_are_told_apart() -> None:
    parts = (Part("label", "team.label", 1.0, "a", "a"), Part("label", "tone.label", 0.0, "x", "y"))
    (found,) = summarise(run_of(Score(0.0, parts=parts)))
    assert [(one.name, one.accuracy) for one in found.labels] == [
        ("team.label", 1.0),
        ("tone.label", 0.0),
    ]


def test_turns_have_means_with_intervals_in_the_order_of_the_conversation() -> None:
    random_ = random.Random(0)
    values = [[random_.random() for _ in range(40)] for _ in range(11)]
    scores = [
        Score(
            0.5, parts=tuple(Part("turn", str(n + 1), values[n][case]) for n in reversed(range(11)))
        )
        for case in range(40)
    ]
    (found,) = summarise(run_of(*scores))
    assert [turn.name for turn in found.turns] == [str(n) for n in range(1, 12)]
    wanted = score_interval(values[9])
    assert (found.turns[9].mean, found.turns[9].low, found.turns[9].n) == pytest.approx(
        (wanted.estimate, wanted.low, 40)
    )


def test_a_conversation_that_ended_early_leaves_later_turns_fewer_cases() -> None:
    first, both = Part("turn", "1", 1.0), (Part("turn", "1", 0.0), Part("turn", "2", 1.0))
    (found,) = summarise(run_of(Score(1.0, parts=(first,)), Score(0.5, parts=both)))
    assert [(turn.mean, turn.n) for turn in found.turns] == [(0.5, 2), (1.0, 1)]


def test_clusters_widen_the_interval_and_too_few_leave_none() -> None:
    scores = [Score(n % 2, parts=(Part("scorer", "form", n % 2),)) for n in range(40)]
    assert summarise(run_of(*scores))[0].scorers[0].low is not None
    (found,) = summarise(run_of(*scores, clusters=4))
    assert (found.scorers[0].mean, found.scorers[0].low) == (0.5, None)


def test_the_primary_metric_comes_first_and_metrics_without_parts_are_left_out() -> None:
    part = (Part("turn", "1", 1.0),)
    result = run_of(Score(1.0)).results[0]
    scores = {"other": Score(1.0, parts=part), "plain": Score(1.0), "m": Score(1.0, parts=part)}
    run = replace(run_of(Score(1.0)), results=(replace(result, scores=scores),))
    assert [one.metric for one in summarise(run)] == ["m", "other"]
    assert summarise(run_of(Score(1.0), None)) == ()


def test_nothing_heavy_is_loaded_where_there_are_no_labels() -> None:
    code = (
        "import sys, evals.summaries; print([m for m in ('sklearn', 'numpy') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
