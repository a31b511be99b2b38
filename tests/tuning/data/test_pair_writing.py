"""Drawn pairs as a file: what was learnt from can be read, checked, and learnt from again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import TrainingError
from evals.records import CaseResult, Output, Score
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tuning.data.dataset import render
from tuning.data.drawn_pairs import build_pairs
from tuning.data.pair_files import read_pairs
from tuning.data.pair_writing import write_pairs
from tuning.data.pairs import Pair, pairs_fingerprint


def suite_in(folder: Path) -> Suite:
    if not folder.exists():
        write_suite(folder, extra="tune: {prompt: terse, pairs: [pairs.jsonl]}\n")
        (folder / "pairs.jsonl").write_text("")
    return load_suite(folder)


def drawn(suite: Suite) -> tuple[Pair, ...]:
    """Of three cases: one that passes and two that fail, all of which answered wrongly once."""
    cases = suite.split("train")[:3]

    def said(number: int, text: str, value: float) -> CaseResult:
        case = cases[number]
        scores = {suite.primary: Score(value)}
        return CaseResult(case.id, case.fingerprint, "p", Output(text, "stop"), scores)

    results = {
        cases[0].id: [said(0, "yes, “fine”\n", 1.0), said(0, "no", 0.25)],
        cases[1].id: [said(1, "perhaps", 0.0)],
        cases[2].id: [said(2, "ok", 1.0)],
    }
    return build_pairs(
        cases,
        results,
        suite.primary,
        render(suite, "terse", cases),
        pairs_of_a_case=2,
        source="drawn m + adapter abc",
    )


def test_what_was_drawn_is_written_with_its_scores_and_who_made_it(tmp_path: Path) -> None:
    suite = suite_in(tmp_path / "s")
    pairs = drawn(suite)
    write_pairs(pairs, tmp_path / "pairs.jsonl")
    first, second = map(json.loads, (tmp_path / "pairs.jsonl").read_text("utf-8").splitlines())
    case = suite.split("train")[0]
    assert first == {
        "case": case.id,
        "case_fingerprint": case.fingerprint,
        "chosen": "yes, “fine”",
        "rejected": "no",
        "by": "rule",
        "source": "drawn m + adapter abc",
        "score_chosen": 1.0,
        "score_rejected": 0.25,
    }
    # The case's own answer was not among those that were scored.
    assert second["chosen"] == suite.split("train")[1].answer
    assert "score_chosen" not in second
    assert second["score_rejected"] == 0.0


def test_it_is_read_again_as_the_same_pairs_through_the_suite(tmp_path: Path) -> None:
    suite = suite_in(tmp_path / "s")
    pairs = drawn(suite)
    write_pairs(pairs, tmp_path / "s" / "pairs.jsonl")
    read = read_pairs(suite_in(tmp_path / "s"), "terse")
    assert read.findings == ()
    assert pairs_fingerprint(read.pairs) == pairs_fingerprint(pairs)
    for one, other in zip(read.pairs, pairs, strict=True):
        assert (one.by, one.scores, one.group) == (other.by, other.scores, other.group)


def test_a_pair_of_a_case_that_has_changed_since_is_left_out_and_named(tmp_path: Path) -> None:
    suite = suite_in(tmp_path / "s")
    first, *others = drawn(suite)
    stale = replace(first, case_fingerprint="another")
    write_pairs([stale, *others], tmp_path / "s" / "pairs.jsonl")
    read = read_pairs(suite_in(tmp_path / "s"), "terse")
    assert [pair.case_id for pair in read.pairs] == [pair.case_id for pair in others]
    assert [finding.code for finding in read.findings] == ["stale_pair"]


def test_a_pair_whose_scores_are_the_other_way_round_is_refused(tmp_path: Path) -> None:
    suite = suite_in(tmp_path / "s")
    first, *_ = drawn(suite)
    write_pairs([replace(first, scores=(0.0, 1.0))], tmp_path / "s" / "pairs.jsonl")
    with pytest.raises(TrainingError, match=r"pairs\.jsonl:1: score_chosen: the chosen answer has"):
        read_pairs(suite_in(tmp_path / "s"), "terse")
