"""Edit distance, chrF, BLEU and ROUGE: the libraries' numbers, full marks for the same text."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import MissingExtraError, ScorerError
from evals.records import Case, Output, Score
from evals.scorers import build_scorer
from evals.scorers.protocol import Scorer
from evals.suite.spec import MetricSpec

SCORERS: list[tuple[str, dict[str, Any]]] = [
    ("edit_similarity@1", {}),
    ("edit_similarity@1", {"by": "words", "method": "indel", "normalise": True}),
    ("chrf@1", {}),
    ("chrf@1", {"word_order": 2, "case_sensitive": False, "whitespace": True}),
    ("bleu@1", {}),
    ("bleu@1", {"tokenizer": "intl"}),
    ("bleu@1", {"tokenizer": "char", "max_order": 6}),
    ("bleu@1", {"tokenizer": "zh"}),
    ("bleu@1", {"tokenizer": "none", "case_sensitive": False}),
    ("rouge@1", {}),
    ("rouge@1", {"type": "rouge1", "measure": "recall"}),
    ("rouge@1", {"type": "rouge2", "measure": "precision"}),
]


def built(name: str, **options: Any) -> Scorer:
    return build_scorer(MetricSpec("m", name, options, 9), Path("suite"))


def judged(scorer: Scorer, expected: Any, text: str) -> Score:
    case = Case("c1", {}, expected, "", "dev", path="cases.jsonl", line=4)
    return scorer(case, Output(text, "stop"))


def value(name: str, expected: Any, text: str, **options: Any) -> float:
    return judged(built(name, **options), expected, text).value


@pytest.mark.parametrize(("name", "options"), SCORERS)
@pytest.mark.parametrize("text", ["a", "yes", "The house is small.", "42", "a b", "x " * 2000])
def test_the_same_text_scores_exactly_one(name: str, options: dict[str, Any], text: str) -> None:
    assert judged(built(name, **options), ["something else", text], text) == Score(1.0)


@pytest.mark.parametrize(("name", "options"), SCORERS)
@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "ab " * 33_000, '".' * 50_000, "\x00", "\ud800 a", "", "&#; " * 25_000],
)
def test_a_hostile_answer_scores_low_and_in_time(
    name: str, options: dict[str, Any], text: str
) -> None:
    started = time.process_time()
    found = judged(built(name, **options), "The house is small and the mat is red.", text)
    assert found.value < 0.5
    assert found.kind == ("too_long" if len(text) > 100_000 else "different")
    assert time.process_time() - started < 8.0


@pytest.mark.parametrize(("name", "options"), SCORERS)
@pytest.mark.parametrize("expected", ["", "  ", ["fine", ""], "x" * 100_001, {"a": 1}, None])
def test_a_reference_that_nothing_is_like_is_refused(
    name: str, options: dict[str, Any], expected: Any
) -> None:
    with pytest.raises(ScorerError, match=r"cases\.jsonl:4: case \"c1\""):
        judged(built(name, **options), expected, "x")


SENTENCES = st.lists(
    st.sampled_from(["the", "cat", "cats", "sat", "on", "a", "mat", "Mat", "running", "."]),
    max_size=12,
).map(" ".join)


@settings(max_examples=30, deadline=None)
@given(SENTENCES.filter(str.strip), SENTENCES)
def test_bleu_and_chrf_are_sacrebleus(reference: str, answer: str) -> None:
    from sacrebleu import sentence_bleu, sentence_chrf

    wanted = 1.0 if reference == answer else sentence_bleu(answer, [reference]).score / 100
    assert value("bleu@1", reference, answer) == pytest.approx(wanted)
    wanted = (
        1.0 if reference == answer else sentence_chrf(answer, [reference], word_order=2).score / 100
    )
    assert value("chrf@1", reference, answer, word_order=2) == pytest.approx(wanted)


@pytest.mark.parametrize("stemmer", [False, True])
def test_rouge_is_rouge_scores(stemmer: bool) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stemmer)
    ours = {
        (kind, measure): built("rouge@1", type=kind, measure=measure, stemmer=stemmer)
        for kind in ("rouge1", "rouge2", "rougeL")
        for measure in ("f", "precision", "recall")
    }

    @settings(max_examples=30, deadline=None)
    @given(SENTENCES.filter(lambda text: text.replace(".", "").strip()), SENTENCES)
    def same(reference: str, answer: str) -> None:
        wanted = theirs.score(reference, answer)
        same_words = (
            reference.replace(".", "").lower().split() == answer.replace(".", "").lower().split()
        )
        for (kind, measure), scorer in ours.items():
            number = getattr(wanted[kind], "fmeasure" if measure == "f" else measure)
            if same_words:
                number = 1.0
            assert judged(scorer, reference, answer).value == pytest.approx(number)

    same()


def test_rouge_refuses_a_reference_without_words_of_its_own() -> None:
    with pytest.raises(ScorerError, match="has no word of letters a to z"):
        value("rouge@1", "日本語", "日本語")


def test_the_closest_reference_counts() -> None:
    for name, options in SCORERS:
        if "bleu" not in name:  # BLEU counts against all of them together
            both = value(name, ["red mat", "the small cat sat"], "the small cat", **options)
            assert both == value(name, "the small cat sat", "the small cat", **options)


def test_edits_are_counted_by_words_and_methods() -> None:
    assert value("edit_similarity@1", "kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert value("edit_similarity@1", "kitten", "sitting", method="indel") == pytest.approx(
        1 - 5 / 13
    )
    assert value("edit_similarity@1", "a bb ccc", "a bb ddd", by="words") == pytest.approx(2 / 3)
    assert value("edit_similarity@1", "Yes.", "yes", normalise=True) == 1.0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("chrf@1", {"char_order": 0}, "a whole number from 1 to 10"),
        ("chrf@1", {"word_order": 1.5}, "a whole number from 0 to 4"),
        ("bleu@1", {"tokenizer": "flores200"}, 'expected "13a" or "intl"'),
        ("rouge@1", {"type": "rouge3"}, '"rougeL" or "rouge1"'),
        ("edit_similarity@1", {"by": "lines"}, '"characters" or "words"'),
    ],
)
def test_options_that_mean_nothing_are_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScorerError, match=message):
        built(name, **options)


@pytest.mark.parametrize(
    ("name", "module"),
    [("bleu@1", "sacrebleu"), ("rouge@1", "rouge_score")],
)
def test_a_missing_library_is_named_before_anything_runs(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "evals.scorers.text.references.find_spec", lambda one: one != module or None
    )
    with pytest.raises(MissingExtraError, match=rf"needs {module}: pip install 'tunegate\[text\]'"):
        built(name)


def test_the_libraries_caches_do_not_grow_with_the_cases() -> None:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    scorer = built("bleu@1")
    for number in range(20):
        judged(scorer, "a b c", f"answer {number}")
    assert Tokenizer13a.__call__.cache_info().currsize == 0


def test_naming_scorers_loads_no_heavy_library() -> None:
    import subprocess

    heavy = ["rapidfuzz", "sacrebleu", "rouge_score", "nltk", "scipy", "sklearn", "numpy"]
    code = f"import sys, evals.scorers.registry; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
