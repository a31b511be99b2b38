"""A file is replaced whole, and nothing but a file is replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evals.atomic import write_atomically


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write_atomically(tmp_path / "a", text)
        assert (tmp_path / "a").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("kind", ["pipe", "link", "dangling", "folder"])
def test_nothing_but_a_regular_file_is_replaced(kind: str, tmp_path: Path) -> None:
    path, file = tmp_path / kind, tmp_path / "file"
    file.write_text("kept")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(file if kind == "link" else tmp_path / "none")
    before = path.lstat()
    with pytest.raises(FileExistsError, match="no regular file"):
        write_atomically(path, "new")
    assert path.lstat() == before
    assert file.read_text() == "kept"
    assert not (tmp_path / "none").exists()
