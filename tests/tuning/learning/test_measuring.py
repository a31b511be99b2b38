"""Measuring on a scripted model, whose adapters know more the more they were trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import tuning.trainer
from evals.errors import ModelError, SuiteError, TrainingError
from evals.generating import Progress
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.sample_suite import TOPICS, ticket, write_suite
from tests.tunegate.scenes import answers, guarded_suite, pretended_training, write_model
from tuning.gate.learning import find_learning
from tuning.gate.tried import find_search
from tuning.job import Job
from tuning.learning.measuring import Plan
from tuning.learning.records import LearningCurve
from tuning.learning.sampling import Part
from tuning.learning.stored import stored_curve
from tuning.records import Proof, TrainingRecord
from tuning.stored import decide_stored

SHARES = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
KNOWS = {"1/4": 12, "1/2": 24, "1": 36}  # of 60 dev cases
PLAN = Plan(SHARES)


class DiedError(Exception):
    """Stands for a process that dies at a point."""


@dataclass
class Listener:
    die_at: str = "never"
    said: list[str] = field(default_factory=list)

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        self.said.append(label)
        if self.die_at in label:
            raise DiedError(label)
        yield lambda _done, _total: None

    def note(self, text: str) -> None:
        self.said.append(text)


def trained(suite: Suite, model: str, root: Path, *, part: Part, **_: Any) -> TrainingRecord:
    made = pretended_training(f"a{part.share}s{part.seed}")(suite, model, root)
    return replace(made, examples=int(27 * part.share), held_out=int(3 * part.share))


def model_rules() -> list[dict[str, str]]:
    rules = []
    for share, count in KNOWS.items():
        for seed in (0, 1):
            for n in range(count):
                label = sorted(TOPICS)[n % 3]
                rules += answers("dev", [n], label, adapter=f"a{share}s{seed}")
    return rules


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tuning.trainer, "tune_suite", trained)
    adapters = [f"a{share}s{seed}" for share in KNOWS for seed in (0, 1)]
    write_model(tmp_path / "model.json", model_rules(), adapters=adapters)
    guarded_suite(tmp_path)
    return tmp_path


def job(folder: Path, die_at: str = "never", ledger: str = "ledger") -> Job:
    suite = load_suite(folder / "tickets")
    return Job(
        suite=suite,
        guards={"kept": load_suite(folder / "kept")},
        model=open_scripted(folder / "model.json", "scripted:m"),
        ledger=Ledger(folder / ledger),
        looks_path=folder / "looks.jsonl",
        narrator=Listener(die_at),
    )


def stored(folder: Path) -> LearningCurve | None:
    return stored_curve(Ledger(folder / "ledger"), load_suite(folder / "tickets"), "scripted:m")


def test_each_part_is_trained_judged_on_dev_and_kept(folder: Path) -> None:
    measured = job(folder)
    curve = measured.learn(PLAN)
    assert [(p.share, p.seed, p.score) for p in curve.points] == [
        (0.25, 0, 0.2),
        (0.5, 0, 0.4),
        (1.0, 0, 0.6),
    ]
    assert [p.low < p.score < p.high for p in curve.points] == [True] * 3
    assert (curve.zero, curve.fit.shape, curve.examples) == (0.0, "rises", 30)
    assert stored(folder) == curve
    splits = {run.split for run in measured.ledger.runs()}
    assert splits == {"dev"}
    assert not (folder / "looks.jsonl").exists()


def test_it_says_beforehand_how_much_it_does_and_after_the_first_how_long(folder: Path) -> None:
    measured = job(folder)
    measured.learn(Plan(SHARES, 2))
    said: list[str] = measured.narrator.said  # type: ignore[attr-defined]
    assert said[0].startswith("6 trainings and 7 runs over 60 dev cases")
    assert any(text.startswith("the other 5 take about 1 minute") for text in said)


@pytest.mark.parametrize(
    "die_at", ["untrained", "1/4 of", "1/2 of the examples, seed 0: dev", "1 of"]
)
def test_after_it_died_it_does_what_is_missing_and_ends_the_same(folder: Path, die_at: str) -> None:
    with pytest.raises(DiedError):
        job(folder, die_at).learn(PLAN)
    assert stored(folder) is None
    resumed = job(folder)
    curve = resumed.learn(PLAN)
    whole = job(folder, ledger="other")
    assert replace(whole.learn(PLAN)) == curve
    assert resumed.model.calls <= whole.model.calls  # type: ignore[attr-defined]
    again = job(folder)
    assert again.learn(PLAN) == curve
    assert again.model.calls == 0  # type: ignore[attr-defined]


def test_a_second_seed_adds_to_the_first(folder: Path) -> None:
    first = job(folder).learn(PLAN)
    curve = job(folder).learn(Plan(SHARES, 2))
    assert curve.points[:3] == first.points
    assert [p.seed for p in curve.points] == [0, 0, 0, 1, 1, 1]


def test_the_gate_sees_it_and_the_adapters_are_no_prompt_candidates(folder: Path) -> None:
    job(folder).run(tune=False)
    before = decide_stored(load_suite(folder / "tickets"), Ledger(folder / "ledger"), "scripted:m")
    curve = job(folder).learn(PLAN)
    suite, ledger = load_suite(folder / "tickets"), Ledger(folder / "ledger")
    tried = find_search(suite, ledger, "scripted:m").tried
    learning = find_learning(suite, ledger, "scripted:m", tried)
    assert learning is not None
    assert learning.curve == curve
    assert learning.whole is not None
    assert learning.whole.run_id == curve.points[-1].run_id
    after = decide_stored(suite, ledger, "scripted:m")
    assert [t.run_id for t in after.trials] == [t.run_id for t in before.trials]
    assert (
        "learning curve" in next(r for r in after.rules if r.verdict == "collect_examples").evidence
    )


def test_a_curve_of_other_examples_or_weights_is_not_used(folder: Path) -> None:
    job(folder).run(tune=False)
    job(folder).learn(PLAN)
    suite, ledger = load_suite(folder / "tickets"), Ledger(folder / "ledger")
    tried = find_search(suite, ledger, "scripted:m").tried
    fewer = replace(suite, cases=tuple(c for c in suite.cases if c.id != "train-0000"))
    assert stored_curve(ledger, fewer, "scripted:m") is None
    assert stored_curve(ledger, suite, "scripted:other") is None
    moved = replace(tried[-1].run.candidate, model_fingerprint="other")
    others = [replace(one, run=replace(one.run, candidate=moved)) for one in tried]
    assert find_learning(suite, ledger, "scripted:m", others) is None
    rescored = [replace(one, run=replace(one.run, scoring_fingerprint="x")) for one in tried]
    assert find_learning(suite, ledger, "scripted:m", rescored) is None


def test_a_hosted_model_is_refused(folder: Path) -> None:
    hosted = job(folder)
    hosted.model.name = "openai:x"  # type: ignore[misc]
    with pytest.raises(ModelError, match="cannot be trained here"):
        hosted.learn(PLAN)


def test_an_unproven_adapter_ends_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unproven(*args: Any, **options: Any) -> TrainingRecord:
        return replace(trained(*args, **options), proofs=(Proof("reloads", False, "differs"),))

    monkeypatch.setattr(tuning.trainer, "tune_suite", unproven)
    with pytest.raises(TrainingError, match="reloads: differs"):
        job(folder).learn(PLAN)
    assert stored(folder) is None


def test_a_suite_that_does_not_pass_check_is_refused(tmp_path: Path) -> None:
    def leak(case: dict[str, Any]) -> dict[str, Any]:
        same = ticket("train", 0)["input"]
        return case | {"input": same} if case["id"] == "dev-0000" else case

    write_suite(tmp_path / "tickets", change=leak)
    write_suite(tmp_path / "kept", extra="")
    write_model(tmp_path / "model.json")
    with pytest.raises(SuiteError):
        job(tmp_path).learn(PLAN)
