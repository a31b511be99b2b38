from __future__ import annotations

from pathlib import Path

import pytest

from tuning.training.checkpoints import MARK, last_whole, seal, unseal


def checkpoint(root: Path, step: int, *, sealed: bool = True) -> Path:
    folder = root / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "weights").write_bytes(b"w" * 100)
    (folder / "state").write_text("{}")
    if sealed:
        seal(folder, step, {"seconds": 1.5})
    return folder


def test_the_newest_whole_checkpoint_is_found_by_number_with_its_notes(tmp_path: Path) -> None:
    for step in (8, 16, 120):
        checkpoint(tmp_path, step)
    found = last_whole(tmp_path)
    assert found is not None
    assert (found.step, found.notes["seconds"]) == (120, 1.5)


def test_a_checkpoint_without_its_mark_is_skipped_and_removed(tmp_path: Path) -> None:
    checkpoint(tmp_path, 8)
    half = checkpoint(tmp_path, 16, sealed=False)
    found = last_whole(tmp_path)
    assert found is not None
    assert found.step == 8
    assert not half.exists()


@pytest.mark.parametrize("damage", ["truncated", "missing", "mark cut", "mark empty"])
def test_a_damaged_checkpoint_is_not_whole(tmp_path: Path, damage: str) -> None:
    folder = checkpoint(tmp_path, 8)
    if damage == "truncated":
        (folder / "weights").write_bytes(b"w" * 99)
    elif damage == "missing":
        (folder / "state").unlink()
    elif damage == "mark cut":
        (folder / MARK).write_text((folder / MARK).read_text()[:-9])
    else:
        (folder / MARK).write_text("{}")
    assert unseal(folder) is None
    assert last_whole(tmp_path) is None
