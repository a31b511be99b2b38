"""Imported results as runs: averaged, matched with a suite, scored again, and always the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.comparison import compare_runs
from evals.errors import NothingRunError, RecordError, UsageError
from evals.imports import ImportedCase, ImportedResults, ImportedRun, run_of_name, run_of_suite
from evals.ledger import Ledger
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.evals.imports.result_files import (
    FAILING,
    LETTERS,
    LETTERS_EVAL,
    REPEATED,
    changed,
    only,
)
from tests.sample_suite import ticket, write_suite

HERE = Path("file")


def results(*cases: ImportedCase, **changes: Any) -> ImportedResults:
    made = ImportedResults(format="plain", candidate="mine", model="mine", cases=cases)
    return replace(made, **changes)


def case(identity: str, score: float = 1.0, **more: Any) -> ImportedCase:
    return ImportedCase(identity, {"score": score}, **more)


def named(found: ImportedResults, **more: Any) -> ImportedRun:
    return run_of_name(found, "demo", HERE, **more)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_suite(tmp_path / "tickets"))


def test_the_same_results_make_the_same_run_in_either_format_of_inspect() -> None:
    assert named(only(LETTERS)).run.id == named(only(LETTERS_EVAL)).run.id
    assert named(only(LETTERS)).run.id != named(only(REPEATED)).run.id


def test_a_stored_run_comes_back_whole_with_its_cases(tmp_path: Path) -> None:
    made = named(only(FAILING))
    ledger = Ledger(tmp_path / "ledger")
    ledger.store_run(made.run, made.cases)
    found = ledger.run(made.run.id)
    assert found == made.run
    prints = [result.case_fingerprint for result in found.results]
    assert [each.id for each in ledger.cases(prints).values()] == ["sky", "legs", "france", "sum"]
    assert [result.case_id for result in found.errors] == ["legs"]
    ledger.close()


def test_repeats_are_averaged_as_inspect_does_and_say_so() -> None:
    made = named(only(REPEATED))
    # `reductions` of the log itself: the means over its two epochs.
    assert made.run.values() == {"sky": 1.0, "legs": 0.5, "france": 0.75, "sum": 0.0}
    assert made.repeats == 2
    assert made.run.results[1].scores["letter"].reason == "mean of 2 attempts: 0, 1"


def test_a_case_of_which_one_attempt_failed_is_an_error() -> None:
    whole = case("a", output="said")
    made = named(results(whole, case("a", 0.0), ImportedCase("a", error="broke"), case("b")))
    assert made.run.results[0].output.text is None
    assert made.run.results[0].failed == "1 of 3 attempts failed: broke"
    assert made.run.values() == {"b": 1.0}


def test_a_scored_case_without_the_primary_metric_is_an_error_and_kept() -> None:
    other = ImportedCase("b", {"other": 1.0}, output="said")
    made = named(
        results(case("a"), other, ImportedCase("c", {"score": float("nan")})), metric="score"
    )
    assert [result.failed for result in made.run.results][1:] == [
        "no score 'score' in the file"
    ] * 2
    assert made.run.results[1].output.text == "said"


def test_results_that_are_all_errors_are_refused() -> None:
    with pytest.raises(NothingRunError, match="all 2 results are errors; the first: broke"):
        named(results(ImportedCase("a", error="broke"), ImportedCase("b", error="too")))


def test_metrics_out_of_range_or_incomplete_are_left_out_and_told() -> None:
    scores = {"good": 1.0, "points": 7.0, "rare": 0.5, "text": float("nan")}
    made = named(
        results(ImportedCase("a", scores), ImportedCase("b", {**scores, "rare": float("nan")})),
        metric="good",
    )
    assert made.metrics == ("good",)
    told = " ".join(finding.message for finding in made.findings)
    for text in (
        "'points': case 'a' has 7",
        "'rare': 1 of 2 scores lack it",
        "'text': it holds no",
    ):
        assert text in told


def test_which_metric_is_meant_must_be_clear() -> None:
    two = ImportedCase("a", {"right": 1.0, "short": 0.5})
    with pytest.raises(RecordError, match="several metrics: right, short"):
        named(results(two))
    assert named(results(two, primary="short")).run.primary == "short"
    with pytest.raises(RecordError, match="did you mean 'right'"):
        named(results(two), metric="rigth")
    with pytest.raises(RecordError, match="case 'a' has 7"):
        named(results(ImportedCase("a", {"points": 7.0})))


def test_runs_of_one_harness_compare_and_those_of_two_do_not() -> None:
    a, b = named(results(case("a"), case("b"))), named(results(case("a"), case("b", 0.0)))
    assert compare_runs(a.run, b.run).losses == 1
    other = named(results(case("a"), case("b"), format="inspect"))
    with pytest.raises(RecordError, match="scored differently"):
        compare_runs(a.run, other.run)


def test_a_case_whose_input_changed_is_seen_as_changed(tmp_path: Path) -> None:
    def change(log: Any) -> None:
        log["samples"][0]["input"] = "Something else?"

    path = changed(LETTERS, tmp_path / "other.json", change)
    found = compare_runs(named(only(LETTERS)).run, named(only(path)).run)
    assert found.changed == ("france",)


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 101, "-x"])
def test_what_is_no_name_for_a_suite_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="neither a suite nor a name"):
        run_of_name(results(case("a")), name, HERE)


def test_hostile_names_are_bounded_and_times_are_read_or_replaced() -> None:
    made = named(results(case("a"), candidate="\x1b[2J" + "x" * 9_000, created="\ud800"))
    assert len(made.run.candidate.label) == 300
    assert made.run.created.startswith("20")
    zoned = named(results(case("a"), created="2026-01-01T01:00:00+02:00"))
    assert zoned.run.created == "2025-12-31T23:00:00+00:00"


def answered(count: int, say: Callable[[int, str], str | None]) -> ImportedResults:
    """Results for the sample suite's dev cases, as another harness might have scored them."""
    cases = []
    for number in range(count):
        label = ticket("dev", number)["expected"]
        cases.append(case(f"dev-{number:04d}", 0.5, output=say(number, label)))
    return results(*cases)


def test_ids_are_matched_with_a_suite_and_take_its_cases(suite: Suite) -> None:
    found = results(case("dev-0002"), case("dev-0001", 0.0), case("none"), case("train-0001"))
    made = run_of_suite(found, suite, HERE)
    assert made.unmatched == ("none", "train-0001")
    assert len(made.absent) == 58
    known = {each.id: each for each in suite.split("dev")}
    assert made.run.results[0].case_id == "dev-0001"
    assert made.run.results[0].case_fingerprint == known["dev-0001"].fingerprint
    assert (made.run.suite, made.run.suite_fingerprint) == (suite.name, suite.fingerprint)
    assert made.run.scoring_fingerprint != suite.scoring_fingerprint


def test_aliases_match_where_ids_do_not_and_two_for_one_case_are_refused(suite: Suite) -> None:
    made = run_of_suite(results(case("What-1", aliases=("dev-0003",))), suite, HERE)
    assert [result.case_id for result in made.run.results] == ["dev-0003"]
    assert made.unmatched == ()
    twins = [case(name, aliases=("dev-0003",)) for name in "xy"]
    with pytest.raises(RecordError, match="'x' and 'y' are both case 'dev-0003'"):
        run_of_suite(results(*twins), suite, HERE)


def test_where_nothing_matches_the_import_is_refused(suite: Suite) -> None:
    with pytest.raises(RecordError, match=r"none of 1 ids is a case of tickets \(dev\): other"):
        run_of_suite(results(case("other")), suite, HERE)


def test_outputs_are_scored_by_the_suite_and_then_compare_with_runs_made_here(
    suite: Suite,
) -> None:
    found = answered(60, lambda number, label: label if number % 2 else "no idea")
    with build_scorers(suite) as scorers:
        made = run_of_suite(found, suite, HERE, scorers=scorers)
    assert made.run.scoring_fingerprint == suite.scoring_fingerprint
    assert made.run.primary == "accuracy"
    assert sum(made.run.values().values()) == 30
    assert made.run.results[0].scores["accuracy"].kind


def test_scoring_again_averages_attempts_and_keeps_what_has_no_output(suite: Suite) -> None:
    right, wrong = ticket("dev", 0)["expected"], "no idea"
    found = results(
        case("dev-0000", output=right),
        case("dev-0000", output=wrong),
        case("dev-0001"),
        ImportedCase("dev-0002", error="timed out"),
    )
    with build_scorers(suite) as scorers:
        made = run_of_suite(found, suite, HERE, scorers=scorers)
        assert made.run.values() == {"dev-0000": 0.5}
        assert [result.failed for result in made.run.results[1:]] == [
            "the file has no output for this case",
            "timed out",
        ]
        with pytest.raises(RecordError, match="no case of the file has an output"):
            run_of_suite(results(case("dev-0001")), suite, HERE, scorers=scorers)
        with pytest.raises(UsageError, match="leave --metric away"):
            run_of_suite(found, suite, HERE, scorers=scorers, metric="score")


def test_everything_stored_is_json_whatever_the_file_holds(tmp_path: Path) -> None:
    hostile = case("a", input={"x": "\ud800 \x1b[2J", "n": [1e400]}, output="\udfff\x00")
    with pytest.raises(ValueError, match="not JSON compliant"):
        _ = named(results(hostile)).run  # readers let no infinity through: see `Place.plain`
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "score": 1, "input": {"n": [Infinity]}, "output": "\\ud800"}')
    made = named(only(path))
    with_ledger = Ledger(tmp_path / "ledger")
    with_ledger.store_run(made.run, made.cases)
    stored = with_ledger.run(made.run.id)
    with_ledger.close()
    assert stored.results[0].output.text == "\ud800"
    assert json.dumps(made.cases[0].input) == '{"n": ["inf"]}'
