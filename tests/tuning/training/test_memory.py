"""The peak memory of a training is its own, not that of what the process did before."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from evals.models.allocator import keep_freed_memory
from tests.tuning.conftest import tickets, tiny_settings
from tuning.training import fitting
from tuning.training.base import BaseModel
from tuning.training.memory import forget_peak, peak_memory_mb, peak_resident_mb
from tuning.training.task import Task
from tuning.training.train import train_adapter

HELD = 300_000_000


def forgets() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


linux = pytest.mark.skipif(not forgets(), reason="only Linux forgets a peak")


@linux
def test_what_was_held_before_does_not_count_though_the_process_keeps_freed_memory() -> None:
    keep_freed_memory()
    before = b"x" * HELD
    above = b"y" * 50_000  # lies above it, so that the heap cannot shrink by itself
    seen = peak_resident_mb()
    del before
    forget_peak()
    assert peak_resident_mb() < seen - 250
    del above


@linux
def test_what_is_held_afterwards_counts_though_it_is_freed_again() -> None:
    forget_peak()
    begun = peak_memory_mb()
    during = b"x" * HELD
    del during
    assert peak_memory_mb() > begun + 250


@linux
def test_a_training_forgets_what_ran_before_it(tiny_base: BaseModel, tmp_path: Path) -> None:
    before = b"x" * (2 * HELD)
    seen = peak_resident_mb()
    del before
    task = Task("tickets", "terse", tiny_base, tickets(40), tiny_settings())
    record = train_adapter(task, tmp_path)
    assert 50 < record.peak_memory_mb < seen - 400


def test_a_resumed_training_keeps_the_larger_peak(
    monkeypatch: pytest.MonkeyPatch, tiny_base: BaseModel, tmp_path: Path
) -> None:
    task = Task("tickets", "terse", tiny_base, tickets(40), tiny_settings())

    def stop(step: int, _total: int, _loss: float | None) -> None:
        if step == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "peak_memory_mb", lambda: 5_000.0)
    with pytest.raises(KeyboardInterrupt):
        train_adapter(task, tmp_path, stop)
    monkeypatch.setattr(fitting, "peak_memory_mb", lambda: 100.0)
    assert train_adapter(task, tmp_path).peak_memory_mb == 5_000.0
