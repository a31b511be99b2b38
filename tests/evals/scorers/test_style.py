"""Likeness in style, judged by a classifier that must first prove itself."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ScorerError
from evals.records import Case, Output, Score
from evals.scorers import build_scorer, build_scorers, self_test
from evals.scorers.protocol import Scorer
from evals.suite.scorer_files import DATA_FILES
from evals.suite.spec import MetricSpec, PromptSpec, Suite

THINGS = ["parcel", "invoice", "account", "order", "refund", "login", "ticket", "address"]
KINDLY = [
    "Dear customer, we are so sorry about your {}.",
    "Thank you kindly for asking about the {}!",
    "We would gladly look into your {} for you.",
    "Please accept our apologies for the {}.",
]
CURT = ["{}: checked. done.", "no {} found. next.", "{} closed, see log.", "fixed {}. retry."]
LIKE = [form.format(thing) for form in KINDLY for thing in THINGS]
UNLIKE = [form.format(thing) for form in CURT for thing in THINGS]
OPTIONS = {"like": "like.txt", "unlike": "unlike.txt"}
CASE = Case("c1", {}, None, "", "dev")


def suite_with(folder: Path, like: list[str] = LIKE, unlike: list[str] = UNLIKE) -> Path:
    (folder / "like.txt").write_text("\n".join(like))
    (folder / "unlike.txt").write_text("\n".join(unlike))
    return folder


def built(folder: Path, **options: Any) -> Scorer:
    return build_scorer(MetricSpec("m", "style@1", OPTIONS | options, 5), folder)


def judged(scorer: Scorer, text: str) -> Score:
    return scorer(CASE, Output(text, "stop"))


def refusal(folder: Path, **options: Any) -> str:
    with pytest.raises(ScorerError) as caught:
        built(folder, **options)
    return str(caught.value)


def test_new_texts_are_told_apart_by_their_style(tmp_path: Path) -> None:
    scorer = built(suite_with(tmp_path))
    kind = judged(scorer, "Dear customer, thank you kindly for the photograph of your lamp!")
    curt = judged(scorer, "lamp photo: checked. closed.")
    assert kind.value > 0.8
    assert curt.value < 0.2
    assert curt.kind == "style"
    assert "right on" in curt.reason
    assert judged(scorer, " \n").value == 0.0


def test_a_threshold_makes_it_one_or_zero(tmp_path: Path) -> None:
    scorer = built(suite_with(tmp_path), threshold=0.5)
    assert judged(scorer, "We are so sorry about your broken lamp.").value == 1.0
    assert judged(scorer, "lamp: checked. done.").value == 0.0


def test_two_builds_give_the_same_values(tmp_path: Path) -> None:
    texts = ["Thank you for the lamp.", "lamp. done.", "no idea"]
    scores = [[judged(built(suite_with(tmp_path)), text) for text in texts] for _ in range(2)]
    assert scores[0] == scores[1]


def test_a_classifier_that_cannot_tell_its_own_examples_apart_is_refused(tmp_path: Path) -> None:
    mixed = random.Random(0).sample(LIKE + UNLIKE, len(LIKE + UNLIKE))
    folder = suite_with(tmp_path, mixed[::2], mixed[1::2])
    said = refusal(folder)
    assert "suite.yaml:5: metrics.m.min_accuracy" in said
    assert "less than min_accuracy 80%" in said
    assert built(folder, min_accuracy=0).about  # type: ignore[attr-defined]


def test_its_accuracy_is_shown_by_check(tmp_path: Path) -> None:
    folder = suite_with(tmp_path)
    metrics = {"m": MetricSpec("m", "style@1", OPTIONS | {"threshold": 0.5})}
    cases = (Case("c1", {}, None, "We gladly look into your lamp.", "dev"),)
    prompts: dict[str, PromptSpec] = {}
    findings = self_test(Suite("s", "t", folder, cases, prompts, metrics, "m"))
    (note,) = [one for one in findings if one.code == "selftest_about"]
    assert "m: style@1 tells its own examples apart in 100% of cases" in note.message


def test_texts_of_one_cluster_never_stand_on_both_sides_of_a_fold(tmp_path: Path) -> None:
    """Marks that differ by cluster and not by style must not look like skill."""
    folder = suite_with(tmp_path)
    letters = random.Random(1)
    for name in ("like", "unlike"):
        words = ["".join(letters.choices("abcdefghij", k=9)) for _ in range(12)]
        rows = [{"text": f"{word} {n}", "cluster": word} for word in words for n in range(4)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = {"like": "like.jsonl", "unlike": "unlike.jsonl"}
    assert "tells its own examples apart" in refusal(folder, **options)
    for name in options:
        rows = [
            json.loads(line)["text"] for line in (folder / f"{name}.jsonl").read_text().splitlines()
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    built(folder, **options)  # without clusters every text is taken for independent


@pytest.mark.parametrize("split", ["dev", "test"])
def test_answers_that_are_judged_must_not_be_fitted_on(tmp_path: Path, split: Any) -> None:
    folder = suite_with(tmp_path)
    metrics = {"m": MetricSpec("m", "style@1", dict(OPTIONS))}
    train = Case("c0", {}, None, LIKE[0], "train")
    leaked = Case("c1", {}, None, f" {LIKE[1]}\n", split, path="cases.jsonl", line=2)
    build_scorers(Suite("s", "t", folder, (train,), {}, metrics, "m"))
    with pytest.raises(ScorerError, match=r"cases\.jsonl:2.*stands among the examples"):
        build_scorers(Suite("s", "t", folder, (train, leaked), {}, metrics, "m"))


def test_repeated_lines_count_once_and_too_few_are_refused(tmp_path: Path) -> None:
    assert "1 distinct texts, at least 20" in refusal(suite_with(tmp_path, ["same"] * 500))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"like": "none.txt"}, "not an existing .txt or .jsonl file"),
        ({"like": "../like.txt"}, "outside the suite"),
        ({"unlike": "like.txt"}, "stands in like and in unlike"),
        ({"threshold": 1.5}, "at most 1"),
        ({"min_accuracy": 2}, "at most 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    assert said in refusal(suite_with(tmp_path), **options)


@pytest.mark.parametrize(
    "line", ["[1]", "{}", '{"text": ""}', '{"text": "a", "x": 1}', "{", "[" * 9_999]
)
def test_a_line_that_is_no_text_is_named(tmp_path: Path, line: str) -> None:
    (suite_with(tmp_path) / "bad.jsonl").write_text(f'"good"\n{line}\n')
    assert "bad.jsonl:2" in refusal(tmp_path, like="bad.jsonl")


def test_both_files_belong_to_the_metrics_identity() -> None:
    assert DATA_FILES["style@1"] == ("like", "unlike")


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "\x00\ud800" * 5_000, "🙂" * 100_000, "\n" * 9 + "."]
)
def test_hostile_text_is_judged_in_good_time(tmp_path: Path, text: str) -> None:
    scorer = built(suite_with(tmp_path))
    started = time.monotonic()
    assert 0.0 <= judged(scorer, text).value <= 1.0
    assert time.monotonic() - started < 2
