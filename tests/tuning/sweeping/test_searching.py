from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tuning.sweeping.trials
from evals.errors import DivergedError, TrainingError, UsageError
from evals.ledger import Ledger
from tests.tuning.killed import die_in
from tests.tuning.sweeping.scene import Told, searching, sweeping_suite, train
from tuning.data.dataset import build_examples
from tuning.records import TrainingRecord
from tuning.sweeping.parts import part_examples
from tuning.sweeping.records import StoredTrial, SweepRecord
from tuning.sweeping.trials import KIND
from tuning.training.base import BaseModel
from tuning.training.loss_curve import Progress
from tuning.training.task import Task
from tuning.training.train import train_adapter


@pytest.fixture(scope="module")
def searched(
    tiny_base: BaseModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingRecord, Told, Path]:
    folder, told = tmp_path_factory.mktemp("sweep"), Told()
    return train(tiny_base.name, folder, told), told, folder


def sweep_of(record: TrainingRecord) -> SweepRecord:
    """The search, without what a clock says."""
    assert record.sweep is not None
    trials = tuple(replace(trial, seconds=0.0) for trial in record.sweep.trials)
    return replace(record.sweep, seconds=0.0, trials=trials)


def test_a_search_finds_the_rate_that_learns_and_the_training_uses_it(
    searched: tuple[TrainingRecord, Told, Path],
) -> None:
    record, told, _ = searched
    sweep = sweep_of(record)
    assert sweep.changed
    assert sweep.found == {"learning_rate": 0.03, "rank": 2, "epochs": 1.0}
    assert sweep.default["learning_rate"] == 0.0001
    assert (record.settings["learning_rate"], record.settings["rank"]) == (0.03, 2)
    assert record.examples + record.held_out == 200  # all of train, those that judged too
    assert sweep.sentence in told.notes
    assert told.labels[0] == "default: learning_rate 0.0001, rank 2, epochs 1, 150 examples"


def test_the_budget_is_kept_and_every_trial_is_told_and_stored(
    searched: tuple[TrainingRecord, Told, Path],
) -> None:
    record, _, folder = searched
    sweep = sweep_of(record)
    assert sweep.seen <= sweep.planned <= sweep.budget == 2000
    assert [(trial.rung, trial.examples) for trial in sweep.trials] == [
        (1, 50),
        (1, 50),
        (1, 50),
        (2, 150),
        (2, 150),
    ]
    assert [trial.default for trial in sweep.trials] == [False] * 4 + [True]
    assert [trial.went_on for trial in sweep.trials].count(True) == 1
    assert all(trial.loss is not None and trial.score is not None for trial in sweep.trials)
    stored = Ledger(folder / "ledger").documents(KIND)
    assert len(stored) == 5
    assert not (folder / "ledger" / "sweep").exists()  # no adapter of a trial is kept


def test_the_same_search_again_trains_nothing_and_finds_the_same(
    searched: tuple[TrainingRecord, Told, Path], tiny_base: BaseModel
) -> None:
    record, _, folder = searched
    told = Told()
    assert train(tiny_base.name, folder, told) == record
    assert (told.steps, told.labels) == (0, ["training"])


@pytest.mark.parametrize(("what", "count"), [("step", 20)])
def test_a_search_that_was_killed_does_only_what_is_missing_and_ends_the_same(
    searched: tuple[TrainingRecord, Told, Path],
    tiny_base: BaseModel,
    tmp_path: Path,
    what: str,
    count: int,
) -> None:
    record, whole, _ = searched
    die_in("tests.tuning.sweeping.scene", tiny_base.name, tmp_path, what, count)
    done = len(Ledger(tmp_path / "ledger").documents(KIND))
    told = Told()
    again = train(tiny_base.name, tmp_path, told)
    assert sweep_of(again) == sweep_of(record)
    assert again.adapter == record.adapter
    trials = [label for label in whole.labels if "judged" not in label and label != "training"]
    left = [label for label in told.labels if "judged" not in label and label != "training"]
    assert left == trials[done:]
    assert told.steps < whole.steps


def test_a_rate_that_diverges_is_behind_and_not_the_end_of_the_search(
    tiny_base: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(task: Task, root: Path, progress: Progress) -> TrainingRecord:
        if task.settings.learning_rate == 0.9:
            raise DivergedError("the loss became nan at step 3")
        return train_adapter(task, root, progress)

    monkeypatch.setattr(tuning.sweeping.trials, "train_adapter", diverging)
    sweep = "{learning_rate: [0.0001, 0.9], budget: 2000}"
    found = sweep_of(train(tiny_base.name, tmp_path, Told(), sweep=sweep))
    assert not found.changed
    assert [trial.failed for trial in found.trials] == ["the loss became nan at step 3", ""]
    assert found.sentence.startswith("The default settings (learning_rate 0.0001, rank 2")
    assert "failed (the loss became nan at step 3)" in found.sentence
    assert len(Ledger(tmp_path / "ledger").documents(KIND)) == 2


def test_where_nothing_is_better_the_default_is_kept_and_its_adapter_is_the_plain_one(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    sweep, more = "{learning_rate: [0.000001], budget: 2000}", "learning_rate: 0.03, rank: 2"
    record = train(tiny_base.name, tmp_path, Told(), sweep=sweep, more=more)
    found = sweep_of(record)
    assert not found.changed
    assert found.sentence.startswith("Nothing that was tried beats the default settings")
    assert record.settings["learning_rate"] == 0.03


def test_judges_and_learners_share_no_group_no_text_and_nothing_of_dev(tmp_path: Path) -> None:
    def paired(row: dict[str, object]) -> dict[str, object]:
        number = int(str(row["id"])[-4:])
        return row | {"cluster": f"{row['id'][:-4]}{number // 3}"}  # type: ignore[index]

    suite = sweeping_suite(tmp_path / "s", change=paired)
    examples = build_examples(suite, "terse")
    parts = part_examples(suite, examples, 0)
    assert len(parts.learnt) + len(parts.judged) == 200
    assert 40 <= len(parts.judged) <= 50
    assert not {e.group for e in parts.learnt} & {e.group for e in parts.judged}
    assert parts.scored == len(parts.judged)
    train_ids = {case.id for case in suite.split("train")}
    assert {e.case_id for e in (*parts.learnt, *parts.judged)} <= train_ids
    assert part_examples(suite, examples, 0) == parts
    assert part_examples(suite, examples, 1).judged != parts.judged
    # A row of a file that asks what a judging case asks goes where that goes.
    copy = replace(parts.judged[0], case_id="x.jsonl:1", group="x.jsonl:1", source="file x.jsonl")
    more = part_examples(suite, (*examples, copy), 0)
    by_id = {e.case_id: e in more.judged for e in (*more.learnt, *more.judged)}
    assert by_id["x.jsonl:1"] == by_id[parts.judged[0].case_id]


def test_a_training_that_begins_from_an_adapter_is_not_searched_for(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    suite = sweeping_suite(tmp_path / "s")
    trainer = searching(tiny_base.name, suite, tmp_path / "ledger", Told())
    from_another = replace(trainer.trainer, begin_from=tmp_path)
    with pytest.raises(UsageError, match="begins from an adapter"):
        replace(trainer, trainer=from_another).train()


def test_too_few_examples_are_refused_before_anything_is_trained(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    told = Told()
    with pytest.raises(TrainingError, match="too few to search settings on"):
        train(tiny_base.name, tmp_path, told, sizes={"train": 40, "dev": 9, "test": 9})
    assert told.steps == 0


def test_an_edited_trial_is_stored_with_its_numbers(
    searched: tuple[TrainingRecord, Told, Path],
) -> None:
    _, _, folder = searched
    ledger = Ledger(folder / "ledger")
    for key in ledger.documents(KIND):
        stored = ledger.load(KIND, key, StoredTrial)
        assert stored is not None
        assert len(stored.scores) == len(stored.losses) == 50
        assert stored.trial.loss == pytest.approx(sum(stored.losses) / 50)
