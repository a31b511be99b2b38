"""Judges against people's labels: what is counted, kept, found again, and when it may gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ScorerError, SuiteError
from evals.judges.calibrating import calibrate
from evals.judges.identity import judge_identities, scored_as_stated, scoring_identity
from evals.judges.records import Calibration
from evals.judges.standing import judge_standings
from evals.judges.uses import judge_models, judges_of
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate
from evals.records import Decoding, Output, Request, Run
from evals.runner import Runner
from evals.scorers import build_scorers, self_test
from evals.suite import Suite, load_suite
from tests.judged_suite import JUDGE, judge_metric, judged_suite, labels
from tests.sample_suite import TOPICS, write_suite


@dataclass
class Judge:
    """Knows right from wrong, but for `wrong` of its replies; `weights` are its identity."""

    weights: str = "w1"
    wrong: int = 0
    strange: int = 0
    down: int = 0
    asked: list[Request] = field(default_factory=list)

    def ask(self, model: str, requests: Sequence[Request], decoding: Decoding) -> list[Output]:
        del model, decoding
        first = len(self.asked)
        self.asked += requests
        return [self._reply(first + n, one) for n, one in enumerate(requests)]

    def _reply(self, number: int, request: Request) -> Output:
        text = request.messages[-1].content
        if number < self.down:
            return Output(None, "error", error="429", transient=True)
        if number < self.strange:
            return Output("who knows", "stop")
        right = any(
            f"answer]\n{name}\n" in text and topic in text for name, topic in TOPICS.items()
        )
        return Output("good" if right == (number >= self.wrong) else "bad", "stop")

    def identity(self, model: str) -> str:
        return f"{model} {self.weights}"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def suite_of(folder: Path, metric: dict[str, Any] | None = None, **options: Any) -> Suite:
    sizes = {"train": 6, "dev": 12, "test": 6}
    return load_suite(judged_suite(folder / "tickets", metric, sizes=sizes, **options))


def calibrated(suite: Suite, judge: Judge, ledger: Ledger) -> Calibration:
    (found,) = calibrate(suite, judge, ledger)
    return found


def may_gate(suite: Suite, ledger: Ledger, judge: Judge) -> bool:
    judges = judge_identities(suite, judge)
    (standing,) = judge_standings(suite, ledger, judges, {suite.primary})
    return standing.may_gate


def test_a_judge_that_agrees_with_people_may_gate(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge()
    found = calibrated(suite, judge, ledger)
    assert found.confusion == ((30, 0, 0), (0, 30, 0))
    assert (found.labels, found.agreement, found.kappa) == (60, 1.0, 1.0)
    assert found.reached
    assert may_gate(suite, ledger, judge)


def test_an_estimate_above_the_demand_is_not_enough(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge(wrong=10)
    found = calibrated(suite, judge, ledger)
    assert found.kappa is not None
    assert found.least is not None
    assert found.least < 0.6 < found.kappa
    assert not found.reached
    assert not may_gate(suite, ledger, judge)
    assert found.labels_needed is not None
    assert found.labels_needed > 60
    assert "labels would show it" in found.sentence


def test_the_suite_says_how_much_agreement_it_demands(tmp_path: Path, ledger: Ledger) -> None:
    suite = suite_of(tmp_path, judge_metric(min_kappa=0.4))
    assert calibrated(suite, Judge(wrong=10), ledger).reached


def test_unreadable_replies_are_disagreements_and_are_counted(
    tmp_path: Path, ledger: Ledger
) -> None:
    found = calibrated(suite_of(tmp_path), Judge(strange=20), ledger)
    assert found.unreadable == 20
    assert found.confusion == ((20, 0, 10), (0, 20, 10))
    assert found.agreement == pytest.approx(2 / 3)
    assert not found.reached


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (labels(29), "29 labels are too few"),
        ([line for line in labels(90) if line["label"] == "good"], "all labels are the same"),
        ([line | {"cluster": f"c{n % 5}"} for n, line in enumerate(labels())], "only 5 clusters"),
        ([], "0 labels are too few"),
    ],
)
def test_labels_that_tell_nothing_let_no_judge_gate(
    tmp_path: Path, ledger: Ledger, lines: list[dict[str, Any]], said: str
) -> None:
    suite, judge = suite_of(tmp_path, lines=lines), Judge()
    found = calibrated(suite, judge, ledger)
    assert found.kappa is None
    assert said in found.sentence
    assert not may_gate(suite, ledger, judge)


def test_a_calibration_is_found_and_not_made_again(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge()
    first = calibrated(suite, judge, ledger)
    assert calibrated(suite, judge, ledger) == first
    assert len(judge.asked) == 60


@pytest.mark.parametrize("change", ["weights", "rubric", "labels", "demand"])
def test_a_calibration_holds_for_this_judge_and_these_labels_alone(
    tmp_path: Path, ledger: Ledger, change: str
) -> None:
    judge, root = Judge(), tmp_path / "tickets"
    calibrated(suite_of(tmp_path), judge, ledger)
    if change == "weights":
        judge.weights = "w2"
    elif change == "labels":
        path = root / "judge_labels.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    else:
        old, new = {"rubric": ("expected team", "team"), "demand": ('"bad": 0', '"bad": 0.1')}[
            change
        ]
        text = (root / "suite.yaml").read_text()
        assert old in text
        (root / "suite.yaml").write_text(text.replace(old, new))
    suite = load_suite(root)
    (standing,) = judge_standings(suite, ledger, judge_identities(suite, judge), {"accuracy"})
    assert standing.calibration is None
    assert standing.blocks
    assert "run `tunegate eval`" in standing.sentence


def test_a_changed_case_that_a_label_names_needs_a_new_calibration(
    tmp_path: Path, ledger: Ledger
) -> None:
    named = [{"case": "dev-0000", "output": str(n), "label": "bad"} for n in range(30)]
    suite, judge = suite_of(tmp_path, lines=[*labels(), *named]), Judge()
    calibrated(suite, judge, ledger)
    assert may_gate(suite, ledger, judge)
    path = tmp_path / "tickets" / "dev.jsonl"
    path.write_text(path.read_text().replace("charged for plan", "charged for a plan", 1))
    assert not may_gate(load_suite(tmp_path / "tickets"), ledger, judge)


def test_labels_of_one_case_are_not_independent(tmp_path: Path, ledger: Ledger) -> None:
    named = [
        {"case": f"dev-{n % 12:04d}", "output": str(n), "label": ("bad", "good")[n % 2]}
        for n in range(60)
    ]
    found = calibrated(suite_of(tmp_path, lines=named), Judge(), ledger)
    assert found.clusters == 12


def test_a_judge_out_of_reach_is_not_taken_to_disagree(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge(down=3)
    assert calibrate(suite, judge, ledger) == ()
    assert not may_gate(suite, ledger, judge)
    assert calibrated(suite, judge, ledger).reached


def test_without_labels_a_judge_may_not_gate(tmp_path: Path, ledger: Ledger) -> None:
    suite = suite_of(tmp_path, judge_metric(calibration=None))
    assert calibrate(suite, Judge(), ledger) == ()
    (standing,) = judge_standings(suite, ledger, {}, {"accuracy"})
    assert standing.blocks
    assert "no labels by people" in standing.sentence


def test_a_judge_that_no_verdict_rests_on_blocks_nothing(tmp_path: Path, ledger: Ledger) -> None:
    suite = suite_of(tmp_path, judge_metric(calibration=None))
    (standing,) = judge_standings(suite, ledger, {}, set())
    assert not standing.may_gate
    assert not standing.blocks


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"output": "x", "label": "great"}, "one of good, bad"),
        ({"output": "x"}, "'label' is missing"),
        ({"output": 3, "label": "bad"}, "text that was judged"),
        ({"case": "dev-9999", "output": "x", "label": "bad"}, "no case 'dev-9999'"),
        ({"case": "dev-0000", "input": "q", "output": "x", "label": "bad"}, "stands in the case"),
        ({"output": "x", "label": "bad"}, "'input' is missing"),
        ({"input": [], "output": "x", "label": "bad"}, "text or an object"),
        ({"inputs": "q", "output": "x", "label": "bad"}, "unknown key 'inputs'"),
    ],
)
def test_a_malformed_label_is_refused_with_its_line(
    tmp_path: Path, ledger: Ledger, line: dict[str, Any], said: str
) -> None:
    suite = suite_of(tmp_path, lines=[*labels(2), line])
    with pytest.raises(SuiteError, match=said) as error:
        calibrate(suite, Judge(), ledger)
    assert error.value.where.startswith(f"{suite.root / 'judge_labels.jsonl'}:3")


# -- where judges stand, and what a run was scored by -----------------------------------------


def nested() -> dict[str, Any]:
    return {
        "scorer": "by_tag@1",
        "tag": "kind",
        "scorers": {"open": judge_metric(model="a"), "other": {"scorer": "exact@1"}},
        "default": judge_metric(model="b"),
    }


def test_judges_are_found_at_any_depth(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, nested())
    assert [use.spec.name for use in judges_of(suite)] == [
        "accuracy.scorers.open",
        "accuracy.default",
    ]
    assert judge_models(suite) == ("a", "b")


def test_a_nested_judge_without_calibration_blocks_the_metric(
    tmp_path: Path, ledger: Ledger
) -> None:
    suite, judge = suite_of(tmp_path, nested()), Judge()
    calibrate(suite, judge, ledger)
    judge.weights = "w2"
    found = judge_standings(suite, ledger, judge_identities(suite, judge), {"accuracy"})
    assert [standing.blocks for standing in found] == [True, True]


def test_a_suite_without_judges_keeps_its_identity(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path / "tickets"))
    assert scoring_identity(suite, {}) == suite.scoring_fingerprint
    assert scoring_identity(suite, {"m": "1"}) == suite.scoring_fingerprint


def test_who_judges_is_part_of_what_was_measured(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    first, second = (scoring_identity(suite, {JUDGE: weights}) for weights in ("w1", "w2"))
    assert len({first, second, suite.scoring_fingerprint}) == 3
    with pytest.raises(ScorerError, match='metric "accuracy" is judged by the model'):
        scoring_identity(suite, {})


def run(suite: Suite, judge: Judge, ledger: Ledger) -> Run:
    model = ScriptedModel({text: name for name, text in TOPICS.items()})
    judges = judge_identities(suite, judge)
    with build_scorers(suite, judge) as scorers:
        runner = Runner(model, scorers, ledger, judges=judges)
        return runner.run(suite, make_candidate(suite, model, "spec"), "dev")


def test_runs_judged_by_other_weights_are_other_runs(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge()
    first = run(suite, judge, ledger)
    assert set(first.values().values()) == {1.0}
    assert run(suite, judge, ledger) == first
    assert len(judge.asked) == 12
    other = run(suite, Judge("w2"), ledger)
    assert other.id != first.id
    assert other.scoring_fingerprint != first.scoring_fingerprint
    assert ledger.run(other.id).judges == {JUDGE: f"{JUDGE} w2"}
    assert scored_as_stated(first, suite)
    assert scored_as_stated(other, suite)
    assert not scored_as_stated(replace(first, judges=other.judges), suite)
    assert not scored_as_stated(replace(first, judges={}), suite)


def test_cases_that_a_judge_could_not_be_reached_for_are_tried_again(
    tmp_path: Path, ledger: Ledger
) -> None:
    suite = suite_of(tmp_path)
    judge = Judge(down=4)
    broken = run(suite, judge, ledger)
    assert len(broken.errors) == 4
    again = run(suite, judge, ledger)
    assert again.id == broken.id
    assert again.errors == ()


def test_an_unreadable_verdict_stays_an_error(tmp_path: Path, ledger: Ledger) -> None:
    suite, judge = suite_of(tmp_path), Judge(strange=4)
    first = run(suite, judge, ledger)
    assert len(first.errors) == 4
    assert str(first.errors[0].error).startswith("judge_unreadable: ")
    assert run(suite, judge, ledger) == first
    assert len(judge.asked) == 12


def test_the_self_test_passes_a_judge_over_with_a_note(tmp_path: Path) -> None:
    (finding,) = self_test(suite_of(tmp_path))
    assert (finding.level, finding.code) == ("note", "judge_not_self_tested")
    assert "there are 60" in finding.message


def test_the_check_finds_malformed_and_missing_labels_before_a_model_runs(tmp_path: Path) -> None:
    lines = [*labels(3), {"input": "q", "output": "x", "label": "great"}]
    (finding,) = self_test(suite_of(tmp_path, lines=lines))
    assert (finding.level, finding.code) == ("error", "judge_labels")
    assert finding.where.endswith("judge_labels.jsonl:4: label")
    found = self_test(suite_of(tmp_path / "other", judge_metric(calibration=None)))
    assert [(f.level, f.code) for f in found] == [
        ("warning", "judge_without_labels"),
        ("note", "judge_not_self_tested"),
    ]


def test_the_labels_and_the_template_are_part_of_the_metrics_identity(tmp_path: Path) -> None:
    root = tmp_path / "tickets"
    root.mkdir()
    (root / "judge.j2").write_text('{% message "user" %}{{ output }}{% endmessage %}')
    suite = suite_of(tmp_path, judge_metric(rubric="judge.j2"))
    before = suite.metric_fingerprint("accuracy")
    for name, more in (("judge.j2", "\n"), ("judge_labels.jsonl", json.dumps(labels(1)[0]))):
        text = (root / name).read_text()
        (root / name).write_text(text + more)
        assert load_suite(root).metric_fingerprint("accuracy") != before, name
        (root / name).write_text(text)
    assert load_suite(root).metric_fingerprint("accuracy") == before
