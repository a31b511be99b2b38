from __future__ import annotations

import os
import random
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evals.errors import MissingExtraError, TrainingError, UsageError
from evals.models import open_model
from evals.models.loading import load_folder
from tests.tuning.conftest import MakeTask, tickets
from tests.tuning.killed import die_in
from tuning.data.dataset import encode_examples, hold_out
from tuning.records import TrainingRecord
from tuning.training import extras, train
from tuning.training.base import BaseModel
from tuning.training.loss_curve import held_out_points
from tuning.training.quiet import quietly
from tuning.training.train import finished_record, train_adapter

Finished = tuple[TrainingRecord, Path]


def weights(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / "adapter_model.safetensors"))


def assert_same_weights(one: TrainingRecord, other: TrainingRecord) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def test_the_record_says_what_was_trained(finished: Finished, tiny_base: BaseModel) -> None:
    record, _ = finished
    assert (record.examples, record.held_out) == (36, 4)
    assert record.base_fingerprint == tiny_base.weights_hash
    assert 0 < record.trained_parameters < record.total_parameters
    steps = [point.step for point in record.curve if point.loss is not None]
    assert steps == list(range(1, 13))
    looks = held_out_points(record.curve)
    assert [point.step for point in looks] == [4, 8, 12]
    assert record.best_step == min(looks, key=lambda p: p.held_out or 0).step
    assert record.trained_tokens == 2 * sum(
        e.tokens
        for e in encode_examples(
            tiny_base.tokenizer, hold_out(tickets(40), share=0.1, limit=48).train
        )
    )
    assert record.seconds > 0
    assert record.peak_memory_mb > 50


def test_every_proof_holds_after_training(finished: Finished) -> None:
    assert [proof for proof in finished[0].proofs if not proof.passed] == []
    assert len(finished[0].proofs) == 8


def test_the_evals_engine_accepts_the_adapter_under_the_recorded_name(
    finished: Finished, tiny_base: BaseModel
) -> None:
    model = open_model(tiny_base.name, precision="float32")
    model.use_adapter(finished[0].adapter_path)
    assert model.adapter == finished[0].adapter


def test_nothing_but_the_adapter_and_its_records_is_left(finished: Finished) -> None:
    folder = Path(finished[0].adapter_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter.json",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]
    assert str(folder.parent) not in (folder / "adapter_config.json").read_text()


def test_a_finished_training_is_found_and_not_done_again(
    finished: Finished, make_task: MakeTask
) -> None:
    def never(step: int, total: int, loss: float | None) -> None:
        raise AssertionError("trained again")

    assert train_adapter(make_task(), finished[1], never) == finished[0]


def test_a_damaged_adapter_is_trained_again_to_the_same_weights(
    finished: Finished, make_task: MakeTask, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[1], tmp_path / "copy"))
    file = next(root.glob("*/adapter_model.safetensors"))
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    again = train_adapter(make_task(), root)
    assert Path(again.adapter_path).parent == root
    assert_same_weights(again, finished[0])


def test_other_data_settings_or_seed_are_another_adapter(make_task: MakeTask) -> None:
    tasks = [make_task(), make_task(tickets(39)), make_task(seed=1), make_task(rank=8, alpha=16)]
    assert len({task.identity for task in tasks}) == 4
    assert make_task().identity == tasks[0].identity


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("step", 7),  # between two checkpoints
        ("sealing a checkpoint", 2),
        ("sealing the best weights", 2),
        ("publishing", 1),
    ],
)
def test_training_killed_at_any_moment_ends_with_the_weights_of_an_uninterrupted_one(
    finished: Finished, make_task: MakeTask, tmp_path: Path, moment: str, number: int
) -> None:
    task = make_task()
    die_in("tests.tuning.training.kill_at", task.base.folder, tmp_path, moment, number)
    first_step: list[int] = []

    def progress(step: int, total: int, loss: float | None) -> None:
        first_step.append(step)

    record = train_adapter(task, tmp_path, progress)
    assert_same_weights(record, finished[0])
    assert record.curve == finished[0].curve
    assert record.trained_tokens == finished[0].trained_tokens
    expected = [] if moment == "publishing" else [5]  # nothing whole was done again
    assert first_step[:1] == expected


def test_a_second_training_of_the_same_adapter_is_one_clear_error(
    make_task: MakeTask, tmp_path: Path
) -> None:
    tries: list[str] = []

    def progress(step: int, total: int, loss: float | None) -> None:
        if not tries:
            with pytest.raises(UsageError) as caught:
                train_adapter(make_task(), tmp_path)
            tries.append(str(caught.value))
            assert caught.value.exit_code == 2

    record = train_adapter(make_task(), tmp_path, progress)
    assert f"another process is training the same adapter, {record.adapter_path}" in tries[0]
    assert f"(process {os.getpid()}) (wait for it" in tries[0]
    assert train_adapter(make_task(), tmp_path) == record


def test_a_lock_that_a_killed_training_left_is_no_obstacle(
    finished: Finished, make_task: MakeTask, tmp_path: Path
) -> None:
    task = make_task()
    (tmp_path / f"{task.identity}.lock").write_text("1")
    assert train_adapter(task, tmp_path).adapter == finished[0].adapter


def test_what_another_process_finished_meanwhile_is_not_trained_again(
    finished: Finished, make_task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task()
    folder = tmp_path / task.identity
    looks: list[TrainingRecord | None] = []

    def finished_after_a_look(path: Path) -> TrainingRecord | None:
        looks.append(finished_record(path))
        if len(looks) == 1:
            shutil.copytree(finished[0].adapter_path, folder)
        return looks[-1]

    monkeypatch.setattr(train, "finished_record", finished_after_a_look)
    assert train_adapter(task, tmp_path).adapter == finished[0].adapter
    assert [look is None for look in looks] == [True, False]


def test_training_stops_when_the_held_out_loss_rises_and_the_best_weights_are_kept(
    make_task: MakeTask, tmp_path: Path
) -> None:
    kept = {e.case_id for e in hold_out(tickets(40), share=0.1, limit=48).held_out}
    # What is held out is answered unlike all that is trained on.
    contrary = tickets(40, lambda n: "login" if f"case-{n}" in kept else "billing")
    task = make_task(contrary, epochs=20.0, evaluations=30, patience=2, learning_rate=2e-2)
    totals: set[int] = set()
    record = train_adapter(task, tmp_path, lambda step, total, loss: totals.add(total))
    looks = held_out_points(record.curve)
    best = min(looks, key=lambda point: point.held_out or 0)
    assert record.curve[-1].step < min(totals)
    assert looks.index(best) == len(looks) - 3
    assert record.best_step == best.step
    loss = held_out_loss(task, record)
    assert abs(loss - (best.held_out or 0)) < abs(loss - (looks[-1].held_out or 0))


def held_out_loss(task: Any, record: TrainingRecord) -> float:
    """Loss of a saved adapter, loaded by itself, over the held-out part."""
    from peft import PeftModel

    with quietly():
        base = load_folder(task.base.folder, "float32").model
        model = PeftModel.from_pretrained(base, record.adapter_path).eval()
    examples = hold_out(task.examples, share=0.1, limit=48).held_out
    losses = []
    for item in encode_examples(task.base.tokenizer, examples):
        ids = torch.tensor([[*item.prompt_ids, *item.completion_ids]])
        labels = ids.clone()
        labels[:, : len(item.prompt_ids)] = -100
        with torch.no_grad():
            losses.append(float(model(input_ids=ids, labels=labels).loss))
    return sum(losses) / len(losses)


def test_a_loss_that_is_not_finite_stops_training_and_leaves_no_adapter(
    make_task: MakeTask, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"loss became .* at step") as caught:
        train_adapter(make_task(learning_rate=1e30), tmp_path)
    assert caught.value.key == "tune.learning_rate"
    assert not list(tmp_path.glob("*/adapter.json"))


def test_training_without_a_held_out_part_keeps_the_last_weights(
    make_task: MakeTask, tmp_path: Path
) -> None:
    record = train_adapter(make_task(held_out_share=0.0), tmp_path)
    assert (record.held_out, record.best_step) == (0, record.curve[-1].step)
    assert held_out_points(record.curve) == []


def test_training_is_silent_offline_and_leaves_the_callers_generators_alone(
    make_task: MakeTask,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("training reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    random.seed(5)
    torch.manual_seed(5)
    before = random.getstate(), torch.random.get_rng_state()
    train_adapter(make_task(seed=2, epochs=1.0), tmp_path)
    assert random.getstate() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])
    assert capfd.readouterr() == ("", "")


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        extras.importlib.util, "find_spec", lambda name: None if name == "trl" else object()
    )
    with pytest.raises(MissingExtraError, match=r"trl: pip install 'tunegate\[tune\]'"):
        extras.require_tune_extra()
