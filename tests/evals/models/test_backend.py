"""Which way a model is run, and what is remembered of how that was found out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from evals.models import backend
from evals.models.local import open_local
from evals.models.packing import passes
from evals.models.plain import PLAIN_VERSION


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNEGATE_CACHE", str(tmp_path / "cache"))
    return backend.trials_folder()


def refuse_another_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(model: object) -> bool:
        raise AssertionError("tried again")

    monkeypatch.setattr(backend, "_packing_agrees", again)


def test_a_model_is_tried_once_and_its_outcome_remembered(
    tiny_folder: Path, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_local("tiny", tiny_folder, "float32")
    assert len(list(trials.glob("*.json"))) == 1
    refuse_another_trial(monkeypatch)
    assert open_local("tiny", tiny_folder, "float32").fingerprint == first.fingerprint


def test_another_precision_is_tried_for_itself(
    tiny_folder: Path, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_local("tiny", tiny_folder, "float32")
    refuse_another_trial(monkeypatch)
    with pytest.raises(AssertionError, match="tried again"):
        open_local("tiny", tiny_folder, "bfloat16")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"agrees": "no"}', "\x00"])
def test_a_record_that_cannot_be_read_is_made_again(
    tiny_folder: Path, trials: Path, damage: str
) -> None:
    open_local("tiny", tiny_folder, "float32")
    (record,) = trials.glob("*.json")
    whole = record.read_text()
    record.write_text(damage)
    assert open_local("tiny", tiny_folder, "float32").backend.version == backend.PACKED_VERSION
    assert record.read_text() == whole


def test_a_model_that_failed_its_trial_is_run_plainly_ever_after(
    tiny_folder: Path, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(backend, "_agree", lambda *_: False)
        assert open_local("tiny", tiny_folder, "float32").backend.version == PLAIN_VERSION
    assert open_local("tiny", tiny_folder, "float32").backend.version == PLAIN_VERSION


def test_a_cache_that_cannot_be_written_only_costs_time(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TUNEGATE_CACHE", str(tmp_path / "file"))
    assert open_local("tiny", tiny_folder, "float32").backend.version == backend.PACKED_VERSION


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 120))
def test_passes_cover_every_row_once_in_order_within_the_limit(
    lengths: list[int], limit: int
) -> None:
    ranges = list(passes(lengths, limit))
    assert [row for start, end in ranges for row in range(start, end)] == list(range(len(lengths)))
    assert all(end - start == 1 or sum(lengths[start:end]) <= limit for start, end in ranges)
