from __future__ import annotations

import pytest

from evals.records import Candidate, CaseResult, Output, Run, Score
from evals.regression.tables import metric_scores, tabulate


def run(number: int, *scores: float | None) -> Run:
    results = tuple(
        CaseResult(
            case_id=f"c{n}",
            case_fingerprint=f"print-{n}",
            prompt_hash=f"asked-{n}",
            output=Output(None, "error", error="no answer")
            if score is None
            else Output(f"said {score}", "stop"),
            scores={} if score is None else {"accuracy": Score(score)},
        )
        for n, score in enumerate(scores)
    )
    candidate = Candidate("m", "m1", "p", "p1")
    when = "2026-11-22T08:00:00+00:00"
    return Run(f"r{number}", "s", "s1", "k1", "dev", "accuracy", candidate, results, 0.0, when)


def test_repeats_are_averaged_case_by_case() -> None:
    table = tabulate([run(0, 1.0, 0.0), run(1, 1.0, 1.0), run(2, 0.0, 0.0)])
    scores = metric_scores(table, "accuracy")
    assert scores.values == {"c0": pytest.approx(2 / 3), "c1": pytest.approx(1 / 3)}


def test_a_case_of_which_one_repeat_failed_has_no_score() -> None:
    for repeats in ([run(0, 1.0, 1.0), run(1, None, 1.0)], [run(0, None, 1.0), run(1, 1.0, 1.0)]):
        table = tabulate(repeats)
        assert table["c0"].error == "no answer"
        assert metric_scores(table, "accuracy").errors == ["c0"]
        assert metric_scores(table, "accuracy").values == {"c1": 1.0}


def test_outputs_of_all_repeats_count_for_what_was_said() -> None:
    once = tabulate([run(0, 1.0), run(1, 1.0)])["c0"].output
    assert tabulate([run(0, 1.0), run(1, 0.0)])["c0"].output != once
