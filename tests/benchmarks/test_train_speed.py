"""The benchmark of training: every arm learns the same, and its arithmetic is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

import torch

from benchmarks import train_speed
from benchmarks.train_arm import Lesson, Outcome, Row, open_trl, train
from tests.tiny_model import make_tiny_model
from tuning.training.base import open_base
from tuning.training.quiet import quietly


def outcome(seconds: float, loss: float = 1.0) -> Outcome:
    return Outcome(seconds, 2 * seconds, 1000.0, 10.0, loss, 512.0, "somehow", {"torch": "2"})


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    folder = make_tiny_model(tmp_path_factory.mktemp("model"), scale=1.0)
    tokenizer = open_base(f"hf:{folder}").tokenizer
    words = ["billing", "login", "other", "charged", "twice", "reset", "link", "dead"]
    opening = tokenizer.encode("answer with one of billing login other", add_special_tokens=False)

    def row(number: int) -> Row:
        asked = [words[number % 8]] * (1 + number % 4)
        prompt = opening + tokenizer.encode(" ".join(asked), add_special_tokens=False)
        answer = tokenizer.encode(words[number % 3], add_special_tokens=False)
        return Row(prompt, [*answer, tokenizer.eos_token_id])

    rows = [row(number) for number in range(24)]
    return Lesson(
        model=f"hf:{folder}", folder=str(folder), train=rows[:20], held_out=rows[20:],
        prefix=opening, rank=4, alpha=8, learning_rate=3e-2, warmup=0.1, weight_decay=0.0,
        max_grad_norm=1.0, batch=4, epochs=4.0, steps=20,
    )  # fmt: skip


def test_a_lesson_is_read_as_it_was_written(lesson: Lesson, tmp_path: Path) -> None:
    lesson.write(tmp_path / "lesson.json")
    assert Lesson.read(tmp_path / "lesson.json") == lesson


def test_every_arm_sees_the_same_examples_and_ends_at_like_losses(
    lesson: Lesson, tmp_path: Path
) -> None:
    torch.set_num_threads(1)  # several that run beside one another would wait for cores
    with quietly():
        found = {
            arm: train(arm, lesson, 0, tmp_path / arm) for arm in ("trl", "trl_float32", "tunegate")
        }
        begun = train("tunegate", replace(lesson, learning_rate=1e-9), 0, tmp_path / "begun").loss
    for one in found.values():
        assert (one.examples, one.tokens) == (80, 4 * lesson.tokens)
        assert one.loss < begun - 0.3
        assert one.loss == pytest.approx(found["tunegate"].loss, abs=0.1)
        assert one.seconds > 0
        assert one.peak_mb > 50


def test_trl_is_left_as_it_ships_and_its_float32_arm_differs_in_that_alone(
    lesson: Lesson, tmp_path: Path
) -> None:
    from trl import SFTConfig

    with quietly():
        shipped = open_trl(lesson, 0, tmp_path / "a").args
        exact = open_trl(lesson, 0, tmp_path / "b", float32=True).args
        defaults = SFTConfig(output_dir=str(tmp_path / "c"), use_cpu=shipped.use_cpu)
    for name in ("bf16", "gradient_checkpointing", "optim", "packing", "dataloader_num_workers"):
        assert getattr(shipped, name) == getattr(defaults, name), name
    assert (shipped.bf16, exact.bf16) == (True, False)
    assert exact.gradient_checkpointing == shipped.gradient_checkpointing


def test_the_lesson_is_of_train_cases_and_holds_out_others(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    found = train_speed.read_lesson(f"hf:{folder}", 16)
    assert (len(found.train), found.steps) == (16, 2)
    assert 0 < len(found.held_out) <= 48
    every = [*found.train, *found.held_out]
    assert all(row.prompt[: len(found.prefix)] == found.prefix for row in every)
    assert not {json.dumps(row) for row in found.train} & {json.dumps(r) for r in found.held_out}


def test_an_arm_gets_its_own_allocator_settings_and_none_of_the_callers() -> None:
    given = {"PATH": "/bin", "MALLOC_ARENA_MAX": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    plain = train_speed.environment("trl", given)
    assert plain["PATH"] == "/bin"
    assert not [name for name in plain if name.startswith(("MALLOC_", "OMP_"))]
    kept = train_speed.environment("trl_allocator", given)
    assert {name: kept[name] for name in kept if name.startswith("MALLOC_")} == {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "17179869184",
        "MALLOC_TOP_PAD_": "268435456",
    }


def test_turns_alternate_in_order_and_each_has_its_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[tuple[str, int]] = []

    def run(arm: str, _: Path, seed: int) -> Outcome:
        ran.append((arm, seed))
        return outcome(1.0)

    monkeypatch.setattr(train_speed, "run_arm", run)
    train_speed.take_turns(("trl", "tunegate"), 2, tmp_path)
    assert ran == [("trl", 0), ("tunegate", 0), ("tunegate", 1), ("trl", 1)]


def test_the_ratio_is_taken_turn_by_turn() -> None:
    found = {
        "trl": [outcome(10), outcome(40), outcome(30)],
        "tunegate": [outcome(5), outcome(10), outcome(10)],
    }
    assert train_speed.ratio(found, "trl") == (3.0, 2.0, 4.0)


@pytest.mark.parametrize(
    ("trl", "allocator", "loss", "said"),
    [
        (20, 14, 1.09, []),
        (19.9, 14, 1.0, ["1.99 times as fast as trl: promised are 2.0"]),
        (20, 13.9, 1.0, ["1.39 times as fast as trl_allocator: promised are 1.4"]),
        (20, 14, 1.2, ["final losses lie 0.200 nats per token apart: allowed are 0.10"]),
    ],
)
def test_what_was_promised_and_is_not_so_is_said(
    trl: float, allocator: float, loss: float, said: list[str]
) -> None:
    found = {
        "trl": [outcome(trl, loss)],
        "trl_allocator": [outcome(allocator)],
        "tunegate": [outcome(10)],
    }
    assert list(train_speed.missed(found)) == said


def test_the_page_says_both_losses_the_rates_the_memory_and_the_promises(lesson: Lesson) -> None:
    found = {
        "trl": [outcome(30, 1.05)],
        "trl_allocator": [outcome(20, 1.05)],
        "tunegate": [outcome(10)],
    }
    text = train_speed.page(found, lesson, "a machine")
    assert "| trl | 30.0 (30.0 to 30.0) | 33 | 0.33 | 512 | 1.050 | 3.00 times as fast" in text
    assert "| tunegate | 10.0 (10.0 to 10.0) | 100 | 1.00 | 512 | 1.000 |" in text
    assert "lie at most 0.050 apart" in text
    assert text.rstrip().endswith("Every promise was kept.")


def test_an_arm_that_fails_ends_the_benchmark_with_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "lesson.json").write_text("{}")
    with pytest.raises(SystemExit, match=r"(?s)trl failed:.*KeyError"):
        train_speed.run_arm("trl", tmp_path / "lesson.json", 0)
