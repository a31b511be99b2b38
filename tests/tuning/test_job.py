"""The job's stages with a scripted model: what is stored, found again, refused and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import tuning.trainer
from evals.approach import PLAIN
from evals.errors import GateShutError, ModelError, NothingRunError, SuiteError, UsageError
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.prompting.ladder import default_rounds
from evals.suite import Suite, load_suite
from evals.suite.spec import SweepSpec
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.scenes import (
    KNOWN,
    guarded_suite,
    pretended_training,
    undecided_rules,
    write_model,
)
from tests.tuning.listening import DiedError, Listener
from tuning.data.drawn_pairs import Asked, DrawnPairs, DrawPlan
from tuning.gate.declared import rounds_of
from tuning.gate.soundness import check_stored, soundness_of
from tuning.job import Job, refuse_errors
from tuning.stored import decide_stored, load_job

TUNED = [{"adapter": "tuned", "contains": t, "reply": n} for n, t in TOPICS.items()]


@dataclass
class Desk:
    """A folder with a guarded suite, from which jobs are begun again and again."""

    folder: Path
    training: Any

    def job(self, die_at: str = "never") -> Job:
        suite = load_suite(self.folder / "tickets")
        guards: dict[str, Suite] = {"kept": load_suite(self.folder / "kept")}
        return Job(
            suite=suite,
            guards=guards if suite.guards else {},
            model=open_scripted(self.folder / "model.json", "scripted:m"),
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Listener(die_at),
        )

    def stored(self) -> Any:
        return load_job(Ledger(self.folder / "ledger"), "tickets", "scripted:m")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    training = pretended_training("tuned")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    write_model(tmp_path / "model.json", [*TUNED, *KNOWN], adapters=["tuned"])
    guarded_suite(tmp_path)
    return Desk(tmp_path, training)


def shut(desk: Desk) -> None:
    """A model on which the same suite leaves the gate undecided."""
    rules = undecided_rules(prompt_contains=" train")
    write_model(desk.folder / "model.json", [*TUNED, *rules, *KNOWN], adapters=["tuned"])


def test_the_stages_come_in_order_and_leave_everything_stored(desk: Desk) -> None:
    job = desk.job()
    record = job.run()
    labels: list[str] = job.narrator.labels  # type: ignore[attr-defined]
    assert labels[0].startswith("round 1: wording")
    assert labels[7:] == [
        "training",
        "dev with the adapter: terse",
        "sealed split: terse",
        "sealed split: terse + adapter",
        "guard kept: base",
        "guard kept: adapter",
    ]
    stored = desk.stored()
    assert replace(stored, runs={}, cases={}, adapter_dev=None) == record
    assert stored.shipping.verdict == "ship_adapter"
    assert len(stored.runs) == 7 + 2 + 2 + 1
    prints = {r.case_fingerprint for run in stored.runs.values() for r in run.results}
    assert set(stored.cases) == prints


def test_a_second_job_asks_the_model_nothing_and_ends_the_same(desk: Desk) -> None:
    first = desk.job().run()
    again = desk.job()
    assert again.run() == first
    assert again.model.calls == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "stage",
    ["round 2", "round 3: nearest: spec", "training", "sealed split: terse +", "guard kept: ad"],
)
def test_a_job_that_died_anywhere_goes_on_with_what_is_missing(stage: str, desk: Desk) -> None:
    dying = desk.job(die_at=stage)
    with pytest.raises(DiedError):
        dying.run()
    resumed = desk.job()
    record = resumed.run()
    calls = (dying.model.calls, resumed.model.calls)  # type: ignore[attr-defined]
    other = Desk(desk.folder, desk.training)
    (desk.folder / "ledger").rename(desk.folder / "resumed")
    (desk.folder / "looks.jsonl").unlink()
    whole_job = other.job()
    whole = whole_job.run()
    assert sum(calls) == whole_job.model.calls  # type: ignore[attr-defined]
    assert 0 < calls[0] < sum(calls)
    assert (record.decision, record.shipping) == (whole.decision, whole.shipping)


def test_a_refused_tune_leaves_the_stored_job_as_it_was(desk: Desk) -> None:
    desk.job().run()
    shut(desk)
    desk.job().run()
    before = desk.stored()
    assert before.decision.verdict == "more_cases"
    with pytest.raises(GateShutError, match="the gate is shut: more_cases"):
        desk.job().tune()
    assert desk.stored() == before
    assert desk.training.calls == 1


def test_a_search_for_what_begins_from_an_adapter_leaves_the_stored_job_as_it_was(
    desk: Desk,
) -> None:
    desk.job().run()
    before = desk.stored()
    job = replace(desk.job(), begin_from=desk.folder)
    swept = replace(job.suite, tune=replace(job.suite.tune, sweep=SweepSpec()))
    with pytest.raises(UsageError, match="begins from an adapter"):
        replace(job, suite=swept).tune()
    assert desk.stored() == before


def test_tune_goes_on_from_the_verdict_and_keeps_what_the_rounds_took(desk: Desk) -> None:
    searched = desk.job().run(tune=False)
    assert searched.training is None
    tuned = desk.job().tune()
    assert tuned.shipping is not None
    assert tuned.phases[: len(searched.phases)] == searched.phases
    assert [phase.name for phase in tuned.phases[-4:]] == [
        "training",
        "tuned and prompted together",
        "sealed split",
        "guards",
    ]
    assert desk.job().run() == tuned


def test_tune_without_any_run_says_that_nothing_was_run(desk: Desk) -> None:
    with pytest.raises(NothingRunError):
        desk.job().tune()
    assert desk.stored() is None


def test_an_override_trains_and_stands_in_the_record(desk: Desk) -> None:
    shut(desk)
    desk.job().run()
    record = desk.job().tune(override="for science")
    assert record.override == "for science"
    assert record.decision is not None
    assert record.decision.verdict == "more_cases"
    assert record.shipping is not None


def test_a_hosted_models_job_ends_with_the_verdict_and_says_what_to_do(desk: Desk) -> None:
    model = open_scripted(desk.folder / "model.json", "openai:m")
    job = replace(desk.job(), model=model)
    record = job.run()
    assert record.decision is not None
    assert record.decision.verdict == "fine_tune"
    assert record.training is None
    assert desk.training.calls == 0
    said = " ".join(record.decision.next_steps)
    assert "--model hf:" in said
    assert "Run `tunegate tune`" not in said
    asked = model.calls
    for refused in (lambda: job.run(override="because"), job.tune):
        with pytest.raises(ModelError, match="cannot be trained here"):
            refused()
    assert model.calls == asked


def test_changed_weights_are_searched_anew_and_judged_alone(desk: Desk) -> None:
    first = desk.job().run(tune=False)
    write_model(desk.folder / "model.json", [*TUNED, *KNOWN[:1]], adapters=["tuned"])
    again = desk.job()
    second = again.run(tune=False)
    assert again.model.calls > 0  # type: ignore[attr-defined]
    assert first.decision is not None
    assert second.decision is not None
    ids = [
        {trial.run_id for trial in record.trials} for record in (first.decision, second.decision)
    ]
    assert not ids[0] & ids[1]
    stored = decide_stored(again.suite, again.ledger, "scripted:m")
    assert stored == second.decision


def test_a_suite_that_fails_its_check_ends_before_any_model_is_asked(desk: Desk) -> None:
    dev = desk.folder / "tickets" / "dev.jsonl"
    train = (desk.folder / "tickets" / "train.jsonl").read_text().splitlines()[0]
    dev.write_text(dev.read_text() + train.replace("train-0000", "dev-copy") + "\n")
    job = desk.job()
    with pytest.raises(SuiteError, match=r"fix the evals first.*tunegate check"):
        job.run()
    assert job.model.calls == 0  # type: ignore[attr-defined]


def test_checks_are_kept_until_the_suite_its_policy_or_a_guard_changes(desk: Desk) -> None:
    def checked() -> object:
        job = desk.job()
        return check_stored(job.suite, job.guards, job.ledger, clock=iter(times).__next__)

    times = [0.0, 1.0]
    first = checked()
    times[1] = 5.0
    assert checked() == first
    manifest = desk.folder / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("k: [2]", "k: [3]", 1))
    second = checked()
    assert second != first
    times[1] = 7.0
    guard = desk.folder / "kept" / "dev.jsonl"
    guard.write_text("\n".join(guard.read_text().splitlines()[1:]) + "\n")
    assert checked() not in {first, second}


def test_a_suite_never_checked_is_not_called_sound(desk: Desk) -> None:
    job = desk.job()
    assert soundness_of(job.suite, job.ledger, []).self_test_passed is None
    check_stored(job.suite, job.guards, job.ledger)
    assert soundness_of(job.suite, job.ledger, []).self_test_passed is True


def test_a_suite_without_rounds_has_those_of_the_ladder(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path / "tickets", extra=""))
    assert rounds_of(suite) == default_rounds(suite)
    stated = load_suite(write_suite(tmp_path / "stated"))
    assert rounds_of(stated) == stated.rounds


def test_the_first_fault_is_named_and_the_others_counted(tmp_path: Path) -> None:
    from evals.records import Finding

    suite = load_suite(write_suite(tmp_path / "tickets"))
    refuse_errors(suite, (Finding("warning", "few", "few cases"),))
    faults = tuple(Finding("error", "leak", f"fault {n}", f"dev.jsonl:{n}") for n in (3, 4, 5))
    with pytest.raises(
        SuiteError, match=r"dev\.jsonl:3: fix the evals first: fault 3 \(and 2 more"
    ):
        refuse_errors(suite, faults)


def test_training_is_given_a_way_to_draw_answers_to_train_cases_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[DrawnPairs] = []

    def train(suite: Suite, model: str, root: Path, **given: Any) -> Any:
        among = frozenset(case.id for case in suite.cases)
        asked = Asked("terse", PLAIN, DrawPlan(2, 0.8, 1), among)
        drawn.append(given["draw"](asked))
        return desk.training(suite, model, root, **given)

    monkeypatch.setattr(tuning.trainer, "tune_suite", train)
    job = desk.job()
    job.run()
    train_cases = [case for case in job.suite.split("train") if case.is_plain]
    assert drawn[0].answers == 2 * len(train_cases)
    assert {pair.case_id for pair in drawn[0].pairs} <= {case.id for case in train_cases}
