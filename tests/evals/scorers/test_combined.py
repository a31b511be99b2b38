"""Several scorers as one, and how they are asked about many answers at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers import build_scorer, score_many
from evals.scorers.nested import LOOK_AHEAD
from evals.scorers.worker import Worker
from evals.suite.spec import MetricSpec

OWN = """
import os
from evals.records import Part, Score

def half(case, output):
    if output.text == "loop":
        while True: pass
    if output.text == "raise":
        raise ValueError("no")
    return Score(0.5, f"pid {os.getpid()}", "half", (Part("field", "x", 0.5, None, "?"),))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "scorers.py").write_text(OWN)
    return tmp_path


def built(root: Path, name: str, scorers: dict[str, Any], **options: Any) -> Any:
    return build_scorer(MetricSpec("m", name, {"scorers": scorers, **options}, 9), root)


TEXT = {"scorer": "exact@1"}
FORM = {"scorer": "regex@1", "pattern": "^[a-z]"}
HALF = {"scorer": "python@1", "function": "scorers.py:half", "seconds": 1}


def pair(text: str, expected: str = "yes", **tags: str) -> tuple[Case, Output]:
    return Case("c1", {}, expected, expected, "dev", tags=tags), Output(text, "stop")


def test_all_of_is_as_good_as_its_worst_and_says_which(root: Path) -> None:
    scorer = built(root, "all_of@1", {"text": TEXT, "form": FORM})
    assert scorer(*pair("yes")).value == 1.0
    found = scorer(*pair("no"))
    assert (found.value, found.kind) == (0.0, "mismatch")
    assert found.reason.startswith("text: expected")
    assert found.parts == (Part("scorer", "text", 0.0), Part("scorer", "form", 1.0))


def test_any_of_is_as_good_as_its_best(root: Path) -> None:
    scorer = built(root, "any_of@1", {"form": FORM, "text": TEXT})
    assert scorer(*pair("no")) == Score(
        1.0, parts=(Part("scorer", "form", 1.0), Part("scorer", "text", 0.0))
    )
    assert scorer(*pair("NO")).kind == "no_match"


def test_a_mean_may_be_weighted(root: Path) -> None:
    scorers = {"text": TEXT, "form": FORM}
    assert built(root, "all_of@1", scorers, combine="mean")(*pair("no")).value == 0.5
    weighed = built(root, "all_of@1", scorers, combine="mean", weights={"form": 3})
    assert weighed(*pair("no")).value == pytest.approx(0.75)
    thirds = dict.fromkeys("abc", TEXT)
    assert (
        built(root, "all_of@1", thirds, combine="mean", weights={"a": 0.1})(*pair("yes")).value
        == 1.0
    )


def test_the_parts_of_the_scorers_follow_under_their_names(root: Path) -> None:
    team = {"scorer": "label@1", "labels": ["yes", "no"]}
    found = built(root, "all_of@1", {"team": team, "text": TEXT})(*pair("no"))
    assert found.parts[2:] == (Part("label", "team.label", 0.0, "yes", "no"),)


def test_an_error_of_one_is_an_error_of_the_case(root: Path) -> None:
    scorer = built(root, "any_of@1", {"text": TEXT, "half": HALF})
    try:
        with pytest.raises(ScorerError, match="ValueError: no"):
            scorer(*pair("raise"))
        results = score_many(scorer, [pair("yes"), pair("raise"), pair("loop"), pair("no")])
    finally:
        scorer.close()
    assert [type(one) for one in results] == [Score, ScorerError, ScorerError, Score]
    assert isinstance(results[3], Score)
    assert results[3].value == 0.5


@pytest.mark.parametrize("name", ["all_of@1", "any_of@1"])
def test_many_at_once_are_scored_as_one_by_one_by_one_worker(root: Path, name: str) -> None:
    scorer = built(root, name, {"text": TEXT, "half": HALF})
    pairs = [pair("yes" if n % 3 else "no") for n in range(2 * LOOK_AHEAD + 70)]
    try:
        together = score_many(scorer, pairs)
        assert together[:5] == [scorer(*one) for one in pairs[:5]]  # the reasons hold the process
        assert len(together) == len(pairs)
        reasons = {one.reason for one in together if isinstance(one, Score) and one.value == 0.5}
        assert len(reasons) == 1
    finally:
        scorer.close()


def test_by_tag_streams_through_its_workers_in_order(root: Path) -> None:
    scorer = build_scorer(
        MetricSpec("m", "by_tag@1", {"tag": "t", "scorers": {"h": HALF, "x": TEXT}}), root
    )
    pairs = [pair("yes", t="h" if n % 7 == 0 else "x") for n in range(600)]
    pairs[5] = pair("yes", t="unknown")
    try:
        results = score_many(scorer, pairs)
    finally:
        scorer.close()
    assert isinstance(results[5], ScorerError)
    values = [one.value for one in results if isinstance(one, Score)]
    assert values == [0.5 if n % 7 == 0 else 1.0 for n in range(600) if n != 5]
    assert len({one.reason for one in results if isinstance(one, Score) and one.value < 1}) == 1


def test_no_more_is_read_ahead_than_is_said(root: Path) -> None:
    taken = itertools.count()

    def endless() -> Iterator[tuple[Case, Output]]:
        while True:
            next(taken)
            yield pair("yes")

    scorer = built(root, "all_of@1", {"a": TEXT, "half": HALF})
    results = scorer.stream(endless())
    assert next(results).value == 0.5
    assert next(taken) == LOOK_AHEAD
    results.close()
    worker = scorer.scorers["half"]
    assert isinstance(worker, Worker)
    assert worker._link is None  # stopped: it works for nobody any more


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scorers": {}}, "expected a mapping from names to scorers"),
        ({"scorers": {"a": "exact@1"}}, "expected a mapping with a scorer"),
        (
            {"scorers": {"a": TEXT}, "weights": {"a": 1}},
            "weights mean nothing without combine: mean",
        ),
        ({"scorers": {"a": TEXT}, "combine": "mean", "weights": {"b": 1}}, 'no scorer "b"'),
        ({"scorers": {"a": TEXT}, "combine": "mean", "weights": {"a": 0}}, "no number above 0"),
        ({"scorers": {"a": TEXT}, "combine": "max"}, '"min" or "mean"'),
    ],
)
def test_options_that_mean_nothing_are_refused(
    root: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScorerError, match=message):
        build_scorer(MetricSpec("m", "all_of@1", options, 9), root)


def test_a_case_that_one_scorer_cannot_judge_is_refused(root: Path) -> None:
    scorer = built(root, "all_of@1", {"text": TEXT})
    with pytest.raises(ScorerError, match="expected must be text"):
        scorer.check(Case("c1", {}, {"a": 1}, "", "dev"))
